//! Reports → what the heads are fitted on: words, pooled word vectors, and candidates for key phrases.
//!
//! Contract: computed by the served encoder as in service; kept in the checkpoint folder under the encoder's digest,
//! because this is nearly all of the time that fitting takes.

use super::data::{Report, note};
use crate::{
    models::{
        Model as _,
        notes::{
            Notes,
            heads::{
                lexicon::{Lexicon, terms},
                phrases::{PLAIN, candidates, features},
                view::View,
            },
        },
    },
    training::{Plan, Progress, TrainingError},
};
use candle_core::{DType, Device, Tensor};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

/// Fewest reports a word must stand in.
const REPORTS_MIN: usize = 5;
/// Candidates of a report that are no key phrase and take part in fitting; they stand for all of it.
const OTHERS: usize = 60;

/// The reports as numbers, in their order.
pub struct Features {
    /// Width of a word vector.
    pub width: usize,
    /// (reports × 2 widths).
    pub pooled: Vec<f32>,
    /// (candidates × features).
    pub candidates: Vec<f32>,
    /// Whether a candidate is a key phrase, and how many candidates it stands for.
    pub marks: Vec<(bool, f32)>,
}

/// The vocabulary of these reports.
///
/// # Errors
/// [`TrainingError::Data`] when there are no words.
pub fn lexicon<'a>(reports: impl Iterator<Item = &'a Report>) -> Result<(Vec<String>, Lexicon), TrainingError> {
    let (mut counts, mut all): (BTreeMap<String, usize>, usize) = (BTreeMap::new(), 0);
    for report in reports {
        all += 1;
        let mut words: Vec<String> = terms(&report.text).collect();
        words.sort_unstable();
        words.dedup();
        words.into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
    }
    let kept = counts.into_iter().filter(|(_, count)| *count >= REPORTS_MIN);
    let rarity = |count: usize| ((1.0 + all as f32) / (1.0 + count as f32)).ln() + 1.0;
    let (words, idf): (Vec<String>, Vec<f32>) = kept.map(|(word, count)| (word, rarity(count))).unzip();
    let lexicon = Lexicon::new(words.clone(), idf).map_err(TrainingError::Data)?;
    Ok((words, lexicon))
}

/// Reads the reports with the encoder, or takes what an earlier run kept.
///
/// # Errors
/// [`TrainingError`] when the arithmetic fails or the checkpoint cannot be written.
pub fn read(
    notes: Option<&Notes>,
    reports: &[Report],
    lexicon: &Lexicon,
    plan: &Plan,
    progress: &dyn Progress,
) -> Result<Features, TrainingError> {
    let (checkpoint, seed) = (plan.checkpoint.as_path(), plan.seed);
    fs::create_dir_all(checkpoint).map_err(TrainingError::io(checkpoint))?;
    let encoder =
        notes.and_then(|notes| notes.manifest().files.first()).map(|file| file.digest.to_string()).unwrap_or_default();
    let kept = checkpoint.join(format!("features-{}-{}.safetensors", encoder.get(7..19).unwrap_or("x"), reports.len()));
    if notes.is_some() && kept.exists() {
        return load(&kept);
    }
    progress.begin(0, reports.len());
    let mut found = Features { width: 0, pooled: Vec::new(), candidates: Vec::new(), marks: Vec::new() };
    for (at, report) in reports.iter().enumerate() {
        let mut random = ChaCha8Rng::seed_from_u64(seed.wrapping_add(at as u64));
        let one = match notes {
            Some(notes) => notes.view(&note(&report.text), |view| one(view, report, lexicon, &mut random))?,
            None => Some(one(&View::of_text(&report.text), report, lexicon, &mut random)),
        };
        let Some((width, pooled, candidates, marks)) = one else {
            // Nothing that the encoder reads (a handful of scraps): such a report is judged by its words alone.
            found.pooled.resize((at + 1) * 2 * found.width, 0.0);
            continue;
        };
        found.width = width;
        found.pooled.resize(at * 2 * width, 0.0);
        found.pooled.extend(pooled);
        found.candidates.extend(candidates);
        found.marks.extend(marks);
        progress.step(1, 1, 0.0);
    }
    if notes.is_some() {
        save(&found, &kept)?;
    }
    Ok(found)
}

type One = (usize, Vec<f32>, Vec<f32>, Vec<(bool, f32)>);

fn one(view: &View<'_>, report: &Report, lexicon: &Lexicon, random: &mut ChaCha8Rng) -> One {
    let (keys, mut others): (Vec<_>, Vec<_>) =
        candidates(view).into_iter().partition(|one| report.phrases.contains(&one.key));
    others.shuffle(random);
    let stands_for = others.len() as f32 / others.len().clamp(1, OTHERS) as f32;
    others.truncate(OTHERS);
    let mut rows = Vec::new();
    keys.iter().chain(&others).for_each(|candidate| rows.extend(features(view, lexicon, candidate)));
    let marks =
        std::iter::repeat_n((true, 1.0), keys.len()).chain(std::iter::repeat_n((false, stands_for), others.len()));
    // A report without any of its phrases in the text teaches nothing about phrases.
    if keys.is_empty() {
        return (view.width, view.pooled(), Vec::new(), Vec::new());
    }
    (view.width, view.pooled(), rows, marks.collect())
}

fn save(features: &Features, path: &Path) -> Result<(), TrainingError> {
    let pooled = Tensor::from_vec(features.pooled.clone(), features.pooled.len(), &Device::Cpu)?;
    let rows = features.marks.len();
    let candidates = Tensor::from_vec(features.candidates.clone(), (rows, PLAIN + features.width), &Device::Cpu)?
        .to_dtype(DType::F16)?;
    let marks: Vec<f32> = features.marks.iter().map(|(key, count)| if *key { -count } else { *count }).collect();
    let tensors = HashMap::from([
        ("pooled".to_owned(), pooled),
        ("candidates".to_owned(), candidates),
        ("marks".to_owned(), Tensor::from_vec(marks, rows, &Device::Cpu)?),
    ]);
    Ok(candle_core::safetensors::save(&tensors, path)?)
}

fn load(path: &Path) -> Result<Features, TrainingError> {
    let tensors = candle_core::safetensors::load(path, &Device::Cpu)?;
    let get = |name: &str| tensors.get(name).ok_or_else(|| TrainingError::Checkpoint(format!("no tensor `{name}`")));
    let candidates = get("candidates")?;
    let width = candidates.dim(1)?.saturating_sub(PLAIN);
    let marks = get("marks")?.to_vec1::<f32>()?.into_iter().map(|mark| (mark < 0.0, mark.abs())).collect();
    let candidates = candidates.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    Ok(Features { width, pooled: get("pooled")?.to_vec1()?, candidates, marks })
}
