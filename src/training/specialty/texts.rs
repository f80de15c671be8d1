//! The prose of the card and of the source attributes.

use super::{phrases::Score, topics::Fitted};
use crate::training::papers::CardText;

/// Source attributes that are not computed.
pub const ATTRIBUTES: [(&str, &str); 19] = [
    ("funding", "None; a volunteer open-source project"),
    ("output", "For each note: probabilities of 21 specialties and up to eight key phrases"),
    ("output-type", "classification"),
    ("intended-patients", "Any patient with clinical notes in English"),
    ("intended-users", "Clinicians who review charts"),
    (
        "known-risks",
        "A wrong or missing topic hides or promotes a note; key phrases may miss what matters; labels are those of a transcription company's site, not of clinicians",
    ),
    (
        "sensitive-inputs",
        "None is an input of its own, but notes name age, sex, race and habits in their text, and words of the text are inputs",
    ),
    ("representativeness", "unknown: the reports do not say whom they describe"),
    (
        "relevance",
        "Transcribed reports of United States practices before 2010; today's notes are shorter, templated and copied",
    ),
    (
        "fairness-approach",
        "None beyond measuring by length of the note; patients' characteristics are not recorded in the data",
    ),
    ("bias-reduction", "Labels are weighted so that rare specialties count as much as frequent ones"),
    ("external-source", "none"),
    ("external-party", "none"),
    ("external-representativeness", "none"),
    ("external-process", "none"),
    ("outcome-studies", "none"),
    ("validity-monitoring", "Feedback on cards is recorded; nobody is scheduled to review it"),
    ("update-process", "With every release that changes the encoder; the heads do not load on another one"),
    ("correction-schedule", "none fixed"),
];

/// The card.
pub fn card(topics: &Fitted, (words, vectors): (usize, usize), reports: usize, [ours, plain]: [Score; 2]) -> CardText {
    let tried: Vec<String> = topics.tried.iter().map(|one| format!("- {one}")).collect();
    let about_vectors = if vectors > 0 {
        "Both read the word vectors of the frozen encoder of `note-problems`, from the one pass it makes over a note"
    } else {
        "In this version both were fitted without the encoder's word vectors (weights of 0): words and marked mentions alone"
    };
    CardText {
        details: format!(
            "Two linear heads beside recognition. {about_vectors}. *Topics*: one logistic function per specialty over the tf-idf of {words} single words \
             of the whole note (and the mean and greatest value of the word vectors of what was read), Platt-calibrated per specialty. *Key phrases*: a \
             logistic function over every run of one to four words: frequency, rarity, place, section, whether recognition marks it (and the mean of its word vectors)."
        ),
        factors: "Length of the note is looked at below. Sex, age and origin of the patients are not recorded in the data.".into(),
        metrics: format!(
            "Micro and macro F1 over 21 labels (scikit-learn's definition). Thresholds: half of the greatest F1 on training reports left out of fitting \
             (Lipton, Elkan & Naryanaswamy, ECML PKDD 2014), because a few dozen reports per label would make the best threshold a matter of luck; macro F1 there: {:.3}. \
             Key phrases on {} reports that hold at least one of theirs: F1 of the ten strongest {:.3} (ranking by tf-idf: {:.3}), precision of the five strongest {:.3} ({:.3}).",
            topics.macro_f1, ours.n, ours.f1_at_10, plain.f1_at_10, ours.precision_at_5, plain.precision_at_5
        ),
        evaluation_data: "The reports marked `dev` in the collection's split, each text once with all its labels; the collection's well-known table repeats a text under \
                          several specialties, and splitting it by rows would leak. Nothing was fitted on them; they were \
                          looked at while the features were chosen."
            .into(),
        training_data: format!(
            "{reports} reports marked `train`. Each was scored by weights fitted on the other four fifths, and penalty, scale, calibration and thresholds were \
             chosen on these scores:\n\n{}",
            tried.join("\n")
        ),
        analyses: String::new(),
        ethics: "The reports are samples shared on the web; their text is not in this folder. The vocabulary holds single words that stand in at least five reports.".into(),
        caveats: "Labels overlap by nature (a consultation about the heart is `consult-history-and-phy` and `cardiovascular-pulmonary`), and the collection \
                  labels inconsistently. Probabilities are calibrated for such reports, not for your hospital's notes. A note beyond the reading bound is judged by its \
                  whole wording but only the vectors of its beginning; the answer says how much was not read."
            .into(),
    }
}
