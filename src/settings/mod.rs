//! Settings: the built-in `default.toml`, then a file, then the environment; valid as a whole, or a list of
//! everything wrong.
//!
//! Contract: the only module that reads the environment. The structs live in the modules they configure.

mod merge;

use crate::{audit, decision, http, inference, telemetry};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The manual and the default at once; see `default.toml` at the top of the repository.
pub const DEFAULT: &str = include_str!("../../default.toml");

/// Variables `AUSCULT__SECTION__KEY` set one value each.
const PREFIX: &str = "AUSCULT__";

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder of the networks.
    pub models: PathBuf,
    /// Folder of the service definitions.
    pub definitions: PathBuf,
    /// `[http]`
    pub http: http::Settings,
    /// `[[smart]]`: EHRs that may launch the explanation of a card.
    #[serde(default)]
    pub smart: Vec<http::smart::Issuer>,
    /// `[decision]`
    pub decision: decision::Settings,
    /// `[inference]`
    pub inference: inference::Settings,
    /// `[audit]`
    pub audit: audit::Settings,
    /// `[log]`
    pub log: telemetry::log::Settings,
}

/// Why the settings cannot be used; every reason at once.
#[derive(Debug, thiserror::Error)]
#[error("the settings cannot be used:\n  - {}", .0.join("\n  - "))]
pub struct SettingsError(pub Vec<String>);

impl Settings {
    /// Reads the defaults, `file` (or `auscult.toml` if it is there) and the process environment.
    ///
    /// # Errors
    /// [`SettingsError`] with everything that is wrong.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let (text, name) = match file {
            Some(path) => (Some(read(path)?), path.display().to_string()),
            None => (read(Path::new("auscult.toml")).ok(), String::from("auscult.toml")),
        };
        let file = text.as_deref().map(|text| (name.as_str(), text));
        Self::compose(file, &std::env::vars().collect())
    }

    /// The same from given parts, for tests.
    ///
    /// # Errors
    /// [`SettingsError`] with everything that is wrong.
    pub fn compose(file: Option<(&str, &str)>, environment: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let mut table = merge::parse("default.toml", DEFAULT)?;
        if let Some((name, text)) = file {
            merge::over(&mut table, merge::parse(name, text)?);
        }
        for (name, value) in environment {
            if let Some(path) = name.strip_prefix(PREFIX) {
                merge::set(&mut table, path, value);
            }
        }
        if let Some(url) = environment.get("DATABASE_URL") {
            merge::set(&mut table, "AUDIT__DATABASE_URL", url);
        }
        let settings: Self =
            table.try_into().map_err(|error: toml::de::Error| SettingsError(vec![error.to_string()]))?;
        let problems = settings.problems();
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError(problems)) }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = self.decision.problems();
        problems.extend(self.http.problems());
        problems.extend(http::smart::problems(&self.smart));
        problems.extend(self.audit.faults().iter().map(|fault| format!("audit.{fault}")));
        if self.inference.queue == 0 || self.inference.batch_max == 0 {
            problems.push("inference.queue and inference.batch_max must be at least 1".into());
        }
        problems
    }
}

fn read(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map_err(|error| SettingsError(vec![format!("{}: {error}", path.display())]))
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use std::collections::BTreeMap;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_default_file_alone_is_valid_and_names_every_setting() {
        let settings = Settings::compose(None, &BTreeMap::new()).unwrap();
        let written: toml::Table = toml::from_str(super::DEFAULT).unwrap();
        let sections = [
            ("http", toml::Table::try_from(&settings.http).unwrap()),
            ("decision", toml::Table::try_from(&settings.decision).unwrap()),
            ("inference", toml::Table::try_from(&settings.inference).unwrap()),
            ("audit", toml::Table::try_from(&settings.audit).unwrap()),
            ("log", toml::Table::try_from(&settings.log).unwrap()),
        ];
        for (section, all) in sections {
            let named = written[section].as_table().unwrap();
            for key in all.keys() {
                assert!(named.contains_key(key), "`{section}.{key}` is not in default.toml");
            }
        }
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let file = Some(("test.toml", "[decision]\ndeadline_ms = 300\nrecord_reserve_ms = 20"));
        let settings = Settings::compose(file, &environment(&[("AUSCULT__DECISION__DEADLINE_MS", "350")])).unwrap();
        assert_eq!((settings.decision.deadline_ms, settings.decision.record_reserve_ms), (350, 20));
    }

    #[test]
    fn everything_wrong_is_listed_at_once() {
        let file = Some(("test.toml", "[decision]\ndeadline_ms = 10\nrecord_reserve_ms = 20\n[inference]\nqueue = 0"));
        let error = Settings::compose(file, &BTreeMap::new()).unwrap_err();
        assert_eq!(error.0.len(), 2, "{error}");
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let error =
            Settings::compose(Some(("test.toml", "[decision]\ndeadlin_ms = 10")), &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("deadlin_ms"), "{error}");
    }
}
