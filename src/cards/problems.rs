//! Which problems that the notes mention are not on the problem list.
//!
//! Contract: pure. A problem counts as listed when an entry has the same ICD-10 category or says the same (or more) in
//! its words; in doubt it counts as listed, because a card about something already known costs attention.

use crate::domain::{Assertion, Coding, Finding, Mention, Problem};
use crate::models::notes::concepts::BUILT_IN;
use std::collections::BTreeSet;

/// Words that do not tell problems apart.
const FILLERS: [&str; 14] =
    ["a", "an", "and", "by", "due", "in", "nos", "of", "on", "other", "the", "to", "unspecified", "with"];
/// Words that turn an entry into something else than the problem it names.
const QUALIFIERS: [&str; 7] = ["allergy", "exposure", "family", "history", "risk", "screening", "suspected"];

/// Mentions stated of the patient, now, of problems that are not listed: one per problem, most probable first.
pub fn unlisted<'a>(
    findings: impl Iterator<Item = &'a Finding>,
    list: Option<&[Problem]>,
) -> Vec<(&'a Finding, &'a Mention)> {
    let mut found: Vec<(&Finding, &Mention)> = findings
        .filter_map(|finding| Some((finding, finding.mention.as_ref()?)))
        .filter(|(_, mention)| mention.assertion == Assertion::Present && !words(mention.text.expose()).is_empty())
        .filter(|(_, mention)| !list.unwrap_or_default().iter().any(|problem| is_listed(mention, problem)))
        .collect();
    found.sort_by(|a, b| b.0.probability.total_cmp(&a.0.probability));
    let first = |at: usize| !found[..at].iter().any(|(_, earlier)| same(earlier, found[at].1));
    (0..found.len()).filter(|at| first(*at)).map(|at| found[at]).collect()
}

fn is_listed(mention: &Mention, problem: &Problem) -> bool {
    let category = mention.code.as_ref().and_then(category);
    if category.is_some() && problem.codes.iter().any(|code| self::category(code) == category) {
        return true;
    }
    if coded_alike(mention, problem) {
        return true;
    }
    let said = words(mention.text.expose());
    let texts = problem.codes.iter().filter_map(|code| code.display.as_deref()).chain([problem.text.expose().as_str()]);
    texts.map(words).any(|entry| {
        let qualified = QUALIFIERS.iter().any(|word| entry.contains(*word));
        if qualified { said == entry } else { said.is_subset(&entry) }
    })
}

/// Whether the project's table knows both as one problem: by a SNOMED CT or ICD-10 code of the entry, or by its name.
fn coded_alike(mention: &Mention, problem: &Problem) -> bool {
    let said = mention.text.expose();
    if BUILT_IN.has_code_of(problem, said) {
        return true;
    }
    let displays = problem.codes.iter().filter_map(|code| code.display.as_deref());
    let mut names = displays.chain([problem.text.expose().as_str()]);
    let named = BUILT_IN.find(said);
    named.is_some()
        && names.any(|name| {
            let qualified = words(name).iter().any(|word| QUALIFIERS.contains(&word.as_str()));
            !qualified && BUILT_IN.find(name) == named
        })
}

fn same(one: &Mention, other: &Mention) -> bool {
    (one.code.is_some() && one.code == other.code) || words(one.text.expose()) == words(other.text.expose())
}

/// The three characters of an ICD-10 code that name the disease.
fn category(code: &Coding) -> Option<String> {
    let icd10 = code.system.contains("icd-10");
    let category = code.code.trim().get(..3).filter(|_| icd10)?;
    Some(category.to_ascii_uppercase())
}

/// Lower case, without possessive and plural endings and without fillers.
fn words(text: &str) -> BTreeSet<String> {
    text.to_lowercase()
        .replace(['’', '`'], "'")
        .split(|sign: char| !sign.is_alphanumeric() && sign != '\'')
        .map(|word| word.strip_suffix("'s").unwrap_or(word).replace('\'', ""))
        .map(|word| singular(&word).to_owned())
        .filter(|word| !word.is_empty() && !FILLERS.contains(&word.as_str()))
        .collect()
}

fn singular(word: &str) -> &str {
    let kept = ["ss", "us", "is", "es"].iter().any(|end| word.ends_with(end));
    if word.len() > 4 && !kept { word.strip_suffix('s').unwrap_or(word) } else { word }
}

#[cfg(test)]
mod tests {
    use super::unlisted;
    use crate::domain::{Assertion, Coding, Digest, Finding, Mention, Problem, SourceRef};

    fn icd(code: &str) -> Coding {
        Coding { system: "http://hl7.org/fhir/sid/icd-10-cm".into(), code: code.into(), display: None }
    }

    fn mention(text: &str, code: Option<&str>, assertion: Assertion, probability: f64) -> Finding {
        let text = text.to_owned();
        let mention = Mention {
            note: 0,
            start: 0,
            end: text.len(),
            sentence: text.clone().into(),
            text: text.into(),
            assertion,
            code: code.map(icd),
            repeats: Vec::new(),
        };
        Finding {
            label: "Disease".into(),
            score: 0.0,
            probability,
            threshold: 0.5,
            mention: Some(mention),
            certainty: None,
        }
    }

    fn problem(text: &str, code: Option<&str>) -> Problem {
        let source = SourceRef {
            reference: "Condition/1".into(),
            version: None,
            last_updated: None,
            key: "conditions".into(),
            digest: Digest::of(b""),
        };
        Problem { text: text.to_owned().into(), codes: code.map(icd).into_iter().collect(), source }
    }

    fn names(findings: &[Finding], list: &[Problem]) -> Vec<String> {
        unlisted(findings.iter(), Some(list)).iter().map(|(_, mention)| mention.text.expose().clone()).collect()
    }

    #[test]
    fn the_same_category_or_the_same_words_or_more_of_them_are_listed() {
        for (said, code, entry, entry_code) in [
            ("T2DM", Some("E11.9"), "Diabetes", Some("E11.65")),
            ("Hypertension", None, "Essential (primary) hypertension", None),
            ("Crohn's disease", None, "crohn disease", None),
            ("Pneumonias", None, "Viral pneumonia, unspecified", None),
            ("type 2 diabetes mellitus", None, "Diabetes mellitus, type 2", None),
        ] {
            let found = [mention(said, code, Assertion::Present, 0.9)];
            assert!(names(&found, &[problem(entry, entry_code)]).is_empty(), "{said}");
        }
    }

    #[test]
    fn another_problem_or_a_history_is_not_the_same() {
        for (said, code, entry, entry_code) in [
            ("heart failure", Some("I50.9"), "Heart murmur", Some("R01.1")),
            ("diabetic foot ulcer", None, "diabetes", None),
            ("breast cancer", None, "Family history of breast cancer", None),
            ("asthma", Some("J45"), "copd", None),
        ] {
            let found = [mention(said, code, Assertion::Present, 0.9)];
            assert_eq!(names(&found, &[problem(entry, entry_code)]), [said]);
        }
    }

    #[test]
    fn denied_suspected_past_and_family_mentions_never_count() {
        use Assertion::{Family, Historical, Negated, Uncertain};
        let found =
            [Negated, Uncertain, Family, Historical].map(|assertion| mention("pneumonia", None, assertion, 0.9));
        assert!(names(&found, &[]).is_empty());
    }

    #[test]
    fn a_problem_is_named_once_and_the_most_probable_first() {
        let found = [
            mention("gout", None, Assertion::Present, 0.7),
            mention("Pneumonia", Some("J18.9"), Assertion::Present, 0.8),
            mention("CAP", Some("J18.9"), Assertion::Present, 0.95),
            mention("pneumonias", None, Assertion::Present, 0.6),
            mention("?!", None, Assertion::Present, 0.99),
        ];
        assert_eq!(names(&found, &[]), ["CAP", "gout"]);
        assert_eq!(unlisted(found.iter(), None).len(), 2);
    }
}
