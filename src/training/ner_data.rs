//! Corpora of tagged words: `token TAB tag` lines, a blank line between sentences.
//!
//! Contract: a folder with `train.tsv`, `devel.tsv` or `test.tsv` is one corpus; a folder of such folders is several.
//! A tag of a kind the network does not know is an error, never silently `O`. Corpora that say nothing about
//! chemicals are known by having none in any file.

use crate::models::notes::decode::{KINDS, TAGS};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is wrong with a corpus.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is not `token TAB tag`.
    #[error("{path}, line {line}: expected a token, a tab and one of {TAGS:?}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// There is no corpus with the wanted file.
    #[error("{path}: no {file} here, nor in the folders NCBI-disease-IOB and BC5CDR-IOB below")]
    Missing {
        /// The folder.
        path: PathBuf,
        /// File sought.
        file: String,
    },
}

/// A sentence with a tag per word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// The words.
    pub words: Vec<String>,
    /// Index into [`TAGS`] for each.
    pub tags: Vec<usize>,
    /// Whether this sentence's corpus marks chemicals; if not, `O` may hide one.
    pub chemicals: bool,
}

/// One corpus, one split.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// Short name for metric keys: `ncbi`, `bc5cdr`, or the folder's name in lower case.
    pub name: String,
    /// Its sentences.
    pub sentences: Vec<Sentence>,
    /// Whether it marks chemicals.
    pub chemicals: bool,
}

/// The folders read when `data` holds several corpora: the others there mark genes and anatomy.
const FOLDERS: [&str; 2] = ["NCBI-disease-IOB", "BC5CDR-IOB"];

/// Whether `data` is the published corpora or one of them, by the folders' names.
#[must_use]
pub fn published(data: &Path) -> bool {
    let own = data.file_name().is_some_and(|name| FOLDERS.iter().any(|folder| name == *folder));
    own || FOLDERS.iter().any(|folder| data.join(folder).is_dir())
}

/// Reads `file` (`train.tsv` …) of the corpus in `data`, or of the two known ones below it.
///
/// # Errors
/// [`CorpusError`] when a file cannot be read or there is none.
pub fn read(data: &Path, file: &str) -> Result<Vec<Corpus>, CorpusError> {
    let here = data.to_owned();
    let folders = std::iter::once(here).chain(FOLDERS.iter().map(|folder| data.join(folder)));
    let corpora: Vec<Corpus> = folders
        .filter(|folder| folder.join(file).is_file())
        .map(|folder| read_one(&folder, file))
        .collect::<Result<_, _>>()?;
    if corpora.is_empty() {
        return Err(CorpusError::Missing { path: data.to_owned(), file: file.to_owned() });
    }
    Ok(corpora)
}

/// Sentences of a file in a row, and every how-many-th such block is for tuning: the files mark no documents.
const BLOCK: usize = 50;
const TUNE_STRIDE: usize = 10;

/// Parts a training file into runs of sentences to fit weights on and blocks to tune on, for every corpus.
#[must_use]
pub fn part(corpora: &[Corpus]) -> (Vec<Vec<Sentence>>, Vec<Vec<Sentence>>) {
    let (mut fit, mut tune) = (Vec::new(), Vec::new());
    for corpus in corpora {
        let mut run = Vec::new();
        for (index, block) in corpus.sentences.chunks(BLOCK).enumerate() {
            if index % TUNE_STRIDE == TUNE_STRIDE - 1 {
                tune.push(block.to_vec());
                fit.push(std::mem::take(&mut run));
            } else {
                run.extend_from_slice(block);
            }
        }
        fit.push(run);
    }
    fit.retain(|run| !run.is_empty());
    (fit, tune)
}

fn read_one(folder: &Path, file: &str) -> Result<Corpus, CorpusError> {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).map_err(|source| CorpusError::Io { path: path.clone(), source })?;
    let mut sentences = parse(&text).map_err(|line| CorpusError::Line { path, line })?;
    let chemicals = sentences.iter().any(|sentence| sentence.tags.iter().any(|&tag| tag > 2));
    sentences.iter_mut().for_each(|sentence| sentence.chemicals = chemicals);
    let folder = folder.file_name().and_then(|name| name.to_str()).unwrap_or("corpus").to_lowercase();
    let name = folder.split('-').next().unwrap_or(&folder).to_owned();
    Ok(Corpus { name, sentences, chemicals })
}

/// The sentences of a file, or the number of the first line that is wrong.
fn parse(text: &str) -> Result<Vec<Sentence>, usize> {
    let mut sentences = Vec::new();
    let mut open = Sentence { words: Vec::new(), tags: Vec::new(), chemicals: false };
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            if !open.words.is_empty() {
                sentences
                    .push(std::mem::replace(&mut open, Sentence { words: vec![], tags: vec![], chemicals: false }));
            }
            continue;
        }
        let (word, tag) = line.split_once('\t').ok_or(index + 1)?;
        let tag = TAGS.iter().position(|known| *known == tag.trim()).ok_or(index + 1)?;
        let before = open.tags.last().copied().unwrap_or(0);
        // Some files open a span with I-: read it as the beginning that it is.
        let orphan = tag != 0 && tag % 2 == 0 && before != tag && before + 1 != tag;
        open.tags.push(if orphan { tag - 1 } else { tag });
        open.words.push(word.trim().to_owned());
    }
    if !open.words.is_empty() {
        sentences.push(open);
    }
    Ok(sentences)
}

impl Sentence {
    /// The mentions: (index into [`KINDS`], first word, word after the last).
    #[must_use]
    pub fn mentions(&self) -> Vec<(usize, usize, usize)> {
        let mut mentions: Vec<(usize, usize, usize)> = Vec::new();
        for (at, &tag) in self.tags.iter().enumerate().filter(|(_, tag)| **tag != 0) {
            match mentions.last_mut() {
                Some(last) if tag % 2 == 0 => last.2 = at + 1,
                _ => mentions.push(((tag - 1) / KINDS.len(), at, at + 1)),
            }
        }
        mentions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_cut_at_blank_lines_and_mentions_read_from_tags() {
        let text = "Gout\tB-Disease\nflare\tI-Disease\nnaproxen\tB-Chemical\n\n\nno\tO\nrash\tI-Disease\n";
        let sentences = parse(text).unwrap();
        assert_eq!(sentences.len(), 2);
        assert_eq!(sentences[0].mentions(), [(0, 0, 2), (1, 2, 3)]);
        assert_eq!(sentences[1].mentions(), [(0, 1, 2)]);
    }

    #[test]
    fn a_tenth_of_the_blocks_is_kept_for_tuning() {
        let sentence = |at: usize| Sentence { words: vec![at.to_string()], tags: vec![0], chemicals: true };
        let corpus = Corpus { name: "one".into(), sentences: (0..1120).map(sentence).collect(), chemicals: true };
        let (fit, tune) = part(&[corpus]);
        assert_eq!(fit.iter().map(Vec::len).collect::<Vec<_>>(), [450, 450, 120]);
        assert_eq!(tune.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50]);
        assert_eq!(tune[0][0].words, ["450"]);
    }

    #[test]
    fn an_unknown_tag_is_an_error_with_its_line() {
        assert_eq!(parse("a\tO\nb\tB-Gene\n"), Err(2));
        assert_eq!(parse("a O\n"), Err(1));
    }

    #[test]
    fn a_folder_without_a_corpus_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path(), "train.tsv"), Err(CorpusError::Missing { .. })));
        fs::write(folder.path().join("train.tsv"), "gout\tB-Disease\n").unwrap();
        assert!(!read(folder.path(), "train.tsv").unwrap()[0].chemicals);
    }
}
