//! The body of an invocation, read leniently (CDS Hooks 1.0 to 3.0 ballot, Calling a CDS Service).
//!
//! Contract: what is missing or unusable is named without repeating what was sent; unknown members are ignored; the
//! access token is in a type that can be neither printed nor serialised.

use super::hooks::{Context, Hook};
use super::text::{is_absolute_url, is_blank, is_id};
use crate::domain::Phi;
use serde_json::{Map, Value};
use std::fmt;

/// Longest `hook` and `hookInstance` accepted, in characters.
const NAME_CHARS_MAX: usize = 128;
/// Longest `fhirServer` accepted, in bytes.
const URL_BYTES_MAX: usize = 2_048;
/// Longest access token, scope or subject accepted, in bytes.
const TOKEN_BYTES_MAX: usize = 16_384;

/// Why a body cannot be used. Names members of the specification, never what they held.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum BadRequest {
    /// The body is JSON of another kind.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// A required member is absent, null or blank.
    #[error("`{0}` is required")]
    Missing(&'static str),
    /// A member has another JSON type or form.
    #[error("`{member}` must be {expected}")]
    Shape {
        /// The member.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The hook is not in the library.
    #[error("`hook` names no hook that this service knows")]
    UnknownHook,
    /// A required member of the context is absent or null.
    #[error("`context.{field}` is required by this hook")]
    Context {
        /// The member.
        field: &'static str,
    },
    /// A required member of the context has another JSON type or form.
    #[error("`context.{field}` must be {expected}")]
    ContextShape {
        /// The member.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The access token was issued for another patient than the context names (A4).
    #[error("`fhirAuthorization.patient` and `context.patientId` name different patients")]
    OtherPatient,
    /// One entry of a feedback batch.
    #[error("feedback[{index}]: {problem}")]
    Feedback {
        /// Its position, from 0.
        index: usize,
        /// What is wrong with it.
        problem: Box<BadRequest>,
    },
}

/// Something accepted that a stricter reader would have refused; for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerated {
    /// `hookInstance` is not a UUID.
    HookInstance,
    /// `fhirServer` is not an absolute address and was ignored.
    FhirServer,
    /// `fhirAuthorization` is incomplete, not `Bearer`, or came without a server, and was ignored.
    FhirAuthorization,
}

impl Tolerated {
    /// A stable word for logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HookInstance => "hook-instance-not-uuid",
            Self::FhirServer => "fhir-server-ignored",
            Self::FhirAuthorization => "fhir-authorization-ignored",
        }
    }
}

/// An access token. It is never stored, logged or sent anywhere but to the FHIR server it was issued for (A6, A8).
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(String);

impl AccessToken {
    /// The token, for the `Authorization` header of a FHIR call and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccessToken([redacted])")
    }
}

/// Leave to read from the client's FHIR server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FhirAuthorization {
    /// The bearer token.
    pub token: AccessToken,
    /// Life of the token in seconds, if stated usably.
    pub expires_in_s: Option<u64>,
    /// SMART scopes, version 1 or 2, separated by spaces.
    pub scope: String,
    /// The client's identifier at the authorisation server.
    pub subject: Option<String>,
    /// The patient the token is bound to, without `Patient/`.
    pub patient: Option<Phi<String>>,
}

/// An invocation as it was asked.
#[derive(Clone, PartialEq)]
pub struct CdsRequest {
    /// The hook's name.
    pub hook: String,
    /// The client's identifier for this occasion; a UUID by the specification, kept as text.
    pub hook_instance: String,
    /// Base address of the client's FHIR server.
    pub fhir_server: Option<String>,
    /// Leave to read from it.
    pub authorization: Option<FhirAuthorization>,
    /// The raw context; [`CdsRequest::check_context`] checks it.
    pub context: Map<String, Value>,
    /// Prefetched data by key; an absent or null member is an empty map.
    pub prefetch: Map<String, Value>,
    /// What was let pass.
    pub tolerated: Vec<Tolerated>,
}

/// Context and prefetch are about a patient, so only their sizes can be printed.
impl fmt::Debug for CdsRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CdsRequest")
            .field("hook", &Hook::find(&self.hook).map_or("[unknown]", |hook| hook.name))
            .field("context_members", &self.context.len())
            .field("prefetch_keys", &self.prefetch.len())
            .field("authorised", &self.authorization.is_some())
            .finish_non_exhaustive()
    }
}

impl CdsRequest {
    /// Reads a body. Takes it by value: a film in it may be tens of megabytes.
    ///
    /// # Errors
    /// [`BadRequest`] when `hook`, `hookInstance` or `context` is missing, or a member has an unusable JSON type.
    pub fn parse(body: Value) -> Result<Self, BadRequest> {
        let Value::Object(mut body) = body else { return Err(BadRequest::NotAnObject) };
        let mut tolerated = Vec::new();
        let hook = name(&mut body, "hook")?;
        let hook_instance = name(&mut body, "hookInstance")?;
        if uuid::Uuid::parse_str(&hook_instance).is_err() {
            tolerated.push(Tolerated::HookInstance);
        }
        let context = object(&mut body, "context")?.ok_or(BadRequest::Missing("context"))?;
        let prefetch = object(&mut body, "prefetch")?.unwrap_or_default();
        let fhir_server = server(body.get("fhirServer"), &mut tolerated);
        let authorization = match body.get("fhirAuthorization") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let authorization = authorization(value).filter(|_| fhir_server.is_some());
                if authorization.is_none() {
                    tolerated.push(Tolerated::FhirAuthorization);
                }
                authorization
            }
        };
        Ok(Self { hook, hook_instance, fhir_server, authorization, context, prefetch, tolerated })
    }

    /// Checks the context against the table of hooks, and the token's patient against it.
    ///
    /// # Errors
    /// [`BadRequest`] when the hook is unknown, a required member is missing or unusable, or the token is another
    /// patient's.
    pub fn check_context(&self) -> Result<Context, BadRequest> {
        let context = Hook::find(&self.hook).ok_or(BadRequest::UnknownHook)?.context(&self.context)?;
        let bound = self.authorization.as_ref().and_then(|authorization| authorization.patient.as_ref());
        if bound.is_some_and(|patient| *patient != context.patient_id) {
            return Err(BadRequest::OtherPatient);
        }
        Ok(context)
    }
}

fn name(body: &mut Map<String, Value>, member: &'static str) -> Result<String, BadRequest> {
    match body.get_mut(member).map(Value::take) {
        None | Some(Value::Null) => Err(BadRequest::Missing(member)),
        Some(Value::String(text)) if is_blank(&text) => Err(BadRequest::Missing(member)),
        Some(Value::String(text)) if text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(char::is_control) => {
            Ok(text)
        }
        Some(_) => Err(BadRequest::Shape { member, expected: "a text of at most 128 characters" }),
    }
}

fn object(body: &mut Map<String, Value>, member: &'static str) -> Result<Option<Map<String, Value>>, BadRequest> {
    match body.get_mut(member).map(Value::take) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(BadRequest::Shape { member, expected: "an object" }),
    }
}

fn server(value: Option<&Value>, tolerated: &mut Vec<Tolerated>) -> Option<String> {
    match value {
        None | Some(Value::Null) => None,
        Some(Value::String(url)) if url.len() <= URL_BYTES_MAX && is_absolute_url(url) => Some(url.clone()),
        Some(_) => {
            tolerated.push(Tolerated::FhirServer);
            None
        }
    }
}

/// Nothing unless there is a bearer token: anything else grants nothing (A3).
fn authorization(value: &Value) -> Option<FhirAuthorization> {
    let text = |member: &str| value.get(member)?.as_str().filter(|text| text.len() <= TOKEN_BYTES_MAX);
    let token =
        text("access_token").filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))?;
    if !text("token_type")?.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let patient = match value.get("patient") {
        None | Some(Value::Null) => None,
        // A binding that cannot be read must not look like no binding.
        Some(_) => {
            let patient = text("patient")?;
            Some(patient.strip_prefix("Patient/").unwrap_or(patient)).filter(|id| is_id(id)).map(Some)?
        }
    };
    Some(FhirAuthorization {
        token: AccessToken(token.to_owned()),
        expires_in_s: value.get("expires_in").and_then(Value::as_u64),
        scope: text("scope").unwrap_or_default().to_owned(),
        subject: text("subject").map(str::to_owned),
        patient: patient.map(|id| Phi::new(id.to_owned())),
    })
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
