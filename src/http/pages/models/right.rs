//! How often a network is right, in the form people misread least: counts of a hundred (Gigerenzer, BMJ 2003;327:741).

use super::words::{count, figure, having, noun, plain};
use crate::models::{
    Manifest, Papers,
    manifest::{Kind, Label},
    papers::{Figure, hundred, rounded},
};
use maud::{Markup, PreEscaped, html};

/// Shares of patients with the finding for which the worth of a card is told.
const PREVALENCES: [f64; 4] = [0.02, 0.10, 0.30, 0.50];

/// Sentences with pictures of a hundred dots.
pub fn section(papers: &Papers) -> Markup {
    let manifest = &papers.manifest;
    html! {
        section #right {
            h2 { "How often it is right" }
            div.hundreds {
                (grades(manifest))
                @for label in &manifest.labels { (of_label(manifest, label)) }
            }
            (measured_on(papers))
        }
    }
}

fn of_label(manifest: &Manifest, label: &Label) -> Markup {
    let sensitivity = Figure::of_label(manifest, "sensitivity", label.sensitivity);
    let ppv = Figure::of_label(manifest, "ppv", label.ppv);
    let (_, many) = noun(manifest.kind);
    if manifest.kind == Kind::Notes {
        let what = plain(&label.name).to_lowercase();
        return html! {
            (row(sensitivity, &format!("Of 100 mentions of kind “{what}” that people marked, it finds"), "exactly as marked"))
            (row(ppv, &format!("Of 100 that it marks as “{what}”,"), "are right"))
        };
    }
    let having = having(manifest.kind, &label.name);
    let specificity = figure(manifest, "specificity").or_else(|| figure(manifest, "oa_specificity"));
    html! {
        (row(sensitivity, &format!("Of 100 {many} {having}, it finds"), ""))
        (row(ppv, "Of 100 cards,", "are right"))
        @if let Some(specificity) = specificity.filter(|_| manifest.labels.len() == 1) {
            (row(specificity, &format!("Of 100 {many} without it,"), "rightly get no card"))
        }
        (row(Figure { value: label.alerts_per_100 / 100.0, interval: None }, &format!("Of 100 {many} like those it was checked on,"), "get a card"))
    }
}

/// For networks that grade.
fn grades(manifest: &Manifest) -> Markup {
    let within = figure(manifest, "accuracy_within_one");
    let exact = figure(manifest, "accuracy").filter(|_| within.is_some());
    html! {
        @if let Some(exact) = exact { (row(exact, "Of 100 films,", "get exactly the grade that the readers gave")) }
        @if let Some(within) = within { (row(within, "Of 100 films,", "get that grade or the one beside it")) }
    }
}

fn row(share: Figure, before: &str, after: &str) -> Markup {
    let interval = share.interval.map(|[low, high]| format!(" ({} to {})", hundred(low), hundred(high)));
    html! {
        div.hundred {
            (dots(share.value))
            p { (before) " " b { (hundred(share.value)) } @if let Some(interval) = interval { span.quiet { (interval) } } @if !after.is_empty() { " " (after) } "." }
        }
    }
}

/// A hundred dots, the first of them filled. The sentence beside it says the same, so it is hidden from screen readers.
fn dots(share: f64) -> Markup {
    let filled = (100.0 * share).round() as usize;
    let circles: String = (0..100)
        .map(|at| {
            let class = if at < filled { "on" } else { "off" };
            format!("<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"3.6\"/>", 5 + 10 * (at % 20), 5 + 10 * (at / 20))
        })
        .collect();
    html! { (PreEscaped(format!("<svg class=\"dots\" viewBox=\"0 0 200 50\" aria-hidden=\"true\">{circles}</svg>"))) }
}

/// On what, by whom, and what changes elsewhere.
fn measured_on(papers: &Papers) -> Markup {
    let manifest = &papers.manifest;
    let Some(evaluation) = manifest.evaluation.get("validation") else { return html! {} };
    let (_, many) = noun(manifest.kind);
    let share = evaluation.positives as f64 / evaluation.n.max(1) as f64;
    let label = manifest.labels.first();
    html! {
        p {
            "Counted on " (count(evaluation.n)) " held-out " (many)
            @if manifest.kind == Kind::Notes { " with " (count(evaluation.positives)) " mentions" }
            @else if let Some(label) = label { ", " (count(evaluation.positives)) " of them " (having(manifest.kind, &label.name)) " (" (hundred(share)) " of 100)" }
            ", of patients who took no part in training. In brackets: 95 % intervals. Not checked at another hospital unless the source attributes below say so."
        }
        @if let Some(label) = label.filter(|_| manifest.labels.len() == 1 && manifest.kind != Kind::Notes) { (elsewhere(manifest, label)) }
        @if let Some(error) = figure(manifest, "ece").or_else(|| figure(manifest, "oa_ece")) {
            p { "Where it gives a probability, it is off by " b { (format!("{:.1}", 100.0 * error.value)) } " points of 100 on average (calibration error)." }
        }
        p.quiet { "The point from which a card appears was chosen by this rule: "
            @for (index, label) in manifest.labels.iter().enumerate() {
                @if index > 0 { "; " } (plain(&label.name)) ": " (label.policy) " (calibrated probability " (rounded(label.threshold, 2)) ")"
            } "."
        }
    }
}

/// What a card is worth where the finding is rarer or more common (Bayes' rule on sensitivity and specificity).
fn elsewhere(manifest: &Manifest, label: &Label) -> Markup {
    let specificity = figure(manifest, "specificity").or_else(|| figure(manifest, "oa_specificity"));
    let Some(specificity) = specificity.map(|figure| figure.value) else { return html! {} };
    let worth = |prevalence: f64| {
        let (right, wrong) = (label.sensitivity * prevalence, (1.0 - specificity) * (1.0 - prevalence));
        (right / (right + wrong), 100.0 * (right + wrong))
    };
    html! {
        table.narrow {
            caption { "What its cards would be worth where the finding is rarer or more common, if it finds and spares as many as here" }
            thead { tr { th scope="col" { "Of 100 patients, have it" } th scope="col" { "Get a card" } th scope="col" { "Of 100 cards, right" } } }
            tbody { @for prevalence in PREVALENCES {
                @let (ppv, cards) = worth(prevalence);
                tr { td { (hundred(prevalence)) } td { (format!("{cards:.0}")) } td { (hundred(ppv)) } }
            } }
        }
    }
}
