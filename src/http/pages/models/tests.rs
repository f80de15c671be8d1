//! Pages written from papers with realistic numbers.

use super::{Entry, list, page, words};
use crate::{
    explain::charts::{self, CurvePoint},
    http::pages::frame::{Place, policy},
    models::{
        Manifest, Papers,
        attributes::{ATTRIBUTES, UNKNOWN},
        evaluation::{ConformalCheck, Failure, ReliabilityBin, Report, Subgroup, ThresholdRow},
        explained::{Curves, Figures, Share},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

fn manifest() -> Manifest {
    let mut manifest: Manifest = toml::from_str(
        r#"
        name = "inpatient-mortality"
        version = "1.2.0"
        title = "Risk of death in hospital"
        kind = "sequence"
        architecture = "lstm-3x128"
        intended_use = "To draw attention to adults in intensive care."
        not_for = ["children & adolescents under 16", "<b>triage</b> by score"]
        files = [{ file = "weights.safetensors", digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }]
        input = {}
        labels = [{ name = "death-in-hospital", threshold = 0.22, policy = "PPV at least 0.40", sensitivity = 0.703, ppv = 0.404, alerts_per_100 = 25.0, conformal = { coverage = 0.9, yes_from = 0.08, no_to = 0.31 } }]
        calibration = { slope = 1.0, intercept = 0.0, ece = 0.02, brier = 0.05 }
        provenance = { data = "6370 stays", licence = "ODC-BY 1.0", citation = "Silva 2012", source = "https://physionet.org/x", command = "auscult train inpatient-mortality", seed = 7, epoch = 9, date = "2026-11-20" }

        [evaluation.validation]
        n = 1630
        positives = 229
        metrics = { auroc = 0.8821, sensitivity = 0.703, specificity = 0.831, ppv = 0.404, ece = 0.018, auprc = 0.551 }
        intervals = { auroc = [0.861, 0.9007], sensitivity = [0.641, 0.758], ppv = [0.36, 0.45] }
        "#,
    )
    .unwrap();
    manifest.attributes = ATTRIBUTES.iter().map(|(key, ..)| ((*key).to_owned(), UNKNOWN.to_owned())).collect();
    manifest.attributes.insert("developer".into(), "The project's <i>authors</i>".into());
    manifest
}

fn bin(from: f64, to: f64, n: usize, observed: f64) -> ReliabilityBin {
    let interval = words::wilson((observed * n as f64).round() as usize, n);
    ReliabilityBin { from, to, n, predicted: (from + to) / 2.0, observed, interval }
}

fn row(threshold: f64, in_use: bool) -> ThresholdRow {
    ThresholdRow {
        threshold,
        in_use,
        sensitivity: 0.7,
        specificity: 0.83,
        ppv: (threshold < 0.9).then_some(0.4),
        npv: Some(0.94),
        alerts_per_100: 25.0,
        net_benefit: 0.058,
        net_benefit_all: -0.101,
    }
}

pub fn report() -> Report {
    let mut report: Report =
        serde_json::from_value(serde_json::json!({"model": "inpatient-mortality", "version": "1.2.0",
        "split": "validation", "date": "2026-11-23", "through": "here", "n": 1630, "positives": 229,
        "refused": {"too-few-measurements": 31, "unlike-training": 9}, "metrics": {}, "intervals": {}}))
        .unwrap();
    report.reliability =
        vec![bin(0.0, 1.0 / 15.0, 900, 0.022), bin(6.0 / 15.0, 7.0 / 15.0, 51, 0.43), bin(14.0 / 15.0, 1.0, 4, 1.0)];
    report.roc = vec![[0.0, 0.0], [0.1, 0.6], [0.3, 0.85], [1.0, 1.0]];
    report.thresholds = vec![row(0.1, false), row(0.22, true), row(0.95, false)];
    report.subgroups = ["cardiac surgery", "medical"]
        .map(|group| Subgroup {
            by: "ICU type".into(),
            group: group.into(),
            n: 400,
            positives: 40,
            metrics: BTreeMap::from([("auroc".into(), 0.87), ("ece".into(), 0.031)]),
            intervals: BTreeMap::from([("auroc".into(), [0.82, 0.91])]),
        })
        .into();
    report.conformal =
        Some(ConformalCheck { promised: 0.9, covered: 0.907, interval: [0.89, 0.92], undecided: 0.21, mean_size: 1.2 });
    report.failures = vec![Failure { case: "137592".into(), truth: "died".into(), said: "probability 0.02".into() }];
    report
}

fn explained() -> Figures {
    let share = |count| Share { count, of: 200, share: count as f64 / 200.0, interval: [0.9, 1.0] };
    Figures {
        model: "inpatient-mortality".parse().unwrap(),
        weights: crate::domain::Digest::of(b""),
        split: "validation".into(),
        method: "integrated gradients".into(),
        n: 200,
        complete: share(200),
        agreed: share(199),
        reliable: share(199),
        points: 16.0,
        curves: Curves {
            n: 200,
            deletion: -4.3,
            deletion_random: -2.4,
            deletion_better: share(198),
            insertion: -0.9,
            insertion_random: -2.4,
            insertion_better: share(197),
        },
    }
}

#[test]
fn what_was_measured_of_the_reasons_is_told_with_both_orders() {
    let page = written(&papers());
    for part in ["Can its reasons be believed?", "100 (90.0 to 100.0)", "99.5 (90.0 to 100.0)", "-4.30", "-2.40"] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert!(!written(&Papers { explained: None, ..papers() }).contains("Can its reasons"));
}

fn papers() -> Papers {
    let card = "# Risk\n\nText <script>alert(1)</script> and **more**.\n".to_owned();
    let curve = "<svg><style>.a{fill:red}</style><title>Learning curve</title></svg>".to_owned();
    Papers {
        manifest: manifest(),
        report: Some(report()),
        explained: Some(explained()),
        card: Some(card),
        curve: Some(curve),
    }
}

fn written(papers: &Papers) -> String {
    let entry = Entry { papers, services: vec!["Deterioration".into()] };
    page::page(&Place { prefix: "/cds".into(), demo: true }, &entry).into_string()
}

#[test]
fn the_page_says_in_counts_of_a_hundred_how_often_the_network_is_right() {
    let page = written(&papers());
    for part in [
        "Of 100 stays that ended in death in hospital, it finds <b>70</b><span class=\"quiet\"> (64 to 76)</span>.",
        "Of 100 cards, <b>40</b><span class=\"quiet\"> (36 to 45)</span> are right.",
        "Of 100 stays without it, <b>83</b> rightly get no card.",
        "Counted on 1,630 held-out stays, 229 of them that ended in death in hospital (14 of 100)",
        "Of 1,630 valid held-out stays it refused <b>40</b> (2.5 %, 95 % interval 1.8 to 3.3 %)",
        "too few measurements",
        "90.7 %",
        "0.22 (in use)",
        "cardiac surgery",
        "0.870 (0.820 to 0.910)",
        "137592",
        "auscult train inpatient-mortality",
        "e3b0c44298fc1c14",
        "href=\"/cds/models/inpatient-mortality.json\"",
    ] {
        assert!(page.contains(part), "{part} is not on the page: {page}");
    }
}

#[test]
fn nothing_in_the_papers_becomes_markup_of_the_page() {
    let page = written(&papers());
    assert!(!page.contains("<script") && !page.contains("<b>triage") && !page.contains("<i>authors"));
    assert!(page.contains("&lt;script&gt;") && page.contains("<strong>more</strong>"));
}

#[test]
fn all_thirty_one_source_attributes_are_there_with_their_paragraphs() {
    let page = written(&papers());
    for (_, paragraph, words) in ATTRIBUTES {
        let (number, rest) = paragraph.split_once('(').unwrap();
        assert!(page.contains(&format!("<td>(B)({number})({rest}</td>")), "{paragraph}");
        assert!(page.contains(&maud::html! { (words) }.into_string()), "{words}");
    }
    assert_eq!(page.matches("<td class=\"quiet\">unknown</td>").count(), 30);
}

#[test]
fn what_is_not_known_is_said_and_not_drawn() {
    let bare = Papers {
        explained: None,
        report: None,
        card: None,
        curve: None,
        manifest: Manifest { attributes: BTreeMap::new(), ..manifest() },
    };
    let page = written(&bare);
    for part in ["There is no evaluation in full", "has not been reported", "do not answer them yet"] {
        assert!(page.contains(part), "{part}");
    }
    for absent in ["id=\"calibration\"", "id=\"card\"", "Learning curve", "href=\"#card\"", "href=\"#burden\""] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[test]
fn the_learning_curve_that_training_draws_is_taken_for_a_picture_and_every_style_on_the_page_is_let_through() {
    let folder = tempfile::tempdir().unwrap();
    let point = |epoch| CurvePoint { epoch, loss: 1.0 / epoch as f64, metric: 0.8 + 0.01 * epoch as f64 };
    let curve = charts::learning_curve(&[point(1), point(2), point(3)], "AUROC on tune", Some(3));
    std::fs::write(folder.path().join("learning-curve.svg"), &curve).unwrap();
    std::fs::write(folder.path().join("evaluation.json"), serde_json::to_vec(&report()).unwrap()).unwrap();
    let papers = Papers::load(folder.path(), manifest()).unwrap();
    let page = written(&papers);
    assert!(page.contains(&curve));
    assert!(page.matches("<style>").count() >= 5, "{}", page.matches("<style>").count());
    let policy = policy(super::charts::styles(&papers));
    for style in page.split("<style>").skip(1).map(|rest| rest.split("</style>").next().unwrap()) {
        let digest = STANDARD.encode(Sha256::digest(style.as_bytes()));
        assert!(policy.contains(&digest), "{style}");
    }
    assert!(!page.contains(" style=\""), "an inline style that the policy would refuse");
}

#[test]
fn every_link_inside_the_page_leads_somewhere() {
    let page = written(&papers());
    for part in page.split("href=\"#").skip(1) {
        let id = part.split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[test]
fn cases_like_this_one_are_counted_in_the_band_of_its_probability() {
    let (manifest, report) = (manifest(), report());
    let said = |probability| words::among_such(&manifest, &report, "death-in-hospital", probability);
    assert_eq!(
        said(0.42).unwrap(),
        "51 held-out stays scored between 40 and 47 %. Of 100 such stays in about 43 the patient died (95 % interval 31 to 57)."
    );
    assert!(
        said(1.0)
            .unwrap()
            .starts_with("Only 4 held-out stays scored between 93 and 100 %; in 4 of them the patient died.")
    );
    assert_eq!(said(0.5), None);
}

#[test]
fn the_list_has_the_headline_with_its_interval_and_whom_it_is_not_for() {
    let papers = papers();
    let entry = Entry { papers: &papers, services: Vec::new() };
    let place = Place::of("https://ehr.example/cds", true);
    let main = list::page(&place, &[entry]);
    let page = place.page("Networks", &main);
    for part in [
        "0.882",
        "95 % interval 0.861 to 0.901, 1,630 held-out stays",
        "1.8",
        "evaluated 2026-11-23",
        "under 16",
        "href=\"/cds/models/inpatient-mortality\"",
        "href=\"/cds/try/style.css\"",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}
