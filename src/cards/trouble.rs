//! Cards for what could not be judged: never silent, always naming the network and the reason.

use super::{
    build::{BuildError, Desk, Made, Parts},
    case::CardKind,
    placeholder::Placeholder,
};
use crate::{cds_hooks::Indicator, domain::ModelName, models::Manifest};

/// The card of a network that gave no numbers.
pub fn card(desk: &Desk<'_>, manifest: &Manifest, kind: CardKind, why: &str) -> Result<Made, BuildError> {
    let model = format!("{} {}", manifest.name, manifest.version);
    let input = desk.definition.input(&manifest.name);
    let mut filled = desk.filled(&manifest.title, &model, input);
    filled.text(Placeholder::Why, why.trim().trim_end_matches('.'));
    desk.card(texts(desk, kind)?, &filled, parts(desk, kind, Some(manifest.name.clone())))
}

/// The one card that speaks for all networks, when none has a card of its own.
pub fn for_all(desk: &Desk<'_>, kind: CardKind) -> Result<Made, BuildError> {
    let models: Vec<String> =
        desk.case.results.iter().map(|one| format!("{} {}", one.manifest.name, one.manifest.version)).collect();
    let mut filled = desk.filled(&desk.definition.title, &models.join(", "), None);
    filled.text(Placeholder::Why, "");
    desk.card(texts(desk, kind)?, &filled, parts(desk, kind, None))
}

fn texts<'a>(
    desk: &'a Desk<'_>,
    kind: CardKind,
) -> Result<(&'a super::template::Template, &'a super::template::Template), BuildError> {
    let (summary, detail) = desk
        .definition
        .shared
        .texts
        .get(kind.as_str())
        .ok_or(BuildError::Definition("no text for this kind of card"))?;
    Ok((summary, detail))
}

fn parts(desk: &Desk<'_>, kind: CardKind, model: Option<ModelName>) -> Parts {
    Parts {
        kind,
        name: None,
        model,
        label: None,
        at: None,
        story: None,
        indicator: Indicator::Info,
        topic: desk.definition.source.topic.clone(),
        suggestions: Vec::new(),
        override_reasons: Vec::new(),
    }
}
