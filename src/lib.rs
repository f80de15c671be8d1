//! Auscult: clinical decision support over CDS Hooks.
//!
//! An EHR opens a chart and calls `POST /cds-services/{id}`. The call walks down the layers and its answer back up:
//!
//! 1. [`http`] bounds and parses it, and knows who calls;
//! 2. [`decision`] takes it through, start to finish;
//! 3. [`fhir`] turns prefetched FHIR R4 into model inputs with evidence;
//! 4. [`inference`] asks the networks of [`models`], each on its own thread, with an explanation if something fires;
//! 5. [`cards`] turns what they said and a definition from `cds-hooks/` into cards of [`cds_hooks`];
//! 6. [`audit`] makes the record durable, and only then the answer leaves.
//!
//! ARCHITECTURE.md draws the map and traces one invocation and one feedback through it; `tests/architecture.rs` holds
//! the layers.

pub mod audit;
pub mod cards;
pub mod cds_hooks;
pub mod cli;
pub mod decision;
pub mod domain;
pub mod explain;
pub mod fhir;
pub mod http;
pub mod inference;
pub mod models;
pub mod samples;
pub mod settings;
pub mod telemetry;
pub mod training;
