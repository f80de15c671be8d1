//! From one case to its cards: who gets a card, in which order, and the parts every card shares.

use super::{
    case::{Built, CardKind, Case, ModelResult, Origin, Outcome},
    definition::{CodingEntry, Input},
    evidence, finding,
    load::Definition,
    note_cards,
    placeholder::Placeholder,
    resources::ResourceError,
    tell::Stories,
    template::{Template, Values},
    trouble, words,
};
use crate::{
    cds_hooks::{
        Card, CardError, Indicator, OverrideReason, SelectionBehavior, Source, Suggestion, escape_markdown, summary,
    },
    domain::{Abstention, ModelName, Status},
};

/// Why there are no cards. None of these can happen with a loaded definition and one result per network.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A network of the definition has no result, or one that is not of the definition has.
    #[error("the results do not match the definition's networks at `{0}`")]
    Results(ModelName),
    /// A template asks for a value that was not filled in.
    #[error("no value for {0}")]
    Unfilled(Placeholder),
    /// A definition that `Definitions::load` would have refused.
    #[error("{0}")]
    Definition(&'static str),
    /// A proposed resource could not be built.
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// A card breaks a rule of the specification.
    #[error(transparent)]
    Card(#[from] CardError),
}

/// Makes the cards of one case, most urgent first. No card means: something was read, and nothing needs saying.
///
/// # Errors
/// [`BuildError`] when the case does not fit the definition.
pub fn build(definition: &Definition, case: &Case<'_>) -> Result<Built, BuildError> {
    let desk = Desk { definition, case };
    if let Some(model) = desk.mismatch() {
        return Err(BuildError::Results(model));
    }
    let mut made = Vec::new();
    for model in &definition.models {
        if let Some(result) = case.results.iter().find(|result| result.manifest.name == model.name) {
            made.extend(desk.cards(result, model.input)?);
        }
    }
    if case.results.iter().all(|result| matches!(result.outcome, Outcome::NoInput { .. })) {
        made.push(trouble::for_all(&desk, CardKind::NothingRead)?);
    } else if made.is_empty() && !case.keys.is_empty() {
        // What was wrong with a query stands on every card; without one it must not vanish.
        made.push(trouble::for_all(&desk, CardKind::Incomplete)?);
    }
    made.sort_by_key(|(card, _)| std::cmp::Reverse(card.indicator));
    made.iter().try_for_each(|(card, _)| card.check())?;
    let (cards, origins) = made.into_iter().unzip();
    Ok(Built { cards, origins })
}

/// A card and what it is about.
pub type Made = (Card, Origin);

/// Definition and case together: what every card is written from.
pub struct Desk<'a> {
    pub definition: &'a Definition,
    pub case: &'a Case<'a>,
}

/// The parts in which cards differ.
pub struct Parts {
    pub kind: CardKind,
    pub name: Option<String>,
    pub model: Option<ModelName>,
    pub label: Option<String>,
    /// The mention it is about: index of the note and byte offset in it.
    pub at: Option<(usize, usize)>,
    pub story: Option<Stories>,
    pub indicator: Indicator,
    pub topic: CodingEntry,
    pub suggestions: Vec<Suggestion>,
    pub override_reasons: Vec<OverrideReason>,
}

impl Desk<'_> {
    fn mismatch(&self) -> Option<ModelName> {
        let (asked, answered) = (&self.definition.models, self.case.results);
        let unanswered =
            asked.iter().find(|model| answered.iter().filter(|result| result.manifest.name == model.name).count() != 1);
        let unasked = answered.iter().find(|result| self.definition.input(&result.manifest.name).is_none());
        unanswered.map(|model| model.name.clone()).or_else(|| unasked.map(|result| result.manifest.name.clone()))
    }

    fn cards(&self, result: &ModelResult<'_>, input: Input) -> Result<Vec<Made>, BuildError> {
        let one = |kind, why: &str| trouble::card(self, result.manifest, kind, why).map(|made| vec![made]);
        match &result.outcome {
            Outcome::NoInput { .. } => Ok(Vec::new()),
            Outcome::Unreadable { why } => one(CardKind::Unreadable, why),
            Outcome::Late => one(CardKind::Late, ""),
            Outcome::Refused(why) => one(CardKind::Refused, why),
            Outcome::Failed => one(CardKind::Failed, ""),
            Outcome::Answered { prediction, explanation, input: read } => match &prediction.status {
                Status::Abstained(Abstention { words, .. }) => one(CardKind::Abstained, words),
                Status::Scored { findings } => {
                    let answer = finding::Answer {
                        manifest: result.manifest,
                        findings,
                        grade: prediction.grade.as_ref(),
                        missing: &prediction.missing,
                        familiarity: prediction.familiarity,
                        explanation: explanation.as_ref(),
                        input: read,
                        topics: &prediction.topics,
                        key_phrases: &prediction.key_phrases,
                    };
                    if input == Input::Notes {
                        note_cards::cards(self, &answer)
                    } else {
                        finding::cards(self, &answer, input)
                    }
                }
            },
        }
    }

    /// What was not looked at, and why, as Markdown.
    pub fn not_read(&self) -> String {
        let absent = self.case.results.iter().filter_map(|result| match &result.outcome {
            Outcome::NoInput { why } => Some(why),
            _ => None,
        });
        let why: Vec<String> = absent.chain(self.case.keys).map(|why| escape_markdown(why)).collect();
        why.join("; ")
    }

    /// Values that every template may ask for.
    pub fn filled(&self, title: &str, model: &str, input: Option<Input>) -> Filled {
        let mut filled = Filled::default();
        filled.text(Placeholder::Title, title);
        filled.markdown(Placeholder::Model, escape_markdown(model));
        filled.markdown(Placeholder::NotRead, self.not_read());
        filled.markdown(Placeholder::Ignored, evidence::ignored(self.case.ignored, input));
        filled
    }

    /// Joins the parts to a card.
    pub fn card(
        &self,
        (line, detail): (&Template, &Template),
        filled: &Filled,
        parts: Parts,
    ) -> Result<Made, BuildError> {
        let uuid = self.case.ids.random();
        let detail = filled.detail(detail)?;
        let closing = filled.detail(&self.definition.shared.closing)?;
        let source = &self.definition.source;
        let card = Card {
            uuid,
            summary: summary(&filled.line(line)?),
            detail: Some(format!("{detail}\n\n{closing}")),
            indicator: parts.indicator,
            source: Source {
                label: source.label.clone(),
                url: Some(self.about(parts.model.as_ref()).unwrap_or_else(|| source.url.clone())),
                icon: None,
                topic: parts.topic.coding(),
            },
            selection_behavior: (!parts.suggestions.is_empty()).then_some(SelectionBehavior::AtMostOne),
            override_reasons: parts.override_reasons,
            links: self.links(uuid, parts.model.as_ref()),
            suggestions: parts.suggestions,
        };
        let suggestions = card.suggestions.iter().map(|suggestion| suggestion.uuid).collect();
        let Parts { kind, name, model, label, at, story, .. } = parts;
        Ok((card, Origin { card: uuid, kind, name, model, label, at, story, suggestions }))
    }
}

/// Values for both parts of a card, escaped for each.
#[derive(Default)]
pub struct Filled {
    line: Values,
    detail: Values,
}

impl Filled {
    /// Text from anywhere, patients included.
    pub fn text(&mut self, placeholder: Placeholder, text: &str) {
        self.line.insert(placeholder, line(text, placeholder.line_chars_max()));
        self.detail.insert(placeholder, escape_markdown(text));
    }

    /// Markdown whose every foreign part has been escaped; only for details.
    pub fn markdown(&mut self, placeholder: Placeholder, markdown: String) {
        self.detail.insert(placeholder, markdown);
    }

    /// One line of plain text.
    pub fn line(&self, template: &Template) -> Result<String, BuildError> {
        template.render(&self.line).map_err(BuildError::Unfilled)
    }

    /// Markdown.
    pub fn detail(&self, template: &Template) -> Result<String, BuildError> {
        template.render(&self.detail).map_err(BuildError::Unfilled)
    }
}

/// One line of plain text of at most `most` characters. Angle brackets become their look-alikes: some client will put
/// a summary into a page as it is.
pub fn line(text: &str, most: usize) -> String {
    words::clipped(&summary(text), most).replace('<', "‹").replace('>', "›")
}
