//! The words everyone shares.
//!
//! Contract: no I/O, no async, no wire types; an illegal value cannot be built. Every other module may name this one;
//! it names none.

pub mod clock;
pub mod digest;
pub mod evidence;
pub mod explanation;
pub mod ids;
pub mod image;
pub mod input;
pub mod name;
pub mod phi;
pub mod prediction;
pub mod ranges;
pub mod secrets;

pub use clock::{Clock, FrozenClock, SystemClock};
pub use digest::{Digest, DigestWriter};
pub use evidence::{Coding, Ignored, Measurement, SourceRef};
pub use explanation::{
    Attribution, Change, Counterfactual, Doubt, Explanation, Factor, HeatMap, MentionWords, SecondOpinion, WordShare,
    Work,
};
pub use ids::{Ids, RandomIds, SequentialIds};
pub use image::GreyImage;
pub use input::{Course, Film, ModelInput, Note, Patient, Problem, Region, Sex, Side};
pub use name::{ModelName, NameError, ServiceId};
pub use phi::Phi;
pub use prediction::{
    Abstention, Answer, Assertion, Certainty, Familiarity, Finding, Grade, KeyPhrase, Mention, Place, Prediction,
    Status, Topic,
};
pub use secrets::{NoRandomness, Secrets, SequentialSecrets, SystemSecrets};
