//! Cards for problems that the notes mention and the problem list does not: one per problem, the rest only named.

use super::{
    build::{BuildError, Desk, Filled, Made, Parts},
    case::CardKind,
    definition::{Input, Weighs},
    finding::{Answer, filled, level},
    heart,
    load::CardPlan,
    placeholder::Placeholder,
    problems,
    suggest::{Grounds, suggestions},
    tell::Stories,
    words,
};
use crate::{
    cds_hooks::escape_markdown as escaped,
    domain::{Finding, Mention, ModelInput},
};

/// Problems named on the last card beyond those that have a card of their own.
const NAMED_MAX: usize = 10;
/// Characters of a sentence or a problem's name that a card shows.
const SENTENCE_CHARS_MAX: usize = 400;
const NAME_CHARS_MAX: usize = 80;

/// The cards of every entry of the definition that speaks for this network.
pub fn cards(desk: &Desk<'_>, answer: &Answer<'_>) -> Result<Vec<Made>, BuildError> {
    let mut made = Vec::new();
    for plan in desk.definition.cards.iter().filter(|plan| plan.entry.model == answer.manifest.name) {
        if let (Some(Weighs::Heart), ModelInput::Notes(notes)) = (plan.entry.weighs, answer.input) {
            made.extend(heart::card(desk, answer, notes, plan)?);
            continue;
        }
        let fired = answer.findings.iter().filter(|one| one.label == plan.entry.label && level(plan, one).is_some());
        let found = problems::unlisted(fired, desk.case.problem_list);
        let deserves = |mention: &Mention| mention.code.is_some() || !plan.entry.coded_only;
        let (mut shown, mut rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, mention)| deserves(mention));
        rest.splice(0..0, shown.split_off(shown.len().min(plan.entry.most)));
        for (at, (finding, mention)) in shown.iter().enumerate() {
            let others = if at + 1 == shown.len() { named(&rest) } else { String::new() };
            made.push(card(desk, answer, plan, finding, mention, others)?);
        }
    }
    Ok(made)
}

/// Every value that only some cards of notes have, empty.
pub fn blank(filled: &mut Filled) {
    for placeholder in [Placeholder::Problem, Placeholder::Code, Placeholder::Listing, Placeholder::Verdict] {
        filled.text(placeholder, "");
    }
    for placeholder in [
        Placeholder::Sentence,
        Placeholder::Others,
        Placeholder::Topics,
        Placeholder::KeyPhrases,
        Placeholder::Weighing,
        Placeholder::AlsoMeasured,
        Placeholder::Known,
    ] {
        filled.markdown(placeholder, String::new());
    }
}

/// What a note is about: the topics that reach their threshold.
pub fn topics_line(answer: &Answer<'_>, note: usize) -> String {
    let firing = answer.topics.iter().filter(|topic| topic.note == note && topic.probability >= topic.threshold);
    let named: Vec<String> = firing
        .map(|topic| format!("{} ({})", escaped(&topic.label.replace('-', " ")), words::percent(topic.probability)))
        .collect();
    words::list(&named, NAMED_MAX)
}

/// The key phrases of a note.
pub fn phrases_line(answer: &Answer<'_>, note: usize) -> String {
    let of_note = answer.key_phrases.iter().filter(|phrase| phrase.note == note);
    let named: Vec<String> =
        of_note.map(|phrase| escaped(&words::clipped(phrase.text.expose(), NAME_CHARS_MAX))).collect();
    words::list(&named, NAMED_MAX)
}

fn named(rest: &[(&Finding, &Mention)]) -> String {
    let names: Vec<String> =
        rest.iter().map(|(_, mention)| escaped(&words::clipped(mention.text.expose(), NAME_CHARS_MAX))).collect();
    words::list(&names, NAMED_MAX)
}

fn card(
    desk: &Desk<'_>,
    answer: &Answer<'_>,
    plan: &CardPlan,
    finding: &Finding,
    mention: &Mention,
    others: String,
) -> Result<Made, BuildError> {
    let level = level(plan, finding).ok_or(BuildError::Definition("a card needs a band"))?;
    let mut filled = filled(desk, answer, finding, Input::Notes, mention.note);
    let code = mention.code.as_ref().map(|code| code.code.as_str()).unwrap_or_default();
    let listing = match desk.case.problem_list {
        Some(_) if desk.case.list_is_partial => "not in the part of the list supplied",
        Some(_) => "not on the problem list",
        None => "problem list not available to compare",
    };
    blank(&mut filled);
    filled.markdown(Placeholder::Topics, topics_line(answer, mention.note));
    filled.markdown(Placeholder::KeyPhrases, phrases_line(answer, mention.note));
    filled.text(Placeholder::Problem, &words::clipped(mention.text.expose(), NAME_CHARS_MAX));
    filled.text(Placeholder::Code, code);
    filled.text(Placeholder::Listing, listing);
    filled.markdown(Placeholder::Sentence, escaped(&words::clipped(mention.sentence.expose(), SENTENCE_CHARS_MAX)));
    filled.markdown(Placeholder::Others, others);
    let story = Stories::of(answer, finding, Some(mention), desk.case.now);
    filled.markdown(Placeholder::Story, story.markdown(desk.case.language));
    let grounds = Grounds {
        manifest: answer.manifest,
        input: answer.input,
        explanation: answer.explanation,
        grade: None,
        mention: Some(mention),
        filled: &filled,
    };
    let parts = Parts {
        kind: CardKind::Finding,
        name: Some(plan.entry.name.clone()),
        model: Some(answer.manifest.name.clone()),
        label: Some(finding.label.clone()),
        at: Some((mention.note, mention.start)),
        story: Some(story),
        indicator: level.indicator(),
        topic: plan.entry.topic.clone(),
        suggestions: suggestions(&plan.suggestions, &grounds, desk.case)?,
        override_reasons: plan.override_reasons.clone(),
    };
    desk.card((&plan.summary, &plan.detail), &filled, parts)
}
