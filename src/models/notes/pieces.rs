//! Words → word pieces → windows the encoder reads, and windows → tensors.
//!
//! Contract: a window is at most [`WINDOW`] pieces and holds whole sentences that follow each other, for the sake of their
//! context, each ended by a marker; only a sentence longer than a window is cut, between words. Every word keeps at least
//! one piece, and the words of the windows in order are those of the sentences.

use super::{vectors::Vectors, words::shape};
use crate::models::bert::Packed;
use candle_core::{Device, Result, Tensor};
use std::ops::Range;
use tokenizers::Tokenizer;

/// Longest window in pieces, markers included: about an abstract, or a page of a note.
pub const WINDOW: usize = 256;
/// Pieces kept of one word: longer words are names of substances or noise, and the beginning tells which.
const PIECES_PER_WORD: usize = 12;

/// The WordPiece vocabulary (Wu et al. 2016), through the `tokenizers` crate.
pub struct Pieces {
    tokenizer: Tokenizer,
    start: u32,
    end: u32,
    unknown: u32,
    vectors: Option<Vectors>,
}

/// One stretch of text ready for the encoder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// Pieces with `[CLS]` first and a `[SEP]` after every sentence.
    pub ids: Vec<u32>,
    /// Letter case of the word each piece belongs to ([`shape`]).
    pub kinds: Vec<u32>,
    /// Position of the first piece of each word.
    pub firsts: Vec<usize>,
    /// Vector of the word each piece belongs to, one after another; zeros for markers. Empty without a table.
    pub vectors: Vec<f32>,
    /// The sentences it reads from.
    pub sentences: Range<usize>,
}

/// Some windows as tensors.
pub struct Batch {
    /// What the encoder reads.
    pub packed: Packed,
    /// (pieces, dims): vector of each piece's word, if there is a table.
    pub vectors: Option<Tensor>,
    /// (words of all windows): row of each word's first piece.
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
        Ok(Self { start: id("[CLS]")?, end: id("[SEP]")?, unknown: id("[UNK]")?, tokenizer, vectors: None })
    }

    /// With a table of word vectors.
    #[must_use]
    pub fn with_vectors(self, vectors: Vectors) -> Self {
        Self { vectors: Some(vectors), ..self }
    }

    /// Numbers per word vector; 0 without a table.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.vectors.as_ref().map_or(0, Vectors::dims)
    }

    /// Whether a piece is the mark of something without a place in the vocabulary.
    #[must_use]
    pub const fn is_unknown(&self, piece: u32) -> bool {
        piece == self.unknown
    }

    /// The mark of something without a place in the vocabulary.
    #[must_use]
    pub const fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Whether a piece marks the beginning of a window or the end of a sentence.
    #[must_use]
    pub const fn is_marker(&self, piece: u32) -> bool {
        piece == self.start || piece == self.end
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

    /// The windows of sentences that follow each other, as many in each as fit into `limit` pieces.
    #[must_use]
    pub fn windows<S: AsRef<[W]>, W: AsRef<str>>(&self, sentences: &[S], limit: usize) -> Vec<Window> {
        let mut windows = Vec::new();
        let mut open = self.open(0);
        for (index, sentence) in sentences.iter().enumerate() {
            let words: Vec<(&str, Vec<u32>)> =
                sentence.as_ref().iter().map(|word| (word.as_ref(), self.of(word.as_ref()))).collect();
            let size: usize = words.iter().map(|(_, pieces)| pieces.len()).sum();
            if !open.firsts.is_empty() && open.ids.len() + size + 1 > limit {
                windows.push(std::mem::replace(&mut open, self.open(index)));
            }
            for (word, pieces) in &words {
                if open.ids.len() + pieces.len() + 1 > limit.max(PIECES_PER_WORD + 2) {
                    self.mark(&mut open);
                    windows.push(std::mem::replace(&mut open, self.open(index)));
                }
                open.firsts.push(open.ids.len());
                self.put(&mut open, pieces, Some(word));
            }
            self.mark(&mut open);
            open.sentences.end = index + 1;
        }
        if !open.firsts.is_empty() {
            windows.push(open);
        }
        windows
    }

    fn open(&self, sentence: usize) -> Window {
        let mut window = Window { sentences: sentence..sentence + 1, ..Window::default() };
        self.put(&mut window, &[self.start], None);
        window
    }

    fn mark(&self, window: &mut Window) {
        self.put(window, &[self.end], None);
    }

    fn put(&self, window: &mut Window, pieces: &[u32], word: Option<&str>) {
        window.ids.extend(pieces);
        window.kinds.extend(std::iter::repeat_n(word.map_or(0, shape), pieces.len()));
        if let Some(table) = &self.vectors {
            let (start, dims) = (window.vectors.len(), table.dims());
            match word {
                Some(word) => table.push(word, &mut window.vectors),
                None => window.vectors.resize(start + dims, 0.0),
            }
            for _ in 1..pieces.len() {
                window.vectors.extend_from_within(start..start + dims);
            }
        }
    }
}

impl Batch {
    /// Puts `windows` one after another.
    ///
    /// # Errors
    /// Candle's.
    pub fn of(windows: &[&Window]) -> Result<Self> {
        let row = |of: fn(&Window) -> &Vec<u32>| {
            let all: Vec<u32> = windows.iter().flat_map(|window| of(window)).copied().collect();
            Tensor::from_vec(all.clone(), all.len(), &Device::Cpu)
        };
        let places: Vec<u32> = windows.iter().flat_map(|window| (0u32..).take(window.ids.len())).collect();
        let (mut firsts, mut start) = (Vec::new(), 0);
        for window in windows {
            firsts.extend(window.firsts.iter().map(|first| (start + first) as u32));
            start += window.ids.len();
        }
        let vectors: Vec<f32> = windows.iter().flat_map(|window| &window.vectors).copied().collect();
        let shape = (start, vectors.len() / start.max(1));
        Ok(Self {
            packed: Packed {
                ids: row(|window| &window.ids)?,
                kinds: row(|window| &window.kinds)?,
                places: Tensor::from_vec(places, start, &Device::Cpu)?,
                lengths: windows.iter().map(|window| window.ids.len()).collect(),
            },
            vectors: (shape.1 > 0).then(|| Tensor::from_vec(vectors, shape, &Device::Cpu)).transpose()?,
            firsts: Tensor::new(firsts, &Device::Cpu)?,
        })
    }
}

/// Cuts windows that follow each other into runs of at most `pieces` pieces (or one window).
#[must_use]
pub fn runs(lengths: &[usize], pieces: usize) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut size = 0;
    for (at, length) in lengths.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if size + length <= pieces => (run.end, size) = (at + 1, size + length),
            _ => {
                runs.push(at..at + 1);
                size = *length;
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::notes::testing;

    #[test]
    fn a_long_sentence_is_cut_between_words_and_no_word_is_lost() {
        let pieces = testing::pieces();
        let words: Vec<&str> = std::iter::repeat_n(["chest", "pain", "xqzzy"], 60).flatten().collect();
        let windows = pieces.windows(&[words.clone(), vec!["fever"]], WINDOW);
        assert!(windows.len() > 1 && windows.iter().all(|window| window.ids.len() <= WINDOW));
        assert_eq!(windows.iter().map(|window| window.firsts.len()).sum::<usize>(), words.len() + 1);
        assert!(windows.iter().all(|window| window.kinds.len() == window.ids.len()));
        assert!(pieces.windows::<Vec<&str>, &str>(&[], WINDOW).is_empty());
    }

    #[test]
    fn sentences_share_a_window_while_it_has_room() {
        let pieces = testing::pieces();
        let sentences = vec![vec!["chest", "pain"], vec![], vec!["fever"], vec!["no", "pain"]];
        let windows = pieces.windows(&sentences, 8);
        let parts: Vec<_> = windows.iter().map(|window| (window.sentences.clone(), window.firsts.clone())).collect();
        assert_eq!(parts, [(0..3, vec![1, 2, 5]), (3..4, vec![1, 2])]);
    }

    #[test]
    fn runs_keep_order_and_size() {
        assert_eq!(runs(&[3, 3, 3, 9, 1], 6), [0..2, 2..3, 3..4, 4..5]);
        assert!(runs(&[], 6).is_empty());
    }
}
