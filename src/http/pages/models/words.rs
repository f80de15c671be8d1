//! What the cases of a network are called, and figures as people say them.

use crate::models::{
    Manifest,
    evaluation::{ReliabilityBin, Report},
    manifest::Kind,
    papers::{Figure, hundred},
};

/// One case of a network, and many.
pub const fn noun(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Image => ("film", "films"),
        Kind::Sequence => ("stay", "stays"),
        Kind::Notes => ("sentence", "sentences"),
    }
}

/// What a network reads.
pub const fn reads(kind: Kind) -> &'static str {
    match kind {
        Kind::Image => "Reads a film",
        Kind::Sequence => "Reads vitals and laboratory values over time",
        Kind::Notes => "Reads clinical notes",
    }
}

/// A label as words.
pub fn plain(label: &str) -> String {
    label.replace(['-', '_'], " ")
}

/// `with pneumonia`, `that ended in death in hospital`.
pub fn having(kind: Kind, label: &str) -> String {
    let label = plain(label);
    match kind {
        Kind::Sequence if label.contains("death") => format!("that ended in {label}"),
        _ => format!("with {label}"),
    }
}

/// A figure of the split `validation`.
pub fn figure(manifest: &Manifest, key: &str) -> Option<Figure> {
    Figure::of(manifest.evaluation.get("validation")?, key)
}

/// `1,234`.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<String> =
        digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join(",")
}

/// 95 % Wilson interval of a share (Wilson, J Am Stat Assoc 1927;22:209).
pub fn wilson(some: usize, all: usize) -> [f64; 2] {
    let (n, z) = (all.max(1) as f64, 1.96_f64);
    let p = some as f64 / n;
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    [((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0)]
}

/// The bin of the reliability diagram in which a probability falls.
pub fn bin(report: &Report, probability: f64) -> Option<&ReliabilityBin> {
    let last = report.reliability.last()?.to;
    let inside =
        |bin: &&ReliabilityBin| (bin.from..bin.to).contains(&probability) || (bin.to == last && probability == last);
    report.reliability.iter().find(inside)
}

/// What became of held-out cases that scored like this one.
pub fn among_such(manifest: &Manifest, report: &Report, label: &str, probability: f64) -> Option<String> {
    let bin = bin(report, probability)?;
    let (_, many) = noun(manifest.kind);
    let band = format!("between {} and {} %", (100.0 * bin.from).round(), (100.0 * bin.to).round());
    let had = match manifest.kind {
        Kind::Sequence if label.contains("death") => "the patient died".to_owned(),
        _ => format!("there was {}", plain(label)),
    };
    let with = (bin.observed * bin.n as f64).round() as usize;
    if bin.n < 10 {
        let cases = if bin.n == 1 { noun(manifest.kind).0 } else { many };
        return Some(format!(
            "Only {} held-out {cases} scored {band}; in {with} of them {had}. That is too few to check this probability.",
            bin.n
        ));
    }
    Some(format!(
        "{} held-out {many} scored {band}. Of 100 such {many} in about {} {had} (95 % interval {} to {}).",
        count(bin.n),
        hundred(bin.observed),
        hundred(bin.interval[0]),
        hundred(bin.interval[1]),
    ))
}

#[cfg(test)]
mod tests {
    use super::{count, wilson};

    #[test]
    fn counts_have_groups_of_three() {
        assert_eq!([count(7), count(1000), count(1_234_567)], ["7", "1,000", "1,234,567"]);
    }

    #[test]
    fn wilsons_interval_is_that_of_the_textbook() {
        // Newcombe, Stat Med 1998;17:857, table I: 81 of 263 gives 0.2553 to 0.3662.
        let [low, high] = wilson(81, 263);
        assert!((low - 0.2553).abs() < 1e-4 && (high - 0.3662).abs() < 1e-4, "{low} {high}");
        assert_eq!(wilson(0, 10)[0], 0.0);
    }
}
