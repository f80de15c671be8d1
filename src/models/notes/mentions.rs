//! Tagged sentences → mentions → findings.

use super::{
    concepts::{Concepts, normalise},
    context::Context,
    decode::{KINDS, TagScores, spans},
    reading::{Read, Reading},
};
use crate::{
    domain::{Finding, Mention, Note, Phi, Place},
    models::Manifest,
};
use std::{cmp::Ordering, collections::HashMap, ops::Range};

/// Most findings of one answer: the most probable ones.
pub const FINDINGS_MAX: usize = 200;
/// Most other places that one finding names.
pub const REPEATS_MAX: usize = 50;

/// A mention before it has a probability.
#[derive(Debug, Clone)]
pub struct Found {
    /// Index into [`KINDS`].
    pub kind: usize,
    /// Index of the sentence read.
    pub sentence: usize,
    /// Words of that sentence.
    pub words: Range<usize>,
    /// Log-odds of its weakest part.
    pub score: f64,
    /// The mention itself, without code.
    pub mention: Mention,
}

/// The mentions in the tagged sentences.
#[must_use]
pub fn find(notes: &[Note], reading: &Reading, scores: &[Vec<TagScores>]) -> Vec<Found> {
    let each = reading.sentences.iter().zip(scores).enumerate();
    each.flat_map(|(index, (read, scores))| in_sentence(notes[read.note].text.expose(), index, read, scores)).collect()
}

fn in_sentence(text: &str, sentence: usize, read: &Read, scores: &[TagScores]) -> Vec<Found> {
    let spans = spans(scores);
    let bytes = |words: &Range<usize>| read.words[words.start].start..read.words[words.end - 1].end;
    let inside = |range: Range<usize>| range.start - read.range.start..range.end - read.range.start;
    let named: Vec<Range<usize>> = spans.iter().map(|span| inside(bytes(&span.words))).collect();
    let body = &text[read.range.clone()];
    let context = Context::new(body, read.section, &named);
    let lettered = spans.into_iter().filter(|span| text[bytes(&span.words)].chars().any(char::is_alphabetic));
    let found = lettered.map(|span| {
        let range = bytes(&span.words);
        let mention = Mention {
            note: read.note,
            start: range.start,
            end: range.end,
            text: Phi::new(text[range.clone()].to_owned()),
            sentence: Phi::new(body.to_owned()),
            assertion: context.assertion(&inside(range)),
            code: None,
            repeats: Vec::new(),
        };
        Found { kind: span.kind, sentence, words: span.words, score: span.score, mention }
    });
    found.collect()
}

/// One finding per thing mentioned and way it is meant, the most probable mention standing for all (of equals the one
/// in the newest note) and naming the other places; most probable first.
#[must_use]
pub fn findings(found: Vec<Found>, manifest: &Manifest, concepts: &Concepts) -> Vec<Finding> {
    let mut first: HashMap<(usize, String, u8), usize> = HashMap::new();
    let mut kept: Vec<Found> = Vec::new();
    for one in found {
        let key = (one.kind, name(&one, concepts), one.mention.assertion as u8);
        match first.get(&key) {
            Some(&at) => {
                let better = one.score > kept[at].score;
                let (mut best, other) = if better { (one, kept[at].clone()) } else { (kept[at].clone(), one) };
                let probability = manifest.calibration.probability(other.score);
                let Mention { note, start, end, repeats, .. } = other.mention;
                best.mention.repeats.extend(repeats);
                best.mention.repeats.push(Place { note, start, end, probability });
                kept[at] = best;
            }
            None => {
                first.insert(key, kept.len());
                kept.push(one);
            }
        }
    }
    for one in &mut kept {
        one.mention.repeats.sort_by_key(|place| (place.note, place.start));
        one.mention.repeats.truncate(REPEATS_MAX);
    }
    kept.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal));
    kept.truncate(FINDINGS_MAX);
    kept.into_iter().map(|one| finding(one, manifest, concepts)).collect()
}

/// What makes two mentions one: the table's name, or the words.
fn name(found: &Found, concepts: &Concepts) -> String {
    let text = found.mention.text.expose();
    let known = if found.kind == 0 { concepts.find(text) } else { None };
    known.map_or_else(|| normalise(text), |concept| concept.name.clone())
}

fn finding(found: Found, manifest: &Manifest, concepts: &Concepts) -> Finding {
    let code = if found.kind == 0 { concepts.code(found.mention.text.expose()) } else { None };
    Finding {
        label: KINDS[found.kind].to_owned(),
        score: found.score,
        probability: manifest.calibration.probability(found.score),
        threshold: manifest.labels.get(found.kind).map_or(0.5, |label| label.threshold),
        mention: Some(Mention { code, ..found.mention }),
        certainty: None,
    }
}
