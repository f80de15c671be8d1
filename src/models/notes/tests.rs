//! The notes network as a whole, on a tiny random network and on the shipped one.

use super::{Notes, testing};
use crate::{
    domain::{Attribution, Finding, ModelInput, Prediction, Status},
    models::{self, Model, ModelError, attribution::Effort},
};
use serde_json::Value;
use std::path::Path;

fn tiny(pieces_max: i64) -> (tempfile::TempDir, Notes) {
    let parent = tempfile::tempdir().unwrap();
    let notes = Notes::open(&testing::folder(parent.path(), pieces_max)).unwrap();
    (parent, notes)
}

fn one(notes: &dyn Model, texts: &[&str]) -> Prediction {
    notes.predict(&[&testing::input(texts)]).unwrap().remove(0)
}

fn findings(prediction: &Prediction) -> &[Finding] {
    match &prediction.status {
        Status::Scored { findings } => findings,
        Status::Abstained(abstention) => panic!("abstained: {}", abstention.reason),
    }
}

fn reason(prediction: &Prediction) -> &str {
    match &prediction.status {
        Status::Abstained(abstention) => &abstention.reason,
        Status::Scored { .. } => panic!("scored"),
    }
}

#[test]
fn a_document_reads_the_same_alone_and_among_others() {
    let (_parent, notes) = tiny(1000);
    let documents = [
        vec![vec!["no", "fever"], vec!["the", "patient", "has", "chest", "pain", "and", "a", "long", "Story", "12"]],
        vec![vec!["pain"]],
        vec![],
        vec![vec!["chest", "xyz", "pain"]; 60],
    ];
    let together = notes.read_documents(&documents).unwrap();
    for (document, among) in documents.iter().zip(&together) {
        let alone = notes.read_documents(std::slice::from_ref(document)).unwrap().remove(0);
        assert_eq!(
            alone.scores.iter().map(Vec::len).collect::<Vec<_>>(),
            document.iter().map(Vec::len).collect::<Vec<_>>()
        );
        let numbers = |scores: &[Vec<[f32; 5]>]| scores.iter().flatten().flatten().copied().collect::<Vec<_>>();
        let gaps = numbers(&alone.scores).into_iter().zip(numbers(&among.scores));
        // Forbidden tags have log-probabilities of about -1e4, where f32 keeps three decimals.
        let gap = gaps.filter(|(a, _)| *a > -100.0).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(gap < 1e-4, "{gap}");
        assert_eq!(alone.hidden.is_some(), !document.is_empty());
    }
}

#[test]
fn features_are_rows_for_the_words_read() {
    let (_parent, notes) = tiny(1000);
    let text = "The patient has fever.\n\nNo chest pain.";
    let features = notes.words_with_features(text).unwrap();
    let words: Vec<&str> = features.words.iter().map(|word| &text[word.clone()]).collect();
    assert_eq!(words, ["The", "patient", "has", "fever", ".", "No", "chest", "pain", "."]);
    assert_eq!(features.sentences, [0..5, 5..9]);
    assert_eq!(features.hidden.unwrap().dims(), [9, testing::sizes().hidden]);
    assert!(notes.words_with_features("").unwrap().hidden.is_none());
}

#[test]
fn every_mention_stands_where_it_says_whatever_the_text() {
    let (_parent, notes) = tiny(1000);
    let texts = [
        "Fever and chest pain, née Müller – 38.5 °C.\n\n\tPAST MEDICAL HISTORY: “gout”… no pain",
        "<b>bold</b> &amp; {{x}} ';-- the patient has 🩺 fever",
        "the pain\u{0} of the patient has \u{feff} chest\r\n pain",
        "a a a a a a a a",
    ];
    for text in texts {
        for finding in findings(&one(&notes, &[text])) {
            let mention = finding.mention.as_ref().unwrap();
            assert_eq!(&text[mention.start..mention.end], mention.text.expose());
            assert!(text.contains(mention.sentence.expose().as_str()));
            assert!(finding.score.is_finite() && (0.0..=1.0).contains(&finding.probability));
        }
    }
}

#[test]
fn no_notes_other_languages_and_scraps_are_refused_with_their_reason() {
    let (_parent, notes) = tiny(1000);
    assert_eq!(reason(&one(&notes, &[])), "no-notes");
    assert_eq!(
        reason(&one(&notes, &["Der Patient hat keine Schmerzen und ist mit der Behandlung zufrieden."])),
        "not-english"
    );
    assert_eq!(reason(&one(&notes, &["ok", ""])), "note-too-short");
}

#[test]
fn work_is_bounded_and_what_was_not_read_is_named() {
    let (_parent, notes) = tiny(60);
    let long = "The patient has fever. ".repeat(200);
    let prediction = one(&notes, &[&long, "Der Patient hat keine Schmerzen und ist mit der Behandlung zufrieden."]);
    assert_eq!(prediction.missing.len(), 1, "{:?}", prediction.missing);
    assert!(
        prediction.missing[0].starts_with("the last ")
            && prediction.missing[0].ends_with(" characters of the notes were not read")
    );
    let mixed = one(
        &notes,
        &["Der Patient hat keine Schmerzen und ist mit der Behandlung zufrieden.", "The patient has fever."],
    );
    assert_eq!(mixed.missing, ["one note that does not look like English text was not read"]);
}

#[test]
fn a_folder_that_does_not_fit_its_manifest_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let folder = testing::folder(parent.path(), 100);
    let spoilt = |spoil: fn(&mut models::Manifest)| {
        let mut manifest = testing::manifest(&folder, 100);
        spoil(&mut manifest);
        Notes::load(&folder, manifest).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(spoilt(|manifest| manifest.labels.reverse()).contains("labels"));
    assert!(spoilt(|manifest| drop(manifest.input.remove("heads"))).contains("input.heads"));
    assert!(spoilt(|manifest| drop(manifest.input.insert("vocabulary".into(), 9.into()))).contains("tokenizer"));
    assert!(spoilt(|manifest| drop(manifest.files.pop())).contains("concepts.tsv"));
    std::fs::write(folder.join("tokenizer.json"), "{}").unwrap();
    assert!(matches!(Notes::open(&folder), Err(ModelError::Manifest(_))), "a changed file has another digest");
}

#[test]
fn an_input_of_another_kind_is_an_error() {
    let (_parent, notes) = tiny(100);
    let course = crate::domain::Course {
        end: time::OffsetDateTime::UNIX_EPOCH,
        start: time::OffsetDateTime::UNIX_EPOCH,
        measurements: Vec::new(),
        age_years: None,
        sex: None,
    };
    assert!(matches!(notes.predict(&[&ModelInput::Course(course)]), Err(ModelError::Input(_))));
}

fn shipped() -> Box<dyn Model> {
    models::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/note-problems")).unwrap()
}

#[test]
fn the_shipped_network_still_answers_as_when_it_was_trained() {
    let golden: Value = serde_json::from_str(include_str!("../../../models/note-problems/golden.json")).unwrap();
    let (network, tolerance) = (shipped(), golden["tolerance"].as_f64().unwrap());
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 6);
    for case in cases {
        let prediction = one(network.as_ref(), &[case["text"].as_str().unwrap()]);
        let (found, expected) = (findings(&prediction), case["findings"].as_array().unwrap());
        assert_eq!(found.len(), expected.len(), "{case}");
        for wanted in expected {
            let same = |finding: &&Finding| {
                let mention = finding.mention.as_ref().unwrap();
                let assertion = serde_json::to_value(mention.assertion).unwrap();
                mention.text.expose() == wanted["text"].as_str().unwrap()
                    && finding.label == wanted["label"]
                    && assertion == wanted["assertion"]
            };
            let finding = found.iter().find(same).unwrap_or_else(|| panic!("{wanted} is not found"));
            assert!((finding.score - wanted["score"].as_f64().unwrap()).abs() < tolerance, "{wanted}");
        }
    }
}

#[test]
fn the_shipped_network_finds_plain_problems_and_their_assertions() {
    let text = "She presents with pneumonia and fever. She denies chest pain. Her mother had breast cancer. Started on metformin for type 2 diabetes.";
    let prediction = one(shipped().as_ref(), &[text]);
    let said: Vec<String> = findings(&prediction)
        .iter()
        .map(|finding| {
            let mention = finding.mention.as_ref().unwrap();
            format!("{} {:?} {}", finding.label, mention.assertion, mention.text.expose())
        })
        .collect();
    for wanted in [
        "Disease Present pneumonia",
        "Disease Present fever",
        "Disease Negated chest pain",
        "Disease Family breast cancer",
        "Chemical Present metformin",
        "Disease Present type 2 diabetes",
    ] {
        assert!(said.iter().any(|one| one == wanted), "{wanted} is not in {said:?}");
    }
}

#[test]
fn hiding_a_mention_takes_its_score_away() {
    let network = shipped();
    let input = testing::input(&["The patient was admitted with pneumonia and treated with ceftriaxone."]);
    let least = Effort::points(1);
    let explanation = network.explain(&input, least).unwrap();
    network.predict(&[&input]).unwrap();
    assert_eq!(network.explain(&input, least).unwrap().gap, explanation.gap, "with and without remembered tags");
    assert!(matches!(explanation.attribution, Attribution::Spans));
    assert!(explanation.reliable, "{explanation:?}");
    assert_eq!(explanation.parameters["mentions checked"], "2");
}

#[test]
fn words_of_the_sentence_add_up_to_the_odds_of_each_mention_and_its_own_words_lead() {
    let network = shipped();
    let input =
        testing::input(&["Seen in clinic. The patient was admitted with pneumonia and treated with ceftriaxone."]);
    let ModelInput::Notes(notes) = &input else { panic!("notes") };
    let text = notes[0].text.expose();
    let explanation = network.explain(&input, Effort::FULL).unwrap();
    assert!(explanation.reliable, "{explanation:?}");
    assert!(explanation.work.spent >= 32 && explanation.work.spent <= explanation.work.allowed);
    let Attribution::Words { mentions } = explanation.attribution else { panic!("words were expected") };
    assert_eq!(mentions.len(), 2);
    for mention in mentions {
        let leading = mention.words.iter().max_by(|a, b| a.contribution.total_cmp(&b.contribution)).unwrap();
        assert_eq!(mention.sentence + leading.start, mention.start, "{:?}", &text[mention.start..]);
        let sum: f64 = mention.words.iter().map(|word| word.contribution).sum();
        assert!(sum > 1.0 && mention.gap <= mention.tolerance && mention.doubts.is_empty());
    }
}

#[test]
fn the_shipped_heads_still_answer_as_when_they_were_fitted_and_come_with_the_mentions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/note-specialty");
    let golden: Value = serde_json::from_slice(&std::fs::read(folder.join("golden.json")).unwrap()).unwrap();
    let (alone, tolerance) = (models::load(&folder).unwrap(), golden["tolerance"].as_f64().unwrap());
    let together = shipped();
    for case in golden["cases"].as_array().unwrap() {
        let input = [case["text"].as_str().unwrap()];
        let (prediction, beside) = (one(alone.as_ref(), &input), one(together.as_ref(), &input));
        assert!(findings(&prediction).is_empty() && !findings(&beside).is_empty());
        assert_eq!(prediction.topics, beside.topics, "one pass gives both");
        for wanted in case["topics"].as_array().unwrap().iter().filter(|one| one["probability"].as_f64() > Some(0.1)) {
            let found = prediction.topics.iter().find(|topic| wanted["label"] == topic.label.as_str());
            let found = found.unwrap_or_else(|| panic!("{wanted}")).probability;
            assert!((found - wanted["probability"].as_f64().unwrap()).abs() < tolerance, "{wanted} {found}");
        }
        for phrase in &prediction.key_phrases {
            assert_eq!(&input[0][phrase.start..phrase.end], phrase.text.expose());
        }
        assert!((1..=8).contains(&prediction.key_phrases.len()));
    }
}

#[test]
fn the_shipped_heads_read_upper_case_and_tables_and_refuse_other_languages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/note-specialty");
    let network = models::load(&folder).unwrap();
    let heart = "CARDIOLOGY CONSULTATION: CORONARY ARTERY DISEASE WITH STENT. ECHOCARDIOGRAM: EJECTION FRACTION 40 PERCENT. CARDIAC CATHETERIZATION PLANNED FOR CHEST PAIN.";
    let prediction = one(network.as_ref(), &[heart]);
    assert!(
        prediction
            .topics
            .iter()
            .any(|topic| topic.label == "cardiovascular-pulmonary" && topic.probability >= topic.threshold)
    );
    let table =
        "Date | Test | Result\n----|----|----\n01/02 | Troponin T | 0.04 ng/mL\n01/02 | Echocardiogram | normal\n";
    one(network.as_ref(), &[table]);
    for (text, why) in [
        ("Le patient est admis pour une douleur thoracique sans fièvre.", "not-english"),
        ("Der Patient hat keine Schmerzen und ist mit der Behandlung zufrieden.", "not-english"),
        ("", "note-too-short"),
    ] {
        assert_eq!(reason(&one(network.as_ref(), &[text])), why);
    }
}
