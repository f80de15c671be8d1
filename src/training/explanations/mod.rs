//! Whether explanations can be believed: on drawn cases whose cause is known, on validation data, and beside another
//! program's.
//!
//! Contract: everything drawn comes from a seed; no patient stands behind a drawn case, and nothing is trained on one.

pub mod cases;
pub mod measure;
pub mod planted;
pub mod raw;
