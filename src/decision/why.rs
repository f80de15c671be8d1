//! Why, on demand: what an answer had no time for, computed from its record when someone opens the explanation.
//!
//! Contract: the input is rebuilt from the record and from nothing else; whether it is the one that was judged, bit for
//! bit, is checked by its digest and said. Only the network whose papers the record names is asked. What cannot be
//! computed is said in words, never left out silently.
//!
//! ```json
//! {"explanation":{…},"counterfactual":{…},"input":"the recorded values, bit for bit"}
//! {"not_computed":"the network has been replaced since"}
//! ```

use super::Decision;
use crate::{
    domain::{
        Attribution, Course, Digest, Explanation, Film, GreyImage, Measurement, ModelInput, ModelName, Note, Phi,
        SourceRef,
    },
    inference::Refusal,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

impl Decision {
    /// What is computed for a reader of this card; null when the record holds everything that can be said.
    pub(super) async fn on_demand(&self, envelope: &Value, card: Uuid, started: Instant) -> Value {
        let Some((model, origin)) = answered(envelope, card) else { return Value::Null };
        let Some(rebuilt) = Rebuilt::of(model, origin) else { return Value::Null };
        let name = model["name"].as_str().and_then(|name| name.parse::<ModelName>().ok());
        let known = name.as_ref().and_then(|name| self.manifest(name));
        let Some((name, manifest)) = name.as_ref().zip(known) else {
            return json!({ "not_computed": "the network is no longer loaded" });
        };
        if model["manifest"] != json!(manifest.digest()) {
            return json!({ "not_computed": "the network has been replaced since" });
        }
        let deadline = started + Duration::from_millis(self.settings.explanation_deadline_ms);
        match self.engine.why(name, Arc::new(rebuilt.input), deadline).await {
            Ok(why) => json!({
                "explanation": moved(why.explanation, &rebuilt.places),
                "counterfactual": why.counterfactual,
                "input": rebuilt.words,
            }),
            Err(Refusal::Late | Refusal::Full) => json!({ "not_computed": "there was no time; open the page again" }),
            Err(refusal) => json!({ "not_computed": refusal.to_string() }),
        }
    }
}

/// The entry of the network that a finding's card speaks for, and what the card is about.
fn answered(envelope: &Value, card: Uuid) -> Option<(&Value, &Value)> {
    let card = card.to_string();
    let origins = envelope.pointer("/content/origins")?.as_array()?;
    let origin = origins.iter().find(|origin| origin["card"] == card && origin["kind"] == "finding")?;
    let models = envelope.pointer("/content/models")?.as_array()?;
    let model = models.iter().find(|model| model["name"] == origin["model"] && model["outcome"] == "answered")?;
    Some((model, origin))
}

/// A method that gives way to a better one when there is time.
const QUICK: &str = "class activation map";

/// An input made from a record.
struct Rebuilt {
    input: ModelInput,
    /// What it is, in words.
    words: &'static str,
    /// For sentences: where each begins in the rebuilt text, and the note and byte where it stood.
    places: Vec<(usize, usize, usize)>,
}

impl Rebuilt {
    /// Nothing when the record holds the whole explanation already, or too little to rebuild the input.
    fn of(model: &Value, origin: &Value) -> Option<Self> {
        let input = &model["input"];
        match input["kind"].as_str()? {
            // A course always: what would have had to differ is never computed in an answer.
            "course" => course(input),
            // A map of activations is what an answer has time for where gradients would take seconds.
            "film" if model["explanation"].is_null() || model["explanation"]["method"] == QUICK => film(input),
            "notes" if !covers(&model["explanation"], &origin["at"]) => sentences(model, &origin["at"]),
            _ => None,
        }
    }
}

fn source() -> SourceRef {
    let (reference, key) = (String::from("record"), String::new());
    SourceRef { reference, version: None, last_updated: None, key, digest: Digest::of(b"") }
}

fn time(value: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()
}

fn course(input: &Value) -> Option<Rebuilt> {
    let measurements: Vec<Measurement> = serde_json::from_value(input["measurements"].clone()).ok()?;
    let course = ModelInput::Course(Course {
        end: time(&input["end"])?,
        start: time(&input["start"])?,
        measurements,
        age_years: input["age_years"].as_f64(),
        sex: serde_json::from_value(input["sex"].clone()).ok()?,
    });
    let same = input["digest"] == json!(course.digest());
    let words = if same { "the recorded values, bit for bit" } else { "the recorded values" };
    Some(Rebuilt { input: course, words, places: Vec::new() })
}

fn film(input: &Value) -> Option<Rebuilt> {
    let (_, encoded) = input["picture"].as_str()?.split_once("base64,")?;
    let picture = image::load_from_memory(&STANDARD.decode(encoded).ok()?).ok()?.to_luma8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let text = |member: &str| input[member].as_str().map(str::to_owned);
    let film = Film {
        image: GreyImage::new(width, height, picture.into_raw()).ok()?,
        source: source(),
        time: time(&input["time"]),
        content_type: text("media_type").unwrap_or_default(),
        modality: text("modality"),
        body_site: text("body_site"),
        side: serde_json::from_value(input["side"].clone()).ok()?,
        view: text("view"),
        age_years: input["age_years"].as_f64(),
    };
    let words = "the recorded picture of the film, which is not the film bit for bit";
    Some(Rebuilt { input: ModelInput::Film(film), words, places: Vec::new() })
}

/// Whether the recorded explanation has the words of this mention.
fn covers(explanation: &Value, at: &Value) -> bool {
    let mentions = explanation.pointer("/attribution/mentions").and_then(Value::as_array);
    mentions.is_some_and(|mentions| mentions.iter().any(|one| one["note"] == at[0] && one["start"] == at[1]))
}

/// The sentence of the mention: the record keeps no more of a note than sentences in which something was found.
fn sentences(model: &Value, at: &Value) -> Option<Rebuilt> {
    let findings = model.pointer("/prediction/findings")?.as_array()?;
    let mention =
        &findings.iter().find(|one| one["mention"]["note"] == at[0] && one["mention"]["start"] == at[1])?["mention"];
    let (sentence, text) = (mention["sentence"].as_str()?, mention["text"].as_str()?);
    let (note, start) = (usize::try_from(at[0].as_u64()?).ok()?, usize::try_from(at[1].as_u64()?).ok()?);
    // Where the sentence began in the note; a mention that stands twice in it is taken at its first place.
    let begins = start.checked_sub(sentence.find(text)?)?;
    let note_of = Note { text: Phi::new(sentence.to_owned()), source: source(), title: None, code: None, time: None };
    Some(Rebuilt {
        input: ModelInput::Notes(vec![note_of]),
        words: "the recorded sentence, read alone",
        places: vec![(0, note, begins)],
    })
}

/// The explanation with places in the note instead of in the rebuilt text.
fn moved(mut explanation: Explanation, places: &[(usize, usize, usize)]) -> Explanation {
    if let (Attribution::Words { mentions }, [(_, note, begins)]) = (&mut explanation.attribution, places) {
        for mention in mentions {
            (mention.note, mention.start, mention.sentence) =
                (*note, mention.start + begins, mention.sentence + begins);
        }
    }
    explanation
}

#[cfg(test)]
mod tests {
    use super::{Rebuilt, answered, moved};
    use crate::domain::{Attribution, Explanation, MentionWords, ModelInput};
    use serde_json::{Value, json};
    use uuid::Uuid;

    fn notes(explanation: Value) -> Value {
        json!({"name": "note-problems", "outcome": "answered", "input": {"kind": "notes"}, "explanation": explanation,
            "prediction": {"findings": [{"label": "Disease", "mention":
                {"note": 1, "start": 48, "end": 57, "text": "pneumonia", "sentence": "Seen for pneumonia today."}}]}})
    }

    #[test]
    fn a_mention_that_the_record_explains_is_not_computed_again() {
        let at = json!({"at": [1, 48]});
        let known = json!({"attribution": {"kind": "words", "mentions": [{"note": 1, "start": 48}]}});
        assert!(Rebuilt::of(&notes(known), &at).is_none());
        let rebuilt = Rebuilt::of(&notes(json!({"attribution": {"kind": "spans"}})), &at).unwrap();
        let ModelInput::Notes(read) = &rebuilt.input else { panic!("notes") };
        assert_eq!(
            (read[0].text.expose().as_str(), rebuilt.places.clone()),
            ("Seen for pneumonia today.", vec![(0, 1, 39)])
        );
        let mention = MentionWords {
            note: 0,
            start: 9,
            sentence: 0,
            words: vec![],
            score: 1.0,
            gap: 0.0,
            tolerance: 0.1,
            doubts: vec![],
            second_opinion: None,
        };
        let words = Attribution::Words { mentions: vec![mention] };
        let explanation = Explanation::checked("x", Default::default(), (0.0, 0.1), None, words);
        let Attribution::Words { mentions } = moved(explanation, &rebuilt.places).attribution else { panic!("words") };
        assert_eq!((mentions[0].note, mentions[0].start, mentions[0].sentence), (1, 48, 39));
    }

    #[test]
    fn a_course_is_rebuilt_from_its_values_and_its_digest_is_compared() {
        let measurement = json!({"variable": "HR", "source": {"reference": "Observation/1", "key": "observations",
            "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            "code": {"system": "http://loinc.org", "code": "8867-4"}, "time": "2026-03-01T06:00:00Z", "value": 80.5,
            "unit": "/min", "original_value": "80.5", "original_unit": "/min"});
        let mut input = json!({"kind": "course", "start": "2026-03-01T06:00:00Z", "end": "2026-03-01T06:00:00Z",
            "age_years": 70.5, "sex": "female", "measurements": [measurement]});
        let model = |input: &Value| json!({"input": input, "explanation": {}});
        let first = Rebuilt::of(&model(&input), &Value::Null).unwrap();
        assert_eq!(first.words, "the recorded values");
        input["digest"] = json!(first.input.digest());
        assert_eq!(Rebuilt::of(&model(&input), &Value::Null).unwrap().words, "the recorded values, bit for bit");
        input["measurements"][0]["value"] = json!("eighty");
        assert!(Rebuilt::of(&model(&input), &Value::Null).is_none());
    }

    #[test]
    fn only_cards_of_findings_are_explained() {
        let card = Uuid::from_u128(7);
        let envelope = |kind: &str| {
            json!({"content": {"origins": [{"card": card, "kind": kind, "model": "m"}],
                "models": [{"name": "m", "outcome": "answered"}]}})
        };
        assert!(answered(&envelope("finding"), card).is_some() && answered(&envelope("late"), card).is_none());
        assert!(answered(&envelope("finding"), Uuid::from_u128(8)).is_none());
    }
}
