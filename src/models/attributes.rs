//! The 31 source attributes a predictive decision support intervention must show its users
//! (45 CFR 170.315(b)(11)(iv)(B), ONC HTI-1, 2024).
//!
//! Contract: a manifest answers all of them or none; what nobody knows is answered `unknown`, never left out.

use std::collections::BTreeMap;

/// What is written where nobody knows.
pub const UNKNOWN: &str = "unknown";

/// Key in the manifest, paragraph of the rule, and the attribute in words.
pub const ATTRIBUTES: [(&str, &str, &str); 31] = [
    ("developer", "1(i)", "Name and contact of the developer"),
    ("funding", "1(ii)", "Funding of the development"),
    ("output", "1(iii)", "What comes out"),
    (
        "output-type",
        "1(iv)",
        "Kind of output: prediction, classification, recommendation, evaluation, analysis or other",
    ),
    ("intended-use", "2(i)", "Intended use"),
    ("intended-patients", "2(ii)", "Patients it is for"),
    ("intended-users", "2(iii)", "Users it is for"),
    ("decision-role", "2(iv)", "Role in decisions: informs, augments or replaces clinical management"),
    ("out-of-scope", "3(i)", "Tasks, situations and patients it is not for"),
    ("known-risks", "3(ii)", "Known risks, unsuitable settings and uses, limits"),
    ("training-criteria", "4(i)", "Who was included in and left out of the training data"),
    (
        "sensitive-inputs",
        "4(ii)",
        "Use of race, ethnicity, language, sexual orientation, gender identity, sex, date of birth, social determinants or health status as inputs",
    ),
    ("representativeness", "4(iii)", "How well the training data represent patients by those characteristics"),
    ("relevance", "4(iv)", "How the training data relate to where it is used"),
    ("fairness-approach", "5(i)", "What was done so that the output is fair"),
    ("bias-reduction", "5(ii)", "What was done to manage, reduce or remove bias"),
    ("external-source", "6(i)", "Data, setting or surroundings of an external validation"),
    ("external-party", "6(ii)", "Who did the external testing"),
    ("external-representativeness", "6(iii)", "How well the external data represent patients"),
    ("external-process", "6(iv)", "How the external validation was done"),
    ("validity-same-source", "7(i)", "Validity in held-out data of the same source"),
    ("fairness-same-source", "7(ii)", "Fairness in held-out data of the same source"),
    ("validity-external", "7(iii)", "Validity in data from another source"),
    ("fairness-external", "7(iv)", "Fairness in data from another source"),
    ("outcome-studies", "7(v)", "Studies of its effect on outcomes"),
    ("validity-monitoring", "8(i)", "How and how often validity is monitored over time"),
    ("validity-local", "8(ii)", "Validity in local data"),
    ("fairness-monitoring", "8(iii)", "How and how often fairness is monitored over time"),
    ("fairness-local", "8(iv)", "Fairness in local data"),
    ("update-process", "9(i)", "How and how often it is updated"),
    (
        "correction-schedule",
        "9(ii)",
        "How often its performance is corrected when risks to validity or fairness are found",
    ),
];

/// What is wrong with a manifest's attributes: keys that are missing, unknown or empty. No attributes at all is not
/// wrong: such a network simply has no papers of this kind.
#[must_use]
pub fn problems(attributes: &BTreeMap<String, String>) -> Vec<String> {
    if attributes.is_empty() {
        return Vec::new();
    }
    let missing = ATTRIBUTES.iter().filter(|(key, ..)| attributes.get(*key).is_none_or(|text| text.trim().is_empty()));
    let missing = missing.map(|(key, ..)| format!("the source attribute `{key}` has no text"));
    let other = attributes.keys().filter(|key| ATTRIBUTES.iter().all(|(known, ..)| known != key));
    missing.chain(other.map(|key| format!("`{key}` is not a source attribute"))).collect()
}

#[cfg(test)]
mod tests {
    use super::{ATTRIBUTES, UNKNOWN, problems};
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn there_are_thirty_one_with_different_keys_and_paragraphs() {
        let keys: BTreeSet<&str> = ATTRIBUTES.iter().map(|(key, ..)| *key).collect();
        let paragraphs: BTreeSet<&str> = ATTRIBUTES.iter().map(|(_, paragraph, _)| *paragraph).collect();
        assert_eq!((keys.len(), paragraphs.len()), (31, 31));
    }

    #[test]
    fn a_missing_an_empty_and_an_unknown_attribute_are_named() {
        let mut all: BTreeMap<String, String> =
            ATTRIBUTES.iter().map(|(key, ..)| ((*key).to_owned(), UNKNOWN.to_owned())).collect();
        assert!(problems(&all).is_empty() && problems(&BTreeMap::new()).is_empty());
        all.remove("funding");
        all.insert("developer".into(), " ".into());
        all.insert("colour".into(), "red".into());
        let found = problems(&all).join("; ");
        assert!(["funding", "developer", "colour"].iter().all(|key| found.contains(key)), "{found}");
    }
}
