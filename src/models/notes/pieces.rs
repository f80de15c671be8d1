//! Words → word pieces → windows the encoder reads, and windows → padded batches.
//!
//! Contract: a window is at most [`WINDOW`] pieces with its two markers; every word keeps at least one piece; batches
//! hold windows of similar length, so padding stays small.

use super::words::shape;
use candle_core::{Device, Result, Tensor};
use tokenizers::Tokenizer;

/// Longest window in pieces, markers included.
pub const WINDOW: usize = 128;
/// Pieces kept of one word: longer words are names of substances or noise, and the beginning tells which.
const PIECES_PER_WORD: usize = 12;

/// What a batch costs beside its pieces, in pieces: every pass reads all weights once (measured on one core).
const BATCH_COST: usize = 20;

/// The WordPiece vocabulary (Wu et al. 2016), through the `tokenizers` crate.
pub struct Pieces {
    tokenizer: Tokenizer,
    start: u32,
    end: u32,
    unknown: u32,
}

/// One stretch of text ready for the encoder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// Pieces with `[CLS]` and `[SEP]`.
    pub ids: Vec<u32>,
    /// Letter case of the word each piece belongs to ([`shape`]).
    pub kinds: Vec<u32>,
    /// Position of the first piece of each word.
    pub firsts: Vec<usize>,
}

/// Some windows as tensors.
pub struct Batch {
    /// (windows, length) of u32.
    pub ids: Tensor,
    /// (windows, length) of u32.
    pub kinds: Tensor,
    /// (windows, length) of f32: 1 for text, 0 for padding.
    pub keep: Tensor,
    /// (words of all windows): index into (windows × length) of each word's first piece.
    pub firsts: Tensor,
}

impl Pieces {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// A sentence when the file does not hold a BERT tokenizer.
    pub fn from_json(json: &[u8]) -> std::result::Result<Self, String> {
        let tokenizer = Tokenizer::from_bytes(json).map_err(|error| error.to_string())?;
        let id = |token: &str| tokenizer.token_to_id(token).ok_or(format!("the tokenizer has no {token}"));
        Ok(Self { start: id("[CLS]")?, end: id("[SEP]")?, unknown: id("[UNK]")?, tokenizer })
    }

    /// Size of the vocabulary.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Whether the vocabulary is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces of one word, at least one.
    #[must_use]
    pub fn of(&self, word: &str) -> Vec<u32> {
        let mut ids = self.tokenizer.encode_fast(word, false).map(|e| e.get_ids().to_vec()).unwrap_or_default();
        ids.truncate(PIECES_PER_WORD);
        if ids.is_empty() {
            ids.push(self.unknown);
        }
        ids
    }

    /// Number of pieces of one word, as [`Pieces::of`] cuts it.
    #[must_use]
    pub fn count(&self, word: &str) -> usize {
        self.of(word).len()
    }

    /// The windows of a sentence, with the number of words in each; long sentences are cut between words.
    #[must_use]
    pub fn windows(&self, words: &[&str]) -> Vec<Window> {
        let mut windows = Vec::new();
        let mut open = self.open();
        for word in words {
            let pieces = self.of(word);
            if open.ids.len() + pieces.len() + 1 > WINDOW {
                windows.push(self.close(std::mem::replace(&mut open, self.open())));
            }
            open.firsts.push(open.ids.len());
            open.kinds.extend(std::iter::repeat_n(shape(word), pieces.len()));
            open.ids.extend(pieces);
        }
        if !open.firsts.is_empty() {
            windows.push(self.close(open));
        }
        windows
    }

    fn open(&self) -> Window {
        Window { ids: vec![self.start], kinds: vec![0], firsts: Vec::new() }
    }

    fn close(&self, mut window: Window) -> Window {
        window.ids.push(self.end);
        window.kinds.push(0);
        window
    }
}

impl Batch {
    /// Pads `windows` to the longest of them.
    ///
    /// # Errors
    /// Candle's.
    pub fn of(windows: &[&Window]) -> Result<Self> {
        let length = windows.iter().map(|window| window.ids.len()).max().unwrap_or(0);
        let shape = (windows.len(), length);
        let pad =
            |row: &[u32]| row.iter().copied().chain(std::iter::repeat_n(0, length - row.len())).collect::<Vec<_>>();
        let ids: Vec<u32> = windows.iter().flat_map(|window| pad(&window.ids)).collect();
        let kinds: Vec<u32> = windows.iter().flat_map(|window| pad(&window.kinds)).collect();
        let keep: Vec<f32> = windows
            .iter()
            .flat_map(|window| (0..length).map(|at| f32::from(u8::from(at < window.ids.len()))))
            .collect();
        let firsts: Vec<u32> = windows
            .iter()
            .enumerate()
            .flat_map(|(row, window)| window.firsts.iter().map(move |first| (row * length + first) as u32))
            .collect();
        Ok(Self {
            ids: Tensor::from_vec(ids, shape, &Device::Cpu)?,
            kinds: Tensor::from_vec(kinds, shape, &Device::Cpu)?,
            keep: Tensor::from_vec(keep, shape, &Device::Cpu)?,
            firsts: Tensor::new(firsts, &Device::Cpu)?,
        })
    }
}

/// Groups of indices of windows, each to be one batch of at most `pieces` pieces with padding: the grouping of the
/// windows by length that costs least, a batch counting as [`BATCH_COST`] pieces more than its padded size.
#[must_use]
pub fn batches(lengths: &[usize], pieces: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(lengths[index]), index));
    // cheapest[end]: least cost of the first `end` windows, and where their last batch begins.
    let mut cheapest: Vec<(usize, usize)> = vec![(0, 0)];
    for end in 1..=order.len() {
        let size = |start: usize| (end - start) * lengths[order[start]];
        let starts = (0..end).rev().take_while(|&start| end - start == 1 || size(start) <= pieces);
        let best = starts.map(|start| (cheapest[start].0 + size(start) + BATCH_COST, start)).min();
        cheapest.push(best.unwrap_or((0, end - 1)));
    }
    let mut groups = Vec::new();
    let mut end = order.len();
    while end > 0 {
        let start = cheapest[end].1;
        groups.push(order[start..end].to_vec());
        end = start;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::notes::testing;

    #[test]
    fn a_long_sentence_is_cut_between_words_and_no_word_is_lost() {
        let pieces = testing::pieces();
        let words: Vec<&str> = std::iter::repeat_n(["chest", "pain", "xqzzy"], 60).flatten().collect();
        let windows = pieces.windows(&words);
        assert!(windows.len() > 1 && windows.iter().all(|window| window.ids.len() <= WINDOW));
        assert_eq!(windows.iter().map(|window| window.firsts.len()).sum::<usize>(), words.len());
        assert!(windows.iter().all(|window| window.kinds.len() == window.ids.len()));
        assert!(pieces.windows(&[]).is_empty());
    }

    #[test]
    fn batches_keep_every_window_once_and_stay_within_their_size() {
        let lengths: Vec<usize> = (0..97).map(|i| 3 + (i * 53) % 120).collect();
        let groups = batches(&lengths, 512);
        let mut seen: Vec<usize> = groups.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..97).collect::<Vec<_>>());
        assert!(groups.iter().all(|group| group.len() * lengths[group[0]] <= 512));
    }
}
