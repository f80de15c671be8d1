//! Abstracts made more like notes: letter case, lost full stops, section headers, and sentences put together from
//! templates written for this project with the corpora's own mentions, common problems and drugs.
//!
//! Contract: a passage keeps its number of sentences; tags stay with their words.

use crate::training::ner_data::Sentence;
use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// Templates: `D` stands for a disease, `C` for a drug; everything else is outside.
const TEMPLATES: [&str; 44] = [
    "PAST MEDICAL HISTORY : D , D , D .",
    "Past medical history is significant for D , D and D .",
    "PMH : D , D , D",
    "PMHx : D , D",
    "1 . D .",
    "2 . D",
    "3 . D , on C .",
    "# D : continue C",
    "- D",
    "ASSESSMENT : D .",
    "IMPRESSION : D with D .",
    "Assessment and plan : D , likely due to D .",
    "DIAGNOSES : 1 . D . 2 . D . 3 . D .",
    "Discharge diagnosis : D",
    "The patient denies D , D or D .",
    "Denies any D .",
    "No D , D , or D .",
    "No evidence of D .",
    "Negative for D and D .",
    "He has a history of D and D .",
    "She has a long history of D , treated with C .",
    "h / o D , D and D",
    "Pt w / D , D , and D on C .",
    "Mother had D ; father died of D at age 62 .",
    "FAMILY HISTORY : D in his father , D in a sister .",
    "CHIEF COMPLAINT : D .",
    "She presents today with D and D for 3 days .",
    "72 year old man with D , D presents with D .",
    "58 y / o F with h / o D , here for follow up of D .",
    "Possible D , rule out D .",
    "ALLERGIES : C ( D ) .",
    "ALLERGIES : C , C .",
    "MEDICATIONS : C 20 mg daily , C 500 mg b . i . d . , C .",
    "Current medications : C 81 mg p . o . daily , C 40 mg at bedtime .",
    "1 . C 10 mg p . o . q . d .",
    "C 25 mg twice daily",
    "Started on C for D .",
    "Continue C and C .",
    "He was given C 1 g IV for presumed D .",
    "D is well controlled on C .",
    "Follow up for D in two weeks , repeat labs .",
    "CT of the chest shows no D ; D cannot be excluded .",
    "Admitted with D , improved on C , discharged home .",
    "Plan : start C for D , stop C .",
];

/// Sentences of notes in which nothing is to be found.
const EMPTY: [&str; 24] = [
    "VITAL SIGNS : Temperature 98 . 6 , pulse 72 , blood pressure 128 / 76 , respirations 16 .",
    "HISTORY OF PRESENT ILLNESS :",
    "PHYSICAL EXAMINATION : GENERAL : Well developed , well nourished , in no acute distress .",
    "HEENT : Pupils equal , round and reactive to light .",
    "LUNGS : Clear to auscultation bilaterally .",
    "HEART : Regular rate and rhythm , S1 and S2 normal .",
    "ABDOMEN : Soft , nontender , bowel sounds present .",
    "EXTREMITIES : Warm and well perfused .",
    "NEUROLOGIC : Alert and oriented x 3 , moves all extremities .",
    "SOCIAL HISTORY : Lives with her husband , works as a teacher , two children .",
    "The patient was seen and examined with the team this morning .",
    "Follow up in the clinic in two weeks .",
    "REVIEW OF SYSTEMS : As per the history above , otherwise unremarkable .",
    "LABORATORY DATA : WBC 7 . 2 , hemoglobin 13 . 1 , platelets 245 .",
    "Chest X - ray and ECG were ordered .",
    "The risks and benefits of the procedure were explained and she agreed .",
    "He was taken to the operating room and placed supine on the table .",
    "FAMILY HISTORY : Noncontributory .",
    "PAST SURGICAL HISTORY : Appendectomy , knee replacement .",
    "DISPOSITION : Home in stable condition .",
    "MEDICATIONS : None .",
    "ALLERGIES : No known drug allergies .",
    "She is a 64 - year - old woman who was brought in by her daughter .",
    "Mr . Smith was last seen by Dr . Jones on Monday ; he is doing well .",
];

/// Drugs common in notes and rare in the corpora.
const DRUGS: [&str; 60] = [
    "aspirin",
    "metformin",
    "lisinopril",
    "atorvastatin",
    "simvastatin",
    "metoprolol",
    "amlodipine",
    "furosemide",
    "Lasix",
    "warfarin",
    "Coumadin",
    "apixaban",
    "clopidogrel",
    "Plavix",
    "omeprazole",
    "pantoprazole",
    "albuterol",
    "prednisone",
    "insulin",
    "insulin glargine",
    "Lantus",
    "levothyroxine",
    "Synthroid",
    "gabapentin",
    "sertraline",
    "Zoloft",
    "citalopram",
    "lorazepam",
    "Ativan",
    "ibuprofen",
    "acetaminophen",
    "Tylenol",
    "Vicodin",
    "morphine",
    "oxycodone",
    "amoxicillin",
    "penicillin",
    "Augmentin",
    "azithromycin",
    "levofloxacin",
    "ciprofloxacin",
    "Bactrim",
    "vancomycin",
    "ceftriaxone",
    "Zosyn",
    "heparin",
    "enoxaparin",
    "hydrochlorothiazide",
    "HCTZ",
    "losartan",
    "carvedilol",
    "digoxin",
    "spironolactone",
    "allopurinol",
    "tamsulosin",
    "Flomax",
    "potassium chloride",
    "nitroglycerin",
    "ferrous sulfate",
    "tramadol",
];

/// Words put before a sentence as a header.
const HEADERS: [&str; 8] = [
    "PAST MEDICAL HISTORY :",
    "ASSESSMENT :",
    "IMPRESSION :",
    "HPI :",
    "HOSPITAL COURSE :",
    "Assessment :",
    "Plan :",
    "- ",
];

/// Everything that made-up sentences are made of: their words belong in the vocabulary.
pub fn texts() -> impl Iterator<Item = &'static str> {
    TEMPLATES.into_iter().chain(EMPTY).chain(DRUGS).chain(HEADERS)
}

/// Draws note-like training sentences.
pub struct Augment {
    diseases: Vec<Vec<String>>,
    common: Vec<Vec<String>>,
    drugs: Vec<Vec<String>>,
}

impl Augment {
    /// Takes the mentions of `sentences`, and `problems` as a clinician writes them (names and abbreviations).
    #[must_use]
    pub fn new(sentences: &[Sentence], problems: &[String]) -> Self {
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mentions = |kind: usize| {
            let of = move |sentence: &Sentence| {
                let wanted = sentence.mentions().into_iter().filter(move |(k, from, to)| *k == kind && to - from <= 4);
                wanted.map(|(_, from, to)| sentence.words[from..to].to_vec()).collect::<Vec<_>>()
            };
            sentences.iter().flat_map(of).collect::<Vec<_>>()
        };
        let mut drugs = mentions(1);
        let share = (drugs.len() / DRUGS.len() / 2).max(1);
        drugs.extend(DRUGS.iter().flat_map(|drug| std::iter::repeat_n(split(drug), share)));
        let common = problems.iter().map(|problem| spaced(problem)).collect();
        Self { diseases: mentions(0), common, drugs }
    }

    /// Sentences that follow each other, some of them changed: letter case for all alike, the rest for each.
    #[must_use]
    pub fn passage(sentences: &[Sentence], rng: &mut ChaCha8Rng) -> Vec<Sentence> {
        let case = rng.random_range(0..100);
        sentences.iter().map(|sentence| changed(sentence, case, rng)).collect()
    }

    /// Up to a dozen made-up sentences, like a short note.
    #[must_use]
    pub fn note(&self, rng: &mut ChaCha8Rng) -> Vec<Sentence> {
        let made: Vec<Sentence> = (0..rng.random_range(1..=12)).map(|_| self.made_up(rng)).collect();
        Self::passage(&made, rng)
    }

    fn made_up(&self, rng: &mut ChaCha8Rng) -> Sentence {
        let mut sentence = Sentence { words: Vec::new(), tags: Vec::new(), chemicals: true };
        let template = if rng.random_bool(0.2) { EMPTY.choose(rng) } else { TEMPLATES.choose(rng) };
        for word in template.map_or("", |template| *template).split_whitespace() {
            match word {
                "D" if rng.random_bool(0.6) => sentence.put(self.common.choose(rng), 1),
                "D" => sentence.put(self.diseases.choose(rng), 1),
                "C" => sentence.put(self.drugs.choose(rng), 3),
                outside => {
                    sentence.words.push(outside.to_owned());
                    sentence.tags.push(0);
                }
            }
        }
        sentence
    }
}

impl Sentence {
    fn put(&mut self, mention: Option<&Vec<String>>, begin: usize) {
        for (at, word) in mention.into_iter().flatten().enumerate() {
            self.words.push(word.clone());
            self.tags.push(begin + usize::from(at > 0));
        }
    }
}

/// The words of a phrase, punctuation alone, as in the corpora.
fn spaced(phrase: &str) -> Vec<String> {
    crate::models::notes::words::words(phrase).into_iter().map(|word| phrase[word].to_owned()).collect()
}

fn changed(sentence: &Sentence, case: u32, rng: &mut ChaCha8Rng) -> Sentence {
    let mut sentence = sentence.clone();
    match case {
        0..5 => sentence.words.iter_mut().for_each(|word| *word = word.to_uppercase()),
        5..10 => sentence.words.iter_mut().for_each(|word| *word = word.to_lowercase()),
        _ => {}
    }
    if sentence.words.last().is_some_and(|word| word == ".") && sentence.words.len() > 1 && rng.random_bool(0.15) {
        sentence.words.pop();
        sentence.tags.pop();
    }
    if rng.random_bool(0.04) {
        let header: Vec<String> = HEADERS.choose(rng).into_iter().flat_map(|header| spaced(header)).collect();
        sentence.tags.splice(0..0, std::iter::repeat_n(0, header.len()));
        sentence.words.splice(0..0, header);
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_passage_keeps_its_size_and_every_tag_its_word() {
        let gout = Sentence {
            words: ["Gout", "flare", "on", "naproxen", "."].map(str::to_owned).to_vec(),
            tags: vec![1, 2, 0, 3, 0],
            chemicals: true,
        };
        let train = vec![gout; 80];
        let augment = Augment::new(&train, &["HTN".to_owned(), "Crohn's disease".to_owned()]);
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut epoch = Augment::passage(&train, &mut rng);
            assert_eq!(epoch.len(), 80);
            epoch.extend((0..10).flat_map(|_| augment.note(&mut rng)));
            for sentence in &epoch {
                assert_eq!(sentence.words.len(), sentence.tags.len());
                let marked = |begin: usize| {
                    let of = |(kind, from, to): (usize, usize, usize)| {
                        (kind == begin).then(|| sentence.words[from..to].join(" "))
                    };
                    sentence.mentions().into_iter().filter_map(of).map(|text| text.to_lowercase()).collect::<Vec<_>>()
                };
                assert!(
                    marked(0).iter().all(|text| ["gout flare", "htn", "crohn ' s disease"].contains(&text.as_str()))
                );
                assert!(
                    marked(1)
                        .iter()
                        .all(|text| text == "naproxen" || DRUGS.iter().any(|drug| drug.to_lowercase() == *text))
                );
            }
        }
    }
}
