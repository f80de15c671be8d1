//! Charts for the tests of cards: three manifests, and results that each test changes where it matters.

use auscult::{
    cards::{Built, Case, Definitions, Links, ModelResult, Outcome, build},
    domain::{
        Abstention, Answer, Assertion, Attribution, Certainty, Coding, Course, Digest, Explanation, Factor,
        Familiarity, Film, Finding, Grade, GreyImage, HeatMap, Ignored, Measurement, Mention, ModelInput, Note, Phi,
        Prediction, Problem, SequentialIds, Sex, Side, SourceRef, Status,
    },
    models::Manifest,
};
use std::{path::Path, sync::Arc};
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// The FHIR server of an EHR that may launch the explanation.
pub const EHR: &str = "https://ehr.example/fhir";

/// Signs nothing, but says for when it was asked to.
struct Signed;

impl Links for Signed {
    fn admission(&self, _: Uuid, now: OffsetDateTime) -> String {
        format!("from={}&key=k", now.unix_timestamp())
    }

    fn launch(&self, fhir_server: &str) -> Option<String> {
        (fhir_server == EHR).then(|| "https://auscult.example/smart/launch".to_owned())
    }
}

pub const NOW: OffsetDateTime = datetime!(2026-01-02 12:00 UTC);

/// The networks' papers, as far as cards read them.
pub fn manifests() -> Vec<Manifest> {
    let paper = |name: &str, title: &str, kind: &str, label: &str, threshold: f64| {
        let text = format!(
            r#"
            name = "{name}"
            version = "1.2.0"
            title = "{title}"
            kind = "{kind}"
            architecture = "any"
            intended_use = "Helping professionals decide what to look at next."
            not_for = ["Children under 18", "Use without a professional"]
            files = []
            input = {{ variables = [{{ name = "HR" }}, {{ name = "Lactate" }}] }}
            labels = [{{ name = "{label}", threshold = {threshold}, policy = "sensitivity at least 0.90 on validation", sensitivity = 0.91, ppv = 0.84, alerts_per_100 = 31.0 }}]
            calibration = {{ slope = 1.0, intercept = 0.0, ece = 0.02, brier = 0.05 }}
            provenance = {{ data = "d", licence = "l", citation = "c", source = "s", command = "c", seed = 1, epoch = 2, date = "2026-01-01" }}
            evaluation = {{ validation = {{ n = 1046, positives = 776, metrics = {{ auroc = 0.981, accuracy = 0.93, f1 = 0.85 }} }} }}
            "#
        );
        toml::from_str(&text).expect("the manifest of a test is sound")
    };
    vec![
        paper("chest-radiograph", "Pneumonia on a frontal chest film", "image", "pneumonia", 0.31),
        paper("inpatient-mortality", "Risk of death in hospital", "sequence", "death-in-hospital", 0.12),
        paper("note-problems", "Problems named in notes", "notes", "Disease", 0.5),
        paper("pneumonia-28", "Pneumonia on a small film", "image", "pneumonia", 0.4),
        paper("knee-radiograph", "Grade of a knee on a frontal film", "image", "osteoarthritis", 0.4),
        paper("mortality-textbook", "Risk of death by a textbook network", "sequence", "death-in-hospital", 0.2),
    ]
}

/// The definitions as shipped.
pub fn definitions(manifests: &[Manifest]) -> Definitions {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cds-hooks");
    Definitions::load(&folder, &manifests.iter().collect::<Vec<_>>()).expect("the shipped definitions are sound")
}

pub fn source(reference: &str) -> SourceRef {
    SourceRef {
        reference: reference.into(),
        version: Some("1".into()),
        last_updated: None,
        key: "key".into(),
        digest: Digest::of(b""),
    }
}

pub fn finding(label: &str, probability: f64, threshold: f64) -> Finding {
    Finding { label: label.into(), score: 1.0, probability, threshold, mention: None, certainty: None }
}

pub fn explanation(attribution: Attribution) -> Explanation {
    Explanation::checked("class activation map", Default::default(), (0.0004, 0.05), None, attribution)
}

/// A knee film taken three hours ago with this likeliest grade and probability of osteoarthritis.
pub fn knee(grade: usize, probability: f64, side: Option<Side>) -> Outcome {
    let Outcome::Answered { prediction, explanation, input } = film_taken(0.0, Some(NOW - Duration::hours(3)), "Knee")
    else {
        unreachable!("a film is answered")
    };
    let ModelInput::Film(film) = input.as_ref() else { unreachable!("a film is a film") };
    let findings = vec![finding("osteoarthritis", probability, 0.4)];
    let mut probabilities = vec![0.05; 5];
    probabilities[grade] = 0.8;
    let interval = (grade.saturating_sub(1), grade);
    let grade = Grade { scale: "kellgren-lawrence".into(), grade, probabilities, interval, coverage: 0.9 };
    let prediction = Prediction { status: Status::Scored { findings }, grade: Some(grade), ..prediction };
    Outcome::Answered { prediction, explanation, input: Arc::new(ModelInput::Film(Film { side, ..film.clone() })) }
}

/// A film taken three hours ago that a network scored.
pub fn film(probability: f64) -> Outcome {
    film_taken(probability, Some(NOW - Duration::hours(3)), "Chest")
}

pub fn film_taken(probability: f64, time: Option<OffsetDateTime>, body_site: &str) -> Outcome {
    let film = Film {
        image: GreyImage::new(4, 4, vec![9; 16]).expect("sixteen pixels"),
        source: source("Media/film-1"),
        time,
        content_type: "image/png".into(),
        modality: Some("DX".into()),
        body_site: Some(body_site.into()),
        side: None,
        view: Some("PA".into()),
        age_years: Some(3.0),
    };
    let heat = HeatMap { width: 3, height: 3, values: vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 3.0] };
    answered(
        vec![finding("pneumonia", probability, 0.31)],
        Some(explanation(Attribution::Heat(heat))),
        ModelInput::Film(film),
    )
}

pub fn measurement(variable: &str, value: f64, minutes_ago: i64) -> Measurement {
    Measurement {
        variable: variable.into(),
        source: source(&format!("Observation/{variable}-{minutes_ago}")),
        code: Coding { system: "http://loinc.org".into(), code: "8867-4".into(), display: None },
        time: NOW - Duration::minutes(minutes_ago),
        value,
        unit: "/min".into(),
        original_value: Phi::new(value.to_string()),
        original_unit: "/min".into(),
    }
}

/// A course up to `hours` ago; with or without a lactate.
pub fn course(probability: f64, hours: i64, lactate: bool) -> Outcome {
    let end = NOW - Duration::hours(hours);
    let mut measurements = vec![measurement("HR", 118.0, 60 * hours + 90), measurement("HR", 131.0, 60 * hours)];
    if lactate {
        measurements.push(measurement("Lactate", 4.2, 60 * hours));
    }
    let factor = |variable: &str, label: &str, contribution: f64, value: Option<f64>| Factor {
        variable: variable.into(),
        label: label.into(),
        contribution,
        from_absence: 0.0,
        value,
        unit: if variable == "HR" { "/min".into() } else { "mmol/L".into() },
        time: value.map(|_| "2026-01-02T11:00:00Z".into()),
        by_hour: vec![],
    };
    let factors =
        vec![factor("HR", "heart rate", 0.9, Some(131.0)), factor("Lactate", "lactate", 0.4, lactate.then_some(4.2))];
    let course =
        Course { end, start: end - Duration::hours(40), measurements, age_years: Some(67.2), sex: Some(Sex::Female) };
    answered(
        vec![finding("death-in-hospital", probability, 0.12)],
        Some(explanation(Attribution::Factors { factors })),
        ModelInput::Course(course),
    )
}

/// A mention in the only note: words, ICD-10-CM code, how it is meant, probability.
pub type Said<'a> = (&'a str, Option<&'a str>, Assertion, f64);

pub fn notes(said: &[Said<'_>]) -> Outcome {
    notes_titled("Progress note", said)
}

pub fn notes_titled(title: &str, said: &[Said<'_>]) -> Outcome {
    let text: String = said.iter().map(|one| format!("He has {}. ", one.0)).collect();
    let findings = said.iter().map(|(words, code, assertion, probability)| Finding {
        certainty: None,
        mention: Some(Mention {
            note: 0,
            start: 0,
            end: 1,
            text: Phi::new((*words).to_owned()),
            sentence: Phi::new(format!("He has {words}.")),
            assertion: *assertion,
            code: code.map(|code| Coding {
                system: "http://hl7.org/fhir/sid/icd-10-cm".into(),
                code: code.into(),
                display: Some((*words).to_owned()),
            }),
            repeats: Vec::new(),
        }),
        ..finding("Disease", *probability, 0.5)
    });
    let note = Note {
        text: Phi::new(text),
        source: source("DocumentReference/note-1"),
        title: Some(title.into()),
        code: None,
        time: Some(NOW - Duration::hours(20)),
    };
    answered(findings.collect(), Some(explanation(Attribution::Spans)), ModelInput::Notes(vec![note]))
}

pub fn answered(findings: Vec<Finding>, explanation: Option<Explanation>, input: ModelInput) -> Outcome {
    let prediction = Prediction::scored(findings, vec!["body weight".into()]);
    Outcome::Answered { prediction, explanation, input: Arc::new(input) }
}

/// The same answer with what it can promise, and its distance from the training data where 10 is the limit.
pub fn promised(outcome: Outcome, answer: Answer, distance: f64) -> Outcome {
    let Outcome::Answered { mut prediction, explanation, input } = outcome else { unreachable!("it was answered") };
    if let Status::Scored { findings } = &mut prediction.status {
        findings.iter_mut().for_each(|one| one.certainty = Some(Certainty { answer, coverage: 0.9 }));
    }
    let prediction = prediction.with_familiarity(Familiarity { distance, limit: 10.0 });
    Outcome::Answered { prediction, explanation, input }
}

/// An answer without numbers, for a film.
pub fn abstained(words: &str) -> Outcome {
    let Outcome::Answered { explanation, input, .. } = film(0.0) else { unreachable!("a film is answered") };
    let abstention = Abstention { reason: "unsuitable".into(), words: words.into() };
    let prediction = Prediction::abstained(abstention);
    Outcome::Answered { prediction, explanation, input }
}

pub fn absent(what: &str) -> Outcome {
    Outcome::NoInput { why: format!("no {what} in the chart") }
}

/// A chart on its way to cards.
pub struct Chart {
    service: &'static str,
    outcomes: Vec<(usize, Outcome)>,
    pub problem_list: Option<Vec<Problem>>,
    pub ignored: Vec<Ignored>,
    pub keys: Vec<String>,
    pub list_is_partial: bool,
    pub values: Vec<Measurement>,
    pub fhir_server: Option<&'static str>,
    /// What a test changes in every network's papers.
    pub edit: fn(&mut Manifest),
}

impl Chart {
    pub fn film(outcome: Outcome) -> Self {
        Self::of("chest-radiograph", vec![(0, outcome)])
    }

    pub fn knee(outcome: Outcome) -> Self {
        Self::of("knee-radiograph", vec![(4, outcome)])
    }

    pub fn course(outcome: Outcome) -> Self {
        Self::of("inpatient-deterioration", vec![(1, outcome)])
    }

    pub fn notes(outcome: Outcome) -> Self {
        Self::of("note-review", vec![(2, outcome)])
    }

    pub fn review(film: Outcome, course: Outcome, notes: Outcome) -> Self {
        Self::of("chart-review", vec![(0, film), (4, absent("knee film")), (1, course), (2, notes)])
    }

    pub fn of(service: &'static str, outcomes: Vec<(usize, Outcome)>) -> Self {
        Self {
            service,
            outcomes,
            problem_list: Some(Vec::new()),
            ignored: Vec::new(),
            keys: Vec::new(),
            list_is_partial: false,
            values: Vec::new(),
            fhir_server: None,
            edit: |_| {},
        }
    }

    pub fn listing(mut self, problems: &[&str]) -> Self {
        let problem =
            |text: &&str| Problem { text: Phi::new((*text).to_owned()), codes: vec![], source: source("Condition/1") };
        self.problem_list = Some(problems.iter().map(problem).collect());
        self
    }

    pub fn build(&self) -> Built {
        self.try_build().expect("a sound case becomes cards")
    }

    pub fn try_build(&self) -> Result<Built, auscult::cards::BuildError> {
        let mut manifests = manifests();
        manifests.iter_mut().for_each(self.edit);
        let definitions = definitions(&manifests);
        let definition = definitions.get(&self.service.parse().expect("a name")).expect("a shipped service");
        let results: Vec<ModelResult<'_>> = self
            .outcomes
            .iter()
            .map(|(model, outcome)| ModelResult { manifest: &manifests[*model], outcome: outcome.clone() })
            .collect();
        let (patient, encounter) = (Phi::new(String::from("pat-1")), Phi::new(String::from("enc-1")));
        let case = Case {
            now: NOW,
            patient_id: &patient,
            encounter_id: Some(&encounter),
            results: &results,
            problem_list: self.problem_list.as_deref(),
            ignored: &self.ignored,
            keys: &self.keys,
            list_is_partial: self.list_is_partial,
            values: &self.values,
            age_years: Some(71.0),
            ids: &SequentialIds::default(),
            link_base: Some("https://auscult.example"),
            language: Default::default(),
            links: &Signed,
            fhir_server: self.fhir_server,
        };
        build(definition, &case)
    }
}
