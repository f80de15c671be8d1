//! What was looked at, what was not, and when it was measured: as Markdown.

use super::{definition::Input, words};
use crate::{
    cds_hooks::escape_markdown as escaped,
    domain::{Course, Film, Ignored, ModelInput, Note, Sex},
};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

/// Entries named in a list before the rest is only counted.
const NAMED_MAX: usize = 8;

/// What the network looked at, in one line. For notes, `note` is the one that holds the mention.
pub fn looked_at(input: &ModelInput, note: usize, now: OffsetDateTime) -> String {
    match input {
        ModelInput::Film(film) => looked_at_film(film, now),
        ModelInput::Course(course) => looked_at_course(course, now),
        ModelInput::Notes(notes) => looked_at_notes(notes, note, now),
    }
}

/// When what the network looked at was taken, measured or written; of a note, the one that holds the mention.
pub fn time(input: &ModelInput, note: usize) -> Option<OffsetDateTime> {
    match input {
        ModelInput::Film(film) => film.time,
        ModelInput::Course(course) => Some(course.end),
        ModelInput::Notes(notes) => notes.get(note).and_then(|note| note.time),
    }
}

/// A warning when the input is older than the definition accepts as current.
pub fn stale(time: Option<OffsetDateTime>, after_hours: Option<u32>, now: OffsetDateTime) -> Option<String> {
    let limit = Duration::hours(i64::from(after_hours?));
    match time {
        Some(time) if now - time > limit => {
            Some(format!("**This describes the patient {}, not now.**", words::ago(now, time)))
        }
        _ => None,
    }
}

fn dated(time: Option<OffsetDateTime>, now: OffsetDateTime) -> String {
    time.map_or_else(|| "date not stated".into(), |time| format!("{}, {}", words::moment(time), words::ago(now, time)))
}

fn looked_at_film(film: &Film, now: OffsetDateTime) -> String {
    let size = format!("{} × {} pixels", film.image.width(), film.image.height());
    let stated = [&film.modality, &film.view, &film.body_site].into_iter().flatten().map(|text| escaped(text));
    let about: Vec<String> = stated.chain([size]).collect();
    format!("{} ({}), {}", escaped(&film.source.reference), about.join(", "), dated(film.time, now))
}

fn looked_at_course(course: &Course, now: OffsetDateTime) -> String {
    let mut variables: Vec<&str> = course.measurements.iter().map(|one| one.variable.as_str()).collect();
    variables.sort_unstable();
    variables.dedup();
    let sex = match course.sex {
        Some(Sex::Female) => "female",
        Some(Sex::Male) => "male",
        None => "sex not stated",
    };
    let age = course.age_years.map_or_else(|| "age not stated".into(), |years| format!("age {:.0}", years.floor()));
    format!(
        "{} of {}, {} to {} (newest {}); {age}, {sex}",
        words::counted(course.measurements.len(), "value"),
        words::counted(variables.len(), "variable"),
        words::moment(course.start),
        words::moment(course.end),
        words::ago(now, course.end),
    )
}

fn looked_at_notes(notes: &[Note], note: usize, now: OffsetDateTime) -> String {
    let read = words::counted(notes.len(), "note");
    let Some(note) = notes.get(note) else { return read };
    let title =
        note.title.as_deref().map(|title| format!("“{}”, ", escaped(&words::clipped(title, 80)))).unwrap_or_default();
    format!("{read}; the sentence is in {} ({title}{})", escaped(&note.source.reference), dated(note.time, now))
}

/// What the network would have liked to see.
pub fn missing(missing: &[String]) -> String {
    let missing: Vec<String> = missing.iter().map(|one| escaped(one)).collect();
    words::list(&missing, NAMED_MAX)
}

/// How much was read and left out, by reason. With `input`, only what could have been its input.
pub fn ignored(ignored: &[Ignored], input: Option<Input>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in ignored.iter().filter(|one| input.is_none_or(|input| concerns(one, input))) {
        *counts.entry(one.reason).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let parts: Vec<String> =
        counts.iter().map(|(reason, count)| format!("{count} {}", escaped(&reason.replace('-', " ")))).collect();
    words::list(&parts, NAMED_MAX)
}

fn concerns(ignored: &Ignored, input: Input) -> bool {
    let kind = ignored.reference.split('/').next().unwrap_or_default();
    match input {
        Input::Film | Input::KneeFilm => {
            matches!(kind, "Media" | "ImagingStudy" | "DocumentReference" | "Binary" | "imaging")
        }
        Input::Course => matches!(kind, "Observation" | "observations"),
        Input::Notes => matches!(kind, "DocumentReference" | "DiagnosticReport" | "Composition" | "notes"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, ignored, missing, stale};
    use crate::domain::Ignored;
    use time::{Duration, macros::datetime};

    #[test]
    fn what_was_left_out_is_counted_by_reason_and_only_where_it_matters() {
        let one = |reference: &str, reason| Ignored { reference: reference.into(), reason, detail: String::new() };
        let all = [
            one("Observation/1", "unknown-unit"),
            one("Observation/2", "entered-in-error"),
            one("Observation/3", "unknown-unit"),
            one("Media/1", "too-large"),
        ];
        assert_eq!(ignored(&all, Some(Input::Course)), "2 unknown unit and 1 entered in error");
        assert_eq!(ignored(&all, Some(Input::Film)), "1 too large");
        assert_eq!(ignored(&all, None), "2 unknown unit, 1 entered in error and 1 too large");
        assert_eq!(ignored(&all, Some(Input::Notes)), "");
    }

    #[test]
    fn old_input_is_called_old_and_undated_input_is_not_called_new() {
        let now = datetime!(2026-01-02 12:00 UTC);
        assert!(stale(Some(now - Duration::days(30)), Some(72), now).unwrap().contains("30 days ago"));
        assert_eq!(stale(Some(now - Duration::hours(71)), Some(72), now), None);
        assert_eq!(stale(None, Some(72), now), None);
        assert_eq!(missing(&["lactate".into(), "weight".into()]), "lactate and weight");
    }
}
