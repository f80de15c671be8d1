use super::{CurvePoint, STYLE, all, learning_curve, reliability};
use crate::models::evaluation::Report;
use serde_json::json;

/// A made-up network on 800 cases, with everything a report can hold.
fn report() -> Report {
    let bins: Vec<_> = (0..15)
        .map(|bin| {
            let (from, observed) = (f64::from(bin) / 15.0, (f64::from(bin) / 15.0).powf(1.2));
            let half = 0.1 - f64::from(bin) * 0.003;
            json!({"from": from, "to": from + 1.0 / 15.0, "n": 300 - 18 * bin, "predicted": from + 1.0 / 30.0, "observed": observed,
                   "interval": [(observed - half).max(0.0), (observed + half).min(1.0)]})
        })
        .collect();
    let rows: Vec<_> = (1..20)
        .map(|step| {
            let t = f64::from(step) * 0.05;
            let (sensitivity, ppv) = (1.0 - t * t, 0.3 + 0.65 * t);
            json!({"threshold": t, "in_use": step == 7, "sensitivity": sensitivity, "specificity": t.sqrt(), "ppv": ppv, "npv": 0.95,
                   "alerts_per_100": 100.0 * (1.0 - t).powi(2), "net_benefit": 0.25 * (1.0 - t).powf(0.7),
                   "net_benefit_all": 0.28 - 0.72 * t / (1.0 - t)})
        })
        .collect();
    let part = |by: &str, group: &str, value: f64| json!({"by": by, "group": group, "n": 412, "positives": 96, "metrics": {"auroc": value}, "intervals": {"auroc": [value - 0.03, value + 0.02]}});
    let roc: Vec<[f64; 2]> = (0..=50).map(|step| f64::from(step) / 50.0).map(|x| [x, x.powf(0.2)]).collect();
    serde_json::from_value(json!({
        "model": "made-up", "version": "0.1.0", "split": "validation", "date": "2026-11-23", "through": "here", "n": 800, "positives": 200,
        "refused": {}, "metrics": {"auroc": 0.912, "ece": 0.021}, "intervals": {"auroc": [0.893, 0.931], "ece": [0.015, 0.034]},
        "reliability": bins, "roc": roc, "thresholds": rows,
        "subgroups": [part("age", "under 65", 0.92), part("age", "65 to 79", 0.91), part("age", "80 and more", 0.88), part("sex", "female", 0.915),
                      part("sex", "<b>male", 0.908)],
        "confusion": [[310, 60, 22, 0, 0], [80, 70, 40, 2, 0], [20, 40, 180, 18, 0], [0, 2, 15, 105, 6], [0, 0, 0, 5, 24]]
    }))
    .unwrap()
}

#[test]
fn every_chart_is_one_svg_with_its_figures_as_text() {
    let charts = all(&report());
    assert_eq!(
        charts.iter().map(|one| one.0).collect::<Vec<_>>(),
        ["reliability", "roc", "decision", "alerts", "subgroups", "confusion"]
    );
    for (name, svg) in charts {
        assert!(svg.starts_with("<svg") && svg.ends_with("</g></svg>") && svg.contains(STYLE), "{name}");
        assert!(
            svg.contains("viewBox=\"0 0 360 ") && svg.contains("role=\"img\"") && svg.contains("<title>"),
            "{name}"
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<b>"), "{name}");
        // For looking at with a browser: CHARTS=folder in the build's environment.
        if let Some(folder) = std::env::var_os("CHARTS") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.svg")), svg).unwrap();
        }
    }
}

#[test]
fn the_text_alternative_holds_the_figures() {
    let svg = reliability(&report());
    assert!(
        svg.contains("calibration error 0.021 (95 % interval 0.015 to 0.034)") && svg.contains("observed 0.00 of 300")
    );
    let charts = all(&report());
    assert!(charts[1].1.contains("sensitivity 0.88") && charts[4].1.contains("all 0.912 (0.893 to 0.931), 800 cases"));
    assert!(charts[5].1.contains("of true grade 4: 0 as 0, 0 as 1, 0 as 2, 5 as 3, 24 as 4"));
}

#[test]
fn what_is_not_in_the_report_is_not_drawn() {
    let mut empty = report();
    empty.reliability.clear();
    empty.roc.clear();
    empty.thresholds.clear();
    empty.subgroups.clear();
    empty.confusion.clear();
    assert!(all(&empty).is_empty() && learning_curve(&[], "AUROC", None).is_empty());
}

#[test]
fn the_learning_curve_marks_the_chosen_epoch() {
    let point = |epoch: u32| CurvePoint {
        epoch: epoch as usize,
        loss: 0.6 / f64::from(epoch).sqrt(),
        metric: 0.9 - 0.01 * f64::from(epoch - 6).powi(2).min(9.0),
    };
    let curve: Vec<CurvePoint> = (6..20).map(point).collect();
    let svg = learning_curve(&curve, "AUROC", Some(6));
    assert!(svg.contains("chosen: epoch 6, AUROC 0.9000") && svg.matches("class=\"ring\"").count() == 2);
    assert!(!learning_curve(&curve[..1], "AUROC", None).contains("NaN"), "one epoch is no range");
    if let Some(folder) = std::env::var_os("CHARTS") {
        std::fs::write(std::path::Path::new(&folder).join("learning.svg"), svg).unwrap();
    }
}
