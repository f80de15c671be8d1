//! One answer under one key, entry by entry.

use crate::domain::{Digest, DigestWriter, SourceRef};
use crate::fhir::identity::{Identity, Roster};
use crate::fhir::key::{GatherError, KeyRequest, KeyState, is_kind};
use crate::fhir::ledger::Ledger;
use crate::fhir::limits::Limits;
use crate::fhir::resource::{Resource, list, shown, text};
use serde_json::Value;

/// The answer inside a pre-1.0 `{response, resource}` wrapper, or the value itself.
pub fn unwrapped(value: &Value) -> &Value {
    if value.get("resourceType").is_some() || value.get("response").is_none() {
        return value;
    }
    match value.get("response").and_then(|response| response.get("status")) {
        // An error without a body is still an answer of the server: it stays what it is and reads as a refusal.
        Some(status) if !is_success(status) => value,
        _ => value.get("resource").unwrap_or(&Value::Null),
    }
}

fn is_success(status: &Value) -> bool {
    match status {
        Value::String(text) => text.trim_start().starts_with('2'),
        Value::Number(number) => number.as_u64().is_some_and(|code| (200..300).contains(&code)),
        _ => true,
    }
}

/// Reads the answers of one request.
pub struct Reader<'a, 'l> {
    roster: Roster<'a>,
    limits: &'l Limits,
    /// What was read so far.
    pub resources: Vec<Resource<'a>>,
    /// What was left out so far.
    pub ledger: Ledger,
}

/// What the entries of one key came to.
#[derive(Default)]
struct Tally {
    taken: usize,
    over: usize,
    outcomes: usize,
    notices: usize,
    other: usize,
}

impl<'a, 'l> Reader<'a, 'l> {
    /// A reader that has read nothing yet.
    pub fn new(roster: Roster<'a>, limits: &'l Limits) -> Self {
        Self { roster, limits, resources: Vec::new(), ledger: Ledger::new(limits.ignored) }
    }

    /// Reads what came under one key and says in what state the key is.
    pub fn answer(&mut self, wanted: &KeyRequest, answer: &'a Value) -> Result<KeyState, GatherError> {
        let mut tally = Tally::default();
        let mut partial = false;
        match (answer, text(answer, "resourceType")) {
            (Value::Null, _) => return Ok(KeyState::NoData),
            (_, Some("OperationOutcome")) => return Ok(KeyState::Refused),
            (_, Some("Bundle")) => {
                let entries = list(answer, "entry");
                for entry in entries {
                    self.entry(wanted, entry, &mut tally)?;
                }
                if entries.is_empty() {
                    return Ok(KeyState::NoData);
                }
                partial = is_partial(answer, entries);
            }
            (Value::Object(_), Some(_)) => self.resource(wanted, answer, None, false, &mut tally)?,
            // The wrapper of an error (`unwrapped` left it in place).
            (Value::Object(members), None) if members.contains_key("response") => return Ok(KeyState::Refused),
            _ => return Ok(KeyState::WrongType),
        }
        if tally.over > 0 {
            let (over, most) = (tally.over, self.limits.resources);
            self.ledger.note(&wanted.key, "over-the-limit", || {
                format!("{over} resources beyond the first {most} of this prefetch key were not read.")
            });
        }
        Ok(match tally {
            Tally { taken: 1.., .. } | Tally { over: 1.., .. } => {
                KeyState::Supplied { count: tally.taken, partial: partial || tally.over > 0 }
            }
            Tally { outcomes: 1.., .. } => KeyState::Refused,
            Tally { other: 0, notices: 1.., .. } => KeyState::NoData,
            _ => KeyState::WrongType,
        })
    }

    fn entry(&mut self, wanted: &KeyRequest, entry: &'a Value, tally: &mut Tally) -> Result<(), GatherError> {
        let Some(resource) = entry.get("resource").filter(|resource| resource.is_object()) else {
            tally.other += 1;
            self.ledger.count(&wanted.key, "no-resource", &wanted.key, || "A Bundle entry holds no resource.".into());
            return Ok(());
        };
        if text(resource, "resourceType") == Some("OperationOutcome") {
            // A server may say "nothing found" or the like in a notice; anything graver is a refusal.
            let kind = if is_notice(resource) { &mut tally.notices } else { &mut tally.outcomes };
            *kind += 1;
            self.ledger.count(&wanted.key, "operation-outcome", &wanted.key, || {
                "A Bundle entry is a message of the FHIR server (OperationOutcome).".into()
            });
            return Ok(());
        }
        self.resource(wanted, resource, text(entry, "fullUrl"), mode(entry) == Some("include"), tally)
    }

    fn resource(
        &mut self,
        wanted: &KeyRequest,
        json: &'a Value,
        full_url: Option<&'a str>,
        included: bool,
        tally: &mut Tally,
    ) -> Result<(), GatherError> {
        let Some(kind) = text(json, "resourceType").filter(|kind| is_kind(kind)) else {
            tally.other += 1;
            self.ledger
                .count(&wanted.key, "no-type", &wanted.key, || "A Bundle entry does not say what type it is.".into());
            return Ok(());
        };
        let identity = self.roster.check(kind, json);
        if identity == Identity::Another {
            return Err(GatherError::WrongPatient { key: wanted.key.clone() });
        }
        let named = |id: Option<&str>| id.map_or_else(|| kind.to_owned(), |id| format!("{kind}/{}", shown(id)));
        if wanted.kind().is_some_and(|asked| asked != kind && !stands_in(asked, kind)) && !included && kind != "Binary"
        {
            tally.other += 1;
            let about = format!("{} {kind}", wanted.key);
            self.ledger.count(&named(text(json, "id")), "not-asked-for", &about, || {
                format!("The key `{}` asks for another type of resource.", wanted.key)
            });
        } else if identity == Identity::Elsewhere {
            tally.other += 1;
            self.ledger.count(&named(text(json, "id")), "other-subject", &wanted.key, || {
                "It is about something other than a patient, or about someone who cannot be told from the request."
                    .into()
            });
        } else if tally.taken >= self.limits.resources {
            tally.over += 1;
        } else {
            tally.taken += 1;
            let source = source(named(text(json, "id")), json, &wanted.key);
            self.resources.push(Resource { kind, json, source, full_url });
        }
        Ok(())
    }
}

/// Whether clients answer a query for one type with another that holds the same thing: films come as Media, documents
/// or studies, notes as documents, reports or compositions.
fn stands_in(asked: &str, kind: &str) -> bool {
    matches!(
        (asked, kind),
        ("Media", "DocumentReference" | "ImagingStudy") | ("DocumentReference", "DiagnosticReport" | "Composition")
    )
}

fn source(reference: String, json: &Value, key: &str) -> SourceRef {
    let meta = json.get("meta").unwrap_or(&Value::Null);
    SourceRef {
        reference,
        version: text(meta, "versionId").map(shown),
        last_updated: text(meta, "lastUpdated").map(shown),
        key: key.to_owned(),
        digest: digest(json),
    }
}

/// The digest of the compact JSON, member order kept, written straight into the hash: a film is not copied.
fn digest(json: &Value) -> Digest {
    let mut writer = DigestWriter::default();
    // Writing a `Value` (text keys only) into a hash has no way to fail.
    let _infallible = serde_json::to_writer(&mut writer, json);
    writer.finish()
}

/// Why the server put an entry into a Bundle: `match`, `include` or `outcome`.
fn mode(entry: &Value) -> Option<&str> {
    entry.get("search")?.get("mode")?.as_str()
}

/// Whether the server said there is more than it sent.
fn is_partial(bundle: &Value, entries: &[Value]) -> bool {
    let is_match = |entry: &&Value| !matches!(mode(entry), Some("include" | "outcome"));
    let matches = || entries.iter().filter(is_match).count();
    list(bundle, "link").iter().any(|link| text(link, "relation") == Some("next"))
        || bundle.get("total").and_then(Value::as_u64).is_some_and(|total| total > matches() as u64)
}

/// Whether an OperationOutcome only informs.
fn is_notice(outcome: &Value) -> bool {
    let issues = list(outcome, "issue");
    !issues.is_empty() && issues.iter().all(|issue| matches!(text(issue, "severity"), Some("information" | "success")))
}
