//! A cause that was planted is the leading factor: 200 trials per kind of network, on the shipped networks.

use auscult::{
    domain::GreyImage,
    models::{
        self, Manifest,
        chest::{Chest, reader::FilmReader as _},
        mortality::Mortality,
    },
    training::{
        TrainingError,
        explanations::planted::{self, Outcome},
    },
};
use std::path::Path;

/// Trials that must have a cause …
const TRIALS: usize = 200;
/// … and the share of them in which it must lead.
const FOUND_MIN: f64 = 0.95;
/// A network that reacts to next to nothing must not be tried for ever.
const TRIED_MAX: usize = 20 * TRIALS;

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name)
}

/// One of the sample films that show nothing.
fn sample(number: usize) -> GreyImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/samples/films/normal-{number}.png"));
    let grey = image::open(path).unwrap().to_luma8();
    GreyImage::new(grey.width() as usize, grey.height() as usize, grey.into_raw()).unwrap()
}

/// Tries one number after another until enough trials had a cause.
#[expect(clippy::print_stderr, reason = "the figures are worth reading, passed or not")]
fn found(what: &str, trial: impl Fn(usize) -> Result<Outcome, TrainingError>) {
    let (mut found, mut causes, mut tried) = (0, 0, 0);
    while causes < TRIALS && tried < TRIED_MAX {
        match trial(tried).unwrap() {
            Outcome::Found => (found, causes) = (found + 1, causes + 1),
            Outcome::Missed => causes += 1,
            Outcome::NoCause => {}
        }
        tried += 1;
    }
    eprintln!("{what}: the planted cause leads in {found} of {causes} trials; {tried} were tried");
    assert_eq!(causes, TRIALS, "{what}: too few of {tried} trials had a cause");
    assert!(found as f64 >= FOUND_MIN * causes as f64, "{what}: found in {found} of {causes}");
}

#[test]
fn a_shadow_in_a_chest_film_is_where_the_map_is_strongest() {
    let folder = folder("chest-radiograph");
    let network = Chest::load(&folder, Manifest::load(&folder).unwrap()).unwrap();
    let clear: Vec<GreyImage> = (1..=3).map(sample).collect();
    let scores = network.scores(&clear.iter().collect::<Vec<_>>()).unwrap();
    let films: Vec<(&GreyImage, f64)> = clear.iter().zip(scores).collect();
    found("shadow", |case| planted::shadow(&network, films[case % films.len()], case));
}

#[test]
fn a_spike_in_one_variable_is_the_leading_factor() {
    let folder = folder("inpatient-mortality");
    let network = Mortality::load(&folder, Manifest::load(&folder).unwrap()).unwrap();
    found("spike", |case| planted::spike(&network, case));
}

#[test]
fn an_illness_in_a_sentence_is_the_leading_word() {
    let network = models::load(&folder("note-problems")).unwrap();
    found("trigger word", |case| planted::trigger(network.as_ref(), case));
}
