//! What the networks read: typed, unit-checked, each value with its evidence.

use super::{Coding, Digest, GreyImage, Measurement, Phi, SourceRef};
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

/// Administrative gender as far as the networks use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// A side of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The patient's left.
    Left,
    /// The patient's right.
    Right,
}

impl Side {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    /// The side that a body site, a title or a DICOM laterality names: SNOMED CT and DICOM codes, English and Latin
    /// words. Text that names both sides, or neither, says nothing.
    #[must_use]
    pub fn stated(text: &str) -> Option<Self> {
        // 7771000 left, 24028007 right (qualifiers); 82169009 and 210659002 left knee, 6757004 and 210562007 right knee.
        const LEFT: [&str; 6] = ["LEFT", "SINISTER", "SINISTRA", "7771000", "82169009", "210659002"];
        const RIGHT: [&str; 6] = ["RIGHT", "DEXTER", "DEXTRA", "24028007", "6757004", "210562007"];
        let text = text.trim().to_uppercase();
        let names = |words: &[&str], letter: &str| {
            text == letter || text.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
        };
        match (names(&LEFT, "L"), names(&RIGHT, "R")) {
            (true, false) => Some(Self::Left),
            (false, true) => Some(Self::Right),
            _ => None,
        }
    }
}

/// What a film is stated to show, as far as it decides which network may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// The chest.
    Chest,
    /// A knee.
    Knee,
    /// Another part of the body.
    Other,
    /// Nothing is stated.
    Unstated,
}

/// Words and SNOMED CT codes of the chest (51185008 thoracic structure, 39607008 lung, 816094009 thorax excluding spine,
/// 43799004 thoracic cavity).
const CHEST: [&str; 9] =
    ["CHEST", "THORAX", "THORAC", "LUNG", "PULMON", "51185008", "39607008", "816094009", "43799004"];
/// Words and SNOMED CT codes of the knee (72696002 knee region, 49076000 knee joint, and both of either side).
const KNEE: [&str; 9] =
    ["KNEE", "GENU", "KNIE", "72696002", "49076000", "82169009", "6757004", "210659002", "210562007"];

impl Region {
    /// What a body site in words or code means.
    #[must_use]
    pub fn stated(body_site: Option<&str>) -> Self {
        let text = body_site.unwrap_or_default().trim().to_uppercase();
        let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match (text.is_empty(), names(&CHEST), names(&KNEE)) {
            (true, ..) => Self::Unstated,
            (_, true, _) => Self::Chest,
            (_, _, true) => Self::Knee,
            _ => Self::Other,
        }
    }
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
    /// Side of the body, if stated.
    pub side: Option<Side>,
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
                let Film { modality, body_site, side, view, age_years, .. } = film;
                let stated = format!("{modality:?}|{body_site:?}|{side:?}|{view:?}|{age_years:?}");
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

#[cfg(test)]
mod tests {
    use super::{Region, Side};

    #[test]
    fn a_side_is_read_from_words_and_codes_and_never_guessed() {
        for left in ["Left knee", "L", " l ", "Structure of left knee region", "7771000", "Genu sinistra", "KNEE, LEFT"]
        {
            assert_eq!(Side::stated(left), Some(Side::Left), "{left}");
        }
        for right in ["right", "R", "Knee - right", "24028007", "Articulatio genu dextra"] {
            assert_eq!(Side::stated(right), Some(Side::Right), "{right}");
        }
        for neither in ["", "knee", "B", "U", "left and right knee", "bright", "cleft palate", "RL"] {
            assert_eq!(Side::stated(neither), None, "{neither}");
        }
    }

    #[test]
    fn the_part_of_the_body_is_read_from_words_and_codes() {
        for (text, region) in [
            (Some("Left knee"), Region::Knee),
            (Some("72696002"), Region::Knee),
            (Some("Articulatio genus"), Region::Knee),
            (Some("CHEST"), Region::Chest),
            (Some("Thoracic structure"), Region::Chest),
            (Some("Hand"), Region::Other),
            (Some("  "), Region::Unstated),
            (None, Region::Unstated),
        ] {
            assert_eq!(Region::stated(text), region, "{text:?}");
        }
    }
}
