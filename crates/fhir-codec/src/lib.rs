//! The one place where fhir-sdk's R4B types become JSON.
//!
//! Every FHIR resource can contain every other, so (de)serialising even one of them instantiates the code for all
//! of them in the crate that asks. This crate pays that price once, unoptimised, behind functions that are not generic.

pub use fhir_sdk::r4b as types;
use fhir_sdk::r4b::resources::Resource;
use serde_json::Value;

/// The resource as FHIR JSON (an object with `resourceType`).
///
/// # Errors
/// Only if serde refuses a value, which none of fhir-sdk's own types does.
pub fn to_json(resource: &Resource) -> Result<Value, serde_json::Error> {
    serde_json::to_value(resource)
}
