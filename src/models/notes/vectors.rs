//! Vectors of words learned from the company they keep, with those of their letters for words never seen (Bojanowski et
//! al., TACL 2017: skip-gram with subword information).
//!
//! Contract: a word's vector has length 1, or is all zero when nothing is known of it; words are told apart by hash, so no
//! list of words is kept; letter case does not matter.

use candle_core::{DType, Device, Result, Tensor, bail};
use std::collections::HashMap;

/// Shortest and longest letter groups, with the marks at a word's borders.
const GROUPS: std::ops::RangeInclusive<usize> = 3..=5;
/// Letters of a word that are looked at.
const LETTERS: usize = 40;

/// A table of vectors.
#[derive(Debug, Clone)]
pub struct Vectors {
    dims: usize,
    /// Hashes of the known words, ascending; the rows of `words` are in the same order.
    hashes: Vec<u32>,
    words: Vec<f32>,
    groups: Vec<f32>,
}

/// 32-bit FNV-1a.
#[must_use]
pub fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Rows of the table of letter groups for a lower-case word, of `rows`.
#[must_use]
pub fn groups(word: &str, rows: usize) -> Vec<usize> {
    let marked: Vec<char> = std::iter::once('<').chain(word.chars().take(LETTERS)).chain(['>']).collect();
    let mut found = Vec::new();
    let mut buffer = [0; 4 * 5];
    for size in GROUPS {
        for group in marked.windows(size) {
            let mut end = 0;
            for c in group {
                end += c.encode_utf8(&mut buffer[end..]).len();
            }
            found.push(hash(&buffer[..end]) as usize % rows.max(1));
        }
    }
    found
}

impl Vectors {
    /// From rows of words and of letter groups; `hashes` ascending and as many as rows of words.
    ///
    /// # Errors
    /// When sizes or order do not fit.
    pub fn new(dims: usize, hashes: Vec<u32>, words: Vec<f32>, groups: Vec<f32>) -> Result<Self> {
        let whole = dims > 0 && words.len() == hashes.len() * dims && groups.len().is_multiple_of(dims);
        if !whole || groups.is_empty() || !hashes.is_sorted() {
            bail!("word vectors: sizes or order do not fit");
        }
        Ok(Self { dims, hashes, words, groups })
    }

    /// Reads what [`Vectors::tensors`] wrote.
    ///
    /// # Errors
    /// Candle's, when a tensor is missing or does not fit.
    pub fn read(safetensors: &[u8]) -> Result<Self> {
        let tensors = candle_core::safetensors::load_buffer(safetensors, &Device::Cpu)?;
        let get = |name: &str| match tensors.get(name) {
            Some(tensor) => Ok(tensor),
            None => bail!("word vectors: no tensor `{name}`"),
        };
        let numbers = |name: &str| get(name)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>();
        let hashes = get("hashes")?.to_vec1::<u32>()?;
        Self::new(get("groups")?.dim(1)?, hashes, numbers("words")?, numbers("groups")?)
    }

    /// The table, numbers as f16.
    ///
    /// # Errors
    /// Candle's.
    pub fn tensors(&self) -> Result<HashMap<String, Tensor>> {
        let half = |values: &[f32]| {
            Tensor::from_slice(values, (values.len() / self.dims, self.dims), &Device::Cpu)?.to_dtype(DType::F16)
        };
        let hashes = Tensor::from_slice(&self.hashes, self.hashes.len(), &Device::Cpu)?;
        let all = [("hashes", hashes), ("words", half(&self.words)?), ("groups", half(&self.groups)?)];
        Ok(all.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect())
    }

    /// Numbers per word.
    #[must_use]
    pub const fn dims(&self) -> usize {
        self.dims
    }

    /// Whether the word itself, not only its letters, was met while learning.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        self.hashes.binary_search(&hash(word.to_lowercase().as_bytes())).is_ok()
    }

    /// Appends the word's vector.
    pub fn push(&self, word: &str, to: &mut Vec<f32>) {
        let (word, start) = (word.to_lowercase(), to.len());
        to.resize(start + self.dims, 0.0);
        let sum = &mut to[start..];
        let mut add = |rows: &[f32], row: usize| {
            sum.iter_mut().zip(&rows[row * self.dims..(row + 1) * self.dims]).for_each(|(sum, value)| *sum += value);
        };
        if let Ok(row) = self.hashes.binary_search(&hash(word.as_bytes())) {
            add(&self.words, row);
        }
        for row in groups(&word, self.groups.len() / self.dims) {
            add(&self.groups, row);
        }
        let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 1e-6 {
            sum.iter_mut().for_each(|value| *value /= length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_itself_and_its_letters_and_comes_back_from_its_file() {
        let (gout, dims) = (hash(b"gout"), 4);
        let rows: Vec<f32> = (0..7 * dims).map(|i| (i as f32).sin()).collect();
        let vectors = Vectors::new(dims, vec![gout], vec![9.0, 0.0, 0.0, 0.0], rows).unwrap();
        assert!(vectors.knows("Gout") && !vectors.knows("rash"));
        let of = |vectors: &Vectors, word: &str| {
            let mut found = Vec::new();
            vectors.push(word, &mut found);
            found
        };
        assert_eq!(of(&vectors, "GOUT"), of(&vectors, "gout"));
        assert!((of(&vectors, "rash").iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
        let bytes = safetensors::serialize(&vectors.tensors().unwrap(), None).unwrap();
        let again = Vectors::read(&bytes).unwrap();
        let gap = of(&vectors, "gouty").iter().zip(of(&again, "gouty")).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(gap < 1e-2, "{gap}");
        assert!(Vectors::new(dims, vec![2, 1], vec![0.0; 8], vec![0.0; 4]).is_err());
    }

    #[test]
    fn letter_groups_stay_in_the_table_for_any_script() {
        for word in ["", "a", "naïve", "高血圧症", "β2"] {
            assert!(groups(word, 5).iter().all(|row| *row < 5), "{word}");
        }
        assert_eq!(groups("ab", 1000).len(), 3, "<ab, ab>, <ab>");
    }
}
