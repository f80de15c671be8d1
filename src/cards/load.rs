//! Reads `cds-hooks/` and hands out definitions that have been checked against the networks' papers.

use super::{
    check,
    definition::{CardEntry, CodingEntry, File, Input, LinkEntry, ModelUse, Prefetch, SourceEntry, SuggestionEntry},
    placeholder::{About, Part},
    template::{Template, sections},
};
use crate::{
    cds_hooks::{
        OverrideReason,
        discovery::{DiscoveryError, Offer, Service},
    },
    domain::{Digest, ModelName, ServiceId},
    models::Manifest,
};
use std::{collections::BTreeMap, fmt, fs, path::Path, sync::Arc};

/// One thing that is wrong in `cds-hooks/`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DefinitionError {
    /// The file's name.
    pub file: String,
    /// The key or section in it; empty when the whole file is meant.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, key, reason } = self;
        if key.is_empty() {
            write!(formatter, "{file}: {reason}")
        } else {
            write!(formatter, "{file}: {key}: {reason}")
        }
    }
}

/// A service, checked.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its id: the file's name and the last segment of its address.
    pub id: ServiceId,
    /// The hook that calls it.
    pub hook: String,
    /// Human-friendly name.
    pub title: String,
    /// What it does, and its regulatory status.
    pub description: String,
    /// Preconditions in words.
    pub usage_requirements: Option<String>,
    /// Queries by key, those of included services among them.
    pub prefetch: BTreeMap<String, Prefetch>,
    /// Networks it asks.
    pub models: Vec<ModelUse>,
    /// Digest of everything its cards are made from: names the configuration in the record.
    pub digest: Digest,
    pub(super) source: SourceEntry,
    pub(super) links: Vec<LinkEntry>,
    pub(super) cards: Vec<CardPlan>,
    pub(super) shared: Arc<Shared>,
}

/// A card that a finding can give, with its templates read.
#[derive(Debug, Clone)]
pub(super) struct CardPlan {
    pub entry: CardEntry,
    pub summary: Template,
    pub detail: Template,
    pub suggestions: Vec<SuggestionPlan>,
    pub override_reasons: Vec<OverrideReason>,
}

/// A suggestion with its templates read.
#[derive(Debug, Clone)]
pub(super) struct SuggestionPlan {
    pub entry: SuggestionEntry,
    pub label: Template,
    /// The request's reason, or the description of the entry.
    pub words: Template,
}

/// Texts that all services share: `shared.card.md`.
#[derive(Debug)]
pub(super) struct Shared {
    pub texts: BTreeMap<&'static str, (Template, Template)>,
    pub closing: Template,
}

/// Every service of a folder.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    services: BTreeMap<ServiceId, Arc<Definition>>,
}

const SHARED: &str = "shared.card.md";

/// What can be said when there is no finding to speak of; two sections each, `<name>.summary` and `<name>`.
pub(super) const TROUBLES: [&str; 7] =
    ["abstained", "unreadable", "late", "failed", "refused", "nothing-read", "incomplete"];

/// A definition as it stands in its files, before it is held against anything.
pub(super) struct Draft {
    pub name: String,
    pub file: File,
    pub sections: BTreeMap<String, String>,
    pub digest: Digest,
}

impl Definitions {
    /// Reads every definition of the folder and checks it against `manifests`, the papers of all loaded networks.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(folder: &Path, manifests: &[&Manifest]) -> Result<Self, Vec<DefinitionError>> {
        let mut errors = Vec::new();
        let shared = read(folder, SHARED, &mut errors).unwrap_or_default();
        let shared_digest = Digest::of(shared.as_bytes());
        let shared = Arc::new(read_shared(&shared, &mut errors));
        let drafts = drafts(folder, &mut errors);
        let mut services = BTreeMap::new();
        for draft in drafts.values() {
            let included = include(draft, &drafts, &mut errors);
            let plans = check::check(draft, &included, manifests, &mut errors);
            let definition = resolve(draft, &included, plans, shared_digest, &shared);
            services.insert(definition.id.clone(), Arc::new(definition));
        }
        if errors.is_empty() { Ok(Self { services }) } else { Err(errors) }
    }

    /// The service of this id.
    #[must_use]
    pub fn get(&self, id: &ServiceId) -> Option<&Arc<Definition>> {
        self.services.get(id)
    }

    /// Every service, by id: what discovery lists.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.services.values()
    }
}

impl Definition {
    /// What discovery says about it.
    ///
    /// # Errors
    /// None for a definition that [`Definitions::load`] gave out: it checks the same rules.
    pub fn discovery(&self) -> Result<Service, DiscoveryError> {
        Service::new(Offer {
            id: self.id.clone(),
            hook: self.hook.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            prefetch: self.prefetch.iter().map(|(key, query)| (key.clone(), query.template.clone())).collect(),
            usage_requirements: self.usage_requirements.clone(),
        })
    }

    /// Whether one of its cards weighs values beside the networks' answers.
    #[must_use]
    pub fn weighs_values(&self) -> bool {
        self.cards.iter().any(|plan| plan.entry.weighs.is_some())
    }

    /// The kind of input that one of its networks is handed.
    #[must_use]
    pub fn input(&self, model: &ModelName) -> Option<Input> {
        self.models.iter().find(|one| one.name == *model).map(|one| one.input)
    }
}

fn error(file: &str, key: &str, reason: impl Into<String>) -> DefinitionError {
    DefinitionError { file: file.to_owned(), key: key.to_owned(), reason: reason.into() }
}

fn read(folder: &Path, name: &str, errors: &mut Vec<DefinitionError>) -> Option<String> {
    fs::read_to_string(folder.join(name)).map_err(|reason| errors.push(error(name, "", reason.to_string()))).ok()
}

fn drafts(folder: &Path, errors: &mut Vec<DefinitionError>) -> BTreeMap<String, Draft> {
    let mut names = match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>(),
        Err(reason) => {
            errors.push(error(&folder.display().to_string(), "", reason.to_string()));
            return BTreeMap::new();
        }
    };
    names.sort();
    let stems: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".toml")).collect();
    for name in names.iter().filter(|name| *name != SHARED) {
        if name.strip_suffix(".card.md").is_some_and(|stem| !stems.contains(&stem)) {
            errors.push(error(name, "", "there is no `.toml` of this name"));
        }
    }
    stems.iter().filter_map(|stem| Some(((*stem).to_owned(), draft(folder, stem, errors)?))).collect()
}

fn draft(folder: &Path, stem: &str, errors: &mut Vec<DefinitionError>) -> Option<Draft> {
    let name = format!("{stem}.toml");
    let text = read(folder, &name, errors)?;
    let file: File = toml::from_str(&text)
        .map_err(|reason| errors.push(error(&name, "", reason.to_string().trim_end().to_owned())))
        .ok()?;
    if file.id.as_str() != stem {
        errors.push(error(&name, "id", format!("is `{}`, but the file is called `{stem}`", file.id)));
        return None;
    }
    let markdown_name = format!("{stem}.card.md");
    // A service that only joins others needs no text of its own.
    let needed = !file.cards.is_empty() || folder.join(&markdown_name).exists();
    let markdown = if needed { read(folder, &markdown_name, errors)? } else { String::new() };
    let sections = sections(&markdown)
        .map_err(|section| errors.push(error(&markdown_name, &section, "stands twice")))
        .unwrap_or_default();
    let digest = Digest::of_parts([text.as_bytes(), markdown.as_bytes()]);
    Some(Draft { name, file, sections, digest })
}

fn include<'a>(
    draft: &Draft,
    drafts: &'a BTreeMap<String, Draft>,
    errors: &mut Vec<DefinitionError>,
) -> Vec<&'a Draft> {
    let mut included = Vec::new();
    for id in &draft.file.includes {
        match drafts.get(id.as_str()) {
            Some(other) if other.file.includes.is_empty() => included.push(other),
            Some(_) => errors.push(error(&draft.name, "includes", format!("`{id}` includes others itself"))),
            None => errors.push(error(&draft.name, "includes", format!("there is no sound service `{id}`"))),
        }
    }
    included
}

fn resolve(
    draft: &Draft,
    included: &[&Draft],
    cards: Vec<CardPlan>,
    shared_digest: Digest,
    shared: &Arc<Shared>,
) -> Definition {
    let file = &draft.file;
    let all = || included.iter().map(|other| &other.file).chain([file]);
    let mut prefetch: BTreeMap<String, Prefetch> = BTreeMap::new();
    for (key, query) in all().flat_map(|file| &file.prefetch) {
        let kept = prefetch.entry(key.clone()).or_insert_with(|| query.clone());
        kept.policy = kept.policy.max(query.policy);
    }
    let digests: Vec<Digest> = included.iter().map(|other| other.digest).chain([draft.digest, shared_digest]).collect();
    Definition {
        id: file.id.clone(),
        hook: file.hook.clone(),
        title: file.title.clone(),
        description: file.description.trim().to_owned(),
        usage_requirements: file.usage_requirements.as_ref().map(|text| text.trim().to_owned()),
        prefetch,
        models: all().flat_map(|file| file.models.clone()).collect(),
        digest: Digest::of_parts(digests.iter().map(|digest| &digest.as_bytes()[..])),
        source: file.source.clone(),
        links: file.links.clone(),
        cards,
        shared: shared.clone(),
    }
}

fn read_shared(text: &str, errors: &mut Vec<DefinitionError>) -> Shared {
    let sections =
        sections(text).map_err(|section| errors.push(error(SHARED, &section, "stands twice"))).unwrap_or_default();
    let mut parse = |name: &str, part, about| {
        let text = sections.get(name).map_or("", String::as_str);
        Template::parse(text, part, about)
            .map_err(|problems| errors.extend(problems.into_iter().map(|problem| error(SHARED, name, problem))))
            .ok()
    };
    let closing = parse("closing", Part::Detail, About::Anything);
    let mut texts = BTreeMap::new();
    for trouble in TROUBLES {
        let summary = parse(&format!("{trouble}.summary"), Part::Line, About::Trouble);
        if let (Some(summary), Some(detail)) = (summary, parse(trouble, Part::Detail, About::Trouble)) {
            texts.insert(trouble, (summary, detail));
        }
    }
    for name in sections.keys() {
        let known =
            name == "closing" || TROUBLES.iter().any(|one| name.strip_suffix(".summary").unwrap_or(name) == *one);
        if !known {
            errors.push(error(SHARED, name, "is not a section of this file"));
        }
    }
    for (name, (summary, _)) in &texts {
        check::fits(summary)
            .err()
            .into_iter()
            .for_each(|reason| errors.push(error(SHARED, &format!("{name}.summary"), reason)));
    }
    Shared { texts, closing: closing.unwrap_or_else(Template::nothing) }
}

impl CardPlan {
    /// The override reasons of the file in which the card stands.
    pub fn reasons(file: &File) -> Vec<OverrideReason> {
        file.override_reasons.iter().map(CodingEntry::reason).collect()
    }
}
