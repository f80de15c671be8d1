//! The log: structured lines on standard error, PHI-free because nothing marked `Phi` can be formatted.

use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One readable line each.
    #[default]
    Text,
    /// One JSON object each, control characters escaped.
    Json,
}

/// `[log]` in the settings file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Filter directives, for example `info` or `warn,auscult=debug`.
    pub filter: String,
    /// `text` or `json`.
    pub format: Format,
}

impl Default for Settings {
    fn default() -> Self {
        Self { filter: "warn,auscult=info".into(), format: Format::Text }
    }
}

/// Why the log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not understood.
    #[error("log.filter: {0}")]
    Filter(String),
    /// A log is already running in this process.
    #[error("a log is already running")]
    Running,
}

/// Starts the log for this process.
///
/// # Errors
/// [`LogError`] when the filter is not understood or a log is already running.
pub fn start(settings: &Settings) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| LogError::Filter(error.to_string()))?;
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(true);
    let result = match settings.format {
        Format::Text => registry().with(filter).with(lines.with_ansi(false)).try_init(),
        Format::Json => registry().with(filter).with(lines.json().flatten_event(true)).try_init(),
    };
    result.map_err(|_| LogError::Running)?;
    std::panic::set_hook(Box::new(panicked));
    Ok(())
}

/// Logs where, and not what: a panic's message may quote a chart (slicing a text in the middle of a letter does).
fn panicked(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, thread = thread.name().unwrap_or("unnamed"), "a panic; its message is withheld");
}
