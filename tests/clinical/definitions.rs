//! `cds-hooks/`: what is shipped is sound, and what is wrong in a definition is found at start-up, all of it at once.

use super::charts::{definitions, manifests};
use auscult::{
    cards::{DefinitionError, Definitions, Policy},
    models::Manifest,
};
use std::{fs, path::Path};

fn shipped() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cds-hooks")
}

/// The errors of the shipped definitions after one edit of one file.
fn errors_after(file: &str, from: &str, to: &str) -> Vec<DefinitionError> {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(shipped()).unwrap().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap();
        let text = if entry.file_name() == file {
            assert!(text.contains(from), "{file} does not contain {from}");
            text.replacen(from, to, 1)
        } else {
            text
        };
        fs::write(folder.path().join(entry.file_name()), text).unwrap();
    }
    let manifests = manifests();
    Definitions::load(folder.path(), &manifests.iter().collect::<Vec<_>>()).err().unwrap_or_default()
}

#[test]
fn the_shipped_services_are_sound_and_can_be_discovered() {
    let manifests = manifests();
    let definitions = definitions(&manifests);
    let ids: Vec<&str> = definitions.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "chart-review",
            "chest-radiograph",
            "inpatient-deterioration",
            "knee-radiograph",
            "mortality-textbook",
            "note-review",
            "pneumonia-28"
        ]
    );
    for definition in definitions.iter() {
        let service = serde_json::to_value(definition.discovery().unwrap()).unwrap();
        assert_eq!(service["hook"], "patient-view");
        assert!(service["description"].as_str().unwrap().contains("not a certified medical device"));
        assert_eq!(service["prefetch"]["patient"], "Patient/{{context.patientId}}");
        assert_eq!(definition.prefetch["patient"].policy, Policy::Required);
        let optional = definition.prefetch.iter().filter(|(key, _)| *key != "patient");
        assert!(optional.clone().count() > 0 && optional.clone().all(|(_, query)| query.policy == Policy::Optional));
    }
}

#[test]
fn chart_review_asks_for_everything_and_runs_all_four_networks() {
    let manifests = manifests();
    let definitions = definitions(&manifests);
    let review = definitions.get(&"chart-review".parse().unwrap()).unwrap();
    let keys: Vec<&str> = review.prefetch.keys().map(String::as_str).collect();
    assert_eq!(keys, ["conditions", "imaging", "notes", "observations", "patient"]);
    let models: Vec<&str> = review.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(models, ["chest-radiograph", "knee-radiograph", "inpatient-mortality", "note-problems"]);
}

#[test]
fn whatever_is_wrong_is_named_with_file_and_key() {
    let chest = "chest-radiograph.toml";
    for (file, from, to, key, reason) in [
        (chest, "id = \"chest-radiograph\"", "id = \"chest\"", "id", "the file is called"),
        (chest, "title = ", "titel = ", "", "unknown field"),
        (chest, "hook = \"patient-view\"", "hook = \"patient-seen\"", "hook", "not a known hook"),
        (chest, "label = \"Auscult\"", "label = \" \"", "source.label", "blank"),
        (chest, "url = \"https", "url = \"ftp", "source.url", "absolute"),
        (chest, "Patient/{{context.patientId}}", "Patient/{{context.patient}}", "prefetch.patient", ""),
        (chest, "&_sort=-created", "&_include=Media:subject", "prefetch.imaging", ""),
        (chest, "name = \"chest-radiograph\"\ninput", "name = \"hand\"\ninput", "models[0]", "no network `hand`"),
        (chest, "input = \"film\"", "input = \"notes\"", "models[0]", "does not read"),
        (chest, "label = \"pneumonia\"", "label = \"fracture\"", "cards[0].label", "no label `fracture`"),
        (chest, "at = \"threshold\"", "at = 0.5", "cards[0].bands", "first must be at `threshold`"),
        (chest, "{{when}}", "", "cards[0].stale_after_hours", "needs"),
        (chest, "probability {{probability}});", "probability {{problem}});", "cards[0].summary", "no meaning"),
        (chest, "please have it read", "please have it read by somebody else soon", "cards[0].summary", "characters"),
        (
            chest,
            "recommended = true",
            "recommended = true\nunless_measured = \"HR\"",
            "cards[0].suggestions[0].unless_measured",
            "no variable",
        ),
        (chest, "priority = \"urgent\"", "priority = \"soon\"", "", "unknown variant"),
        (chest, "http://snomed.info/sct", "snomed", "service_request.category.system", "absolute"),
        (
            chest,
            "display = \"Recommended action was already completed\"",
            "display = \"\"",
            "override_reasons[0].display",
            "blank",
        ),
        (chest, "code = \"need-more-info\"", "code = \"action-completed\"", "override_reasons[2]", "twice"),
        (chest, "/explain/{{card}}", "/explain/{{patient}}", "links[0].path", "{{card}}"),
        ("inpatient-deterioration.toml", "at = 0.6", "at = 0.05", "cards[0].bands[1].at", "0.05 is not between 0.12"),
        ("inpatient-deterioration.toml", "indicator = \"critical\"", "indicator = \"info\"", "cards[0].bands", "grow"),
        ("inpatient-deterioration.toml", "\"Lactate\"", "\"Lactose\"", "unless_measured", "no variable `Lactose`"),
        ("knee-radiograph.toml", "grades = [2, 3]", "grades = [2]", "cards[0].grades", "each grade of 0 to 4 once"),
        ("knee-radiograph.toml", "grades = [3]", "grades = [4]", "cards[1].suggestions[2].grades", "not for"),
        ("knee-radiograph.toml", "{{grade}}, but", "{{grade_probabilities}}, but", "cards[0].summary", "no meaning"),
        (chest, "stale_after_hours = 168", "grades = [1]", "cards[0].grades", "only a network that grades"),
        ("note-review.toml", "most = 3", "most = 30", "cards[0].most", "1 to 5"),
        (
            "note-review.toml",
            "[cards.suggestions.condition]\ndescription",
            "[cards.suggestions.service_request]\ndescription",
            "",
            "unknown field",
        ),
        ("chart-review.toml", "\"note-review\"]", "\"notes\"]", "includes", "no sound service `notes`"),
        (
            "chest-radiograph.card.md",
            "section: pneumonia",
            "section: pneumonie",
            "section pneumonia of the .card.md",
            "missing",
        ),
        (
            "chest-radiograph.card.md",
            "{{missing}}",
            "{{patient_name}}",
            "section pneumonia of the .card.md",
            "not a placeholder",
        ),
        ("shared.card.md", "section: late.summary", "section: later.summary", "late.summary", "empty"),
    ] {
        let errors = errors_after(file, from, to);
        let found = errors.iter().any(|error| error.key.contains(key) && error.reason.contains(reason));
        assert!(found, "{to}: {errors:#?}");
        assert!(errors.iter().all(|error| !error.file.is_empty()));
    }
}

#[test]
fn all_errors_are_reported_at_once() {
    let mut manifests = manifests();
    manifests[1].labels[0].threshold = 0.9;
    manifests[2].labels[0].name = "Illness".into();
    let errors = Definitions::load(&shipped(), &[&manifests[1], &manifests[2]]).unwrap_err();
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for expected in [
        "chest-radiograph.toml: models[0]: there is no network `chest-radiograph`",
        "inpatient-deterioration.toml: cards[0].bands[1].at: 0.6 is not between 0.9 (the threshold or the band before) and 1",
        "note-review.toml: cards[0].label: `note-problems` has no label `Disease`",
    ] {
        assert!(said.iter().any(|one| one == expected), "{expected} is not in {said:#?}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let none: [&Manifest; 0] = [];
    assert!(Definitions::load(Path::new("no such folder"), &none).is_err());
}

#[test]
fn the_digest_names_the_configuration() {
    let manifests = manifests();
    let [once, again] = [definitions(&manifests), definitions(&manifests)];
    let digests = |all: &Definitions| all.iter().map(|one| one.digest.to_string()).collect::<Vec<_>>();
    assert_eq!(digests(&once), digests(&again));
    let mut different = digests(&once);
    different.dedup();
    assert_eq!(different.len(), 7);
}
