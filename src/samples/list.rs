//! The samples and what each is there to show.

use super::{
    course::Pattern,
    film::{Drawn, FilmKind, Knee},
};

/// One sample chart.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Name in addresses and on the command line; also the FHIR id of the patient.
    pub id: &'static str,
    /// Name as it stands in the chart. One of them is hostile on purpose.
    pub name: &'static str,
    /// `female` or `male`.
    pub gender: &'static str,
    /// Age in whole years.
    pub age: i32,
    /// What a visitor should know before opening it, in one sentence.
    pub story: &'static str,
    pub(super) pattern: Option<Pattern>,
    pub(super) film: Option<FilmKind>,
    pub(super) notes: &'static [(&'static str, &'static str)],
    pub(super) problems: &'static [(&'static str, &'static str)],
}

/// All samples, the most telling first.
#[must_use]
pub const fn all() -> &'static [Sample] {
    SAMPLES
}

/// The sample with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Sample> {
    SAMPLES.iter().find(|sample| sample.id == id)
}

const HYPERTENSION: (&str, &str) = ("I10", "Essential hypertension");
const DIABETES: (&str, &str) = ("E11.9", "Type 2 diabetes mellitus");

const SAMPLES: &[Sample] = &[
    Sample {
        id: "walter-brandt",
        name: "Walter Brandt",
        gender: "male",
        age: 71,
        story: "Intensive care, getting worse over two days: film, vitals, labs and notes, so all three networks read.",
        pattern: Some(Pattern::Deteriorating),
        film: Some(FilmKind::Pneumonia(0)),
        notes: &[("11506-3", "walter-brandt.txt")],
        problems: &[HYPERTENSION, DIABETES],
    },
    Sample {
        id: "mila-horvat",
        name: "Mila Horvat",
        gender: "female",
        age: 4,
        story: "A child with cough and fever and a film with a clear finding.",
        pattern: None,
        film: Some(FilmKind::Pneumonia(1)),
        notes: &[("34117-2", "mila-horvat.txt")],
        problems: &[],
    },
    Sample {
        id: "jonas-weber",
        name: "Jonas Weber",
        gender: "male",
        age: 3,
        story: "A child whose film shows nothing unusual: an empty answer means nothing to advise.",
        pattern: None,
        film: Some(FilmKind::Normal(0)),
        notes: &[],
        problems: &[],
    },
    Sample {
        id: "ingrid-solberg",
        name: "Ingrid Solberg",
        gender: "female",
        age: 46,
        story: "Intensive care after planned surgery, stable throughout: nothing to advise.",
        pattern: Some(Pattern::Stable),
        film: None,
        notes: &[],
        problems: &[],
    },
    Sample {
        id: "amara-okafor",
        name: "Amara Okafor",
        gender: "female",
        age: 66,
        story: "The clinic letter names two problems that are not on the problem list.",
        pattern: None,
        film: None,
        notes: &[("11488-4", "amara-okafor.txt")],
        problems: &[HYPERTENSION],
    },
    Sample {
        id: "lena-moser",
        name: "Lena Moser",
        gender: "female",
        age: 34,
        story: "Hardly anything measured: the network says what it lacks instead of guessing.",
        pattern: Some(Pattern::Sparse),
        film: None,
        notes: &[],
        problems: &[],
    },
    Sample {
        id: "helga-lindqvist",
        name: "Helga Lindqvist",
        gender: "female",
        age: 67,
        story: "A right knee that hurts on stairs, with a film that looks moderately worn.",
        pattern: None,
        film: Some(FilmKind::Knee(Knee { drawn: Drawn::Moderate, left: false })),
        notes: &[],
        problems: &[HYPERTENSION],
    },
    Sample {
        id: "omar-haddad",
        name: "Omar Haddad",
        gender: "male",
        age: 74,
        story: "A left knee before a visit to the orthopaedist: the film looks severely worn.",
        pattern: None,
        film: Some(FilmKind::Knee(Knee { drawn: Drawn::Severe, left: true })),
        notes: &[],
        problems: &[],
    },
    Sample {
        id: "sofia-marino",
        name: "Sofia Marino",
        gender: "female",
        age: 52,
        story: "A knee film after a fall that shows no wear: nothing to advise.",
        pattern: None,
        film: Some(FilmKind::Knee(Knee { drawn: Drawn::Unremarkable, left: false })),
        notes: &[],
        problems: &[],
    },
    Sample {
        id: "hostile-input",
        name: "<img src=x onerror=alert('pwned')> [click](javascript:alert(1))",
        gender: "male",
        age: 52,
        story: "Everything that should not be in a chart: markup in names and notes, broken units, a damaged film.",
        pattern: Some(Pattern::Hostile),
        film: Some(FilmKind::Damaged),
        notes: &[("11506-3", "hostile-input.txt")],
        problems: &[],
    },
    Sample {
        id: "grace-miller",
        name: "Grace Miller",
        gender: "female",
        age: 63,
        story: "Another hospital's units (°F, lb, mmol/L glucose): converted, with the original value kept.",
        pattern: Some(Pattern::OtherUnits),
        film: None,
        notes: &[],
        problems: &[DIABETES],
    },
    Sample {
        id: "pedro-alvarez",
        name: "Pedro Álvarez",
        gender: "male",
        age: 58,
        story: "A letter full of what the patient does not have: denied, ruled out, of the family.",
        pattern: None,
        film: None,
        notes: &[("11488-4", "pedro-alvarez.html")],
        problems: &[HYPERTENSION],
    },
    Sample {
        id: "yuki-tanaka",
        name: "Yuki Tanaka",
        gender: "female",
        age: 5,
        story: "The film is a DICOM file with inverted grey scale, as some machines write it.",
        pattern: None,
        film: Some(FilmKind::DicomInverted),
        notes: &[],
        problems: &[],
    },
    Sample {
        id: "nils-berg",
        name: "Nils Berg",
        gender: "male",
        age: 2,
        story: "What was filed as a chest film is not one: the network declines to judge it.",
        pattern: None,
        film: Some(FilmKind::Noise),
        notes: &[],
        problems: &[],
    },
    Sample {
        id: "rosa-marin",
        name: "Rosa Marín",
        gender: "female",
        age: 79,
        story: "Sepsis on admission, recovering under treatment: the risk is read from the whole course.",
        pattern: Some(Pattern::Recovering),
        film: Some(FilmKind::Normal(1)),
        notes: &[("11506-3", "rosa-marin.rtf")],
        problems: &[HYPERTENSION],
    },
    Sample {
        id: "helga-nilsen",
        name: "Helga Nilsen",
        gender: "female",
        age: 74,
        story: "Breathless: the notes and the laboratory speak for heart failure, item by item, and she has it on no list.",
        pattern: Some(Pattern::Heart { nt_pro_bnp: 4_200, troponin_t: 21 }),
        film: None,
        notes: &[("34117-2", "helga-nilsen.txt")],
        problems: &[HYPERTENSION],
    },
    Sample {
        id: "tomas-lind",
        name: "Tomas Lind",
        gender: "male",
        age: 38,
        story: "Breathless from asthma: everything that would speak for heart failure is denied, and no heart card appears.",
        pattern: Some(Pattern::Heart { nt_pro_bnp: 64, troponin_t: 5 }),
        film: None,
        notes: &[("34117-2", "tomas-lind.txt")],
        problems: &[("J45.909", "Asthma")],
    },
];
