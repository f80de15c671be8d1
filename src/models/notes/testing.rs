//! A tiny vocabulary and network for this module's tests.

use super::{
    decode::KINDS,
    network::Tagger,
    pieces::{Pieces, WINDOW},
    vectors::{Vectors, hash},
};
use crate::{
    domain::{Digest, ModelInput, Note, Phi, SourceRef},
    models::{
        Manifest,
        bert::Sizes,
        manifest::{Kind, Label},
        testing,
    },
};
use candle_core::{DType, Device};
use candle_nn::{VarBuilder, VarMap};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A BERT tokenizer with a handful of words, all letters and digits.
pub fn tokenizer_json() -> Vec<u8> {
    let mut names: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned).to_vec();
    names.extend(["chest", "pain", "fever", "no", "denies", "the", "patient", "has"].map(str::to_owned));
    for c in ('a'..='z').chain('0'..='9') {
        names.extend([c.to_string(), format!("##{c}")]);
    }
    names.extend([".", ",", ":", "-"].map(str::to_owned));
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        names.iter().enumerate().map(|(id, name)| (name.clone(), json!(id))).collect();
    let added: Vec<_> = (0..5)
        .map(|id| json!({"id": id, "content": names[id], "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}))
        .collect();
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocabulary},
    });
    serde_json::to_vec(&file).unwrap()
}

pub fn pieces() -> Pieces {
    Pieces::from_json(&tokenizer_json()).unwrap()
}

/// A table that knows one word.
fn vectors() -> Vectors {
    let rows: Vec<f32> = (0..11 * 4).map(|at| (at as f32).cos()).collect();
    Vectors::new(4, vec![hash(b"pain")], vec![0.5, -1.0, 0.25, 2.0], rows).unwrap()
}

/// Sizes of the tiny network.
pub fn sizes() -> Sizes {
    Sizes { vocabulary: pieces().len(), hidden: 32, layers: 2, heads: 2, intermediate: 64, positions: WINDOW, kinds: 4 }
}

/// Writes a loadable model folder with random weights and gives its path.
pub fn folder(parent: &Path, pieces_max: i64) -> PathBuf {
    let folder = parent.join("note-problems");
    fs::create_dir_all(&folder).unwrap();
    let map = VarMap::new();
    let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    let vectors = vectors();
    Tagger::load(&sizes(), vectors.dims(), vb).unwrap();
    map.save(folder.join("weights.safetensors")).unwrap();
    safetensors::serialize_to_file(&vectors.tensors().unwrap(), None, &folder.join("vectors.safetensors")).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer_json()).unwrap();
    fs::write(folder.join("concepts.tsv"), "Fever\tpyrexia\tR50.9\t386661006\n").unwrap();
    manifest(&folder, pieces_max).save(&folder).unwrap();
    folder
}

/// The papers of the tiny network.
pub fn manifest(folder: &Path, pieces_max: i64) -> Manifest {
    let sizes = sizes();
    let number = |value: usize| toml::Value::Integer(value as i64);
    let input = [
        ("vocabulary", number(sizes.vocabulary)),
        ("hidden", number(sizes.hidden)),
        ("layers", number(sizes.layers)),
        ("heads", number(sizes.heads)),
        ("intermediate", number(sizes.intermediate)),
        ("positions", number(sizes.positions)),
        ("kinds", number(sizes.kinds)),
        ("pieces_max", toml::Value::Integer(pieces_max)),
    ];
    let input: toml::Table = input.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Manifest {
        name: "note-problems".parse().unwrap(),
        files: testing::digests(
            folder,
            &["weights.safetensors", "tokenizer.json", "vectors.safetensors", "concepts.tsv"],
        ),
        ..testing::manifest(Kind::Notes, "bert-ner", &input, KINDS.map(Label::open).to_vec())
    }
}

/// Notes with these texts.
pub fn input(texts: &[&str]) -> ModelInput {
    let note = |text: &&str| Note {
        text: Phi::new((*text).to_owned()),
        source: SourceRef {
            reference: "DocumentReference/1".into(),
            version: None,
            last_updated: None,
            key: "notes".into(),
            digest: Digest::of(text.as_bytes()),
        },
        title: None,
        code: None,
        time: None,
    };
    ModelInput::Notes(texts.iter().map(note).collect())
}
