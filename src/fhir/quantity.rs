//! The value of an Observation or of one of its components, with its unit.
//!
//! Contract: a number with a recognised unit, or the reason why there is none; a unit is never guessed, and a code and a
//! text that contradict each other are not resolved by taking sides.

use super::resource::{shown, text};
use super::units::Unit;
use serde_json::Value;
use std::fmt;

/// A number as it was written.
#[derive(Clone, PartialEq)]
pub struct Quantity<'a> {
    /// The number; of `<0.01`, the boundary.
    pub value: f64,
    /// As it stood, with its comparator.
    pub original: String,
    /// Its unit; nothing where none is stated, which only a score and a pH may do without.
    pub unit: Option<Unit>,
    /// The unit as it stood, empty if none.
    pub unit_text: &'a str,
}

impl fmt::Debug for Quantity<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Quantity([redacted])")
    }
}

/// Why there is no number: a stable reason and a sentence without values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable reason code.
    pub reason: &'static str,
    /// One sentence.
    pub detail: String,
}

/// A refusal.
pub fn refuse(reason: &'static str, detail: impl Into<String>) -> Refusal {
    Refusal { reason, detail: detail.into() }
}

/// Reads `value[x]` of an Observation or component.
///
/// # Errors
/// [`Refusal`] when there is no number or its unit cannot be trusted.
pub fn read(json: &Value) -> Result<Quantity<'_>, Refusal> {
    if let Some(quantity) = json.get("valueQuantity") {
        return quantity_of(quantity);
    }
    if let Some(Value::Number(number)) = json.get("valueInteger") {
        let value = number.as_f64().filter(|value| value.is_finite());
        let value = value.ok_or_else(|| refuse("not-a-number", "The value is not a finite number."))?;
        return Ok(Quantity { value, original: number.to_string(), unit: None, unit_text: "" });
    }
    if json.get("dataAbsentReason").is_some() {
        return Err(refuse("data-absent", "The value is stated to be absent (dataAbsentReason)."));
    }
    let is_value = |key: &String| key.starts_with("value") && key.len() > "value".len();
    match json.as_object().and_then(|members| members.keys().find(|key| is_value(key))) {
        Some(key) => Err(refuse("not-a-number", format!("The value is a {}, not a quantity.", shown(key)))),
        None => Err(refuse("no-value", "There is no value.")),
    }
}

fn quantity_of(quantity: &Value) -> Result<Quantity<'_>, Refusal> {
    let (value, written) = number(quantity.get("value"))?;
    let comparator = text(quantity, "comparator").unwrap_or("");
    if !matches!(comparator, "" | "<" | "<=" | ">" | ">=") {
        return Err(refuse("unknown-comparator", "The value's comparator is not one of <, <=, >=, >."));
    }
    let (unit, unit_text) = unit_of(quantity)?;
    Ok(Quantity { value, original: format!("{comparator}{written}"), unit, unit_text })
}

/// A JSON number, or a text that is nothing but one (some clients quote decimals to keep their digits).
fn number(value: Option<&Value>) -> Result<(f64, String), Refusal> {
    let parsed = match value {
        Some(Value::Number(number)) => number.as_f64().map(|value| (value, number.to_string())),
        Some(Value::String(text)) => text.trim().parse().ok().map(|value: f64| (value, shown(text.trim()))),
        _ => return Err(refuse("no-value", "The quantity has no value.")),
    };
    parsed
        .filter(|(value, _)| value.is_finite())
        .ok_or_else(|| refuse("not-a-number", "The quantity's value is not a finite number."))
}

fn unit_of(quantity: &Value) -> Result<(Option<Unit>, &str), Refusal> {
    let (code, words) = (text(quantity, "code"), text(quantity, "unit"));
    let unknown = |unit: &str| refuse("unknown-unit", format!("The unit `{}` is not recognised.", shown(unit)));
    let parsed_words = words.and_then(Unit::parse);
    let Some(code) = code else {
        return match words {
            None => Ok((None, "")),
            Some(words) => Ok((Some(parsed_words.ok_or_else(|| unknown(words))?), words)),
        };
    };
    match (Unit::parse(code), parsed_words, words) {
        (Some(coded), Some(worded), Some(words)) if coded.contradicts(worded) => {
            let (code, words) = (shown(code), shown(words));
            Err(refuse("conflicting-units", format!("The unit's code `{code}` and its text `{words}` differ.")))
        }
        (Some(coded), ..) => Ok((Some(coded), words.unwrap_or(code))),
        // A code of another system than UCUM may be opaque; then the text speaks.
        (None, Some(worded), Some(words)) if !is_ucum(quantity) => Ok((Some(worded), words)),
        _ => Err(unknown(code)),
    }
}

fn is_ucum(quantity: &Value) -> bool {
    text(quantity, "system").is_some_and(|system| {
        let system = system.trim_end_matches('/');
        system.ends_with("unitsofmeasure.org") || system == "urn:oid:2.16.840.1.113883.6.8"
    })
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::fhir::units::Unit;
    use serde_json::{Value, json};

    fn reason(json: Value) -> &'static str {
        read(&json).expect_err("a refusal").reason
    }

    #[test]
    fn a_quantity_keeps_what_was_written() {
        let json = json!({"valueQuantity": {"value": 5.4, "comparator": "<", "unit": "mmol/l", "code": "mmol/L", "system": "http://unitsofmeasure.org"}});
        let quantity = read(&json).unwrap();
        assert_eq!((quantity.value, quantity.original.as_str(), quantity.unit_text), (5.4, "<5.4", "mmol/l"));
        assert_eq!(quantity.unit, Unit::parse("mmol/L"));
    }

    #[test]
    fn quoted_numbers_integers_and_opaque_codes_are_read() {
        assert_eq!(read(&json!({"valueQuantity": {"value": " 7.40 ", "unit": "pH"}})).unwrap().original, "7.40");
        assert_eq!(read(&json!({"valueInteger": 12})).unwrap().unit, None);
        let snomed = json!({"valueQuantity": {"value": 1, "unit": "mmol/L", "system": "http://snomed.info/sct", "code": "258813002"}});
        assert_eq!(read(&snomed).unwrap().unit, Unit::parse("mmol/L"));
    }

    #[test]
    fn every_other_value_is_refused_with_its_reason() {
        let quantity = |quantity: Value| reason(json!({ "valueQuantity": quantity }));
        assert_eq!(quantity(json!({"value": 1, "unit": "foo"})), "unknown-unit");
        assert_eq!(
            quantity(json!({"value": 1, "unit": "mg/dL", "code": "foo", "system": "http://unitsofmeasure.org"})),
            "unknown-unit"
        );
        assert_eq!(quantity(json!({"value": 1, "unit": "mg/dL", "code": "mmol/L"})), "conflicting-units");
        assert_eq!(quantity(json!({"value": "about 5", "unit": "mg/dL"})), "not-a-number");
        assert_eq!(quantity(json!({"value": "NaN", "unit": "mg/dL"})), "not-a-number");
        assert_eq!(quantity(json!({"unit": "mg/dL"})), "no-value");
        assert_eq!(quantity(json!({"value": 1, "comparator": "ad", "unit": "mg/dL"})), "unknown-comparator");
        assert_eq!(quantity(json!(5)), "no-value");
        assert_eq!(reason(json!({"valueString": "negative"})), "not-a-number");
        assert_eq!(reason(json!({"dataAbsentReason": {}})), "data-absent");
        assert_eq!(reason(json!({})), "no-value");
    }
}
