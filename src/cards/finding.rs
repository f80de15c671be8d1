//! Cards for what a network found on a film or in a course.

use super::{
    build::{BuildError, Desk, Filled, Made, Parts},
    case::CardKind,
    certainty::{certainty, unusual},
    definition::{At, Input, Level},
    evidence, grades,
    load::CardPlan,
    placeholder::Placeholder,
    reasons,
    suggest::{Grounds, suggestions},
    tell::Stories,
    validation, words,
};
use crate::{
    cds_hooks::{Indicator, escape_markdown as escaped},
    domain::{Explanation, Familiarity, Finding, Grade, KeyPhrase, ModelInput, Topic},
    models::Manifest,
};

/// What a network answered.
pub struct Answer<'a> {
    pub manifest: &'a Manifest,
    pub findings: &'a [Finding],
    pub grade: Option<&'a Grade>,
    pub missing: &'a [String],
    pub familiarity: Option<Familiarity>,
    pub explanation: Option<&'a Explanation>,
    pub input: &'a ModelInput,
    pub topics: &'a [Topic],
    pub key_phrases: &'a [KeyPhrase],
}

/// One card for every entry of the definition whose label reaches a band.
pub fn cards(desk: &Desk<'_>, answer: &Answer<'_>, input: Input) -> Result<Vec<Made>, BuildError> {
    let plans = desk.definition.cards.iter().filter(|plan| plan.entry.model == answer.manifest.name);
    let fired = plans.filter(|plan| grades::applies(plan.entry.grades.as_deref(), answer.grade)).filter_map(|plan| {
        let finding = answer.findings.iter().find(|finding| finding.label == plan.entry.label)?;
        Some((plan, finding, level(plan, finding)?))
    });
    fired.map(|(plan, finding, level)| card(desk, answer, input, plan, finding, level)).collect()
}

/// The highest band that the finding reaches.
pub fn level(plan: &CardPlan, finding: &Finding) -> Option<Level> {
    let reaches = |at: &At| match at {
        At::Word(_) => finding.fires(),
        At::Probability(from) => finding.fires() && finding.probability >= *from,
    };
    plan.entry.bands.iter().rev().find(|band| reaches(&band.at)).map(|band| band.indicator)
}

fn card(
    desk: &Desk<'_>,
    answer: &Answer<'_>,
    input: Input,
    plan: &CardPlan,
    finding: &Finding,
    level: Level,
) -> Result<Made, BuildError> {
    let mut filled = filled(desk, answer, finding, input, 0);
    let time = evidence::time(answer.input, 0);
    let stale = evidence::stale(time, plan.entry.stale_after_hours, desk.case.now);
    // Advice on how the patient was long ago is information, whatever the probability.
    let indicator = if stale.is_some() { Indicator::Info } else { level.indicator() };
    filled.markdown(Placeholder::Stale, stale.unwrap_or_default());
    let story = Stories::of(answer, finding, None, desk.case.now);
    filled.markdown(Placeholder::Story, story.markdown(desk.case.language));
    let grounds = Grounds {
        manifest: answer.manifest,
        input: answer.input,
        explanation: answer.explanation,
        grade: answer.grade,
        mention: None,
        filled: &filled,
    };
    let parts = Parts {
        kind: CardKind::Finding,
        name: Some(plan.entry.name.clone()),
        model: Some(answer.manifest.name.clone()),
        label: Some(finding.label.clone()),
        at: None,
        story: Some(story),
        indicator,
        topic: plan.entry.topic.clone(),
        suggestions: suggestions(&plan.suggestions, &grounds, desk.case)?,
        override_reasons: plan.override_reasons.clone(),
    };
    desk.card((&plan.summary, &plan.detail), &filled, parts)
}

/// Values that every finding has.
pub fn filled(desk: &Desk<'_>, answer: &Answer<'_>, finding: &Finding, input: Input, note: usize) -> Filled {
    let (manifest, now) = (answer.manifest, desk.case.now);
    let mut filled = desk.filled(&manifest.title, &format!("{} {}", manifest.name, manifest.version), Some(input));
    let when = evidence::time(answer.input, note).map_or_else(|| "undated".into(), |time| words::ago(now, time));
    let label = manifest.labels.iter().find(|label| label.name == finding.label);
    filled.text(Placeholder::When, &when);
    filled.text(Placeholder::Probability, &words::percent(finding.probability));
    filled.text(Placeholder::InTen, &words::in_ten(finding.probability));
    for (placeholder, markdown) in [
        (Placeholder::Threshold, words::percent(finding.threshold)),
        (Placeholder::Evidence, evidence::looked_at(answer.input, note, now)),
        (Placeholder::Stale, String::new()),
        (
            Placeholder::Certainty,
            finding.certainty.map(|one| escaped(&certainty(&finding.label, one))).unwrap_or_default(),
        ),
        (Placeholder::Unusual, unusual(answer.familiarity, answer.input)),
        (Placeholder::Missing, evidence::missing(answer.missing)),
        (Placeholder::Story, String::new()),
        (Placeholder::Reasons, reasons::reasons(answer.explanation, now)),
        (Placeholder::Reliability, reliability(answer)),
        (Placeholder::Validation, label.map(|label| validation::validation(manifest, label)).unwrap_or_default()),
        (Placeholder::IntendedUse, escaped(&manifest.intended_use)),
        (Placeholder::NotFor, escaped(&manifest.not_for.join("; "))),
    ] {
        filled.markdown(placeholder, markdown);
    }
    if input == Input::KneeFilm {
        grades::fill(&mut filled, answer);
    }
    filled
}

/// A mention's own words are its evidence, so for notes nothing further is missed.
fn reliability(answer: &Answer<'_>) -> String {
    match (answer.input, answer.explanation) {
        (ModelInput::Notes(_), None) => String::new(),
        (_, explanation) => reasons::reliability(explanation),
    }
}
