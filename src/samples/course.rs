//! Simulated vitals and labs: a trajectory per variable with autocorrelated noise, as FHIR Observations.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// What happens to the patient over the 48 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Septic shock developing.
    Deteriorating,
    /// After planned surgery, uneventful.
    Stable,
    /// Ill on arrival, better at the end.
    Recovering,
    /// Three measurements in all.
    Sparse,
    /// Stable, reported in other units.
    OtherUnits,
    /// Stable, with entries no network may use.
    Hostile,
    /// A few values in an emergency department, both peptides in ng/L.
    Heart { nt_pro_bnp: u32, troponin_t: u32 },
}

/// LOINC code, name, UCUM unit, hours between measurements, noise, and (start, end) per condition.
struct Track {
    code: &'static str,
    name: &'static str,
    unit: &'static str,
    every_h: u32,
    noise: f64,
    digits: i32,
    well: (f64, f64),
    worse: (f64, f64),
}

const fn track(
    code: &'static str,
    name: &'static str,
    unit: &'static str,
    every_h: u32,
    (noise, digits): (f64, i32),
    well: (f64, f64),
    worse: (f64, f64),
) -> Track {
    Track { code, name, unit, every_h, noise, digits, well, worse }
}

/// The usual values of a well patient after surgery, and of one going into shock.
const TRACKS: &[Track] = &[
    track("8867-4", "Heart rate", "/min", 1, (3.0, 0), (78.0, 74.0), (96.0, 132.0)),
    track("9279-1", "Respiratory rate", "/min", 1, (1.2, 0), (15.0, 14.0), (20.0, 34.0)),
    track("8310-5", "Body temperature", "Cel", 4, (0.15, 1), (36.9, 36.8), (38.4, 35.6)),
    track("59408-5", "Oxygen saturation by pulse oximetry", "%", 2, (0.6, 0), (98.0, 98.0), (95.0, 87.0)),
    track("9269-2", "Glasgow coma score total", "{score}", 4, (0.2, 0), (15.0, 15.0), (14.0, 6.0)),
    track("9187-6", "Urine output", "mL", 2, (18.0, 0), (120.0, 130.0), (60.0, 8.0)),
    track("3094-0", "Urea nitrogen", "mg/dL", 12, (1.0, 0), (14.0, 12.0), (38.0, 74.0)),
    track("2160-0", "Creatinine", "mg/dL", 12, (0.04, 2), (0.8, 0.7), (1.7, 4.1)),
    track("2345-7", "Glucose", "mg/dL", 8, (8.0, 0), (118.0, 108.0), (176.0, 232.0)),
    track("1963-8", "Bicarbonate", "mmol/L", 12, (0.6, 0), (25.0, 26.0), (20.0, 12.0)),
    track("2951-2", "Sodium", "mmol/L", 12, (0.8, 0), (139.0, 140.0), (134.0, 131.0)),
    track("2823-3", "Potassium", "mmol/L", 12, (0.12, 1), (4.1, 4.0), (4.7, 6.0)),
    track("4544-3", "Hematocrit", "%", 12, (0.6, 1), (33.0, 33.0), (29.0, 24.0)),
    track("777-3", "Platelets", "10*3/uL", 12, (6.0, 0), (215.0, 222.0), (128.0, 58.0)),
    track("6690-2", "Leukocytes", "10*3/uL", 12, (0.5, 1), (9.2, 8.1), (19.0, 27.5)),
    track("19123-9", "Magnesium", "mg/dL", 24, (0.08, 1), (2.0, 2.0), (1.8, 2.3)),
    track("29463-7", "Body weight", "kg", 24, (0.2, 1), (68.0, 68.0), (84.0, 89.0)),
];

/// Measured only in the seriously ill.
const ILL_TRACKS: &[Track] = &[
    track("32693-4", "Lactate", "mmol/L", 6, (0.2, 1), (1.0, 0.9), (2.8, 9.4)),
    track("2744-1", "pH of arterial blood", "[pH]", 6, (0.01, 2), (7.40, 7.41), (7.33, 7.12)),
    track("2019-8", "Carbon dioxide, arterial", "mm[Hg]", 6, (1.2, 0), (40.0, 40.0), (36.0, 52.0)),
    track("2703-7", "Oxygen, arterial", "mm[Hg]", 6, (6.0, 0), (105.0, 108.0), (78.0, 56.0)),
    track("1975-2", "Bilirubin, total", "mg/dL", 24, (0.1, 1), (0.7, 0.6), (2.1, 5.6)),
    track("1751-7", "Albumin", "g/dL", 24, (0.05, 1), (3.6, 3.6), (2.4, 1.8)),
    track("3150-0", "Inhaled oxygen concentration", "%", 4, (1.0, 0), (25.0, 21.0), (45.0, 95.0)),
];

/// Observations of a course that ends shortly before `now`.
pub(super) fn observations(pattern: Pattern, patient: &str, now: OffsetDateTime) -> Vec<Value> {
    let seed = patient.bytes().fold(7u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut writer = Writer { patient, now, rng: ChaCha8Rng::seed_from_u64(seed), entries: Vec::new() };
    if pattern == Pattern::Sparse {
        writer.put("8867-4", "Heart rate", 1.0, json!({"value": 88, "unit": "/min", "code": "/min"}));
        writer.put("8867-4", "Heart rate", 0.5, json!({"value": 91, "unit": "/min", "code": "/min"}));
        writer.put("8310-5", "Body temperature", 0.5, json!({"value": 37.4, "unit": "°C", "code": "Cel"}));
        return writer.entries;
    }
    if let Pattern::Heart { nt_pro_bnp, troponin_t } = pattern {
        writer.put("33762-6", "NT-proBNP", 3.0, json!({"value": nt_pro_bnp, "unit": "pg/mL", "code": "pg/mL"}));
        writer.put(
            "67151-1",
            "Troponin T, high sensitivity",
            3.0,
            json!({"value": troponin_t, "unit": "ng/L", "code": "ng/L"}),
        );
        writer.put("2160-0", "Creatinine", 3.0, json!({"value": 1.4, "unit": "mg/dL", "code": "mg/dL"}));
        writer.put("2823-3", "Potassium", 3.0, json!({"value": 4.9, "unit": "mmol/L", "code": "mmol/L"}));
        writer.put("8867-4", "Heart rate", 2.0, json!({"value": 104, "unit": "/min", "code": "/min"}));
        return writer.entries;
    }
    writer.tracks(TRACKS, pattern);
    writer.pressures(pattern);
    if matches!(pattern, Pattern::Deteriorating | Pattern::Recovering) {
        writer.tracks(ILL_TRACKS, pattern);
    }
    if pattern == Pattern::Hostile {
        writer.spoil();
    }
    writer.entries
}

/// How ill (0 well, 1 worst) the patient is at a part (0 start, 1 end) of the course.
fn illness(pattern: Pattern, part: f64) -> (f64, f64) {
    match pattern {
        Pattern::Deteriorating => (1.0, part),
        Pattern::Recovering => (0.55 * (1.0 - part), 0.0),
        _ => (0.0, part),
    }
}

struct Writer<'a> {
    patient: &'a str,
    now: OffsetDateTime,
    rng: ChaCha8Rng,
    entries: Vec<Value>,
}

impl Writer<'_> {
    fn tracks(&mut self, tracks: &[Track], pattern: Pattern) {
        for track in tracks {
            let mut drift = 0.0;
            let steps = 48 / track.every_h;
            for step in 0..steps {
                let part = f64::from(step) / f64::from(steps.max(2) - 1);
                drift = 0.6 * drift + 0.8 * track.noise * self.rng.sample::<f64, _>(StandardNormal);
                let value = level(track, pattern, part) + drift;
                let value = if track.unit == "{score}" { value.clamp(3.0, 15.0) } else { value.max(0.0) };
                let value = if track.unit == "%" { value.min(100.0) } else { value };
                let hours_ago = 48.0 - f64::from(step * track.every_h) - 0.4;
                let quantity = quantity(track, value, pattern);
                self.put(track.code, track.name, hours_ago, quantity);
            }
        }
    }

    /// Blood pressure as a panel with components, every hour.
    fn pressures(&mut self, pattern: Pattern) {
        for step in 0..48u32 {
            let part = f64::from(step) / 47.0;
            let (share, progress) = illness(pattern, part);
            let systolic = 124.0 - share * (14.0 + 46.0 * progress) + 4.0 * self.rng.sample::<f64, _>(StandardNormal);
            let diastolic = 70.0 - share * (8.0 + 26.0 * progress) + 3.0 * self.rng.sample::<f64, _>(StandardNormal);
            let component = |code: &str, name: &str, value: f64| {
                json!({"code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}]},
                    "valueQuantity": {"value": value.round(), "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}})
            };
            let mut panel = self.observation("85354-9", "Blood pressure panel", 48.0 - f64::from(step) - 0.3);
            panel["component"] = json!([
                component("8480-6", "Systolic blood pressure", systolic),
                component("8462-4", "Diastolic blood pressure", diastolic),
                component("8478-0", "Mean blood pressure", (systolic + 2.0 * diastolic) / 3.0),
            ]);
            self.entries.push(panel);
        }
    }

    /// What real feeds also hold: an error, a unit nobody knows, words for a number, a value from the future.
    fn spoil(&mut self) {
        self.put("8867-4", "Heart rate", 2.0, json!({"value": 900, "unit": "/min", "code": "/min"}));
        self.put("2345-7", "Glucose", 2.0, json!({"value": 12, "unit": "spoonfuls"}));
        self.put("2160-0", "Creatinine", 2.0, json!({"value": "<script>alert(1)</script>"}));
        self.put("8310-5", "Body temperature", -300.0, json!({"value": 37, "unit": "Cel", "code": "Cel"}));
        self.put("99999-9", "<b>Not a code</b>", 2.0, json!({"value": 1, "unit": "1"}));
        if let Some(last) = self.entries.first_mut() {
            last["status"] = json!("entered-in-error");
        }
        self.entries.push(json!({"resourceType": "Observation", "status": 7, "code": null, "component": "none"}));
    }

    fn put(&mut self, code: &str, name: &str, hours_ago: f64, mut quantity: Value) {
        if quantity.get("code").is_some() {
            quantity["system"] = json!("http://unitsofmeasure.org");
        }
        let mut observation = self.observation(code, name, hours_ago);
        observation["valueQuantity"] = quantity;
        self.entries.push(observation);
    }

    fn observation(&self, code: &str, name: &str, hours_ago: f64) -> Value {
        let time = self.now - Duration::seconds((hours_ago * 3600.0) as i64);
        let category = if matches!(code, "8867-4" | "9279-1" | "8310-5" | "59408-5" | "85354-9" | "29463-7") {
            "vital-signs"
        } else {
            "laboratory"
        };
        json!({
            "resourceType": "Observation",
            "id": format!("{}-o{}", self.patient, self.entries.len()),
            "meta": {"versionId": "1"},
            "status": "final",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}], "text": name},
            "subject": {"reference": format!("Patient/{}", self.patient)},
            "effectiveDateTime": time.replace_nanosecond(0).unwrap_or(time).format(&Rfc3339).unwrap_or_default(),
        })
    }
}

fn level(track: &Track, pattern: Pattern, part: f64) -> f64 {
    let (share, progress) = illness(pattern, part);
    let between = |(start, end): (f64, f64), part: f64| start + (end - start) * part;
    between(track.well, part) * (1.0 - share) + between(track.worse, progress) * share
}

/// The value as this hospital writes it.
fn quantity(track: &Track, value: f64, pattern: Pattern) -> Value {
    let round = |value: f64, digits: i32| (value * 10f64.powi(digits)).round() / 10f64.powi(digits);
    let written = |value: f64, digits: i32, unit: &str, code: &str| json!({"value": round(value, digits), "unit": unit, "code": code});
    if pattern == Pattern::OtherUnits {
        match track.code {
            "8310-5" => return written(value * 1.8 + 32.0, 1, "degF", "[degF]"),
            "29463-7" => return written(value / 0.453_592_37, 1, "lb", "[lb_av]"),
            "2345-7" => return written(value / 18.016, 1, "mmol/L", "mmol/L"),
            "2160-0" => return written(value * 88.42, 0, "umol/L", "umol/L"),
            "3094-0" => return written(value * 0.357, 1, "mmol/L", "mmol/L"),
            _ => {}
        }
    }
    written(value, track.digits, track.unit, track.unit)
}
