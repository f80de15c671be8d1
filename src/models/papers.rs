//! Everything that is written about a network, as people read it: the manifest, the evaluation behind its figures, the
//! model card and the learning curve.
//!
//! Contract: read once, at start-up, and held against each other: papers that speak of another network or version, or
//! a picture that holds more than a picture, do not load.

use super::{
    Manifest,
    evaluation::Report,
    explained,
    manifest::{Evaluation, Kind},
};
use serde::Serialize;
use std::{
    fmt, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// The model card's file in a network's folder.
pub const CARD: &str = "MODEL_CARD.md";
/// The learning curve's.
pub const CURVE: &str = "learning-curve.svg";

/// Longest card and picture that are read: they are served from memory.
const CARD_BYTES_MAX: u64 = 512 * 1024;
const CURVE_BYTES_MAX: u64 = 1024 * 1024;

/// What an SVG picture may be made of; nothing that runs, loads or links.
const ELEMENTS: [&str; 14] = [
    "svg", "title", "desc", "style", "g", "rect", "line", "polyline", "polygon", "path", "circle", "ellipse", "text",
    "tspan",
];

/// A network's papers.
#[derive(Debug, Clone)]
pub struct Papers {
    /// Digests, labels, calibration, provenance, source attributes, figures in short.
    pub manifest: Manifest,
    /// The evaluation in full, if there is one.
    pub report: Option<Report>,
    /// What was measured of its explanations.
    pub explained: Option<explained::Figures>,
    /// The model card, Markdown.
    pub card: Option<String>,
    /// The learning curve, an SVG picture without its XML prologue.
    pub curve: Option<String>,
}

/// Why papers do not load.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct PapersError {
    path: PathBuf,
    reason: String,
}

impl Papers {
    /// Reads what lies beside the manifest.
    ///
    /// # Errors
    /// [`PapersError`] when a file cannot be read, is too large, or disagrees with the manifest.
    pub fn load(folder: &Path, manifest: Manifest) -> Result<Self, PapersError> {
        let fault = |file: &str, reason: String| PapersError { path: folder.join(file), reason };
        let report = Report::load(folder).map_err(|reason| fault("", reason))?;
        if let Some(report) = &report {
            disagreement(report, &manifest).map_or(Ok(()), |reason| Err(fault(super::evaluation::FILE, reason)))?;
        }
        let curve = text(folder, CURVE, CURVE_BYTES_MAX)?.filter(|text| !text.trim().is_empty());
        let curve = curve.map(|text| picture(&text).map_err(|reason| fault(CURVE, reason))).transpose()?;
        let explained = explained::Figures::load(folder, &manifest).map_err(|reason| fault(explained::FILE, reason))?;
        Ok(Self { manifest, report, explained, card: text(folder, CARD, CARD_BYTES_MAX)?, curve })
    }

    /// The figure a reader should see first.
    #[must_use]
    pub fn headline(&self) -> Option<Headline> {
        Headline::of(&self.manifest)
    }
}

/// What the report says otherwise than the manifest.
fn disagreement(report: &Report, manifest: &Manifest) -> Option<String> {
    if report.model != manifest.name {
        return Some(format!("it is about `{}`, not about `{}`", report.model, manifest.name));
    }
    if report.version != manifest.version {
        return Some(format!("it is about version {}, but this is version {}", report.version, manifest.version));
    }
    None
}

fn text(folder: &Path, file: &str, most: u64) -> Result<Option<String>, PapersError> {
    let path = folder.join(file);
    let fault = |reason: String| PapersError { path: path.clone(), reason };
    let length = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error.to_string())),
    };
    if length > most {
        return Err(fault(format!("it has {length} bytes, and {most} are allowed")));
    }
    fs::read_to_string(&path).map(Some).map_err(|error| fault(error.to_string()))
}

/// The `<svg>` element, if it is a picture and nothing else: it will stand inside a page.
fn picture(text: &str) -> Result<String, String> {
    let start = text.find("<svg").ok_or("it is not an SVG picture")?;
    let svg = text[start..].trim_end();
    let lower = svg.to_ascii_lowercase();
    for (at, _) in lower.match_indices('<') {
        let tag = lower[at + 1..].trim_start_matches('/');
        let name: String =
            tag.chars().take_while(|letter| !letter.is_whitespace() && !"/>".contains(*letter)).collect();
        if !ELEMENTS.contains(&name.as_str()) {
            return Err(format!("the element `{name}` does not belong into a picture"));
        }
    }
    if let Some(bad) = ["href", "url(", "@import", "javascript:"].into_iter().find(|bad| lower.contains(bad)) {
        return Err(format!("`{bad}` does not belong into a picture"));
    }
    let mut words = lower.split(|letter: char| letter.is_whitespace() || "/\"'".contains(letter));
    let handler = |word: &str| {
        let event = word.split_once('=').map(|(name, _)| name).filter(|name| name.starts_with("on"));
        event.is_some_and(|name| name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    if words.any(handler) { Err("an event handler does not belong into a picture".into()) } else { Ok(svg.to_owned()) }
}

/// A figure on held-out data with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The value.
    pub value: f64,
    /// 95 % interval, where it was computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

impl Figure {
    /// The metric of this key, with its interval.
    #[must_use]
    pub fn of(evaluation: &Evaluation, key: &str) -> Option<Self> {
        let value = *evaluation.metrics.get(key)?;
        Some(Self { value, interval: evaluation.intervals.get(key).copied() })
    }

    /// A label's own share (its sensitivity or PPV) with the interval of that metric, where the network has one label
    /// and the metric is that label's.
    #[must_use]
    pub fn of_label(manifest: &Manifest, key: &str, own: f64) -> Self {
        let evaluation = manifest.evaluation.get("validation").filter(|_| manifest.labels.len() == 1);
        let same = |name: &str| name == key || name.strip_suffix(key).is_some_and(|front| front.ends_with('_'));
        let interval = evaluation.and_then(|evaluation| {
            let mut metrics =
                evaluation.metrics.iter().filter(|(name, value)| same(name) && (**value - own).abs() < 0.005);
            metrics.find_map(|(name, _)| evaluation.intervals.get(name).copied())
        });
        Self { value: own, interval }
    }

    /// `0.95 (0.94 to 0.96)` with so many decimals.
    #[must_use]
    pub fn words(&self, decimals: usize) -> String {
        self.written(|value| rounded(value, decimals))
    }

    /// Of a share, how many of a hundred: `95 (93 to 97)`.
    #[must_use]
    pub fn of_hundred(&self) -> String {
        self.written(hundred)
    }

    fn written(&self, write: impl Fn(f64) -> String) -> String {
        let value = write(self.value);
        match self.interval {
            Some([low, high]) => format!("{value} ({} to {})", write(low), write(high)),
            None => value,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words(3))
    }
}

/// A number with so many decimals; what is not perfect is never rounded to perfection.
#[must_use]
pub fn rounded(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if value < 1.0 && text.starts_with("1") {
        let scale = 10f64.powi(i32::try_from(decimals).unwrap_or(0));
        return format!("{:.decimals$}", (value * scale).floor() / scale);
    }
    text
}

/// A share as a count of a hundred; neither nothing nor all unless it is.
#[must_use]
pub fn hundred(share: f64) -> String {
    match 100.0 * share {
        some if some > 0.0 && some < 0.5 => "under 1".into(),
        most if most < 100.0 => format!("{:.0}", most.min(99.0)),
        all => format!("{all:.0}"),
    }
}

/// Metrics by key, with the name clinicians and statisticians know, most telling first.
pub const METRICS: [(&str, &str); 26] = [
    ("auroc", "AUROC"),
    ("quadratic_kappa", "quadratic kappa"),
    ("kappa", "quadratic kappa"),
    ("accuracy", "accuracy"),
    ("accuracy_within_one", "accuracy within one grade"),
    ("balanced_accuracy", "balanced accuracy"),
    ("accuracy_at_half", "accuracy at a probability of 0.5"),
    ("f1", "F1"),
    ("micro_f1", "micro-F1"),
    ("macro_f1", "macro-F1"),
    ("sensitivity", "sensitivity"),
    ("specificity", "specificity"),
    ("ppv", "positive predictive value"),
    ("npv", "negative predictive value"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("auprc", "AUPRC"),
    ("event1", "least of sensitivity and PPV"),
    ("mae", "mean error in grades"),
    ("ece", "calibration error"),
    ("brier", "Brier score"),
    ("log_loss", "log loss"),
    ("calibration_slope", "calibration slope"),
    ("calibration_intercept", "calibration intercept"),
    ("alerts_per_100", "cards per 100 cases"),
    ("refused", "share refused"),
];

/// The name of a metric, also of one with a prefix or suffix (`oa_auroc`, `f1_disease`); an unknown key is its own name.
#[must_use]
pub fn metric_name(key: &str) -> String {
    let part = |(known, name): &(&str, &str)| {
        let rest = key.strip_prefix(known);
        match (rest, key.strip_suffix(known)) {
            (Some(""), _) => Some((known.len(), (*name).to_owned())),
            (Some(rest), _) if rest.starts_with('_') => Some((known.len(), format!("{name}, {}", plain(&rest[1..])))),
            (_, Some(front)) if front.ends_with('_') => {
                Some((known.len(), format!("{name}, {}", plain(&front[..front.len() - 1]))))
            }
            _ => None,
        }
    };
    let longest = METRICS.iter().filter_map(part).max_by_key(|(length, _)| *length);
    longest.map_or_else(|| plain(key), |(_, name)| name)
}

fn plain(key: &str) -> String {
    if key == "oa" {
        return "osteoarthritis".to_owned();
    }
    key.replace(['_', '-'], " ")
}

/// The figure a reader should see first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headline {
    /// Key of the metric.
    pub metric: String,
    /// Its name.
    pub name: String,
    /// Value and interval.
    #[serde(flatten)]
    pub figure: Figure,
    /// Cases it was computed on.
    pub n: usize,
}

impl Headline {
    /// From the split `validation`: how well it ranks, or else how often it is right.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Option<Self> {
        let evaluation = manifest.evaluation.get("validation")?;
        let order: &[&str] = match manifest.kind {
            Kind::Notes => &["f1", "macro_f1", "accuracy"],
            Kind::Image | Kind::Sequence => &["auroc", "quadratic_kappa", "kappa", "accuracy"],
        };
        let (key, figure) = order.iter().find_map(|key| Some((*key, Figure::of(evaluation, key)?)))?;
        Some(Self { metric: key.into(), name: metric_name(key), figure, n: evaluation.n })
    }
}

impl fmt::Display for Headline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.name, self.figure)
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, disagreement, hundred, metric_name, picture, rounded};
    use crate::models::{Manifest, evaluation::Report};

    fn manifest() -> Manifest {
        toml::from_str(
            r#"
            name = "a"
            version = "1.0.0"
            title = "t"
            kind = "image"
            architecture = "x"
            intended_use = "u"
            not_for = []
            files = []
            labels = []
            input = {}
            calibration = { slope = 1.0, intercept = 0.0, ece = 0.0, brier = 0.0 }
            provenance = { data = "", licence = "", citation = "", source = "", command = "", seed = 1, epoch = 1, date = "" }
            evaluation = {}
            "#,
        )
        .unwrap()
    }

    fn report(model: &str, version: &str) -> Report {
        serde_json::from_value(serde_json::json!({"model": model, "version": version, "split": "validation",
            "date": "2026-01-01", "through": "here", "n": 1, "positives": 1, "refused": {}, "metrics": {}, "intervals": {}}))
        .unwrap()
    }

    #[test]
    fn a_report_about_another_network_or_version_is_not_taken() {
        assert_eq!(disagreement(&report("a", "1.0.0"), &manifest()), None);
        assert!(disagreement(&report("b", "1.0.0"), &manifest()).unwrap().contains("`b`"));
        assert!(disagreement(&report("a", "1.0.1"), &manifest()).unwrap().contains("1.0.1"));
    }

    #[test]
    fn only_pictures_are_taken_for_pictures() {
        let plain = "<?xml version=\"1.0\"?>\n<svg viewBox=\"0 0 1 1\"><style>.a{fill:red}</style><g><path d=\"M0 0\"/><text>loss on x</text></g></svg>\n";
        assert!(picture(plain).unwrap().starts_with("<svg"));
        for bad in [
            "hello",
            "<svg><script>alert(1)</script></svg>",
            "<svg onload=\"x()\"></svg>",
            "<svg/onload=x()></svg>",
            "<svg><text aria-label='>' onclick='x()'>a</text></svg>",
            "<svg><a href=\"https://evil.example\">x</a></svg>",
            "<svg><image href=\"x\"/></svg>",
            "<svg><foreignObject><p>x</p></foreignObject></svg>",
            "<svg><style>@import 'x'</style></svg>",
            "<svg><rect fill=\"url(https://evil.example/x)\"/></svg>",
        ] {
            assert!(picture(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn metrics_have_names_whatever_stands_before_or_after_them() {
        for (key, name) in [
            ("auroc", "AUROC"),
            ("oa_auroc", "AUROC, osteoarthritis"),
            ("f1_disease", "F1, disease"),
            ("micro_f1", "micro-F1"),
            ("accuracy_within_one", "accuracy within one grade"),
            ("auroc_shifted", "AUROC, shifted"),
            ("words_per_day", "words per day"),
        ] {
            assert_eq!(metric_name(key), name);
        }
    }

    #[test]
    fn figures_have_their_interval_and_are_never_rounded_to_perfection() {
        let figure = Figure { value: 0.9531, interval: Some([0.94, 0.9996]) };
        assert_eq!(figure.words(2), "0.95 (0.94 to 0.99)");
        assert_eq!(figure.of_hundred(), "95 (94 to 99)");
        assert_eq!([rounded(0.9996, 3), rounded(1.0, 3), rounded(12.34, 1)], ["0.999", "1.000", "12.3"]);
        assert_eq!([hundred(0.001), hundred(0.0), hundred(0.998), hundred(1.0)], ["under 1", "0", "99", "100"]);
    }
}
