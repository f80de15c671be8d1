//! The heart-disease card: what the notes, the problem list and the laboratory say for and against heart failure and an
//! acute coronary syndrome, item by item.
//!
//! Contract: pure; every item is shown with its likelihood ratio, its source and where it stands. The weighing is
//! arithmetic on published figures, not a trained network, and has not been validated on patients; the card says so.

mod find;
mod items;
mod weigh;

use super::{
    build::{BuildError, Desk, Made, Parts},
    case::CardKind,
    definition::Input,
    finding::{self, Answer},
    load::CardPlan,
    placeholder::Placeholder,
    suggest::{Grounds, suggestions},
    words,
};
use crate::{
    cds_hooks::{Indicator, escape_markdown as escaped},
    domain::{Finding, Note, Problem},
};
use find::{Evidence, From, Pages};
use items::{ALSO, Strand};
use weigh::{CLEARLY, Weighed};

/// Topic of the specialty network that is about the heart.
const TOPIC: &str = "cardiovascular-pulmonary";
/// Characters of a sentence that the card shows.
const SENTENCE_CHARS_MAX: usize = 220;
/// Items of one question that the card shows.
const ITEMS_MAX: usize = 12;

/// Variables by which a suggestion of the heart card can say `unless_measured`.
pub const VARIABLES: [&str; 9] =
    ["BNP", "NTproBNP", "TroponinT", "TroponinI", "K", "Creatinine", "Cholesterol", "LDL", "HDL"];

/// The card, when something speaks for one of the questions and the answer is not known yet.
pub fn card(desk: &Desk<'_>, answer: &Answer<'_>, notes: &[Note], plan: &CardPlan) -> Result<Option<Made>, BuildError> {
    let case = desk.case;
    let (pages, list) = (Pages::of(notes), case.problem_list.unwrap_or_default());
    let found = find::evidence(&pages, list, case.values, case.age_years);
    let weighed: Vec<Weighed> = Strand::ALL
        .into_iter()
        .map(|strand| {
            let known = list.iter().any(|problem| find::names(problem, strand.known()));
            Weighed::of(strand, &found, pages.states(strand.complaint().1), known)
        })
        .collect();
    let Some(first) = weighed.iter().filter(|one| one.deserves_a_card()).max_by(|a, b| a.ratio.total_cmp(&b.ratio))
    else {
        return Ok(None);
    };
    let at = first.items.iter().find_map(|(item, _)| match &item.from {
        From::Note { note, start, .. } => Some((*note, *start)),
        _ => None,
    });
    let finding = placeholder(plan);
    let mut filled = finding::filled(desk, answer, &finding, Input::Notes, at.map_or(0, |(note, _)| note));
    super::note_cards::blank(&mut filled);
    filled.text(Placeholder::Verdict, &format!("{} {}", first.verdict(), about(first)));
    filled.markdown(
        Placeholder::Weighing,
        weighed.iter().map(|one| desk.weighing(one, notes)).collect::<Vec<_>>().join("\n\n"),
    );
    filled.markdown(Placeholder::AlsoMeasured, desk.also());
    filled.markdown(Placeholder::Known, known(list));
    filled.markdown(Placeholder::Topics, heart_notes(answer));
    let clearly = first.applies && first.items.len() > 1 && first.ratio >= CLEARLY;
    let grounds = Grounds {
        manifest: answer.manifest,
        input: answer.input,
        explanation: None,
        grade: None,
        mention: None,
        filled: &filled,
    };
    let parts = Parts {
        story: None,
        kind: CardKind::Finding,
        name: Some(plan.entry.name.clone()),
        model: Some(answer.manifest.name.clone()),
        label: None,
        at,
        indicator: if clearly { Indicator::Warning } else { Indicator::Info },
        topic: plan.entry.topic.clone(),
        suggestions: suggestions(&plan.suggestions, &grounds, case)?,
        override_reasons: plan.override_reasons.clone(),
    };
    desk.card((&plan.summary, &plan.detail), &filled, parts).map(Some)
}

/// The shared parts of a card ask for a finding; this one speaks for none.
fn placeholder(plan: &CardPlan) -> Finding {
    let label = plan.entry.label.clone();
    Finding { label, score: 0.0, probability: 0.0, threshold: 0.0, mention: None, certainty: None }
}

fn about(weighed: &Weighed) -> String {
    match weighed.verdict() {
        "cannot tell" => format!("whether this is {}", weighed.strand.words()),
        _ => weighed.strand.words().to_owned(),
    }
}

/// The probability that a note is about heart and lungs, of the note where it is greatest.
fn heart_notes(answer: &Answer<'_>) -> String {
    let about = answer.topics.iter().filter(|topic| topic.label == TOPIC);
    let most = about.max_by(|a, b| a.probability.total_cmp(&b.probability));
    most.map_or_else(String::new, |topic| {
        format!("heart and lungs, {} of the note where it is greatest", words::percent(topic.probability))
    })
}

fn known(list: &[Problem]) -> String {
    let heart = |problem: &&Problem| Strand::ALL.iter().any(|strand| find::names(problem, strand.known()));
    let names: Vec<String> = list.iter().filter(heart).map(|problem| escaped(problem.text.expose())).collect();
    words::list(&names, ITEMS_MAX)
}

impl Desk<'_> {
    /// One question: its verdict, then its items.
    fn weighing(&self, weighed: &Weighed, notes: &[Note]) -> String {
        let name = weighed.strand.words();
        let complaint = weighed.strand.complaint().0;
        let mut lines = vec![match (weighed.items.is_empty(), weighed.applies) {
            (true, _) => format!("**{}:** nothing was found that speaks for or against it.", capital(name)),
            (_, false) => format!(
                "**{}:** no {complaint} is stated, and the figures below were measured in patients with it: the chart cannot tell.",
                capital(name)
            ),
            (_, true) => format!(
                "**{}:** the chart {} it{} (product of the counted likelihood ratios {}).",
                capital(name),
                weighed.verdict(),
                if weighed.known { ", which is on the problem list" } else { "" },
                words::number(weighed.ratio)
            ),
        }];
        let shown = weighed.items.iter().take(ITEMS_MAX);
        lines.extend(shown.map(|(item, counts)| self.item(item, *counts, notes)));
        lines.join("\n")
    }

    fn item(&self, item: &Evidence, counts: bool, notes: &[Note]) -> String {
        let side = if item.ratio >= 1.0 { "for" } else { "against" };
        let place = match &item.from {
            From::Note { note, sentence, .. } => {
                let when = notes.get(*note).and_then(|note| note.time);
                let when = when.map_or_else(
                    || "undated note".to_owned(),
                    |time| format!("note {}", words::ago(self.case.now, time)),
                );
                format!("“{}” ({when})", escaped(&words::clipped(sentence, SENTENCE_CHARS_MAX)))
            }
            From::Listed(entry) => format!("problem list: {}", escaped(entry)),
            From::Measured(at) => self.value(*at),
        };
        let counts = if counts { "" } else { "; not counted, a stronger item of the same kind is" };
        format!("- {side}: **{}** ×{} \\[{}\\]{counts}: {place}", item.name, words::number(item.ratio), item.source)
    }

    fn value(&self, at: usize) -> String {
        let Some(value) = self.case.values.get(at) else { return String::new() };
        let unit = words::unit(&value.unit);
        format!("{} {} ({})", words::number(value.value), escaped(&unit), words::ago(self.case.now, value.time))
    }

    /// Values that are shown and not weighed, age and sex.
    fn also(&self) -> String {
        let value = |(variable, name): &(&str, &str)| {
            let at = self.case.values.iter().position(|value| value.variable == *variable)?;
            Some(format!("{name} {}", self.value(at)))
        };
        let mut parts: Vec<String> = ALSO.iter().filter_map(value).collect();
        parts.extend(self.case.age_years.map(|age| format!("age {:.0}", age.floor())));
        words::list(&parts, ITEMS_MAX)
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
