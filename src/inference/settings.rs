//! How much may wait, and how much is remembered.

use serde::{Deserialize, Serialize};

/// `[inference]` in the settings file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Inputs that may wait for one network; one more is refused at once.
    pub queue: usize,
    /// Inputs computed together at most.
    pub batch_max: usize,
    /// Threads one network may compute on.
    pub threads: usize,
    /// Most points at which an explanation takes gradients within an answer; when its page is opened it takes more.
    pub explanation_points_max: usize,
    /// Answers remembered per network, by content of the input.
    pub remembered: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { queue: 64, batch_max: 8, threads: 1, explanation_points_max: 32, remembered: 256 }
    }
}
