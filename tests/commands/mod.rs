//! The command line as a person uses it.

use crate::support::{TestApp, command, root};
use std::{fs, path::Path, process::Output};
use tempfile::TempDir;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = TempDir::new().unwrap();
    command(&folder).args(arguments).envs(environment.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn check_names_every_network_and_service() {
    let output = run(&["check"], &[]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for name in [
        "chest-radiograph",
        "inpatient-mortality",
        "note-problems",
        "inpatient-deterioration",
        "note-review",
        "chart-review",
    ] {
        assert!(said.contains(name), "{name} is not in: {said}");
    }
}

#[test]
fn a_network_whose_weights_were_altered_by_one_bit_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let models = folder.path().join("models");
    copy(&root().join("models"), &models);
    let weights = models.join("inpatient-mortality/weights.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&weights, bytes).unwrap();
    for arguments in [&["check"][..], &["serve"][..]] {
        let output = run(arguments, &[("AUSCULT__MODELS", models.to_str().unwrap())]);
        let said = text(&output.stderr);
        assert!(!output.status.success());
        assert!(said.contains("inpatient-mortality") && said.contains("digest"), "{said}");
    }
}

#[test]
fn an_evaluation_of_another_version_stops_the_start() {
    let folder = TempDir::new().unwrap();
    let models = folder.path().join("models");
    copy(&root().join("models"), &models);
    let report = r#"{"model": "chest-radiograph", "version": "9.9.9", "split": "validation", "date": "2026-01-01",
        "through": "here", "n": 1, "positives": 1, "refused": {}, "metrics": {}, "intervals": {}}"#;
    fs::write(models.join("chest-radiograph/evaluation.json"), report).unwrap();
    for arguments in [&["check"][..], &["serve"][..]] {
        let output = run(arguments, &[("AUSCULT__MODELS", models.to_str().unwrap())]);
        let said = text(&output.stderr);
        assert!(!output.status.success());
        assert!(said.contains("evaluation.json") && said.contains("9.9.9"), "{said}");
    }
}

#[test]
fn a_definition_that_does_not_fit_its_network_is_refused_by_file() {
    let folder = TempDir::new().unwrap();
    let definitions = folder.path().join("cds-hooks");
    copy(&root().join("cds-hooks"), &definitions);
    let file = definitions.join("chest-radiograph.toml");
    let text_before = fs::read_to_string(&file).unwrap();
    assert!(text_before.contains("\"pneumonia\""));
    fs::write(&file, text_before.replace("\"pneumonia\"", "\"fracture\"")).unwrap();
    let output = run(&["check"], &[("AUSCULT__DEFINITIONS", definitions.to_str().unwrap())]);
    let said = text(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("chest-radiograph.toml") && said.contains("fracture"), "{said}");
}

#[test]
fn everything_wrong_with_the_settings_is_said_at_once() {
    let output = run(&["check"], &[("AUSCULT__INFERENCE__QUEUE", "0"), ("AUSCULT__DECISION__DEADLINE_MS", "10")]);
    let said = text(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("inference.queue") && said.contains("record_reserve_ms"), "{said}");
}

#[tokio::test]
async fn call_prints_the_cards_of_a_sample() {
    let app = TestApp::spawn().await;
    let output = run(&["call", "walter-brandt", "--url", &app.url], &[]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.starts_with("Walter Brandt: ") && said.contains("card(s)"), "{said}");
    let output = run(&["call", "jonas-weber", "--service", "chest-radiograph", "--url", &app.url], &[]);
    assert!(text(&output.stdout).contains("nothing to advise"), "{}", text(&output.stdout));
}

#[test]
fn call_without_a_name_lists_the_samples_and_without_a_service_says_what_to_do() {
    let output = run(&["call"], &[]);
    assert!(text(&output.stdout).lines().count() >= 12);
    let output = run(&["call", "walter-brandt", "--url", "http://127.0.0.1:9"], &[]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("Is the service running"), "{}", text(&output.stderr));
    assert!(!run(&["call", "nobody"], &[]).status.success());
}

#[test]
fn evaluate_says_which_file_it_misses() {
    let folder = TempDir::new().unwrap();
    let models = root().join("models");
    let data = folder.path().to_str().unwrap();
    for name in ["chest-radiograph", "inpatient-mortality", "note-problems"] {
        let output = run(&["evaluate", name, "--data", data, "--models", models.to_str().unwrap()], &[]);
        assert!(!output.status.success(), "{name}");
        assert!(!text(&output.stderr).trim().is_empty());
    }
}
