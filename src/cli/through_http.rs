//! `auscult evaluate --through-http`: the same cases as FHIR, posted to a running service as an EHR would, and the
//! probability read back from the record of each answer.

use super::{Failed, train::unknown};
use crate::{
    domain::{Course, GreyImage, ModelName, Sex},
    fhir,
    training::{
        Report, Split, image,
        metrics::{self, Confusion},
        physionet,
    },
};
use ::image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Calls in flight at once.
const CONCURRENCY: usize = 4;

/// One case as the service sees it.
struct Case {
    prefetch: Value,
    positive: bool,
}

/// What the service said of one case.
enum Said {
    Probability { probability: f64, threshold: f64 },
    NoNumber,
}

pub(super) fn run(url: &str, model: &str, data: &Path, split: Split) -> Result<Report, Failed> {
    let (service, cases) = match model {
        "chest-radiograph" => ("chest-radiograph", films(data, split)?),
        "inpatient-mortality" => ("inpatient-deterioration", courses(data, split)?),
        "note-problems" => {
            return Err(
                "note-problems is measured on single sentences, which no EHR sends: leave out --through-http".into()
            );
        }
        other => return Err(unknown(other)),
    };
    let client = Client::new(url.trim_end_matches('/'), service)?;
    let said = actix_web::rt::System::new().block_on(client.ask_all(&cases))?;
    report(model.parse()?, split, &cases, &said)
}

struct Client {
    http: reqwest::Client,
    base: String,
    service: &'static str,
}

impl Client {
    fn new(base: &str, service: &'static str) -> Result<Self, Failed> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?;
        Ok(Self { http, base: base.to_owned(), service })
    }

    async fn ask_all(&self, cases: &[Case]) -> Result<Vec<Said>, Failed> {
        let mut said = Vec::with_capacity(cases.len());
        for (number, part) in cases.chunks(CONCURRENCY).enumerate() {
            let asks = part.iter().enumerate().map(|(index, case)| self.ask(number * CONCURRENCY + index, case));
            said.extend(try_join_all(asks).await?);
        }
        Ok(said)
    }

    async fn ask(&self, number: usize, case: &Case) -> Result<Said, Failed> {
        let body = json!({
            "hook": "patient-view",
            "hookInstance": format!("00000000-0000-4000-8000-{number:012x}"),
            "context": {"userId": "Practitioner/evaluation", "patientId": "case"},
            "prefetch": case.prefetch,
        });
        let url = format!("{}/cds-services/{}", self.base, self.service);
        let response = self.http.post(url).json(&body).send().await?.error_for_status()?;
        let record = response.headers().get("audit-record").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let record = record.ok_or("the answer names no record (header Audit-Record)")?;
        let url = format!("{}/try/records/{record}", self.base);
        let envelope: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        let finding = envelope.pointer("/content/models/0/prediction/findings/0");
        let number = |name: &str| finding.and_then(|finding| finding.get(name)).and_then(Value::as_f64);
        Ok(match (number("probability"), number("threshold")) {
            (Some(probability), Some(threshold)) => Said::Probability { probability, threshold },
            _ => Said::NoNumber,
        })
    }
}

/// Figures over the cases that got a number; `answered` is their share.
fn report(model: ModelName, split: Split, cases: &[Case], said: &[Said]) -> Result<Report, Failed> {
    let (mut probabilities, mut labels, mut threshold) = (Vec::new(), Vec::new(), 0.5);
    for (case, said) in cases.iter().zip(said) {
        if let Said::Probability { probability, threshold: at } = said {
            probabilities.push(*probability);
            labels.push(case.positive);
            threshold = *at;
        }
    }
    let counts: Confusion = metrics::confusion_at(&probabilities, &labels, threshold);
    let figures = [
        ("auroc", metrics::auroc(&probabilities, &labels)),
        ("auprc", metrics::auprc(&probabilities, &labels)),
        ("event1", metrics::event1(&probabilities, &labels)),
        ("accuracy", counts.accuracy()),
        ("sensitivity", counts.sensitivity()),
        ("ppv", counts.ppv()),
        ("brier", metrics::brier(&probabilities, &labels)),
        ("ece", metrics::ece(&probabilities, &labels)),
        ("answered", Some(labels.len() as f64 / cases.len().max(1) as f64)),
    ];
    let metrics: BTreeMap<String, f64> =
        figures.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let positives = cases.iter().filter(|case| case.positive).count();
    Ok(Report { model, split, n: cases.len(), positives, metrics })
}

fn films(data: &Path, split: Split) -> Result<Vec<Case>, Failed> {
    let films = image::data::read(data, image::plan(std::path::PathBuf::new()).seed)?;
    let chosen = films.iter().filter(|film| film.belongs(split));
    chosen.map(|film| Ok(Case { prefetch: film_chart(&film.image)?, positive: film.positive })).collect()
}

fn film_chart(film: &GreyImage) -> Result<Value, Failed> {
    let mut png = Vec::new();
    let (width, height) = (u32::try_from(film.width())?, u32::try_from(film.height())?);
    PngEncoder::new(&mut png).write_image(film.pixels(), width, height, ExtendedColorType::L8)?;
    let media = json!({"resourceType": "Media", "id": "film", "status": "completed", "subject": {"reference": "Patient/case"},
        "content": {"contentType": "image/png", "data": STANDARD.encode(png)}});
    Ok(json!({"patient": {"resourceType": "Patient", "id": "case"}, "imaging": bundle(vec![media])}))
}

fn courses(data: &Path, split: Split) -> Result<Vec<Case>, Failed> {
    let stays = physionet::read(data, split)?;
    Ok(stays.iter().map(|stay| Case { prefetch: course_chart(&stay.course()), positive: stay.died }).collect())
}

fn course_chart(course: &Course) -> Value {
    let observations = course.measurements.iter().filter_map(|one| {
        let variable = fhir::VARIABLES.iter().find(|variable| variable.name == one.variable)?;
        Some(json!({
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [coding(variable)?]},
            "subject": {"reference": "Patient/case"},
            "effectiveDateTime": one.time.format(&Rfc3339).ok()?,
            "valueQuantity": {"value": one.value, "unit": one.unit, "code": one.unit, "system": "http://unitsofmeasure.org"},
        }))
    });
    let birth = course.age_years.map(|age| born(course.end, age));
    let gender = match course.sex {
        Some(Sex::Female) => "female",
        Some(Sex::Male) => "male",
        None => "unknown",
    };
    json!({
        "patient": {"resourceType": "Patient", "id": "case", "gender": gender, "birthDate": birth},
        "observations": bundle(observations.collect()),
    })
}

fn coding(variable: &fhir::Variable) -> Option<Value> {
    match variable.loinc.first() {
        Some(code) => Some(json!({"system": "http://loinc.org", "code": code})),
        None => Some(json!({"system": "http://snomed.info/sct", "code": variable.snomed.first()?})),
    }
}

fn born(end: OffsetDateTime, age_years: f64) -> String {
    (end - Duration::from_secs_f64(age_years * 365.25 * 86_400.0)).date().to_string()
}

fn bundle(resources: Vec<Value>) -> Value {
    let entries: Vec<Value> = resources.into_iter().map(|resource| json!({"resource": resource})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries})
}

#[cfg(test)]
mod tests {
    use super::{Case, Said, born, report};
    use crate::training::Split;
    use serde_json::Value;
    use time::macros::datetime;

    #[test]
    fn cases_without_a_number_are_counted_and_left_out_of_the_figures() {
        let cases = [true, false, true].map(|positive| Case { prefetch: Value::Null, positive });
        let number = |probability| Said::Probability { probability, threshold: 0.5 };
        let report =
            report("x".parse().unwrap(), Split::Test, &cases, &[number(0.9), number(0.1), Said::NoNumber]).unwrap();
        assert_eq!((report.n, report.positives), (3, 2));
        assert!((report.metrics["answered"] - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!((report.metrics["auroc"], report.metrics["accuracy"]), (1.0, 1.0));
    }

    #[test]
    fn the_birth_date_gives_the_age_back() {
        assert_eq!(born(datetime!(2012-01-03 12:00 UTC), 50.0), "1962-01-03");
    }
}
