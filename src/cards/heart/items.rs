//! What is weighed, with its likelihood ratios from the literature.
//!
//! Contract: a ratio stands here only with its source. Sources: **W** Wang et al., JAMA 2005;294:1944 (adults with
//! breathlessness in emergency departments: heart failure); **F** Fanaroff et al., JAMA 2015;314:1955 (adults with chest
//! pain in emergency departments: acute coronary syndrome); **J** Januzzi et al., Eur Heart J 2006;27:330 (NT-proBNP;
//! sensitivity 90 %, specificity 84 % at the limit for the age); **R** Reichlin et al., N Engl J Med 2009;361:858
//! (sensitive troponin at the 99th percentile; sensitivity 95 %, specificity 80 %). Figures of R and J are turned into
//! ratios here; ratios under 0.1 are taken as 0.1.

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strand {
    /// Heart failure.
    Failure,
    /// Acute coronary syndrome.
    Coronary,
}

impl Strand {
    /// Both, in the order of the card.
    pub const ALL: [Self; 2] = [Self::Failure, Self::Coronary];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Failure => "heart failure",
            Self::Coronary => "an acute coronary syndrome",
        }
    }

    /// The ratios were measured in patients who have this; without it they say nothing.
    pub const fn complaint(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Failure => ("breathlessness", &BREATHLESSNESS),
            Self::Coronary => ("chest pain", &CHEST_PAIN),
        }
    }

    /// Problems that answer the question: who has them on the list is not told again.
    pub const fn known(self) -> &'static [&'static str] {
        match self {
            Self::Failure => &HEART_FAILURE,
            Self::Coronary => &["acute coronary syndrome", "stemi", "nstemi", "unstable angina"],
        }
    }
}

const BREATHLESSNESS: [&str; 17] = [
    "dyspnea",
    "shortness of breath",
    "short of breath",
    "breathlessness",
    "breathless",
    "sob",
    "orthopnea",
    "paroxysmal nocturnal dyspnea",
    "pnd",
    "doe",
    "exertional dyspnea",
    "trouble breathing",
    "difficulty breathing",
    "winded",
    "respiratory distress",
    "respiratory failure",
    "pulmonary edema",
];
const CHEST_PAIN: [&str; 6] =
    ["chest pain", "chest pressure", "chest tightness", "chest discomfort", "angina", "retrosternal pain"];
const HEART_FAILURE: [&str; 7] =
    ["heart failure", "congestive heart failure", "chf", "hfref", "hfpef", "cardiac failure", "cardiomyopathy"];

/// Which parts of the examination an item belongs to: only the strongest of a part counts, because they say much the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    History,
    Symptoms,
    Signs,
    Tests,
    Blood,
}

/// Words in a note.
pub struct Item {
    pub strand: Strand,
    pub part: Part,
    /// In words, for the card.
    pub name: &'static str,
    /// Phrases by which it is found, in lower case with American spelling.
    pub phrases: &'static [&'static str],
    /// Ratio when stated.
    pub present: f64,
    /// Ratio when denied, where it was measured.
    pub absent: Option<f64>,
    /// Letter of the source.
    pub source: char,
}

const fn item(
    strand: Strand,
    part: Part,
    name: &'static str,
    phrases: &'static [&'static str],
    (present, absent): (f64, Option<f64>),
    source: char,
) -> Item {
    Item { strand, part, name, phrases, present, absent, source }
}

use Part::{History, Signs, Symptoms, Tests};
use Strand::{Coronary, Failure};

/// Every item that words can give.
pub static ITEMS: [Item; 17] = [
    item(Failure, History, "history of heart failure", &HEART_FAILURE, (5.8, Some(0.45)), 'W'),
    item(
        Failure,
        History,
        "earlier myocardial infarction",
        &["myocardial infarction", "heart attack", "mi", "stemi", "nstemi"],
        (3.1, Some(0.69)),
        'W',
    ),
    item(
        Failure,
        History,
        "coronary artery disease",
        &["coronary artery disease", "cad", "coronary heart disease", "ischemic heart disease"],
        (1.8, Some(0.68)),
        'W',
    ),
    item(Failure, Symptoms, "breathless at night", &["paroxysmal nocturnal dyspnea", "pnd"], (2.6, Some(0.70)), 'W'),
    item(Failure, Symptoms, "breathless lying flat", &["orthopnea"], (2.2, Some(0.65)), 'W'),
    item(
        Failure,
        Symptoms,
        "breathless on exertion",
        &["dyspnea on exertion", "exertional dyspnea", "doe", "shortness of breath on exertion"],
        (1.3, Some(0.48)),
        'W',
    ),
    item(
        Failure,
        Signs,
        "third heart sound",
        &["s3", "s3 gallop", "third heart sound", "gallop"],
        (11.0, Some(0.88)),
        'W',
    ),
    item(
        Failure,
        Signs,
        "raised jugular venous pressure",
        &[
            "jvd",
            "jugular venous distension",
            "jugular venous distention",
            "elevated jugular venous pressure",
            "raised jugular venous pressure",
            "elevated jvp",
        ],
        (5.1, Some(0.66)),
        'W',
    ),
    item(Failure, Signs, "rales", &["rales", "crackles", "crepitations"], (2.8, Some(0.51)), 'W'),
    item(
        Failure,
        Signs,
        "swollen legs",
        &[
            "leg edema",
            "pedal edema",
            "pitting edema",
            "ankle edema",
            "peripheral edema",
            "lower extremity edema",
            "leg swelling",
            "ankle swelling",
            "edema",
        ],
        (2.3, Some(0.64)),
        'W',
    ),
    item(
        Failure,
        Tests,
        "congestion on the chest film",
        &[
            "pulmonary venous congestion",
            "vascular congestion",
            "interstitial edema",
            "cephalization",
            "pulmonary congestion",
        ],
        (12.0, Some(0.48)),
        'W',
    ),
    item(Failure, Tests, "large heart on the chest film", &["cardiomegaly", "enlarged heart"], (3.3, Some(0.33)), 'W'),
    item(
        Failure,
        Tests,
        "atrial fibrillation",
        &["atrial fibrillation", "afib", "a fib", "af"],
        (3.8, Some(0.79)),
        'W',
    ),
    item(
        Coronary,
        History,
        "peripheral arterial disease",
        &["peripheral arterial disease", "peripheral vascular disease", "peripheral artery disease", "pad"],
        (2.7, None),
        'F',
    ),
    item(Coronary, Symptoms, "pain in both arms", &["both arms"], (2.6, None), 'F'),
    item(
        Coronary,
        Tests,
        "ST depression",
        &["st depression", "st segment depression", "st depressions"],
        (5.3, None),
        'F',
    ),
    item(
        Coronary,
        Tests,
        "ischemia on the electrocardiogram",
        &["ischemic changes", "ischemic st changes", "ekg changes of ischemia", "ecg changes of ischemia"],
        (3.6, None),
        'F',
    ),
];

/// A limit of a blood test: from `high` on it speaks for, under `low` against.
pub struct Limit {
    pub strand: Strand,
    /// Variable as `fhir` names it.
    pub variable: &'static str,
    pub name: &'static str,
    pub unit: &'static str,
    pub low: f64,
    pub high: f64,
    pub above: f64,
    pub below: f64,
    pub source: char,
}

/// The blood tests that are weighed; the upper limit of NT-proBNP depends on the age ([`nt_pro_bnp`]).
pub static LIMITS: [Limit; 4] = [
    Limit {
        strand: Failure,
        variable: "BNP",
        name: "BNP",
        unit: "ng/L",
        low: 100.0,
        high: 250.0,
        above: 4.6,
        below: 0.11,
        source: 'W',
    },
    Limit {
        strand: Failure,
        variable: "NTproBNP",
        name: "NT-proBNP",
        unit: "ng/L",
        low: 300.0,
        high: 1800.0,
        above: 5.6,
        below: 0.12,
        source: 'J',
    },
    Limit {
        strand: Coronary,
        variable: "TroponinT",
        name: "troponin T",
        unit: "µg/L",
        low: 0.014,
        high: 0.014,
        above: 4.8,
        below: 0.1,
        source: 'R',
    },
    Limit {
        strand: Coronary,
        variable: "TroponinI",
        name: "troponin I",
        unit: "µg/L",
        low: 0.04,
        high: 0.04,
        above: 4.8,
        below: 0.1,
        source: 'R',
    },
];

/// From which NT-proBNP (ng/L) heart failure becomes likely (source J); unknown age counts as old.
pub fn nt_pro_bnp(age_years: Option<f64>) -> f64 {
    match age_years {
        Some(age) if age < 50.0 => 450.0,
        Some(age) if age <= 75.0 => 900.0,
        _ => 1800.0,
    }
}

/// Values shown and not weighed: they bear on what to do, or on how far the others can be trusted.
pub const ALSO: [(&str, &str); 5] = [
    ("K", "potassium"),
    ("Creatinine", "creatinine (kidney failure raises troponin and natriuretic peptides)"),
    ("Cholesterol", "cholesterol"),
    ("LDL", "LDL cholesterol"),
    ("HDL", "HDL cholesterol"),
];
