//! Everything a definition must satisfy beyond its form.
//!
//! Contract: finds all errors, each with file and key; a definition that passes cannot fail for its own sake later.

use super::{
    definition::{At, Band, CardEntry, CodingEntry, File, Input, SuggestionEntry},
    grades::GRADES,
    heart,
    load::{CardPlan, DefinitionError, Draft, SuggestionPlan},
    placeholder::{About, Part, Placeholder},
    template::Template,
};
use crate::{
    cds_hooks::{SUMMARY_CHARS_MAX, hooks::Hook, template, text::is_absolute_url},
    models::{Manifest, manifest::Label},
};
use std::collections::BTreeSet;

/// Most cards that one entry may give in one answer: a screen of advice is no advice.
const CARDS_MAX: usize = 5;

/// Checks a draft and reads its templates; cards of included services come first.
pub fn check(
    draft: &Draft,
    included: &[&Draft],
    manifests: &[&Manifest],
    errors: &mut Vec<DefinitionError>,
) -> Vec<CardPlan> {
    let mut checker = Checker { file: draft.name.clone(), errors };
    checker.service(&draft.file);
    checker.prefetch(draft, included);
    checker.models(draft, included, manifests);
    let own = checker.cards(draft, manifests);
    // Errors of an included service are reported where it stands, not again here.
    let mut elsewhere = Vec::new();
    let mut plans = Vec::new();
    for other in included {
        plans.extend(Checker { file: other.name.clone(), errors: &mut elsewhere }.cards(other, manifests));
    }
    plans.extend(own);
    plans
}

/// Whether a template always fits a summary.
pub fn fits(template: &Template) -> Result<(), String> {
    match template.line_chars_max() {
        ..=SUMMARY_CHARS_MAX => Ok(()),
        most => Err(format!("can become {most} characters long, and {SUMMARY_CHARS_MAX} are allowed")),
    }
}

struct Checker<'a> {
    file: String,
    errors: &'a mut Vec<DefinitionError>,
}

impl Checker<'_> {
    fn fault(&mut self, key: impl Into<String>, reason: impl Into<String>) {
        self.errors.push(DefinitionError { file: self.file.clone(), key: key.into(), reason: reason.into() });
    }

    fn filled(&mut self, key: &str, text: &str) {
        if text.trim().is_empty() {
            self.fault(key, "is blank");
        }
    }

    fn coding(&mut self, key: &str, coding: &CodingEntry) {
        self.filled(&format!("{key}.code"), &coding.code);
        self.filled(&format!("{key}.display"), &coding.display);
        if !is_absolute_url(&coding.system) {
            self.fault(format!("{key}.system"), "is not an absolute address");
        }
    }

    fn service(&mut self, file: &File) {
        for (key, text) in
            [("title", &file.title), ("description", &file.description), ("source.label", &file.source.label)]
        {
            self.filled(key, text);
        }
        if let Some(text) = &file.usage_requirements {
            self.filled("usage_requirements", text);
        }
        if Hook::find(&file.hook).is_none() {
            self.fault("hook", format!("`{}` is not a known hook", file.hook));
        }
        if !is_absolute_url(&file.source.url) {
            self.fault("source.url", "is not an absolute address");
        }
        self.coding("source.topic", &file.source.topic);
        let mut codes = BTreeSet::new();
        for (at, reason) in file.override_reasons.iter().enumerate() {
            self.coding(&format!("override_reasons[{at}]"), reason);
            if !codes.insert((&reason.system, &reason.code)) {
                self.fault(format!("override_reasons[{at}]"), "stands twice");
            }
        }
        if !file.cards.is_empty() && file.override_reasons.is_empty() {
            self.fault("override_reasons", "a card needs at least one reason for not following it");
        }
        for (at, link) in file.links.iter().enumerate() {
            self.filled(&format!("links[{at}].label"), &link.label);
            let named =
                ["{{card}}", "{{model}}"].into_iter().find(|name| link.path.contains(name)).unwrap_or("{{card}}");
            let rest = link.path.replacen(named, "", 1);
            if rest == link.path || rest.contains(['{', '}', ' ']) || !link.path.starts_with('/') {
                self.fault(
                    format!("links[{at}].path"),
                    "must begin with `/` and name `{{card}}` or `{{model}}` once, and nothing else",
                );
            }
        }
    }

    fn prefetch(&mut self, draft: &Draft, included: &[&Draft]) {
        let hook = Hook::find(&draft.file.hook);
        for (key, query) in &draft.file.prefetch {
            let name = format!("prefetch.{key}");
            self.filled(&name, key);
            if let Some(Err(fault)) = hook.map(|hook| template::check(&query.template, hook)) {
                self.fault(&name, fault.to_string());
            }
            for other in included {
                if other.file.prefetch.get(key).is_some_and(|theirs| theirs.template != query.template) {
                    self.fault(&name, format!("differs from that of the included service `{}`", other.file.id));
                }
            }
        }
        for (at, one) in included.iter().enumerate() {
            if one.file.hook != draft.file.hook {
                self.fault("includes", format!("`{}` is called by another hook", one.file.id));
            }
            for (key, query) in &one.file.prefetch {
                for other in &included[at + 1..] {
                    if other.file.prefetch.get(key).is_some_and(|theirs| theirs.template != query.template) {
                        self.fault(
                            "includes",
                            format!("`{}` and `{}` ask differently for `{key}`", one.file.id, other.file.id),
                        );
                    }
                }
            }
        }
    }

    fn models(&mut self, draft: &Draft, included: &[&Draft], manifests: &[&Manifest]) {
        let mut seen = BTreeSet::new();
        for model in included.iter().flat_map(|other| &other.file.models) {
            if !seen.insert(&model.name) {
                self.fault("includes", format!("two of them ask `{}`", model.name));
            }
        }
        for (at, model) in draft.file.models.iter().enumerate() {
            let key = format!("models[{at}]");
            if !seen.insert(&model.name) {
                self.fault(&key, format!("`{}` stands twice", model.name));
            }
            match manifests.iter().find(|manifest| manifest.name == model.name) {
                None => self.fault(&key, format!("there is no network `{}`", model.name)),
                Some(manifest) if manifest.kind != model.input.kind() => {
                    self.fault(&key, format!("`{}` does not read `{:?}`", model.name, model.input).to_lowercase());
                }
                Some(_) => {}
            }
            if !draft.file.cards.iter().any(|card| card.model == model.name) {
                self.fault(&key, format!("no card speaks for `{}`", model.name));
            }
        }
        if seen.is_empty() {
            self.fault("models", "a service needs at least one network");
        }
    }

    fn cards(&mut self, draft: &Draft, manifests: &[&Manifest]) -> Vec<CardPlan> {
        let mut names = BTreeSet::new();
        let mut plans = Vec::new();
        for (at, card) in draft.file.cards.iter().enumerate() {
            let key = format!("cards[{at}]");
            self.filled(&format!("{key}.name"), &card.name);
            if !names.insert(card.name.as_str()) {
                self.fault(&key, format!("`{}` stands twice", card.name));
            }
            self.coding(&format!("{key}.topic"), &card.topic);
            let Some(model) = draft.file.models.iter().find(|model| model.name == card.model) else {
                self.fault(format!("{key}.model"), format!("`{}` is not among the service's networks", card.model));
                continue;
            };
            let manifest = manifests.iter().find(|manifest| manifest.name == card.model);
            if let Some(manifest) = manifest {
                match manifest.labels.iter().find(|label| label.name == card.label) {
                    Some(label) if card.weighs.is_none() => self.bands(&key, &card.bands, label),
                    Some(_) if model.input == Input::Notes && card.bands.is_empty() => {}
                    Some(_) => self.fault(format!("{key}.weighs"), "needs notes, and no bands"),
                    None => {
                        self.fault(format!("{key}.label"), format!("`{}` has no label `{}`", card.model, card.label))
                    }
                }
            }
            plans.extend(self.plan(&key, card, model.input, draft, manifest.copied()));
        }
        self.grades(draft);
        for section in draft.sections.keys().filter(|section| !names.contains(section.as_str())) {
            self.fault(format!("section {section} of the .card.md"), "there is no card of this name");
        }
        plans
    }

    /// A finding that fires always gets a card, and one only: cards by grade must divide the scale between them.
    fn grades(&mut self, draft: &Draft) {
        for (at, card) in draft.file.cards.iter().enumerate() {
            let key = format!("cards[{at}]");
            let model = draft.file.models.iter().find(|model| model.name == card.model);
            let graded = model.is_some_and(|model| model.input == Input::KneeFilm);
            let suggested = card.suggestions.iter().any(|suggestion| suggestion.grades.is_some());
            if !graded && (card.grades.is_some() || suggested) {
                self.fault(format!("{key}.grades"), "only a network that grades has grades");
                continue;
            }
            let own = card.grades.clone().unwrap_or_else(|| (0..GRADES).collect());
            for (place, suggestion) in card.suggestions.iter().enumerate() {
                if suggestion.grades.iter().flatten().any(|grade| !own.contains(grade)) {
                    self.fault(format!("{key}.suggestions[{place}].grades"), "names a grade this card is not for");
                }
            }
            let same = |other: &&CardEntry| other.model == card.model && other.label == card.label;
            let all: Vec<usize> = draft
                .file
                .cards
                .iter()
                .filter(same)
                .flat_map(|card| card.grades.clone().unwrap_or_else(|| (0..GRADES).collect()))
                .collect();
            let once = |grade: usize| all.iter().filter(|one| **one == grade).count() == 1;
            if graded && (all.len() != GRADES || !(0..GRADES).all(once)) {
                self.fault(
                    format!("{key}.grades"),
                    format!("the cards of a label must name each grade of 0 to {} once", GRADES - 1),
                );
            }
        }
    }

    fn bands(&mut self, key: &str, bands: &[Band], label: &Label) {
        if bands.first().map(|band| &band.at) != Some(&At::Word("threshold".into())) {
            self.fault(format!("{key}.bands"), "the first must be at `threshold`");
        }
        let mut last = label.threshold;
        for (at, band) in bands.iter().enumerate().skip(1) {
            match band.at {
                At::Probability(from) if from > last && from < 1.0 => last = from,
                At::Probability(from) => self.fault(
                    format!("{key}.bands[{at}].at"),
                    format!("{from} is not between {last} (the threshold or the band before) and 1"),
                ),
                At::Word(_) => self.fault(format!("{key}.bands[{at}].at"), "must be a probability"),
            }
        }
        if bands.windows(2).any(|pair| pair[0].indicator >= pair[1].indicator) {
            self.fault(format!("{key}.bands"), "indicators must grow with the probability");
        }
    }

    fn plan(
        &mut self,
        key: &str,
        card: &CardEntry,
        input: Input,
        draft: &Draft,
        manifest: Option<&Manifest>,
    ) -> Option<CardPlan> {
        let about = About::Finding(input);
        let summary = self.line(&format!("{key}.summary"), &card.summary, about);
        let section = format!("section {} of the .card.md", card.name);
        let detail = match draft.sections.get(&card.name) {
            Some(text) => self.template(&section, text, Part::Detail, about),
            None => {
                self.fault(section, "is missing");
                None
            }
        };
        if card.stale_after_hours.is_some() {
            let says_when =
                summary.as_ref().is_none_or(|summary| summary.placeholders().any(|one| one == Placeholder::When));
            let says_stale =
                detail.as_ref().is_none_or(|detail| detail.placeholders().any(|one| one == Placeholder::Stale));
            if !(says_when && says_stale) || input == Input::Notes {
                self.fault(
                    format!("{key}.stale_after_hours"),
                    "needs `{{when}}` in the summary and `{{stale}}` in the section, and a film or a course",
                );
            }
        }
        let most = if input == Input::Notes { CARDS_MAX } else { 1 };
        if !(1..=most).contains(&card.most) {
            self.fault(format!("{key}.most"), format!("must be 1 to {most} here"));
        }
        if card.suggestions.iter().filter(|one| one.recommended).count() > 1 {
            self.fault(format!("{key}.suggestions"), "at most one may be recommended");
        }
        let suggestions: Option<Vec<_>> = card
            .suggestions
            .iter()
            .enumerate()
            .map(|(at, one)| self.suggestion(&format!("{key}.suggestions[{at}]"), one, card, (input, manifest)))
            .collect();
        Some(CardPlan {
            entry: card.clone(),
            summary: summary?,
            detail: detail?,
            suggestions: suggestions?,
            override_reasons: CardPlan::reasons(&draft.file),
        })
    }

    fn suggestion(
        &mut self,
        key: &str,
        entry: &SuggestionEntry,
        card: &CardEntry,
        (input, manifest): (Input, Option<&Manifest>),
    ) -> Option<SuggestionPlan> {
        let about = About::Finding(input);
        let label = self.line(&format!("{key}.label"), &entry.label, about);
        let known = |variable: &str| match card.weighs {
            Some(_) => heart::VARIABLES.contains(&variable),
            None => input == Input::Course && manifest.is_none_or(|manifest| reads(manifest, variable)),
        };
        if let Some(variable) = &entry.unless_measured
            && !known(variable)
        {
            self.fault(format!("{key}.unless_measured"), format!("the network reads no variable `{variable}`"));
        }
        let words = match (&entry.service_request, &entry.condition) {
            (Some(request), None) => {
                self.filled(&format!("{key}.service_request.text"), &request.text);
                for (name, coding) in [("coding", &request.coding), ("category", &request.category)] {
                    if let Some(coding) = coding {
                        self.coding(&format!("{key}.service_request.{name}"), coding);
                    }
                }
                self.line(&format!("{key}.service_request.reason"), &request.reason, about)
            }
            (None, Some(condition)) if input == Input::Notes && card.weighs.is_none() => {
                self.line(&format!("{key}.condition.description"), &condition.description, about)
            }
            (None, Some(_)) => {
                self.fault(format!("{key}.condition"), "only a mention in the notes can become a condition");
                None
            }
            _ => {
                self.fault(key, "needs exactly one of `service_request` and `condition`");
                None
            }
        };
        Some(SuggestionPlan { entry: entry.clone(), label: label?, words: words? })
    }

    fn template(&mut self, key: &str, text: &str, part: Part, about: About) -> Option<Template> {
        match Template::parse(text, part, about) {
            Ok(template) => Some(template),
            Err(problems) => {
                problems.into_iter().for_each(|problem| self.fault(key, problem));
                None
            }
        }
    }

    fn line(&mut self, key: &str, text: &str, about: About) -> Option<Template> {
        let template = self.template(key, text, Part::Line, about)?;
        if let Err(reason) = fits(&template) {
            self.fault(key, reason);
        }
        Some(template)
    }
}

/// Whether a sequence network reads this variable, as far as its manifest lists them.
fn reads(manifest: &Manifest, variable: &str) -> bool {
    manifest.input.get("variables").and_then(toml::Value::as_array).is_none_or(|variables| {
        variables
            .iter()
            .any(|one| one.as_str().or_else(|| one.get("name").and_then(toml::Value::as_str)) == Some(variable))
    })
}
