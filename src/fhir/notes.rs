//! Notes: DocumentReference, DiagnosticReport and Composition → plain text, newest first.
//!
//! Contract: a document that comes in several forms, or twice, is one note; at most [`NOTES_MAX`] notes and
//! [`TEXT_BYTES_MAX`] bytes of text are read, and everything left out is listed with its reason.

mod candidate;
mod composition;

use super::attachment::Attachment;
use super::gather::Gathered;
use super::ledger::Ledger;
use super::resource::Extracted;
use super::text::{self as document, Format, MediaType, TextError, plain};
use crate::domain::{Digest, Note, Phi};
use candidate::{Body, Candidate};
pub(super) use candidate::{period, refusal};
use std::collections::HashMap;

/// Most notes that are read.
pub const NOTES_MAX: usize = 50;
/// Most text that is read, over all notes, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 200_000;

/// Everything written about the patient that came as text, newest first; what states no time comes last.
#[must_use]
pub fn notes(gathered: &Gathered<'_>) -> Extracted<Vec<Note>> {
    let mut ledger = Ledger::new(gathered.limits.ignored);
    let mut candidates = candidate::candidates(gathered, &mut ledger);
    candidates.sort_by_key(|one| std::cmp::Reverse(one.time));
    let mut reader = Reader { gathered, ledger, notes: Vec::new(), seen: HashMap::new(), bytes: 0 };
    for candidate in candidates {
        reader.take(candidate);
    }
    Extracted { value: reader.notes, ignored: reader.ledger.close() }
}

struct Reader<'g, 'a> {
    gathered: &'g Gathered<'a>,
    ledger: Ledger,
    notes: Vec<Note>,
    /// Digests of the texts taken, with the resource each came from.
    seen: HashMap<Digest, String>,
    bytes: usize,
}

impl<'a> Reader<'_, 'a> {
    fn take(&mut self, candidate: Candidate<'a>) {
        let reference = candidate.source.reference.as_str();
        if self.notes.len() >= NOTES_MAX {
            return self
                .ledger
                .count(reference, "too-many-notes", "", || format!("Only the newest {NOTES_MAX} notes are read."));
        }
        let Some(text) = self.text(&candidate) else { return };
        if let Some(first) = self.seen.get(&Digest::of(text.as_bytes())) {
            let detail = format!("The same text as {first}.");
            return self.ledger.note(reference, "duplicate", || detail);
        }
        if self.bytes + text.len() > TEXT_BYTES_MAX {
            return self.ledger.count(reference, "too-much-text", "", || {
                format!("No more than {TEXT_BYTES_MAX} bytes of notes are read.")
            });
        }
        self.bytes += text.len();
        self.seen.insert(Digest::of(text.as_bytes()), candidate.source.reference.clone());
        let Candidate { source, title, code, time, .. } = candidate;
        self.notes.push(Note { text: Phi::new(text), source, title, code, time });
    }

    /// The text of a candidate; why there is none has been noted.
    fn text(&mut self, candidate: &Candidate<'a>) -> Option<String> {
        let reference = candidate.source.reference.as_str();
        match &candidate.body {
            Body::Sections(resource) => {
                let text = composition::to_text(resource, reference, &mut self.ledger);
                if text.is_none() {
                    self.ledger.note(reference, "empty", || "Its sections hold no text.".into());
                }
                text
            }
            Body::Forms { forms, conclusion } => {
                let text = self.form(reference, forms);
                let conclusion = conclusion.map(plain::tidy).filter(|conclusion| !conclusion.is_empty());
                match (text, conclusion) {
                    (Some(text), Some(conclusion)) if !squeezed(&text).contains(&squeezed(&conclusion)) => {
                        Some(format!("{text}\n\nConclusion:\n{conclusion}"))
                    }
                    (Some(text), _) => Some(text),
                    (None, conclusion) => conclusion,
                }
            }
        }
    }

    /// The best readable one of several forms of the same document: plain text before HTML before RTF.
    fn form(&mut self, reference: &str, forms: &[Attachment<'a>]) -> Option<String> {
        let mut ranked: Vec<(u8, &Attachment<'a>)> = forms.iter().map(|form| (rank(&form.stated()), form)).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let mut text = None;
        for (_, form) in ranked {
            let stated = form.stated();
            if stated.is_image() && is_document(reference) {
                // A film: `films` reads it or says why not.
                continue;
            }
            if text.is_some() {
                self.ledger.note(reference, "alternative-form", || {
                    format!("Another form of the same document was read instead of `{}`.", stated.shown())
                });
            } else {
                text = self.read(reference, form, &stated);
            }
        }
        text
    }

    fn read(&mut self, reference: &str, form: &Attachment<'a>, stated: &MediaType) -> Option<String> {
        if let Some(Format::Other(name)) = stated.format() {
            let error = TextError::Unsupported(name);
            self.ledger.count(reference, error.reason(), &stated.shown(), || sentence(&error));
            return None;
        }
        let content = match form.content(self.gathered, document::DOCUMENT_BYTES) {
            Ok(content) => content,
            Err(error) => {
                self.ledger.count(reference, error.reason(), "", || sentence(&error));
                return None;
            }
        };
        match document::read(&content.bytes, &content.stated) {
            Ok(text) => Some(text),
            // An image that says nothing of itself is a film like any other.
            Err(TextError::Unsupported(name)) if is_document(reference) && MediaType::parse(Some(&name)).is_image() => {
                None
            }
            Err(error) => {
                self.ledger.note(reference, error.reason(), || sentence(&error));
                None
            }
        }
    }
}

/// Whether images attached to it are films. A report's images are renderings of the report.
fn is_document(reference: &str) -> bool {
    reference.starts_with("DocumentReference")
}

/// The order in which forms of a document are tried.
fn rank(stated: &MediaType) -> u8 {
    match stated.format() {
        Some(Format::Plain) => 0,
        None => 1,
        Some(Format::Html) => 2,
        Some(Format::Rtf) => 3,
        Some(Format::Other(_)) => 4,
    }
}

/// An error as a sentence about an attachment.
fn sentence(error: &impl std::fmt::Display) -> String {
    format!("An attachment is not read: {error}.")
}

/// Text without its white space, for comparing.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests;
