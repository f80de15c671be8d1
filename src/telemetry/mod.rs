//! What operators see: the log and its spans.
//!
//! Contract: nothing marked `domain::Phi` can be formatted; labels come from closed sets.

pub mod log;
