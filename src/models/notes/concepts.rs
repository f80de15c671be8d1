//! Names and abbreviations of common problems → codes, and whether two texts name the same problem.
//!
//! Contract: pure look-ups in `models/note-problems/concepts.tsv`, a table written for this project; an unknown text
//! has no code, never a near one.

use super::words::words;
use crate::domain::{Coding, Problem};
use std::{collections::HashMap, sync::LazyLock};

/// System of the ICD-10-CM codes.
pub const ICD_10_CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";
/// System of the SNOMED CT codes.
pub const SNOMED_CT: &str = "http://snomed.info/sct";

/// Words that qualify a problem without making it another one. `Acute` and `chronic` are not among them.
const QUALIFIERS: [&str; 32] = [
    "mild",
    "moderate",
    "severe",
    "known",
    "history",
    "of",
    "the",
    "a",
    "an",
    "left",
    "right",
    "bilateral",
    "stable",
    "unspecified",
    "new",
    "onset",
    "recent",
    "recurrent",
    "intermittent",
    "poorly",
    "well",
    "controlled",
    "uncontrolled",
    "his",
    "her",
    "some",
    "worsening",
    "persistent",
    "upper",
    "lower",
    "middle",
    "lobe",
];

/// A problem of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    /// Preferred name.
    pub name: String,
    /// ICD-10-CM code.
    pub icd10: String,
    /// SNOMED CT code, where the table has one.
    pub snomed: Option<String>,
}

/// The table.
#[derive(Debug, Clone, Default)]
pub struct Concepts {
    concepts: Vec<Concept>,
    by_name: HashMap<String, usize>,
    names: Vec<String>,
}

/// The table this program was built with. A loaded network uses the copy beside its weights, whose digest is checked.
pub static BUILT_IN: LazyLock<Concepts> =
    LazyLock::new(|| Concepts::parse(include_str!("../../../models/note-problems/concepts.tsv")).unwrap_or_default());

impl Concepts {
    /// Reads the table: name, synonyms separated by `|`, ICD-10-CM, SNOMED CT; tabs between them.
    ///
    /// # Errors
    /// A sentence that names the first wrong line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut table = Self::default();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, synonyms, icd10, snomed] = fields[..] else {
                return Err(format!("concepts, line {}: expected four columns", index + 1));
            };
            let concept = table.concepts.len();
            for spelling in std::iter::once(name).chain(synonyms.split('|')).filter(|spelling| !spelling.is_empty()) {
                table.names.push(spelling.to_owned());
                let before = table.by_name.insert(normalise(spelling), concept);
                if before.is_some_and(|before| before != concept) {
                    return Err(format!("concepts, line {}: `{spelling}` names two problems", index + 1));
                }
            }
            let snomed = (!snomed.is_empty()).then(|| snomed.to_owned());
            table.concepts.push(Concept { name: name.to_owned(), icd10: icd10.to_owned(), snomed });
        }
        Ok(table)
    }

    /// Every name, synonym and abbreviation, as written.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// The problem a text names: as it stands, or without words that only qualify it.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Concept> {
        let exact = self.by_name.get(&normalise(text));
        exact.or_else(|| self.by_name.get(&bare(text))).map(|&index| &self.concepts[index])
    }

    /// The ICD-10-CM code of a text. Its display is left out: the table has its own names, not the classification's.
    #[must_use]
    pub fn code(&self, text: &str) -> Option<Coding> {
        let concept = self.find(text)?;
        Some(Coding { system: ICD_10_CM.to_owned(), code: concept.icd10.clone(), display: None })
    }

    /// Whether `listed` says what `mention` says, or says it more precisely (`diabetes` is said by `type 2 diabetes`).
    #[must_use]
    pub fn covers(&self, listed: &str, mention: &str) -> bool {
        let spell = |text: &str, other: String| self.find(text).map_or(other, |concept| normalise(&concept.name));
        let (listed, mention) = (spell(listed, normalise(listed)), spell(mention, bare(mention)));
        !mention.is_empty() && mention.split(' ').all(|word| listed.split(' ').any(|other| other == word))
    }

    /// Whether one of the entry's codes is that of the problem `mention` names.
    #[must_use]
    pub fn has_code_of(&self, problem: &Problem, mention: &str) -> bool {
        self.find(mention).is_some_and(|concept| {
            problem.codes.iter().any(|coding| match coding.system.as_str() {
                ICD_10_CM | "http://hl7.org/fhir/sid/icd-10" => says(&coding.code, &concept.icd10),
                SNOMED_CT => concept.snomed.as_ref() == Some(&coding.code),
                _ => false,
            })
        })
    }

    /// Whether an entry of the problem list already says what `mention` says: by code, or by its words.
    #[must_use]
    pub fn listed(&self, problem: &Problem, mention: &str) -> bool {
        let by_code = self.has_code_of(problem, mention);
        let displays = problem.codes.iter().filter_map(|coding| coding.display.as_deref());
        let mut texts = std::iter::once(problem.text.expose().as_str()).chain(displays);
        by_code || texts.any(|text| self.covers(text, mention))
    }
}

/// Whether a listed ICD-10 code says what the code of a mention says: it is the same, or the mention's is the
/// unspecified one (`.9`) of its category.
fn says(listed: &str, mention: &str) -> bool {
    let category = |code: &str| code.split('.').next().unwrap_or("").to_owned();
    let unspecified = !mention.contains('.') || mention.ends_with(".9");
    listed == mention || (unspecified && category(listed) == category(mention))
}

/// Whether two texts name the same problem, with the table built in: equal after [`normalise`], or two names of one
/// entry.
#[must_use]
pub fn same_problem(a: &str, b: &str) -> bool {
    let name = |text: &str| BUILT_IN.find(text).map_or_else(|| bare(text), |concept| normalise(&concept.name));
    name(a) == name(b)
}

/// A text for comparison: lower case, American spelling, no punctuation, no remark in brackets, one space between words.
#[must_use]
pub fn normalise(text: &str) -> String {
    let text = match text.rfind('(') {
        Some(at) if at > 0 && text.trim_end().ends_with(')') => &text[..at],
        _ => text,
    };
    let lower = text.to_lowercase().replace(['\'', '’'], "");
    let kept =
        words(&lower).into_iter().map(|word| &lower[word]).filter(|word| word.chars().any(char::is_alphanumeric));
    kept.map(american).collect::<Vec<_>>().join(" ")
}

/// [`normalise`] without words that only qualify.
fn bare(text: &str) -> String {
    let full = normalise(text);
    let kept: Vec<&str> = full.split(' ').filter(|word| !QUALIFIERS.contains(word)).collect();
    if kept.is_empty() { full } else { kept.join(" ") }
}

fn american(word: &str) -> String {
    [("haem", "hem"), ("aemia", "emia"), ("oedema", "edema"), ("oea", "ea"), ("oesoph", "esoph"), ("tumour", "tumor")]
        .iter()
        .fold(word.to_owned(), |word, (british, american)| word.replace(british, american))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Digest, Phi, SourceRef};

    fn problem(text: &str, system: &str, code: &str) -> Problem {
        let source = SourceRef {
            reference: "Condition/1".into(),
            version: None,
            last_updated: None,
            key: "problems".into(),
            digest: Digest::of(b""),
        };
        let coding = Coding { system: system.into(), code: code.into(), display: None };
        Problem { text: Phi::new(text.into()), codes: vec![coding], source }
    }

    #[test]
    fn the_table_is_well_formed_and_has_no_name_twice() {
        let table = Concepts::parse(include_str!("../../../models/note-problems/concepts.tsv")).unwrap();
        assert!(table.concepts.len() >= 300, "{}", table.concepts.len());
        for concept in &table.concepts {
            let icd = concept.icd10.as_bytes();
            assert!(icd[0].is_ascii_uppercase() && icd[1].is_ascii_digit() && icd.len() >= 3, "{concept:?}");
            assert!(concept.snomed.iter().all(|code| code.bytes().all(|b| b.is_ascii_digit()) && code.len() > 5));
        }
        assert!(Concepts::parse("Gout\tgouty\tM10.9").is_err());
        assert!(Concepts::parse("Gout\tx\tM10.9\t\nFlu\tX\tJ11.1\t").is_err());
    }

    /// SNOMED CT ids end in Verhoeff's check digit (SNOMED CT Technical Implementation Guide, 5.5).
    fn check_digit_is_right(code: &str) -> bool {
        const TURN: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
        let multiply = |a: usize, b: usize| match (a < 5, b < 5) {
            (true, true) => (a + b) % 5,
            (true, false) => 5 + (a + b - 5) % 5,
            (false, true) => 5 + (a - 5 + 5 - b) % 5,
            (false, false) => (a + 5 - b) % 5,
        };
        let turned = |digit: usize, times: usize| (0..times % 8).fold(digit, |digit, _| TURN[digit]);
        let digits = code.bytes().rev().map(|byte| usize::from(byte - b'0')).enumerate();
        digits.fold(0, |sum, (place, digit)| multiply(sum, turned(digit, place))) == 0
    }

    #[test]
    fn every_snomed_code_passes_its_check_digit() {
        assert!(check_digit_is_right("38341003") && !check_digit_is_right("38341004"));
        let coded: Vec<&Concept> = BUILT_IN.concepts.iter().filter(|one| one.snomed.is_some()).collect();
        assert!(coded.len() > 350, "{}", coded.len());
        for one in coded {
            assert!(check_digit_is_right(one.snomed.as_ref().unwrap()), "{one:?}");
        }
    }

    #[test]
    fn abbreviations_spellings_and_qualifiers_find_the_same_entry() {
        for text in
            ["HTN", "hypertension", "Essential hypertension (disorder)", "poorly controlled HTN", "high blood-pressure"]
        {
            assert_eq!(BUILT_IN.code(text).unwrap().code, "I10", "{text}");
        }
        assert_eq!(BUILT_IN.find("right lower lobe pneumonia").unwrap().name, "Pneumonia");
        assert_eq!(BUILT_IN.find("anaemia").unwrap().name, "Anemia");
        assert_eq!(BUILT_IN.find("Crohn’s disease").unwrap().icd10, "K50.90");
        assert!(BUILT_IN.find("pulmonary hypertension").unwrap().icd10 != "I10");
        assert!(BUILT_IN.find("fever of the third kind").is_none());
        assert_eq!(BUILT_IN.find("chronic pancreatitis").unwrap().icd10, "K86.1");
        assert!(BUILT_IN.find("").is_none());
    }

    #[test]
    fn same_problem_is_about_meaning_not_spelling() {
        assert!(same_problem("CHF", "Congestive heart failure"));
        assert!(same_problem("oedema of ankle", "Edema, ankle"));
        assert!(!same_problem("asthma", "COPD"));
        assert!(!same_problem("diabetes", "type 2 diabetes"));
    }

    #[test]
    fn a_listed_problem_covers_a_vaguer_mention_but_not_a_more_precise_one() {
        let listed = problem("Diabetes mellitus type 2 (disorder)", SNOMED_CT, "44054006");
        assert!(BUILT_IN.listed(&listed, "T2DM") && BUILT_IN.listed(&listed, "diabetes"));
        let pneumonia = problem("Pneumonia", "http://hl7.org/fhir/sid/icd-10-cm", "J18.9");
        assert!(BUILT_IN.listed(&pneumonia, "PNA") && !BUILT_IN.listed(&pneumonia, "aspiration pneumonia"));
        let nephropathy = problem("DM with kidney complication", ICD_10_CM, "E11.22");
        assert!(BUILT_IN.listed(&nephropathy, "type 2 diabetes"));
        assert!(!BUILT_IN.listed(&nephropathy, "hypertension"));
        assert!(BUILT_IN.covers("Chronic kidney disease stage 3 (disorder)", "CKD") && !BUILT_IN.covers("AKI", "CKD"));
        assert!(
            BUILT_IN.covers("Edema", "mild edema") && !BUILT_IN.covers("Acute pancreatitis", "chronic pancreatitis")
        );
    }
}
