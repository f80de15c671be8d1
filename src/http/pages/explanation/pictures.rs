//! The picture of the explanation: a heat map over the film, values over time, or the note with its words.

use super::{Told, claim::percent, list, text, when};
use crate::{
    domain::{Assertion, Factor, HeatMap, MentionWords, ranges::typical},
    explain::{bars, heat, note, timeline},
};
use maud::{Markup, PreEscaped, html};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Sentences of notes that are shown.
const SENTENCES_MAX: usize = 60;
/// Variables that are drawn over time.
const SERIES_MAX: usize = 6;

/// The section with the picture.
pub(super) fn section(told: &Told<'_>) -> Markup {
    let kind = text(&told.model["input"], "/kind");
    html! {
        section.picture {
            @match kind {
                "film" => { h2 { "On the film" } (film(told)) }
                "course" => { h2 { "Over time" } (course(told)) }
                "notes" => { h2 { "In the notes" } (notes(told)) }
                _ => { h2 { "Nothing to show" } p { "There was no input for this network." } }
            }
        }
    }
}

fn film(told: &Told<'_>) -> Markup {
    let input = &told.model["input"];
    let map: Option<HeatMap> = serde_json::from_value(told.explanation["attribution"].clone()).ok();
    let Some(map) = map else { return html! { p { "No picture was computed for this film." } } };
    let pixel = |at: usize| u32::try_from(input["pixels"][at].as_u64().unwrap_or(1)).unwrap_or(1);
    let picture = input["picture"].as_str().or_else(|| input["thumbnail"].as_str());
    let knee = told.origin["label"] == "osteoarthritis";
    let sides = if knee { heat::Sides::Picture } else { heat::Sides::Patient };
    let title = format!("Film with the regions that speak for: {}", told.summary);
    html! {
        div.film {
            (heat::opacity_control())
            (PreEscaped(heat::overlay(&map, picture, (pixel(0), pixel(1)), &title)))
            @if let Some(place) = heat::strongest(&map, sides) { p.quiet { "The + marks the strongest field for it: " (place) "." } }
        }
    }
}

/// The factors of the explanation.
pub(super) fn factors(told: &Told<'_>) -> Vec<Factor> {
    let factors = told.explanation.pointer("/attribution/factors").cloned().unwrap_or_default();
    serde_json::from_value(factors).unwrap_or_default()
}

fn time(value: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()
}

fn hours(from: OffsetDateTime, to: OffsetDateTime) -> f64 {
    (to - from).as_seconds_f64() / 3600.0
}

fn course(told: &Told<'_>) -> Markup {
    let input = &told.model["input"];
    let (Some(start), Some(end)) = (time(&input["start"]), time(&input["end"])) else {
        return html! { p.bad { "The times of this course cannot be read." } };
    };
    let factors = factors(told);
    let over_time = factors.iter().filter(|factor| !factor.by_hour.is_empty()).take(SERIES_MAX);
    let series: Vec<timeline::Series> = over_time.map(|factor| of_factor(factor, input, start)).collect();
    if series.is_empty() {
        return html! { p { "No attribution was computed for this answer." } };
    }
    let hours_read = factors.iter().map(|factor| factor.by_hour.len()).max().unwrap_or(0);
    let end_hour = hours(start, end);
    let course = timeline::Course { series, hours: hours_read, end_hour, end: text(input, "/end").to_owned() };
    html! { (PreEscaped(timeline::chart(&course))) }
}

fn of_factor(factor: &Factor, input: &Value, start: OffsetDateTime) -> timeline::Series {
    let own = list(input, "/measurements").iter().filter(|one| one["variable"] == factor.variable.as_str());
    let point = |one: &Value| Some((hours(start, time(&one["time"])?), one["value"].as_f64()?));
    timeline::Series {
        label: factor.label.clone(),
        unit: bars::unit(&factor.unit).to_owned(),
        range: typical(&factor.variable),
        points: own.filter_map(point).collect(),
        by_hour: factor.by_hour.clone(),
        contribution: factor.contribution,
    }
}

/// A sentence of the record with everything that was found in it.
struct Found<'a> {
    note: u64,
    begins: u64,
    text: &'a str,
    marks: Vec<note::Mark>,
}

fn notes(told: &Told<'_>) -> Markup {
    let mut found: Vec<Found<'_>> = Vec::new();
    for finding in list(told.model, "/prediction/findings") {
        let Some((note, begins, sentence, mark)) = mention(told, finding) else { continue };
        match found.iter_mut().find(|one| (one.note, one.begins) == (note, begins)) {
            Some(known) => known.marks.push(mark),
            None => found.push(Found { note, begins, text: sentence, marks: vec![mark] }),
        }
    }
    found.sort_by_key(|one| (one.note, one.begins));
    let left_out = found.len().saturating_sub(SENTENCES_MAX);
    found.truncate(SENTENCES_MAX);
    html! {
        p.quiet { "The record keeps the sentences in which something was found, not the whole notes." }
        (note::page(&sentences(told, &found)))
        @if left_out > 0 { p.quiet { (left_out) " further sentences are in the record." } }
    }
}

/// Note, first byte of the sentence, sentence, and the mark in it.
fn mention<'a>(told: &Told<'_>, finding: &'a Value) -> Option<(u64, u64, &'a str, note::Mark)> {
    let mention = finding.get("mention")?;
    let (note, start, end) = (mention["note"].as_u64()?, mention["start"].as_u64()?, mention["end"].as_u64()?);
    let (sentence, words) = (text(mention, "/sentence"), text(mention, "/text"));
    let at = sentence.find(words)?;
    let focus = told.origin["at"][0] == mention["note"] && told.origin["at"][1] == mention["start"];
    let assertion: Assertion = serde_json::from_value(mention["assertion"].clone()).ok()?;
    let mark = note::Mark {
        start: at,
        end: at + usize::try_from(end.checked_sub(start)?).ok()?,
        label: text(finding, "/label").to_owned(),
        assertion,
        focus,
        probability_words: percent(&finding["probability"]),
    };
    Some((note, start.checked_sub(at as u64)?, sentence, mark))
}

fn sentences(told: &Told<'_>, found: &[Found<'_>]) -> Vec<note::Sentence> {
    let mentions = told.explanation.pointer("/attribution/mentions").cloned().unwrap_or_default();
    let mentions: Vec<MentionWords> = serde_json::from_value(mentions).unwrap_or_default();
    let shares = |one: &Found<'_>| {
        let own = |words: &&MentionWords| {
            told.origin["at"][0] == words.note as u64
                && told.origin["at"][1] == words.start as u64
                && (words.note as u64, words.sentence as u64) == (one.note, one.begins)
        };
        mentions.iter().find(own).map(|words| words.words.clone()).unwrap_or_default()
    };
    let mut before: Option<&Found<'_>> = None;
    let mut all = Vec::with_capacity(found.len());
    for one in found {
        let first = before.is_none_or(|before| before.note != one.note);
        let papers = told.model.pointer(&format!("/input/notes/{}", one.note));
        // A blank or a line end between sentences is no gap.
        let ended = before.filter(|_| !first).map_or(0, |before| before.begins + before.text.len() as u64);
        all.push(note::Sentence {
            note_title: papers.filter(|_| first).map(|note| text(note, "/title").to_owned()).filter(|t| !t.is_empty()),
            written: papers.filter(|_| first).map(|note| when(text(note, "/time"))),
            text: one.text.to_owned(),
            gap_before: one.begins > ended + 2,
            marks: one.marks.clone(),
            words: shares(one),
        });
        before = Some(one);
    }
    all
}
