//! Networks exactly as textbooks draw them, for teaching and for comparison.
//!
//! Contract: the same arithmetic as Keras's layers of the same names, so that weights can be taken over from there.

pub mod cnn;
pub mod film;
pub mod lstm;
