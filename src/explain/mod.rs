//! Why the model said so, as people see it.
//!
//! Contract: pure. The numbers come from a network's own `explain` and passed (or failed) its stated check; here they
//! become pictures and are never changed. Pictures carry a text alternative and need no script.

pub mod bars;
pub mod charts;
pub mod heat;
pub mod note;
mod svg;
pub mod timeline;
