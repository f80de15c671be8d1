//! What the networks read: typed, unit-checked, each value with its evidence.

use super::{Coding, Digest, GreyImage, Measurement, Phi, SourceRef};
use serde::Serialize;
use time::{Date, OffsetDateTime};

/// Administrative gender as far as the networks use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// `female`
    Female,
    /// `male`
    Male,
}

/// Who the chart is about.
#[derive(Debug, Clone)]
pub struct Patient {
    /// The FHIR id, without `Patient/`.
    pub id: Phi<String>,
    /// Full name for display, if any.
    pub name: Option<Phi<String>>,
    /// Date of birth; partial dates are taken at the middle of the stated year or month.
    pub birth_date: Option<Phi<Date>>,
    /// Administrative gender, if female or male.
    pub sex: Option<Sex>,
    /// The resource it was read from.
    pub source: SourceRef,
}

impl Patient {
    /// Age in years at `time`, or nothing when unknown or negative.
    #[must_use]
    pub fn age_years(&self, time: OffsetDateTime) -> Option<f64> {
        let days = (time.date() - *self.birth_date.as_ref()?.expose()).whole_days();
        (0..=47_500).contains(&days).then(|| days as f64 / 365.25)
    }
}

/// Vitals and laboratory values over time.
#[derive(Debug, Clone)]
pub struct Course {
    /// End of the window: the time of the newest measurement used.
    pub end: OffsetDateTime,
    /// Start of the window: at most 48 hours before `end`, and not before the first measurement used.
    pub start: OffsetDateTime,
    /// Everything inside the window, oldest first.
    pub measurements: Vec<Measurement>,
    /// Age in years at `end`.
    pub age_years: Option<f64>,
    /// Sex, if known.
    pub sex: Option<Sex>,
}

/// One film with what the chart says about it.
#[derive(Debug, Clone)]
pub struct Film {
    /// The pixels, MONOCHROME2 sense (bone white), 8 bit.
    pub image: GreyImage,
    /// The resource the pixels came from.
    pub source: SourceRef,
    /// When it was taken, if stated.
    pub time: Option<OffsetDateTime>,
    /// Media type of the attachment as decoded (`image/png`, `image/jpeg`, `application/dicom`).
    pub content_type: String,
    /// DICOM modality or the resource's own (`CR`, `DX`, `CT` …), if stated.
    pub modality: Option<String>,
    /// Body site in words or code, if stated.
    pub body_site: Option<String>,
    /// View position (`PA`, `AP`, `LATERAL` …), if stated.
    pub view: Option<String>,
    /// Age of the patient in years when it was taken, if known.
    pub age_years: Option<f64>,
}

/// One clinical note as plain text.
#[derive(Debug, Clone)]
pub struct Note {
    /// The text, UTF-8, line ends `\n`, markup removed.
    pub text: Phi<String>,
    /// The resource it came from.
    pub source: SourceRef,
    /// Title or type in words, for example `Progress note`.
    pub title: Option<String>,
    /// Document type (LOINC), if coded.
    pub code: Option<Coding>,
    /// When it was written, if stated.
    pub time: Option<OffsetDateTime>,
}

/// An entry of the problem list.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What it says.
    pub text: Phi<String>,
    /// Its codes.
    pub codes: Vec<Coding>,
    /// The resource.
    pub source: SourceRef,
}

/// What one network is asked to read. Shared, never copied: films are large.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one per call, always behind an Arc")]
pub enum ModelInput {
    /// One radiograph.
    Film(Film),
    /// Vitals and labs.
    Course(Course),
    /// All notes of a chart, newest first.
    Notes(Vec<Note>),
}

impl ModelInput {
    /// Digest of everything that can change the answer; equal digests may share one answer.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        match self {
            Self::Film(film) => {
                parts.push(b"film".to_vec());
                parts.push(format!("{}x{}", film.image.width(), film.image.height()).into_bytes());
                let stated = format!("{:?}|{:?}|{:?}|{:?}", film.modality, film.body_site, film.view, film.age_years);
                parts.push(stated.into_bytes());
                parts.push(film.image.pixels().to_vec());
            }
            Self::Course(course) => {
                parts.push(b"course".to_vec());
                parts.push(
                    format!("{:?}|{:?}|{}|{}", course.age_years, course.sex, course.start, course.end).into_bytes(),
                );
                for one in &course.measurements {
                    parts.push(format!("{}|{}|{}", one.variable, one.time, one.value.to_bits()).into_bytes());
                }
            }
            Self::Notes(notes) => {
                parts.push(b"notes".to_vec());
                parts.extend(notes.iter().map(|note| note.text.expose().clone().into_bytes()));
            }
        }
        Digest::of_parts(parts.iter().map(Vec::as_slice))
    }
}
