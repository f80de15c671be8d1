//! Checks resources against FHIR R4's own JSON Schema, which `scripts/r4-schema` fetches and `scripts/test` names in
//! `AUSCULT_R4_SCHEMA`.

use serde_json::{Value, json};
use std::{fs, sync::OnceLock};

/// Everything that the R4 schema finds wrong with a resource; the resource's own type is enforced.
///
/// # Panics
/// When `AUSCULT_R4_SCHEMA` is not set or names no schema: a check that does not happen must not look like one that
/// passed.
pub fn r4_faults(resource: &Value) -> Vec<String> {
    let Some(kind) = resource["resourceType"].as_str() else { return vec!["there is no resourceType".into()] };
    let definitions = &schema()["definitions"];
    if definitions[kind]["properties"]["resourceType"]["const"] != *kind {
        return vec![format!("{kind} is not a resource of R4")];
    }
    let root = json!({
        "$schema": "http://json-schema.org/draft-06/schema#",
        "allOf": [{ "$ref": format!("#/definitions/{kind}") }],
        "definitions": definitions,
    });
    let validator = jsonschema::validator_for(&root).expect("the R4 schema compiles");
    validator.iter_errors(resource).map(|error| format!("{kind}{}: {error}", error.instance_path())).collect()
}

fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "a test's own input, not the service's settings")]
        let path = std::env::var("AUSCULT_R4_SCHEMA").expect(
            "AUSCULT_R4_SCHEMA is not set: run `export AUSCULT_R4_SCHEMA=$(scripts/r4-schema)`, or let `scripts/test` do it",
        );
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("AUSCULT_R4_SCHEMA is {path}: {error}"));
        let schema = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path} is not JSON: {error}"));
        without_dangling(schema)
    })
}

/// The package adds its publisher's own resources to R4's, and some of those refer to types that are not there. A type
/// that is not there matches nothing.
fn without_dangling(mut schema: Value) -> Value {
    let text = schema.to_string();
    let names = text.split("\"#/definitions/").skip(1).filter_map(|rest| rest.split('"').next());
    for name in names {
        if schema["definitions"][name].is_null() {
            schema["definitions"][name] = json!(false);
        }
    }
    schema
}
