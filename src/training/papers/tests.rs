use super::{CardText, Papers, finish};
use crate::{
    models::{Manifest, attributes, evaluation::Report},
    training::{EpochLine, TrainingError},
};

fn report(split: &str) -> Report {
    serde_json::from_value(serde_json::json!({
        "model": "made-up", "version": "0.1.0", "split": split, "date": "2026-11-23", "through": "here", "n": 400, "positives": 100,
        "refused": {"blank": 3}, "metrics": {"auroc": 0.91, "sensitivity": 0.9, "ppv": 0.6, "alerts_per_100": 37.5},
        "intervals": {"auroc": [0.88, 0.93]},
        "subgroups": [{"by": "sex", "group": "female", "n": 200, "positives": 50, "metrics": {"auroc": 0.9, "sensitivity": 0.9},
                       "intervals": {"auroc": [0.86, 0.94]}}],
        "thresholds": [{"threshold": 0.4, "in_use": true, "sensitivity": 0.9, "specificity": 0.8, "ppv": null, "npv": 0.97,
                        "alerts_per_100": 37.5, "net_benefit": 0.1, "net_benefit_all": 0.0}],
        "failures": [{"case": "7", "truth": "x", "said": "probability 0.1 of x"}]
    }))
    .unwrap()
}

fn manifest() -> Manifest {
    let text = "name = \"made-up\"\nversion = \"0.1.0\"\ntitle = \"A made-up network\"\nkind = \"image\"\narchitecture = \"a\"\n\
        intended_use = \"Nothing.\"\nnot_for = [\"anybody\"]\nfiles = []\n[input]\n[[labels]]\nname = \"x\"\nthreshold = 0.4\n\
        policy = \"sensitivity at least 0.90 on tune\"\nsensitivity = 0.0\nppv = 0.0\nalerts_per_100 = 0.0\n[calibration]\n\
        slope = 1.0\nintercept = 0.0\nece = 0.0\nbrier = 0.0\n[provenance]\ndata = \"d\"\nlicence = \"l\"\ncitation = \"c\"\n\
        source = \"s\"\ncommand = \"auscult train\"\nseed = 1\nepoch = 2\ndate = \"2026-01-01\"\n[evaluation]\n";
    toml::from_str(text).unwrap()
}

fn written(split: &str, attributes: &[(&str, &str)]) -> (tempfile::TempDir, Result<Manifest, TrainingError>) {
    let folder = tempfile::tempdir().unwrap();
    let card = CardText { details: "Made up.".into(), ..CardText::default() };
    let line = |epoch| EpochLine { epoch, loss: 1.0 / epoch as f64, metric: 0.8, learning_rate: 0.1 };
    let curve = [line(1), line(2)];
    let papers = Papers {
        folder: folder.path(),
        manifest: manifest(),
        card: &card,
        attributes,
        report: report(split),
        curve: &curve,
        curve_metric: "AUROC",
    };
    let result = finish(papers);
    (folder, result)
}

#[test]
fn the_papers_hold_figures_with_intervals_and_all_attributes() {
    let (folder, result) = written("validation", &[("funding", "none")]);
    let manifest = result.unwrap();
    assert!(attributes::problems(&manifest.attributes).is_empty() && manifest.attributes.len() == 31);
    assert_eq!(
        (manifest.attributes["funding"].as_str(), manifest.attributes["external-party"].as_str()),
        ("none", "unknown")
    );
    let validity = &manifest.attributes["validity-same-source"];
    assert!(
        ["n = 400", "2026-11-23", "AUROC 0.910 (0.880 to 0.930)"].iter().all(|part| validity.contains(part)),
        "{validity}"
    );
    assert!(manifest.attributes["fairness-same-source"].contains("sex female: AUROC 0.900 (0.860 to 0.940), n = 200"));
    let label = &manifest.labels[0];
    assert_eq!((label.sensitivity, label.ppv, label.alerts_per_100), (0.9, 0.6, 37.5), "as measured on validation");
    assert_eq!(manifest.evaluation["validation"].intervals["auroc"], [0.88, 0.93]);
    let card = std::fs::read_to_string(folder.path().join("MODEL_CARD.md")).unwrap();
    let sections = [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
    ];
    assert!(sections.iter().all(|section| card.contains(&format!("\n## {section}\n"))), "{card}");
    assert!(
        card.contains("| AUROC | 0.910 (0.880 to 0.930) |")
            && card.contains("| blank | 3 |")
            && card.contains("Unknown.")
    );
    assert_eq!(Report::load(folder.path()).unwrap().unwrap(), report("validation"));
    assert!(std::fs::read_to_string(folder.path().join(super::CURVE)).unwrap().starts_with("<svg"));
    let stored: Manifest =
        toml::from_str(&std::fs::read_to_string(folder.path().join("manifest.toml")).unwrap()).unwrap();
    assert_eq!(stored.attributes, manifest.attributes);
}

#[test]
fn figures_of_another_split_and_unknown_attributes_are_refused() {
    assert!(written("test", &[]).1.is_err());
    let (folder, result) = written("validation", &[("colour", "red")]);
    assert!(result.is_err() && !folder.path().join("manifest.toml").exists());
}
