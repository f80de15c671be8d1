//! A small vocabulary cut from a large one.
//!
//! Contract: keeps every piece that occurs in the training words, so their cutting does not change; keeps single
//! letters and digits, so no Latin or Greek word becomes unknown; order is that of the large vocabulary.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokenizers::Tokenizer;

/// The special pieces, in the order of their new ids.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// A cut vocabulary.
pub struct Cut {
    /// The new `tokenizer.json`.
    pub json: Vec<u8>,
    /// For each new id, its id in the large vocabulary.
    pub kept: Vec<u32>,
}

/// Counts of word forms: what a vocabulary is chosen from.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<String, usize>);

impl Counts {
    /// Counts one word, whatever its letter case.
    pub fn add(&mut self, word: &str, times: usize) {
        *self.0.entry(word.to_lowercase()).or_default() += times;
    }
}

/// Cuts the BERT tokenizer in `json` down to the pieces of words counted at least `least` times.
///
/// # Errors
/// A sentence when `json` does not hold a WordPiece tokenizer.
pub fn cut(json: &[u8], counts: &Counts, least: usize) -> Result<Cut, String> {
    let tokenizer = Tokenizer::from_bytes(json).map_err(|error| error.to_string())?;
    let mut kept: BTreeSet<u32> = BTreeSet::new();
    for word in counts.0.iter().filter(|(_, count)| **count >= least).map(|(word, _)| word.as_str()) {
        kept.extend(tokenizer.encode_fast(word, false).map_err(|error| error.to_string())?.get_ids());
    }
    let vocabulary: HashMap<String, u32> = tokenizer.get_vocab(false);
    kept.extend(vocabulary.iter().filter(|(piece, _)| is_letter(piece)).map(|(_, id)| *id));
    let mut order = Vec::with_capacity(kept.len() + SPECIAL.len());
    for special in SPECIAL {
        let id = tokenizer.token_to_id(special).ok_or(format!("the tokenizer has no {special}"))?;
        kept.remove(&id);
        order.push(id);
    }
    order.extend(kept);
    Ok(Cut { json: written(json, &tokenizer, &order)?, kept: order })
}

/// The cut that gave the tokenizer `small`, made from the one in `json` before.
///
/// # Errors
/// A sentence when either does not hold a tokenizer, or `small` was cut from another one.
pub fn again(json: &[u8], small: Vec<u8>) -> Result<Cut, String> {
    let large = Tokenizer::from_bytes(json).map_err(|error| error.to_string())?;
    let cut = Tokenizer::from_bytes(&small).map_err(|error| error.to_string())?;
    let mut kept = Vec::with_capacity(cut.get_vocab_size(true));
    while let Some(piece) = cut.id_to_token(kept.len() as u32) {
        kept.push(large.token_to_id(&piece).ok_or(format!("the encoder's tokenizer has no `{piece}`"))?);
    }
    Ok(Cut { json: small, kept })
}

/// A single character of the scripts that medicine in English uses, alone or as a continuation.
fn is_letter(piece: &str) -> bool {
    let rest = piece.strip_prefix("##").unwrap_or(piece);
    let mut chars = rest.chars();
    matches!((chars.next(), chars.next()), (Some(c), None) if (c as u32) < 0x400 || matches!(c, '‘'..='•' | '≤' | '≥' | '→'))
}

fn written(json: &[u8], tokenizer: &Tokenizer, order: &[u32]) -> Result<Vec<u8>, String> {
    let mut file: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let piece = |id: &u32| tokenizer.id_to_token(*id).unwrap_or_default();
    let vocabulary: serde_json::Map<String, Value> =
        order.iter().enumerate().map(|(new, old)| (piece(old), json!(new))).collect();
    file["model"]["vocab"] = Value::Object(vocabulary);
    file["truncation"] = Value::Null;
    file["padding"] = Value::Null;
    // The windows add their own markers, so the template, which holds old ids, is not needed.
    file["post_processor"] = Value::Null;
    let added = SPECIAL.iter().enumerate().map(|(id, content)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
    });
    file["added_tokens"] = Value::Array(added.collect());
    serde_json::to_vec(&file).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::notes::{pieces::Pieces, testing};

    #[test]
    fn pieces_of_counted_words_stay_and_others_go_but_no_letter_is_lost() {
        let mut counts = Counts::default();
        counts.add("Chest", 3);
        counts.add("pain", 1);
        let small = cut(&testing::tokenizer_json(), &counts, 2).unwrap();
        let pieces = Pieces::from_json(&small.json).unwrap();
        assert_eq!(pieces.of("chest").len(), 1);
        assert_eq!(pieces.of("pain").len(), 4, "cut into letters");
        assert_eq!(small.kept.len(), pieces.len());
        assert_eq!(pieces.of("日"), [1], "unknown");
        assert_eq!(again(&testing::tokenizer_json(), small.json.clone()).unwrap().kept, small.kept);
    }
}
