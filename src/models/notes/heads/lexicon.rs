//! Single words with how rare they are: the part of a note that its wording alone gives.
//!
//! Contract: pure. A word is a run of two or more ASCII letters and digits, in lower case; a note's weights are
//! sublinear tf-idf (Manning, Raghavan & Schütze, Introduction to Information Retrieval, 6.4.1) of length 1.

use std::collections::HashMap;

/// The vocabulary.
#[derive(Debug, Clone)]
pub struct Lexicon {
    places: HashMap<String, u32>,
    idf: Vec<f32>,
}

impl Lexicon {
    /// `words` and their inverse document frequencies, in the same order.
    ///
    /// # Errors
    /// A sentence when the lengths differ or a word is there twice.
    pub fn new(words: Vec<String>, idf: Vec<f32>) -> Result<Self, String> {
        let count = words.len();
        let places: HashMap<String, u32> = words.into_iter().zip(0..).collect();
        if places.len() != count || idf.len() != count || idf.iter().any(|one| !one.is_finite()) {
            return Err("the vocabulary and its weights do not fit together".into());
        }
        Ok(Self { places, idf })
    }

    /// Number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.idf.len()
    }

    /// Whether there is no word.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.idf.is_empty()
    }

    /// How rare a word is; a word outside of the vocabulary counts as the rarest.
    #[must_use]
    pub fn rarity(&self, word: &str) -> f32 {
        let known = self.places.get(&word.to_lowercase()).map(|&place| self.idf[place as usize]);
        known.unwrap_or_else(|| self.idf.iter().copied().fold(1.0, f32::max))
    }

    /// (place, weight) of the text's words; the squares of the weights add up to 1.
    #[must_use]
    pub fn weigh(&self, text: &str) -> Vec<(u32, f32)> {
        let mut counts: HashMap<u32, f32> = HashMap::new();
        for place in terms(text).filter_map(|term| self.places.get(&term)) {
            *counts.entry(*place).or_default() += 1.0;
        }
        let mut weights: Vec<(u32, f32)> =
            counts.into_iter().map(|(place, count)| (place, (1.0 + count.ln()) * self.idf[place as usize])).collect();
        weights.sort_unstable_by_key(|(place, _)| *place);
        let length = weights.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        weights.iter_mut().for_each(|(_, weight)| *weight /= length);
        weights
    }
}

/// The words of a text.
pub fn terms(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 1).map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::Lexicon;

    #[test]
    fn weights_have_length_one_and_unknown_words_none() {
        let lexicon = Lexicon::new(vec!["heart".into(), "the".into()], vec![3.0, 1.0]).unwrap();
        let found = lexicon.weigh("The HEART, the heart; a lung");
        let (heart, the) = (found[0].1, found[1].1);
        assert!((heart * heart + the * the - 1.0).abs() < 1e-6 && (heart / the - 3.0).abs() < 1e-5, "{found:?}");
        assert!(lexicon.weigh("lung").is_empty() && lexicon.weigh("").is_empty());
        assert_eq!((lexicon.rarity("lung"), lexicon.rarity("The")), (3.0, 1.0));
        assert!(Lexicon::new(vec!["a".into(), "a".into()], vec![1.0, 1.0]).is_err());
    }
}
