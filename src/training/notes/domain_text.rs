//! Medical text without labels: what the vocabulary and the word vectors are made from.
//!
//! Contract: training parts only, never a file that something is measured on; what lies beside the corpora is used and
//! what does not is left out; no text of it is written anywhere, only counts and vectors.

use crate::{models::notes::words::words, training::TrainingError};
use flate2::read::GzDecoder;
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Between passages.
pub const BREAK: u32 = u32::MAX;

/// Lower-case words, numbered in the order they were met.
#[derive(Debug, Default)]
pub struct DomainText {
    /// The words, one after another, with [`BREAK`] between passages.
    pub tokens: Vec<u32>,
    /// Each word once.
    pub names: Vec<String>,
    index: HashMap<String, u32>,
}

impl DomainText {
    /// Adds the words of a passage.
    pub fn passage<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        for word in words {
            let lower = word.to_lowercase();
            let id = match self.index.get(&lower) {
                Some(id) => *id,
                None => {
                    let id = self.names.len() as u32;
                    self.names.push(lower.clone());
                    self.index.insert(lower, id);
                    id
                }
            };
            self.tokens.push(id);
        }
        self.tokens.push(BREAK);
    }

    fn text(&mut self, text: &str) {
        self.passage(words(text).into_iter().map(|word| &text[word]));
    }

    /// Occurrences of each word.
    #[must_use]
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.names.len()];
        self.tokens.iter().filter(|token| **token != BREAK).for_each(|token| counts[*token as usize] += 1);
        counts
    }

    /// Reads what there is in and beside `data`: the words of the four corpora's `train.tsv`, case reports (MACCROBAT),
    /// abstracts (OHSUMED, training part), consumer answers (MedQuAD) and reports (MTSamples, training part).
    ///
    /// # Errors
    /// [`TrainingError::Io`] when a file that is there cannot be read.
    pub fn read(data: &Path) -> Result<Self, TrainingError> {
        let mut text = Self::default();
        let near = data.parent().unwrap_or(data);
        for folder in ["", "NCBI-disease-IOB", "BC5CDR-IOB", "BC2GM-IOB", "AnatEM-IOB"] {
            text.corpus(&data.join(folder).join("train.tsv"))?;
        }
        text.folder(&data.join("MACCROBAT2020"))?;
        text.archive(&near.join("ohsumed23/ohsumed_single_23.tar.gz"), "/training/")?;
        text.archive(&near.join("medquad/MedQuAD_xml.tar.gz"), ".xml")?;
        text.reports(&near.join("mtsamples/train_dev.jsonl.gz"))?;
        Ok(text)
    }

    fn corpus(&mut self, path: &Path) -> Result<(), TrainingError> {
        if !path.is_file() {
            return Ok(());
        }
        let file = fs::read_to_string(path).map_err(TrainingError::io(path))?;
        for sentence in file.replace("\r\n", "\n").split("\n\n") {
            self.passage(sentence.lines().filter_map(|line| line.split('\t').next()).filter(|word| !word.is_empty()));
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path) -> Result<(), TrainingError> {
        if !path.is_dir() {
            return Ok(());
        }
        let entries = fs::read_dir(path).map_err(TrainingError::io(path))?;
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "txt")) {
            let text = fs::read_to_string(file).map_err(TrainingError::io(file))?;
            self.text(&text);
        }
        Ok(())
    }

    /// Files of a `.tar.gz` whose path holds `part`, without what stands in angle brackets.
    fn archive(&mut self, path: &Path, part: &str) -> Result<(), TrainingError> {
        if !path.is_file() {
            return Ok(());
        }
        let file = File::open(path).map_err(TrainingError::io(path))?;
        let mut archive = tar::Archive::new(GzDecoder::new(file));
        for entry in archive.entries().map_err(TrainingError::io(path))? {
            let mut entry = entry.map_err(TrainingError::io(path))?;
            let wanted = entry.path().is_ok_and(|name| name.to_string_lossy().contains(part));
            if wanted && entry.header().entry_type().is_file() {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).map_err(TrainingError::io(path))?;
                self.text(&without_marks(&String::from_utf8_lossy(&bytes)));
            }
        }
        Ok(())
    }

    fn reports(&mut self, path: &Path) -> Result<(), TrainingError> {
        if !path.is_file() {
            return Ok(());
        }
        let file = File::open(path).map_err(TrainingError::io(path))?;
        for line in BufReader::new(GzDecoder::new(file)).lines() {
            let line = line.map_err(TrainingError::io(path))?;
            let report: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if report["split"].as_str().is_none_or(|split| split == "train") {
                self.text(report["text"].as_str().unwrap_or(""));
            }
        }
        Ok(())
    }
}

/// The text between XML marks.
fn without_marks(xml: &str) -> String {
    let mut text = String::with_capacity(xml.len());
    let mut inside = false;
    for c in xml.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_numbered_once_and_passages_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train.tsv"), "Gout\tB-Disease\nhurts\tO\n\nGOUT\tB-Disease\n").unwrap();
        let text = DomainText::read(folder.path()).unwrap();
        assert_eq!(text.names, ["gout", "hurts"]);
        assert_eq!(text.tokens, [0, 1, BREAK, 0, BREAK]);
        assert_eq!(text.counts(), [2, 1]);
        assert_eq!(without_marks("<a b=\"c\">Gout</a><d/> hurts"), " Gout   hurts");
    }
}
