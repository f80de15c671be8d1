//! Drawn cases: films, courses and sentences by formula and seed.
//!
//! Contract: the same number gives the same case on every machine.

use crate::{
    domain::{Coding, Course, Digest, Film, GreyImage, Measurement, ModelInput, Note, Phi, Sex, SourceRef},
    models::{chest, knee, mortality::contract::Contract},
    training::generator,
};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use time::{Duration, OffsetDateTime};

/// Seed of everything drawn here.
const SEED: u64 = 2017;
/// Purposes of the generator.
const CHEST: u64 = 1;
const KNEE: u64 = 2;
const COURSE: u64 = 3;
const NOTE: u64 = 4;
const SHADOW: u64 = 5;
/// Most standard deviations that a drawn value lies from its mean.
const SPREAD: f64 = 0.3;
/// Hours of a drawn course.
pub const HOURS: usize = 36;

fn rng(purpose: u64, case: usize) -> ChaCha8Rng {
    generator(SEED, purpose, case as u64)
}

fn source() -> SourceRef {
    SourceRef {
        reference: String::from("drawn"),
        version: None,
        last_updated: None,
        key: String::new(),
        digest: Digest::of(b""),
    }
}

/// A film as a chart would give it.
#[must_use]
pub fn film(image: GreyImage, body_site: &str) -> ModelInput {
    ModelInput::Film(Film {
        image,
        source: source(),
        time: None,
        content_type: "image/png".into(),
        modality: Some("DX".into()),
        body_site: Some(body_site.into()),
        side: None,
        view: None,
        age_years: None,
    })
}

/// Changes exposure and adds grain.
fn weathered(image: &GreyImage, rng: &mut ChaCha8Rng) -> GreyImage {
    let (gain, lift, grain) = (rng.random_range(0.75..1.1), rng.random_range(0.0..30.0), rng.random_range(1.0..6.0));
    let pixels = image.pixels().iter().map(|pixel| {
        let noise = grain * (rng.random_range(-1.0..1.0) + rng.random_range(-1.0..1.0));
        (f64::from(*pixel) * gain + lift + noise).clamp(0.0, 255.0) as u8
    });
    GreyImage::new(image.width(), image.height(), pixels.collect()).unwrap_or_else(|_| image.clone())
}

/// Where a shadow was drawn, in parts of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shadow {
    /// Centre.
    pub centre: (f64, f64),
    /// Radius.
    pub radius: f64,
}

/// A drawn chest with one shadow somewhere in a lung.
#[must_use]
pub fn chest(case: usize) -> (GreyImage, Shadow) {
    let mut rng = rng(CHEST, case);
    let side = if rng.random_bool(0.5) { 0.28 } else { 0.72 };
    let centre = (side + rng.random_range(-0.07..0.07), rng.random_range(0.30..0.66));
    let shadow = Shadow { centre, radius: rng.random_range(0.10..0.16) };
    let clean = chest::phantom::with_shadow(centre, shadow.radius, rng.random_range(0.35..0.5));
    (weathered(&clean, &mut rng), shadow)
}

/// A film of a chest with one dense, soft-edged shadow drawn somewhere into a lung.
#[must_use]
pub fn shadowed(film: &GreyImage, case: usize) -> (GreyImage, Shadow) {
    let mut rng = rng(SHADOW, case);
    let side = if rng.random_bool(0.5) { 0.29 } else { 0.71 };
    // A point of the lung's ellipse, evenly over its area.
    let (angle, far) = (rng.random_range(0.0..std::f64::consts::TAU), rng.random_range(0.0f64..1.0).sqrt());
    let centre = (side + 0.14 * far * angle.cos(), 0.48 + 0.28 * far * angle.sin());
    let (radius, density): (f64, f64) = (rng.random_range(0.14..0.20), rng.random_range(140.0..190.0));
    let (width, height) = (film.width(), film.height());
    let pixels = film.pixels().iter().enumerate().map(|(at, pixel)| {
        let (x, y) = (((at % width) as f64 + 0.5) / width as f64, ((at / width) as f64 + 0.5) / height as f64);
        let inside = 1.0 - ((x - centre.0).powi(2) + (y - centre.1).powi(2)) / radius.powi(2);
        (f64::from(*pixel) + density * inside.max(0.0).sqrt()).clamp(0.0, 255.0) as u8
    });
    let drawn = GreyImage::new(width, height, pixels.collect()).unwrap_or_else(|_| film.clone());
    (drawn, Shadow { centre, radius })
}

/// A drawn knee with some joint space.
#[must_use]
pub fn knee(case: usize) -> GreyImage {
    let mut rng = rng(KNEE, case);
    let clean = knee::phantom::with_gap(rng.random_range(0.002..0.06));
    weathered(&clean, &mut rng)
}

/// A drawn course in which every variable was measured about as often as in the training stays, near their mean, except
/// that `spiked` (an index, and the value) stands far from it for the last three hours.
#[must_use]
pub fn course(contract: &Contract, case: usize, spiked: Option<(usize, f64)>) -> Course {
    let mut rng = rng(COURSE, case);
    let (start, mut measurements) = (OffsetDateTime::UNIX_EPOCH, Vec::new());
    for hour in 0..HOURS {
        for (index, variable) in contract.variables.iter().enumerate() {
            let spike = spiked.filter(|(at, _)| *at == index && hour + 3 >= HOURS);
            // Drawn whether or not they are needed, so that a spike changes nothing else.
            let (often, noise) = (rng.random_bool(variable.seen.clamp(0.0, 1.0)), rng.random_range(-SPREAD..SPREAD));
            let minute = rng.random_range(0..60);
            if !often && spike.is_none() {
                continue;
            }
            let scaled = variable.mean + noise * variable.sd;
            let usual = if variable.log { scaled.exp_m1() } else { scaled };
            let value = spike.map_or(usual, |(_, value)| value).clamp(variable.plausible[0], variable.plausible[1]);
            let time = start + Duration::hours(hour as i64) + Duration::minutes(minute);
            measurements.push(measurement(&variable.name, &variable.unit, time, value));
        }
    }
    measurements.sort_by_key(|one| one.time);
    let end = measurements.last().map_or(start, |one| one.time);
    let sex = if rng.random_bool(0.5) { Sex::Female } else { Sex::Male };
    let age_years = Some((contract.age_mean_years + rng.random_range(-5.0..5.0)).max(contract.age_min_years));
    Course { end, start, measurements, age_years, sex: Some(sex) }
}

/// Drawn courses of which two in three have a spike in some variable.
#[must_use]
pub fn varied(contract: &Contract, case: usize) -> Course {
    let at = case * 7 % contract.variables.len();
    course(contract, case, (!case.is_multiple_of(3)).then(|| (at, contract.variables[at].range[case % 2])))
}

fn measurement(variable: &str, unit: &str, time: OffsetDateTime, value: f64) -> Measurement {
    Measurement {
        variable: variable.to_owned(),
        source: source(),
        code: Coding { system: "http://loinc.org".into(), code: "0".into(), display: None },
        time,
        value,
        unit: unit.to_owned(),
        original_value: Phi::new(value.to_string()),
        original_unit: unit.to_owned(),
    }
}

/// Illnesses that stand in sentences.
const ILLNESSES: [&str; 20] = [
    "pneumonia",
    "asthma",
    "hypertension",
    "sepsis",
    "anemia",
    "pancreatitis",
    "diabetes",
    "epilepsy",
    "cirrhosis",
    "influenza",
    "tuberculosis",
    "hepatitis",
    "migraine",
    "osteoporosis",
    "gout",
    "psoriasis",
    "arthritis",
    "stroke",
    "glaucoma",
    "appendicitis",
];
/// What stands before them …
const BEFORE: [&str; 10] = [
    "The patient was seen today and has",
    "She was admitted last week with",
    "He came back to the ward because of",
    "Assessment and plan for today :",
    "Long discussion with the daughter about",
    "We will continue treatment for",
    "In the clinic she was found to have",
    "Seen in follow-up after",
    "The main concern this morning is",
    "Transferred from another hospital for",
];
/// … and after them.
const AFTER: [&str; 8] = [
    "and will return in two weeks .",
    "and was given fluids overnight .",
    ", stable on the present plan .",
    "which was explained to the family .",
    ", please call if there are questions .",
    "and slept well .",
    "since Monday .",
    "as discussed with the team .",
];

/// A sentence, and where in its words the one illness stands.
#[must_use]
pub fn sentence(case: usize) -> (Vec<&'static str>, usize) {
    let mut rng = rng(NOTE, case);
    let before = BEFORE[rng.random_range(0..BEFORE.len())];
    let mut words: Vec<&str> = before.split(' ').collect();
    let at = words.len();
    words.push(ILLNESSES[rng.random_range(0..ILLNESSES.len())]);
    words.extend(AFTER[rng.random_range(0..AFTER.len())].split(' '));
    (words, at)
}

/// A note of one sentence.
#[must_use]
pub fn note(words: &[&str]) -> ModelInput {
    let text = words.join(" ").replace(" .", ".").replace(" ,", ",").replace(" :", ":");
    ModelInput::Notes(vec![Note { text: Phi::new(text), source: source(), title: None, code: None, time: None }])
}
