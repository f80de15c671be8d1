//! What explanations are worth on a split of the data: how many pass their checks, and whether the score follows when
//! what they name is taken away.
//!
//! Contract: the same explanations as in service, with full effort; refused cases are left out, as there is nothing to
//! explain. Orders by contribution are compared with one random order per case.

use crate::{
    domain::{Digest, Doubt, Explanation, Film, GreyImage, ModelInput, Note, Status},
    models::{
        self, Manifest, Model as _,
        attribution::{
            Effort,
            ablation::{Areas, Scores, areas, order},
            film::{self, Differentiable, scores_keeping},
        },
        chest::{Chest, reader::FilmReader as _},
        explained::{Curves, Figures, Share},
        knee::{self, Knee},
        mortality::{Mortality, attribution, series::Hourly, summary},
        notes::{
            Notes,
            decode::KINDS,
            shares::{Asked, Sentence},
        },
        textbook::film::TextbookFilm,
    },
    training::{Split, TrainingError, report::bootstrap::wilson, seeded, trial::Trial},
};
use std::path::Path;

/// Cases whose curves are drawn: each costs some forty passes.
const CURVES_MAX: usize = 200;
/// Measures; `done` hears of every case.
///
/// # Errors
/// [`TrainingError`] when the network does not load or fails.
pub fn explanations(
    folder: &Path,
    split: Split,
    trials: &[Trial],
    done: &dyn Fn(usize),
) -> Result<Figures, TrainingError> {
    let model = models::load(folder)?;
    let manifest = model.manifest();
    let mut explained = Vec::new();
    let mut subjects = Vec::new();
    for (at, trial) in trials.iter().enumerate() {
        done(at);
        let prediction = model.predict(&[&trial.input])?.remove(0);
        let Status::Scored { findings } = &prediction.status else { continue };
        if findings.is_empty() {
            continue;
        }
        explained.push(model.explain(&trial.input, Effort::FULL)?);
        subjects.push(&trial.input);
    }
    let every = subjects.len().div_ceil(CURVES_MAX).max(1);
    let chosen: Vec<&ModelInput> = subjects.into_iter().step_by(every).collect();
    let curves = curves(folder, manifest.clone(), &chosen)?;
    let count = |wanted: &dyn Fn(&Explanation) -> bool| {
        share_of(explained.iter().filter(|one| wanted(one)).count(), explained.len())
    };
    let without = |doubts: &[Doubt], one: &Explanation| one.doubts.iter().all(|doubt| !doubts.contains(doubt));
    Ok(Figures {
        model: manifest.name.clone(),
        weights: manifest.files.first().map_or_else(|| Digest::of(b""), |file| file.digest),
        split: split.to_string(),
        method: explained.first().map(|one| one.method.clone()).unwrap_or_default(),
        n: explained.len(),
        complete: count(&|one| without(&[Doubt::Gap, Doubt::NotFinite], one)),
        agreed: count(&|one| without(&[Doubt::Disagreement], one)),
        reliable: count(&|one| one.reliable),
        points: explained.iter().map(|one| one.work.spent as f64).sum::<f64>() / explained.len().max(1) as f64,
        curves,
    })
}

fn curves(folder: &Path, manifest: Manifest, inputs: &[&ModelInput]) -> Result<Curves, TrainingError> {
    let mut pairs = Vec::new();
    match manifest.architecture.as_str() {
        "chest-cnn" => {
            let network = Chest::load(folder, manifest)?;
            for film in inputs.iter().filter_map(|input| film_of(input)) {
                pairs.push(of_pixels(&network, &network.squashed(&film.image), (8, 8), pairs.len())?);
            }
        }
        "knee-cnn" => {
            let network = Knee::load(folder, manifest)?;
            for film in inputs.iter().filter_map(|input| film_of(input)) {
                pairs.push(of_pixels(&network, &knee::film::squashed(&film.image), (9, 18), pairs.len())?);
            }
        }
        "textbook-cnn" => {
            let network = TextbookFilm::load(folder, manifest)?;
            for film in inputs.iter().filter_map(|input| film_of(input)) {
                pairs.push(of_pixels(&network.of_label(0), &network.squashed(&film.image), (7, 7), pairs.len())?);
            }
        }
        "lstm-3x128" | "textbook-lstm" => {
            let network = Mortality::load(folder, manifest)?;
            for input in inputs {
                let ModelInput::Course(course) = input else { continue };
                let (hourly, contract) = (Hourly::of(course, network.contract()), network.contract());
                let (encoded, summaries) =
                    (network.encode(&hourly, course), summary::of(contract, &hourly, course.age_years));
                let stay = attribution::Stay { hourly: &hourly, summaries: &summaries, encoded: &encoded };
                let found = attribution::integrate(network.network(), contract, stay, Effort::FULL)?;
                let scores =
                    |sets: &[Vec<bool>]| attribution::scores_keeping(network.network(), contract, &encoded, sets);
                pairs.push(pair(&found.by_part(), &scores, pairs.len())?);
            }
        }
        "bert-ner" => {
            let network = Notes::load(folder, manifest)?;
            for input in inputs {
                let ModelInput::Notes(notes) = input else { continue };
                pairs.extend(of_sentence(&network, input, notes, pairs.len())?);
            }
        }
        _ => {}
    }
    Ok(summed(&pairs))
}

fn share_of(count: usize, of: usize) -> Share {
    Share { count, of, share: count as f64 / of.max(1) as f64, interval: wilson(count, of.max(1)) }
}

fn film_of(input: &ModelInput) -> Option<&Film> {
    match input {
        ModelInput::Film(film) => Some(film),
        _ => None,
    }
}

/// Areas by contribution and in random order.
fn pair(contributions: &[f64], scores: &Scores<'_>, case: usize) -> candle_core::Result<[Areas; 2]> {
    let random = seeded::order(contributions.len(), 7, case);
    Ok([areas(&order(contributions), scores)?, areas(&random, scores)?])
}

/// Integrated gradients, pixels taken away in so many fields.
fn of_pixels(
    network: &dyn Differentiable,
    squashed: &GreyImage,
    fields: (usize, usize),
    case: usize,
) -> candle_core::Result<[Areas; 2]> {
    let input = network.input(squashed);
    let found = film::integrated(network, &input, Effort::FULL)?;
    let map = film::folded(network, &found.parts, fields);
    let contributions: Vec<f64> = map.values.iter().map(|value| f64::from(*value)).collect();
    pair(&contributions, &|sets| scores_keeping(network, &input, fields, sets), case)
}

/// The words of the first mention's sentence.
fn of_sentence(
    network: &Notes,
    input: &ModelInput,
    notes: &[Note],
    case: usize,
) -> Result<Option<[Areas; 2]>, TrainingError> {
    let explanation = network.explain(input, Effort::points(64))?;
    let crate::domain::Attribution::Words { mentions } = explanation.attribution else { return Ok(None) };
    let Some(mention) = mentions.first() else { return Ok(None) };
    let text = &notes[mention.note].text.expose()[mention.sentence..];
    let words: Vec<&str> = mention.words.iter().filter_map(|word| text.get(word.start..word.end)).collect();
    let Status::Scored { findings } = network.predict(&[input])?.remove(0).status else { return Ok(None) };
    let found = findings
        .iter()
        .filter_map(|one| Some((KINDS.iter().position(|kind| *kind == one.label)?, one.mention.as_ref()?)));
    let Some((kind, found)) = found.into_iter().find(|(_, one)| (one.note, one.start) == (mention.note, mention.start))
    else {
        return Ok(None);
    };
    let inside = |word: &crate::domain::WordShare| (found.start..found.end).contains(&(mention.sentence + word.start));
    let first = mention.words.iter().position(inside).unwrap_or(0);
    let count = mention.words.iter().filter(|word| inside(word)).count();
    let asked = Asked { sentence: &words, kind, words: first..first + count };
    let Some(sentence) = Sentence::new(network, asked)? else { return Ok(None) };
    let contributions: Vec<f64> = mention.words.iter().map(|word| word.contribution).collect();
    Ok(Some(pair(&contributions, &|sets| sentence.scores_keeping(sets), case)?))
}

fn summed(pairs: &[[Areas; 2]]) -> Curves {
    let mean = |of: &dyn Fn(&[Areas; 2]) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len().max(1) as f64;
    let share =
        |better: &dyn Fn(&[Areas; 2]) -> bool| share_of(pairs.iter().filter(|pair| better(pair)).count(), pairs.len());
    Curves {
        n: pairs.len(),
        deletion: mean(&|[ours, _]| ours.deletion),
        deletion_random: mean(&|[_, random]| random.deletion),
        deletion_better: share(&|[ours, random]| ours.deletion < random.deletion),
        insertion: mean(&|[ours, _]| ours.insertion),
        insertion_random: mean(&|[_, random]| random.insertion),
        insertion_better: share(&|[ours, random]| ours.insertion > random.insertion),
    }
}
