//! FHIR `Attachment`: where the bytes of a document or film are, if they came with the request.
//!
//! Contract: bytes come from `data`, from a `Binary` that is contained or was sent along, or from a `data:` address;
//! nothing is fetched. How many there are is bounded before they are decoded.

use super::gather::Gathered;
use super::resource::{Resource, list, text};
use super::text::base64::{self, Base64Error};
use super::text::media_type::MediaType;
use crate::domain::SourceRef;
use serde_json::Value;

/// An attachment of a resource; a `Binary` reads as one, its members have the same names.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// The attachment.
    pub json: &'a Value,
    /// The resource it stands in, for `#` references.
    pub owner: &'a Value,
}

/// The bytes of an attachment.
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What is said of them.
    pub stated: MediaType,
    /// The `Binary` they came from, where it is a resource of its own.
    pub binary: Option<SourceRef>,
}

/// Why there are no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachmentError {
    /// Only an address is given.
    #[error("it is given by an address, which is not followed")]
    ByUrl,
    /// Neither data nor an address.
    #[error("it holds no data")]
    NoData,
    /// The data cannot be decoded, or are too many.
    #[error("{0}")]
    Base64(#[from] Base64Error),
}

impl AttachmentError {
    /// Stable, PHI-free code for [`crate::domain::Ignored`].
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::ByUrl => "by-url",
            Self::NoData => "no-data",
            Self::Base64(Base64Error::Malformed) => "undecodable-base64",
            Self::Base64(Base64Error::TooLarge) => "too-large",
        }
    }
}

impl<'a> Attachment<'a> {
    /// What the attachment says it is.
    #[must_use]
    pub fn stated(&self) -> MediaType {
        MediaType::parse(text(self.json, "contentType"))
    }

    /// The `Binary` its address leads to within the request.
    #[must_use]
    pub fn binary<'g>(&self, gathered: &'g Gathered<'a>) -> Option<&'g Resource<'a>> {
        gathered.find(text(self.json, "url")?).filter(|resource| resource.kind == "Binary")
    }

    /// Its bytes, at most `limit`.
    ///
    /// # Errors
    /// [`AttachmentError`].
    pub fn content(&self, gathered: &Gathered<'a>, limit: usize) -> Result<Content, AttachmentError> {
        let stated = self.stated();
        if let Some(data) = text(self.json, "data") {
            return Ok(Content { bytes: base64::decode(data, limit)?, stated, binary: None });
        }
        let url = text(self.json, "url").ok_or(AttachmentError::NoData)?;
        if let Some((head, data)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
            let stated = if stated.essence.is_empty() { MediaType::parse(Some(head)) } else { stated };
            return Ok(Content { bytes: base64::decode(data, limit)?, stated, binary: None });
        }
        let contained = url.strip_prefix('#').and_then(|id| contained(self.owner, id));
        let (json, binary) = match contained {
            Some(json) => (json, None),
            None => self
                .binary(gathered)
                .map(|found| (found.json, Some(found.source.clone())))
                .ok_or(AttachmentError::ByUrl)?,
        };
        let data = text(json, "data").ok_or(AttachmentError::NoData)?;
        let own = Attachment { json, owner: json }.stated();
        let stated = if stated.essence.is_empty() { own } else { stated };
        Ok(Content { bytes: base64::decode(data, limit)?, stated, binary })
    }
}

/// The contained `Binary` of a name.
fn contained<'a>(owner: &'a Value, id: &str) -> Option<&'a Value> {
    list(owner, "contained").iter().find(|one| {
        text(one, "id").map(|own| own.trim_start_matches('#')) == Some(id)
            && text(one, "resourceType") == Some("Binary")
    })
}

#[cfg(test)]
mod tests {
    use super::{Attachment, AttachmentError};
    use crate::fhir::gather::Gathered;
    use crate::fhir::{KeyRequest, Limits, gather};
    use serde_json::{Value, json};

    fn content(owner: &Value, gathered: &Gathered<'_>) -> Result<(Vec<u8>, String, Option<String>), AttachmentError> {
        // Tests keep the JSON for as long as the request.
        let owner: &'static Value = Box::leak(Box::new(owner.clone()));
        let attachment = Attachment { json: &owner["content"], owner };
        let content = attachment.content(gathered, 100)?;
        Ok((content.bytes, content.stated.essence, content.binary.map(|source| source.reference)))
    }

    #[test]
    fn bytes_are_found_inline_contained_sent_along_or_in_a_data_address() {
        let prefetch = json!({"films": {"resourceType": "Bundle", "entry": [
            {"fullUrl": "https://ehr/fhir/Binary/b", "resource": {"resourceType": "Binary", "id": "b", "contentType": "image/png", "data": "YmI="}},
        ]}});
        let keys = [KeyRequest { key: "films".into(), template: "Media?patient=1".into(), required: false }];
        let gathered = gather(&keys, prefetch.as_object(), "1", &Limits::default()).unwrap();
        let of = |content_json: Value| {
            content(
                &json!({"contained": [{"resourceType": "Binary", "id": "x", "contentType": "text/rtf", "data": "eHg="}], "content": content_json}),
                &gathered,
            )
        };
        assert_eq!(
            of(json!({"contentType": "text/plain", "data": "YWE="})),
            Ok((b"aa".to_vec(), "text/plain".into(), None))
        );
        assert_eq!(of(json!({"url": "#x"})), Ok((b"xx".to_vec(), "text/rtf".into(), None)));
        assert_eq!(of(json!({"url": "Binary/b"})), Ok((b"bb".to_vec(), "image/png".into(), Some("Binary/b".into()))));
        assert_eq!(of(json!({"url": "https://ehr/fhir/Binary/b"})).unwrap().0, b"bb");
        assert_eq!(of(json!({"url": "data:text/html;base64,YWE="})), Ok((b"aa".to_vec(), "text/html".into(), None)));
    }

    #[test]
    fn what_would_have_to_be_fetched_is_not_read() {
        let gathered = Gathered::default();
        let of = |content_json: Value| {
            content(&json!({"content": content_json}), &gathered).map(|_| ()).map_err(|error| error.reason())
        };
        assert_eq!(of(json!({"url": "https://elsewhere/film.png"})), Err("by-url"));
        assert_eq!(of(json!({"url": "#nothing"})), Err("by-url"));
        assert_eq!(of(json!({"title": "x", "data": 5})), Err("no-data"));
        assert_eq!(of(json!({"data": "***"})), Err("undecodable-base64"));
        assert_eq!(of(json!({"data": "AAAA".repeat(100)})), Err("too-large"));
    }
}
