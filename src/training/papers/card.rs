//! `MODEL_CARD.md`, in the sections of Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.

use super::CardText;
use crate::{
    models::{Manifest, attributes::ATTRIBUTES, evaluation::Report},
    training::report::markdown,
};

/// The card.
pub(super) fn text(manifest: &Manifest, card: &CardText, report: &Report) -> String {
    let Manifest { title, name, version, architecture, intended_use, provenance, .. } = manifest;
    let or_unknown = |text: &str| if text.trim().is_empty() { "Unknown.".to_owned() } else { text.trim().to_owned() };
    let not_for: String = manifest.not_for.iter().map(|one| format!("- {one}\n")).collect();
    let analyses =
        if card.analyses.trim().is_empty() { String::new() } else { format!("{}\n\n", card.analyses.trim()) };
    format!(
        "# {title}\n\n\
         ## Model details\n\n`{name}` {version}, architecture `{architecture}`, trained {date} with `{command}` (seed {seed}, weights of \
         epoch {epoch}).{speed} Licence of the data: {licence}. {citation}. <{source}>\n\n{details}\n\n![Learning curve](learning-curve.svg)\n\n\
         ## Intended use\n\n{intended_use}\n\nNot for:\n\n{not_for}\n\
         ## Factors\n\n{factors}\n\n\
         ## Metrics\n\n{metrics}\n\n{labels}\n\
         ## Evaluation data\n\n{evaluation_data}\n\n\
         ## Training data\n\n{data}.\n\n{training_data}\n\n\
         ## Quantitative analyses\n\n{analyses}Evaluated {evaluated} on {split}: {n} cases, {positives} with the finding.\n\n{tables}\
         ## Ethical considerations\n\n{ethics}\n\n\
         ## Caveats and recommendations\n\n{caveats}\n\n\
         ## Source attributes\n\nAs 45 CFR 170.315(b)(11)(iv)(B) asks for.\n\n{attributes}",
        date = provenance.date,
        command = provenance.command,
        seed = provenance.seed,
        epoch = provenance.epoch,
        licence = provenance.licence,
        citation = provenance.citation.trim_end_matches('.'),
        source = provenance.source,
        speed = speed(report),
        details = or_unknown(&card.details),
        factors = or_unknown(&card.factors),
        metrics = or_unknown(&card.metrics),
        labels = labels(manifest),
        evaluation_data = or_unknown(&card.evaluation_data),
        data = provenance.data.trim_end_matches('.'),
        training_data = card.training_data.trim(),
        evaluated = report.date,
        split = report.split,
        n = report.n,
        positives = report.positives,
        tables = markdown::sections(report, "###"),
        ethics = or_unknown(&card.ethics),
        caveats = or_unknown(&card.caveats),
        attributes = attributes(manifest),
    )
}

fn speed(report: &Report) -> String {
    let size = report.size_bytes as f64 / 1e6;
    let speed = report.speed.as_ref().map(|speed| {
        format!(" and {:.0} cases per second with {} compute thread(s)", speed.cases_per_second, speed.threads)
    });
    format!(" {size:.1} MB{}.", speed.unwrap_or_default())
}

/// How each label's threshold was chosen and what it does.
fn labels(manifest: &Manifest) -> String {
    let row = |label: &crate::models::manifest::Label| {
        format!(
            "| {} | {:.3} | {} | {:.3} | {:.3} | {:.1} |\n",
            label.name, label.threshold, label.policy, label.sensitivity, label.ppv, label.alerts_per_100
        )
    };
    let rows: String = manifest.labels.iter().map(row).collect();
    format!(
        "| Label | threshold | chosen for | sensitivity | PPV | alerts per 100 |\n|---|---|---|---|---|---|\n{rows}\n\
         The last three columns are measured on validation; where the finding is rarer, a greater share of the cards is wrong.\n"
    )
}

fn attributes(manifest: &Manifest) -> String {
    let row = |(key, paragraph, words): &(&str, &str, &str)| {
        let text =
            manifest.attributes.get(*key).map_or("unknown", String::as_str).replace('|', "\\|").replace('\n', " ");
        format!("| {paragraph} | {words} | {text} |\n")
    };
    let rows: String = ATTRIBUTES.iter().map(row).collect();
    format!("| | Attribute | |\n|---|---|---|\n{rows}")
}
