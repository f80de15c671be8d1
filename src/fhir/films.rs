//! Films: Media, DocumentReference, ImagingStudy and Binary → grey images, newest first.
//!
//! Contract: what a file is, its bytes decide; at most [`FILMS_MAX`] films are decoded, at most [`ATTEMPTS_MAX`] are
//! tried, and everything left out is listed with its reason. View, body site, side and modality come from the file where it is
//! DICOM, else from the resource, else from the study it belongs to.

mod candidate;
mod study;

use super::gather::Gathered;
use super::ledger::Ledger;
use super::picture::{self, FILE_BYTES, Picture, PictureError};
use super::resource::Extracted;
use crate::domain::{Digest, Film, SourceRef};
use candidate::Candidate;
use std::collections::HashMap;
use study::Studies;

/// Most films that are read.
pub const FILMS_MAX: usize = 8;
/// Most attachments that are tried, readable or not.
pub const ATTEMPTS_MAX: usize = 24;

/// Every film of the request, newest first; what states no time comes last.
#[must_use]
pub fn films(gathered: &Gathered<'_>) -> Extracted<Vec<Film>> {
    let mut ledger = Ledger::new(gathered.limits.ignored);
    let studies = Studies::of(gathered, &mut ledger);
    let mut candidates = candidate::candidates(gathered, &studies, &mut ledger);
    candidates.sort_by_key(|one| std::cmp::Reverse(one.ordered_by()));
    let mut reader = Reader { gathered, studies, ledger, films: Vec::new(), seen: HashMap::new(), attempts: 0 };
    for candidate in candidates {
        reader.take(candidate);
    }
    reader.studies.without_pixels(&mut reader.ledger);
    // A DICOM file may have stated a time its resource did not.
    reader.films.sort_by_key(|film| std::cmp::Reverse(film.time));
    Extracted { value: reader.films, ignored: reader.ledger.close() }
}

struct Reader<'g, 'a> {
    gathered: &'g Gathered<'a>,
    studies: Studies<'a>,
    ledger: Ledger,
    films: Vec<Film>,
    /// Digests of the files read, with the resource each came from.
    seen: HashMap<Digest, String>,
    attempts: usize,
}

impl<'a> Reader<'_, 'a> {
    fn take(&mut self, candidate: Candidate<'a>) {
        let reference = candidate.source.reference.as_str();
        if self.films.len() >= FILMS_MAX || self.attempts >= ATTEMPTS_MAX {
            return self.ledger.count(reference, "too-many-films", "", || {
                format!("Only the newest {FILMS_MAX} films are read, and {ATTEMPTS_MAX} attachments tried.")
            });
        }
        let content = match candidate.attachment.content(self.gathered, FILE_BYTES) {
            Ok(content) => content,
            Err(error) => {
                return self.ledger.count(reference, error.reason(), "", || format!("An image is not read: {error}."));
            }
        };
        if candidate.by_bytes_only && picture::FileKind::of(&content.bytes).is_none() {
            return;
        }
        let digest = Digest::of(&content.bytes);
        if let Some(first) = self.seen.get(&digest) {
            let detail = format!("The same file as in {first}.");
            return self.ledger.note(reference, "duplicate", || detail);
        }
        self.attempts += 1;
        self.seen.insert(digest, reference.to_owned());
        match picture::read(&content.bytes) {
            Ok(picture) => self.keep(candidate, picture, content.binary),
            Err(error) => {
                let error = named(error, &content.stated.essence);
                self.ledger.note(reference, error.reason(), || format!("An image is not read: {error}."));
            }
        }
    }

    fn keep(&mut self, candidate: Candidate<'a>, picture: Picture, binary: Option<SourceRef>) {
        let study = candidate.study.or_else(|| self.studies.by_uid(picture.stated.study.as_deref()?));
        if let Some(study) = study
            && let Some((reason, detail)) = self.studies.refusal(study)
        {
            return self.ledger.note(&candidate.source.reference, reason, || detail.into());
        }
        let facts = study.map(|study| self.studies.take(study)).unwrap_or_default();
        let stated = picture.stated;
        self.films.push(Film {
            image: picture.image,
            source: binary.unwrap_or(candidate.source),
            time: candidate.taken.or(stated.time).or(facts.time).or(candidate.filed),
            content_type: picture.kind.media_type().to_owned(),
            modality: stated.modality.or(candidate.modality).or(facts.modality),
            body_site: stated.body_site.or(candidate.body_site).or(facts.body_site),
            side: stated.side.or(candidate.side).or(facts.side),
            view: stated.view.or(candidate.view),
            age_years: None,
        });
    }
}

/// A file that says it is PNG, JPEG or DICOM and is not is broken; others are merely not read.
fn named(error: PictureError, essence: &str) -> PictureError {
    let readable = matches!(essence, "image/png" | "image/jpeg" | "image/jpg" | "application/dicom");
    match error {
        PictureError::Unsupported if readable => PictureError::Undecodable("its bytes are not what its type says"),
        other => other,
    }
}

#[cfg(test)]
mod tests;
