//! Which words of a note say what it is about: every run of one to four words, scored.
//!
//! Contract: a phrase stands inside one sentence, crosses no punctuation but hyphen, slash and apostrophe, begins and
//! ends with a word that is not a function word, and is named once per note, where it stands first.

use super::{lexicon::Lexicon, view::View};
use crate::{
    domain::{Assertion, KeyPhrase, Phi},
    models::notes::sentences::Section,
};
use std::{collections::HashMap, ops::Range};

/// Most words of a phrase.
pub const WORDS_MAX: usize = 4;
/// Most phrases named for one note.
pub const PHRASES_MAX: usize = 8;
/// Features beside the mean of the word vectors.
pub const PLAIN: usize = 18;
/// Most candidates of one note.
const CANDIDATES_MAX: usize = 6_000;

/// Words that neither begin nor end a phrase.
const FUNCTION_WORDS: &str = " a an and are as at be been being but by can could did do does done for from had has have he her hers him his i if in \
into is it its may me might more most mr mrs ms my no none nor not of off on or our out over own s she should so some such t than that the their \
them then there these they this those through to under until up was we were what when where which while who will with without would you your \
patient patients dr also any all both each very well was within upon per approximately about after again before due ";

/// A phrase that may be a key phrase of its note.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The words in lower case, one space between them.
    pub key: String,
    /// Words of the view where it stands first.
    pub words: Range<usize>,
    /// How often it stands in what was read.
    pub count: usize,
}

/// The linear layer.
#[derive(Debug, Clone)]
pub struct Phrases {
    /// [`PLAIN`] features, then the word vectors' width.
    pub weights: Vec<f32>,
    /// Bias.
    pub bias: f32,
}

/// A text as candidates are compared: words in lower case, one space between them.
#[must_use]
pub fn key(text: &str) -> String {
    let cut = super::super::words::words(text);
    cut.into_iter().map(|word| text[word].to_lowercase()).collect::<Vec<_>>().join(" ")
}

/// The candidates of a note, in the order in which they stand first.
#[must_use]
pub fn candidates(view: &View<'_>) -> Vec<Candidate> {
    let lower: Vec<String> = view.words.iter().map(|word| view.text[word.clone()].to_lowercase()).collect();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut found: Vec<Candidate> = Vec::new();
    for (sentence, _) in &view.sentences {
        for start in sentence.clone().filter(|&start| bears(&lower[start])) {
            let mut count = 0;
            for end in start..sentence.end {
                let word = lower[end].as_str();
                let joins = matches!(word, "-" | "/" | "'" | "’");
                if !joins && !word.starts_with(char::is_alphanumeric) {
                    break;
                }
                count += usize::from(!joins);
                if count > WORDS_MAX {
                    break;
                }
                if !bears(word) {
                    continue;
                }
                let key = lower[start..=end].join(" ");
                match places.get(&key) {
                    Some(&place) => found[place].count += 1,
                    None if found.len() < CANDIDATES_MAX => {
                        places.insert(key.clone(), found.len());
                        found.push(Candidate { key, words: start..end + 1, count: 1 });
                    }
                    None => {}
                }
            }
        }
    }
    found
}

/// Whether a word may begin or end a phrase.
fn bears(word: &str) -> bool {
    word.len() > 1 && word.chars().any(char::is_alphabetic) && !FUNCTION_WORDS.contains(&format!(" {word} "))
}

/// The features of a candidate: [`PLAIN`] numbers, then the mean of its word vectors.
#[must_use]
pub fn features(view: &View<'_>, lexicon: &Lexicon, candidate: &Candidate) -> Vec<f32> {
    let flag = |yes: bool| f32::from(u8::from(yes));
    let said: Vec<&str> = candidate.words.clone().map(|word| &view.text[view.words[word].clone()]).collect();
    let named: Vec<&&str> = said.iter().filter(|word| word.starts_with(char::is_alphanumeric)).collect();
    let rarities: Vec<f32> = named.iter().map(|word| lexicon.rarity(word)).collect();
    let mean = rarities.iter().sum::<f32>() / rarities.len().max(1) as f32;
    let often = (1.0 + candidate.count as f32).ln();
    let bytes = view.words[candidate.words.start].start..view.words[candidate.words.end - 1].end;
    let inside = |mention: &Range<usize>| mention.start <= bytes.start && bytes.end <= mention.end;
    let mention = view.mentions.iter().find(|(mention, _)| inside(mention));
    let (sentence, section) = view
        .sentences
        .iter()
        .enumerate()
        .find(|(_, (words, _))| words.contains(&candidate.words.start))
        .map_or((0, Section::Plain), |(at, (_, section))| (at, *section));
    let place = sentence as f32 / view.sentences.len().max(1) as f32;
    let plain: [f32; PLAIN] = [
        often,
        often * mean,
        mean,
        rarities.iter().copied().fold(0.0, f32::max),
        rarities.iter().copied().fold(f32::INFINITY, f32::min).min(20.0),
        flag(named.len() == 1),
        flag(named.len() == 2),
        flag(named.len() == 3),
        place,
        flag(sentence < 3),
        flag(mention.is_some()),
        flag(mention.is_some_and(|(mention, _)| *mention == bytes)),
        flag(mention.is_some_and(|(_, assertion)| *assertion == Assertion::Negated)),
        flag(candidate.key.bytes().any(|byte| byte.is_ascii_digit())),
        flag(said.iter().all(|word| !word.chars().any(char::is_lowercase))),
        flag(section != Section::Plain),
        flag(candidate.count > 1),
        candidate.key.len() as f32 / 20.0,
    ];
    let mut features = plain.to_vec();
    let count = candidate.words.len().max(1) as f32;
    features.resize(PLAIN + view.width, 0.0);
    for word in candidate.words.clone() {
        for (sum, value) in features[PLAIN..].iter_mut().zip(view.vector(word)) {
            *sum += value / count;
        }
    }
    features
}

impl Phrases {
    /// Log-odds that people would name this candidate.
    #[must_use]
    pub fn score(&self, features: &[f32]) -> f64 {
        let sum: f64 = self.weights.iter().zip(features).map(|(weight, value)| f64::from(weight * value)).sum();
        sum + f64::from(self.bias)
    }

    /// All candidates, strongest first.
    #[must_use]
    pub fn rank(&self, view: &View<'_>, lexicon: &Lexicon) -> Vec<(Candidate, f64)> {
        let scored = |one: Candidate| {
            let score = self.score(&features(view, lexicon, &one));
            (one, score)
        };
        let mut ranked: Vec<(Candidate, f64)> = candidates(view).into_iter().map(scored).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }

    /// The strongest phrases, none inside another one.
    #[must_use]
    pub fn read(&self, view: &View<'_>, note: usize, lexicon: &Lexicon) -> Vec<KeyPhrase> {
        let mut kept: Vec<(Candidate, f64)> = Vec::new();
        for (one, score) in self.rank(view, lexicon) {
            let held = |a: &str, b: &str| format!(" {a} ").contains(&format!(" {b} "));
            if !kept.iter().any(|(other, _)| held(&other.key, &one.key) || held(&one.key, &other.key)) {
                kept.push((one, score));
            }
            if kept.len() == PHRASES_MAX {
                break;
            }
        }
        let phrase = |(one, score): (Candidate, f64)| {
            let bytes = view.words[one.words.start].start..view.words[one.words.end - 1].end;
            KeyPhrase {
                note,
                start: bytes.start,
                end: bytes.end,
                text: Phi::new(view.text[bytes].to_owned()),
                score: 1.0 / (1.0 + (-score).exp()),
            }
        };
        kept.into_iter().map(phrase).collect()
    }
}
