//! The words everyone shares.
//!
//! Contract: no I/O, no async, no wire types; an illegal value cannot be built. Every other module may name this one;
//! it names none.

pub mod clock;
pub mod digest;
pub mod evidence;
pub mod ids;
pub mod image;
pub mod input;
pub mod name;
pub mod phi;
pub mod prediction;

pub use clock::{Clock, FrozenClock, SystemClock};
pub use digest::{Digest, DigestWriter};
pub use evidence::{Coding, Ignored, Measurement, SourceRef};
pub use ids::{Ids, RandomIds, SequentialIds};
pub use image::GreyImage;
pub use input::{Course, Film, ModelInput, Note, Patient, Problem, Region, Sex, Side};
pub use name::{ModelName, NameError, ServiceId};
pub use phi::Phi;
pub use prediction::{
    Abstention, Answer, Assertion, Attribution, Certainty, Explanation, Factor, Familiarity, Finding, Grade, HeatMap,
    KeyPhrase, Mention, Place, Prediction, Status, Topic,
};
