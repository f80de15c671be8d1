//! A case as the FHIR chart an EHR would send.
//!
//! Contract: what [`as_carried`] has been applied to comes out of the service's reading bit for bit: pixels as PNG,
//! values and times as JSON, text as base64. FHIR knows birth dates, not ages, so ages are whole days.

use super::super::Failed;
use crate::{
    domain::{Course, Film, ModelInput, Note, Phi, Sex},
    fhir,
    training::trial::{Trial, Truth},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use serde_json::{Value, json};
use time::{Date, Duration, format_description::well_known::Rfc3339};

const DAYS_PER_YEAR: f64 = 365.25;

/// Changes a case to what FHIR can say of it: ages in whole days, texts tidied as every text is that the service reads
/// (where offsets matter, only at its end).
pub(super) fn as_carried(trial: &mut Trial, today: Date) {
    let whole = |age: f64| (age * DAYS_PER_YEAR).round() / DAYS_PER_YEAR;
    match &mut trial.input {
        ModelInput::Course(course) => course.age_years = course.age_years.map(whole),
        ModelInput::Film(film) => {
            film.age_years = film.age_years.map(whole);
            film.time = film.time.or_else(|| film.age_years.map(|_| today.midnight().assume_utc()));
        }
        ModelInput::Notes(notes) => {
            let offsets_matter = !matches!(trial.truth, Truth::Topics(_));
            for note in notes {
                let tidy = fhir::text::plain::tidy(note.text.expose());
                if !offsets_matter || note.text.expose().starts_with(&tidy) {
                    note.text = Phi::new(tidy);
                }
            }
        }
    }
}

/// The prefetch of a call about the case.
pub(super) fn prefetch(trial: &Trial) -> Result<Value, Failed> {
    match &trial.input {
        ModelInput::Film(film) => film_chart(film, trial.groups.get("side").map(String::as_str)),
        ModelInput::Course(course) => Ok(course_chart(course)),
        ModelInput::Notes(notes) => Ok(notes_chart(notes)),
    }
}

fn film_chart(film: &Film, side: Option<&str>) -> Result<Value, Failed> {
    let mut png = Vec::new();
    let (width, height) = (u32::try_from(film.image.width())?, u32::try_from(film.image.height())?);
    PngEncoder::new(&mut png).write_image(film.image.pixels(), width, height, ExtendedColorType::L8)?;
    let mut media = json!({
        "resourceType": "Media",
        "id": "film",
        "status": "completed",
        "subject": subject(),
        "content": {"contentType": "image/png", "data": STANDARD.encode(png)},
    });
    // The side is part of the body site in words: `left knee`.
    let site = match (&film.body_site, side) {
        (Some(site), Some(side)) if !site.to_lowercase().contains(side) => Some(format!("{side} {site}")),
        (Some(site), _) => Some(site.clone()),
        (None, _) => None,
    };
    let stated = [("modality", film.modality.clone()), ("bodySite", site), ("view", film.view.clone())];
    for (member, words) in stated {
        if let Some(words) = words {
            media[member] = json!({"text": words});
        }
    }
    if let Some(time) = film.time {
        media["createdDateTime"] = json!(time.format(&Rfc3339)?);
    }
    let birth = film.age_years.zip(film.time).map(|(age, time)| born(time.date(), age));
    Ok(json!({"patient": patient(None, birth), "imaging": bundle(vec![media])}))
}

fn course_chart(course: &Course) -> Value {
    let observations = course.measurements.iter().filter_map(|one| {
        let variable = fhir::VARIABLES.iter().find(|variable| variable.name == one.variable)?;
        Some(json!({
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [coding(variable)?]},
            "subject": subject(),
            "effectiveDateTime": one.time.format(&Rfc3339).ok()?,
            "valueQuantity": {"value": one.value, "unit": one.unit, "code": one.unit, "system": "http://unitsofmeasure.org"},
        }))
    });
    let birth = course.age_years.map(|age| born(course.end.date(), age));
    json!({"patient": patient(course.sex, birth), "observations": bundle(observations.collect())})
}

fn coding(variable: &fhir::Variable) -> Option<Value> {
    match variable.loinc.first() {
        Some(code) => Some(json!({"system": "http://loinc.org", "code": code})),
        None => Some(json!({"system": "http://snomed.info/sct", "code": variable.snomed.first()?})),
    }
}

fn notes_chart(notes: &[Note]) -> Value {
    let document = |(number, note): (usize, &Note)| {
        let mut document = json!({
            "resourceType": "DocumentReference",
            "id": format!("note-{number}"),
            "status": "current",
            "subject": subject(),
            "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": STANDARD.encode(note.text.expose())}}],
        });
        if let Some(title) = &note.title {
            document["type"] = json!({"text": title});
        }
        if let Some(time) = note.time.and_then(|time| time.format(&Rfc3339).ok()) {
            document["date"] = json!(time);
        }
        document
    };
    json!({"patient": patient(None, None), "notes": bundle(notes.iter().enumerate().map(document).collect())})
}

fn patient(sex: Option<Sex>, birth: Option<String>) -> Value {
    let mut patient = json!({"resourceType": "Patient", "id": "case"});
    let gender = sex.map(|sex| match sex {
        Sex::Female => "female",
        Sex::Male => "male",
    });
    for (member, value) in [("gender", gender.map(str::to_owned)), ("birthDate", birth)] {
        if let Some(value) = value {
            patient[member] = value.into();
        }
    }
    patient
}

fn subject() -> Value {
    json!({"reference": "Patient/case"})
}

/// The birth date of somebody of that age.
fn born(day: Date, age_years: f64) -> String {
    day.saturating_sub(Duration::days((age_years * DAYS_PER_YEAR).round() as i64)).to_string()
}

fn bundle(resources: Vec<Value>) -> Value {
    let entries: Vec<Value> = resources.into_iter().map(|resource| json!({"resource": resource})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries})
}

#[cfg(test)]
mod tests {
    use super::{as_carried, born, prefetch};
    use crate::{
        domain::{Course, Digest, Film, GreyImage, ModelInput, Note, Phi, Sex, SourceRef},
        fhir::{self, Gathered, KeyRequest, Limits},
        training::trial::{Trial, Truth},
    };
    use std::collections::BTreeMap;
    use time::macros::{date, datetime};

    fn source() -> SourceRef {
        SourceRef {
            reference: String::new(),
            version: None,
            last_updated: None,
            key: String::new(),
            digest: Digest::of(b""),
        }
    }

    fn carried(input: ModelInput, truth: Truth) -> Trial {
        let groups = BTreeMap::from([("side".to_owned(), "left".to_owned())]);
        let mut trial = Trial { name: "1".into(), cluster: "1".into(), input, truth, groups };
        as_carried(&mut trial, date!(2026 - 11 - 23));
        trial
    }

    /// What the service reads from the chart of a case.
    fn read<T>(trial: &Trial, key: &str, of: impl Fn(&Gathered<'_>) -> T) -> T {
        let prefetch = prefetch(trial).unwrap();
        let requests =
            ["patient", key].map(|key| KeyRequest { key: key.into(), template: String::new(), required: false });
        of(&fhir::gather(&requests, prefetch.as_object(), "case", &Limits::default()).unwrap())
    }

    #[test]
    fn the_birth_date_gives_the_age_back() {
        let course = Course {
            end: datetime!(2012-01-03 12:00 UTC),
            start: datetime!(2012-01-01 12:00 UTC),
            measurements: Vec::new(),
            age_years: Some(54.0),
            sex: Some(Sex::Female),
        };
        let end = course.end;
        let trial = carried(ModelInput::Course(course), Truth::Finding(true));
        let ModelInput::Course(course) = &trial.input else { panic!() };
        let patient = read(&trial, "observations", fhir::patient).unwrap();
        assert_eq!(patient.age_years(end), course.age_years);
        assert!((course.age_years.unwrap() - 54.0).abs() < 0.002 && patient.sex == Some(Sex::Female));
        assert_eq!(born(date!(2012 - 01 - 03), 52.0), "1960-01-03");
    }

    #[test]
    fn a_film_comes_back_pixel_for_pixel_with_its_side() {
        let image = GreyImage::new(3, 2, vec![0, 1, 2, 128, 254, 255]).unwrap();
        let film = Film {
            image: image.clone(),
            source: source(),
            time: None,
            content_type: "image/jpeg".into(),
            modality: Some("DX".into()),
            body_site: Some("knee".into()),
            side: None,
            view: None,
            age_years: Some(61.2),
        };
        let trial = carried(ModelInput::Film(film), Truth::Grade(2));
        let ModelInput::Film(carried) = &trial.input else { panic!() };
        let films = read(&trial, "imaging", |gathered| fhir::films(gathered).value);
        assert!(films[0].image == image && films[0].body_site.as_deref() == Some("left knee"));
        assert_eq!(films[0].modality.as_deref(), Some("DX"));
        let patient = read(&trial, "imaging", fhir::patient).unwrap();
        assert_eq!(patient.age_years(films[0].time.unwrap()), carried.age_years);
    }

    #[test]
    fn a_note_comes_back_letter_for_letter() {
        let text = " Gout\u{a0}flare; µg/dL\r\n\r\n\r\nnaproxen  ";
        let note =
            Note { text: Phi::new(text.into()), source: source(), title: Some("Visit".into()), code: None, time: None };
        let trial = carried(ModelInput::Notes(vec![note]), Truth::Topics(vec![]));
        let ModelInput::Notes(carried) = &trial.input else { panic!() };
        let notes = read(&trial, "notes", |gathered| fhir::notes(gathered).value);
        assert_eq!(notes[0].text.expose(), carried[0].text.expose());
        assert!(notes[0].text.expose().contains("Gout flare; µg/dL\n\nnaproxen"));
    }
}
