//! The heads on texts made for it, with vectors that mean nothing.

use super::{
    lexicon::Lexicon,
    phrases::{PHRASES_MAX, PLAIN, Phrases, candidates, features, key},
    topics::Topics,
    view::View,
};
use crate::{
    domain::Assertion,
    models::{
        manifest::Label,
        notes::{sentences::Section, words::words},
    },
};

const TEXT: &str =
    "Atrial fibrillation with rapid response. The x-ray shows cardiomegaly, no effusion.\nAtrial fibrillation again.";

fn view(text: &str) -> View<'_> {
    let words = words(text);
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, word) in words.iter().enumerate() {
        if &text[word.clone()] == "." {
            sentences.push((start..at + 1, Section::Plain));
            start = at + 1;
        }
    }
    let width = 3;
    let vectors = (0..words.len() * width).map(|at| (at % 7) as f32 / 7.0).collect();
    let mentions = vec![(0..19, Assertion::Present)];
    View { text, words, sentences, vectors, width, mentions }
}

fn lexicon() -> Lexicon {
    Lexicon::new(["atrial", "fibrillation", "the", "with"].map(String::from).to_vec(), vec![4.0, 4.5, 1.0, 1.0])
        .unwrap()
}

#[test]
fn phrases_stand_where_they_say_and_cross_no_punctuation() {
    let view = view(TEXT);
    let found = candidates(&view);
    let keys: Vec<&str> = found.iter().map(|one| one.key.as_str()).collect();
    assert!(
        keys.contains(&"atrial fibrillation")
            && keys.contains(&"atrial fibrillation with rapid")
            && keys.contains(&"ray shows cardiomegaly")
    );
    assert!(
        !keys.iter().any(|key| key.contains("cardiomegaly ,") || key.starts_with("with ") || key.ends_with(" the"))
    );
    assert_eq!(found.iter().find(|one| one.key == "atrial fibrillation").unwrap().count, 2);
    for one in &found {
        let bytes = view.words[one.words.start].start..view.words[one.words.end - 1].end;
        assert_eq!(key(&TEXT[bytes]), one.key);
    }
}

#[test]
fn the_strongest_phrases_come_first_and_none_stands_in_another() {
    let (view, lexicon) = (view(TEXT), lexicon());
    let mut weights = vec![0.0; PLAIN + view.width];
    weights[11] = 9.0;
    let phrases = Phrases { weights, bias: -4.0 };
    let read = phrases.read(&view, 2, &lexicon);
    assert!(read.len() <= PHRASES_MAX && read[0].note == 2);
    assert_eq!((read[0].text.expose().as_str(), read[0].start, read[0].end), ("Atrial fibrillation", 0, 19));
    assert!(read[0].score > 0.99 && read[1].score < 0.05);
    assert!(read[1..].iter().all(|one| !one.text.expose().to_lowercase().contains("atrial fibrillation")));
    let all = features(&view, &lexicon, &candidates(&view)[0]);
    assert!(all.len() == PLAIN + 3 && all.iter().all(|value| value.is_finite()));
}

#[test]
fn topics_add_up_words_and_vectors() {
    let (view, lexicon) = (view(TEXT), lexicon());
    let words = lexicon.weigh(TEXT);
    let topics =
        Topics { words: vec![1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], pooled: vec![0.0; 12], bias: vec![0.5, -9.0] };
    let scores = topics.scores(&words, &view.pooled());
    let expected: f32 = words.iter().filter(|(place, _)| *place < 2).map(|(_, weight)| weight).sum();
    assert!((scores[0] - f64::from(expected) - 0.5).abs() < 1e-6);
    let label = |name: &str| Label { threshold: 0.4, policy: String::new(), ..Label::open(name) };
    let read = topics.read(&view, 0, &lexicon, &[label("heart"), label("skin")]);
    assert_eq!(read.len(), 1, "what is all but impossible is not named");
    assert!(read[0].label == "heart" && read[0].probability > read[0].threshold);
}

#[test]
fn pooling_is_mean_then_greatest() {
    let mut view = view("One two.");
    view.vectors = vec![1.0, 2.0, 3.0, 3.0, 0.0, -3.0, 2.0, 1.0, 0.0];
    assert_eq!(view.pooled(), [2.0, 1.0, 0.0, 3.0, 2.0, 3.0]);
}
