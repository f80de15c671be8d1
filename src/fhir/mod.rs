//! FHIR R4 in, model inputs out.
//!
//! Contract: [`gather`](gather::gather) says for every prefetch key whether it was supplied, empty, refused, of the
//! wrong type or missing, and refuses data of another patient; what extracts from it is pure, checks units and lists
//! everything it leaves out with a reason. JSON is read entry by entry and borrowed, never copied: one odd entry does
//! not cost the others, and a film of megabytes is read where it lies.

pub mod attachment;
pub mod datetime;
pub mod dicom;
pub mod films;
pub mod gather;
pub mod identity;
pub mod key;
pub mod ledger;
pub mod limits;
pub mod notes;
pub mod observations;
pub mod patient;
pub mod picture;
pub mod problems;
pub mod quantity;
pub mod resource;
pub mod source;
pub mod table;
pub mod text;
pub mod units;
pub mod variables;

pub use films::films;
pub use gather::{Gathered, gather};
pub use key::{GatherError, KeyRequest, KeyState, Unmet};
pub use limits::Limits;
pub use notes::notes;
pub use observations::{course, newest};
pub use patient::patient;
pub use problems::problems;
pub use resource::{Extracted, Resource};
pub use variables::{HEART, VARIABLES, Variable};
