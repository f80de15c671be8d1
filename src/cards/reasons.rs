//! Why the network said so, in words: what weighed most, and whether the attribution can be relied on.

use super::words;
use crate::{
    cds_hooks::escape_markdown as escaped,
    domain::{Attribution, Doubt, Explanation, Factor, HeatMap},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Factors shown; the rest is behind the link.
const FACTORS_MAX: usize = 5;
/// Log-odds below which a factor is not worth a clinician's time.
const CONTRIBUTION_MIN: f64 = 0.01;

/// What weighed most, as Markdown; empty when there is nothing to say.
pub fn reasons(explanation: Option<&Explanation>, now: OffsetDateTime) -> String {
    match explanation.map(|explanation| &explanation.attribution) {
        Some(Attribution::Factors { factors }) => strongest(factors, now),
        Some(Attribution::Heat(map)) => region(map).unwrap_or_default(),
        Some(Attribution::Words { .. } | Attribution::Spans) | None => String::new(),
    }
}

/// Whether the attribution passed its own check.
pub fn reliability(explanation: Option<&Explanation>) -> String {
    match explanation {
        None => "Why it said so was not computed in time; it can be recomputed from the record.".into(),
        Some(Explanation { attribution: Attribution::Spans, reliable: true, .. }) => String::new(),
        Some(Explanation { attribution: Attribution::Spans, .. }) => {
            "**Do not rely on these mentions**: hiding the words of one of the strongest did not lower its score."
                .into()
        }
        Some(one) => {
            let (gap, tolerance) = (words::small(one.gap), words::small(one.tolerance));
            let method = escaped(&one.method);
            match one.doubts.first() {
                None => {
                    format!("Method: {method}; its parts add up to the score (off by {gap}, {tolerance} accepted).")
                }
                Some(Doubt::Disagreement) => format!(
                    "**Do not rely on these reasons**: taking the leading one away moves the score the other way than {method} says."
                ),
                Some(Doubt::Gap | Doubt::NotFinite) => format!(
                    "**Do not rely on these reasons**: {method} failed its own check (off by {gap}, {tolerance} accepted)."
                ),
            }
        }
    }
}

fn strongest(factors: &[Factor], now: OffsetDateTime) -> String {
    let mut factors: Vec<&Factor> = factors.iter().filter(|one| one.contribution.abs() >= CONTRIBUTION_MIN).collect();
    factors.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    let lines: Vec<String> = factors.iter().take(FACTORS_MAX).map(|one| line(one, now)).collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("What weighed most, in log-odds:\n\n{}", lines.join("\n"))
}

fn line(factor: &Factor, now: OffsetDateTime) -> String {
    let label = escaped(&factor.label);
    let direction = if factor.contribution > 0.0 { "raises" } else { "lowers" };
    let weight = format!("{direction} it, {:+.2}", factor.contribution);
    let Some(value) = factor.value else {
        return format!("- **{label}** not measured: {weight}");
    };
    let time = factor.time.as_deref().and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
    let age = time.map(|time| format!(", {}", words::ago(now, time))).unwrap_or_default();
    let unit = escaped(&words::unit(&factor.unit));
    let absent = factor.from_absence.abs() > factor.contribution.abs() / 2.0;
    let gaps = if absent { " (mostly because it was measured seldom)" } else { "" };
    format!("- **{label}** {}{age}: {weight}{gaps}", format!("{} {unit}", words::number(value)).trim_end())
}

/// The ninth of the image from which most of what speaks for the finding comes, row by row, and its share.
pub fn ninth(map: &HeatMap) -> Option<(usize, f64)> {
    let mut ninths = [0.0f64; 9];
    for (at, value) in map.values.iter().enumerate().filter(|(_, value)| **value > 0.0) {
        let (x, y) = (at % map.width.max(1), at / map.width.max(1));
        let ninth = 3 * (3 * y / map.height.max(1)).min(2) + (3 * x / map.width.max(1)).min(2);
        ninths[ninth] += f64::from(*value);
    }
    let total: f64 = ninths.iter().sum();
    let (best, share) = ninths.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    if total <= 0.0 || !total.is_finite() {
        return None;
    }
    Some((best, share / total))
}

fn region(map: &HeatMap) -> Option<String> {
    let (best, share) = ninth(map)?;
    let row = ["upper", "middle", "lower"][best / 3];
    let column = ["left", "central", "right"][best % 3];
    Some(format!(
        "What weighed most: the {row} {column} part of the image as displayed ({} of what speaks for the finding).",
        words::percent(share)
    ))
}

#[cfg(test)]
mod tests {
    use super::{reasons, region, reliability};
    use crate::domain::{Attribution, Explanation, Factor, HeatMap, SecondOpinion};
    use time::macros::datetime;

    fn explanation(attribution: Attribution, reliable: bool) -> Explanation {
        let gap = if reliable { 0.004 } else { 0.4 };
        Explanation::checked("integrated gradients", Default::default(), (gap, 0.05), None, attribution)
    }

    fn factor(label: &str, contribution: f64, value: Option<f64>) -> Factor {
        Factor {
            variable: label.into(),
            label: label.into(),
            contribution,
            from_absence: 0.0,
            value,
            unit: "mmol/L".into(),
            time: Some("2026-01-02T10:00:00Z".into()),
            by_hour: vec![],
        }
    }

    #[test]
    fn the_strongest_factors_come_first_with_value_unit_and_age() {
        let factors = vec![
            factor("pH", -0.2, Some(7.31)),
            factor("lactate", 0.84, Some(4.2)),
            factor("weight", 0.3, None),
            factor("noise", 0.001, None),
        ];
        let text = reasons(Some(&explanation(Attribution::Factors { factors }, true)), datetime!(2026-01-02 12:00 UTC));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "- **lactate** 4.2 mmol/L, 2 hours ago: raises it, +0.84");
        assert_eq!(lines[3], "- **weight** not measured: raises it, +0.30");
        assert!(lines[4].contains("pH") && lines[4].contains("lowers it"));
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn a_heat_map_is_named_by_the_part_of_the_image_that_weighs_most() {
        let mut values = vec![0.1f32; 36];
        values[5 * 6 + 4] = 9.0;
        let text = region(&HeatMap { width: 6, height: 6, values }).unwrap();
        assert!(text.contains("lower right part"), "{text}");
        assert_eq!(region(&HeatMap { width: 2, height: 2, values: vec![-1.0; 4] }), None);
        assert_eq!(region(&HeatMap { width: 0, height: 0, values: vec![] }), None);
    }

    #[test]
    fn an_explanation_that_failed_its_check_says_so() {
        assert!(
            reliability(Some(&explanation(Attribution::Factors { factors: vec![] }, false))).contains("Do not rely")
        );
        assert!(reliability(Some(&explanation(Attribution::Factors { factors: vec![] }, true))).contains("add up"));
        assert_eq!(reliability(Some(&explanation(Attribution::Spans, true))), "");
        assert!(reliability(Some(&explanation(Attribution::Spans, false))).contains("hiding the words"));
        assert!(reliability(None).contains("not computed in time"));
        let opinion = Some(SecondOpinion::new("occlusion", "the field", 1.0, -1.0));
        let factors = Attribution::Factors { factors: vec![] };
        let contradicted =
            Explanation::checked("integrated gradients", Default::default(), (0.0, 0.05), opinion, factors);
        assert!(reliability(Some(&contradicted)).contains("the other way than integrated gradients says"));
    }
}
