//! Which key signs the links on cards, and for which EHRs a launch is offered.

use super::Failed;
use crate::{
    audit::Store,
    domain::Secrets,
    http::{LinkKey, Links, smart::Registry},
    settings::Settings,
};

/// The file beside an embedded database.
const FILE: &str = "links.key";

/// What signs links under this address.
pub(super) fn links(settings: &Settings, base: &str, secrets: &dyn Secrets) -> Result<Links, Failed> {
    let key = match given(settings)? {
        Some(key) => key,
        None => own(settings, secrets)?,
    };
    let registry = Registry::new(settings.smart.clone())?;
    Ok(Links::new(key, settings.http.explanation_link_hours, base.to_owned(), registry))
}

/// Whether the files named by the settings can be used; makes none.
pub(super) fn check(settings: &Settings) -> Result<(), Failed> {
    given(settings)?;
    Registry::new(settings.smart.clone())?;
    Ok(())
}

fn given(settings: &Settings) -> Result<Option<LinkKey>, Failed> {
    Ok(match (&settings.http.link_key, &settings.http.link_key_file) {
        (Some(text), _) => Some(LinkKey::parse(text)?),
        (None, Some(path)) => Some(LinkKey::read(path)?),
        (None, None) => None,
    })
}

/// The key beside an embedded database, else one that ends with the process.
fn own(settings: &Settings, secrets: &dyn Secrets) -> Result<LinkKey, Failed> {
    if let Some(folder) = Store::folder(&settings.audit) {
        return Ok(LinkKey::read_or_make(&folder.join(FILE), secrets)?);
    }
    tracing::warn!(
        "no http.link_key_file: links to explanations end with this process, and other replicas do not know them"
    );
    Ok(LinkKey::passing(secrets)?)
}
