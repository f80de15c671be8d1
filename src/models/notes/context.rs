//! How a mention is meant: the ConText algorithm (Harkema, Dowling, Thornblade & Chapman, J Biomed Inform 2009;42:839).
//!
//! Contract: pure. A trigger before a mention reaches forward to the end of the sentence or to a terminator; one after
//! it reaches back a few words; pseudo-triggers (`no increase`) trigger nothing. Denied beats family, family beats
//! doubt, doubt beats past; a section's own meaning applies where no trigger does.

use super::{sentences::Section, words::words};
use crate::domain::Assertion;
use std::{ops::Range, sync::LazyLock};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Negated,
    Family,
    Uncertain,
    Historical,
    /// Ends the reach of triggers before and after it.
    Stop,
    /// Looks like a trigger and is none.
    Pseudo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Forward,
    Backward,
}

/// Phrases by effect and reach, separated by `|`.
const TRIGGERS: [(Effect, Reach, &str); 10] = [
    (
        Effect::Pseudo,
        Reach::Forward,
        "no increase|no change|no significant change|no further|not only|not necessarily|without difficulty|\
      gram negative|history of present illness|history and physical|no doubt|not certain|not sure|no interval change|\
      social history|surgical history|by her daughter|by his daughter|by her son|by his son|by her mother|by his mother|\
      by her father|by his father|by mother|by mom|by family|with her mother|with his mother|with her daughter|\
      with his son|with her son|with his daughter|mother states|mother reports|mother says|per mother|per mom|\
      father states|father reports|daughter states|daughter reports|son reports|old man|old woman|old male|old female|\
      year old|years old|no acute distress|not improved|not improving|not responding to|not controlled|past week|\
      past month|past few days|past two days|past three days|past several days|likely to",
    ),
    (
        Effect::Negated,
        Reach::Forward,
        "no|not|denies|denied|deny|denying|without|w / o|no evidence of|no sign of|no signs of|negative for|\
      absence of|free of|never had|never|no history of|no complaints of|ruled out for|rules out|ruled out|nor|neither|\
      none of|unremarkable for|fails to reveal|failed to reveal|did not reveal|does not have|no longer has|no new|\
      declines|no known|lack of|lacks|nontender without|negative|patient is not",
    ),
    (
        Effect::Negated,
        Reach::Backward,
        "is negative|was negative|negative|not seen|not present|not identified|absent|was ruled out|is ruled out|\
      has been ruled out|were ruled out|ruled out|: none|: no|not noted|was denied|is denied|were denied|was excluded|is excluded|is absent",
    ),
    (
        Effect::Uncertain,
        Reach::Forward,
        "possible|possibly|probable|probably|likely|suspected|suspect|suspicion of|suspicion for|\
      suspicious for|concern for|concerning for|concerned about|concerned for|rule out|r / o|to rule out|may have|might have|could be|\
      may be|might be|questionable|presumed|presumptive|differential diagnosis includes|differential includes|\
      differential diagnosis|differential|evaluate for|evaluation for|evaluation of possible|versus|vs|cannot exclude|cannot rule out|\
      could not exclude|question of|? |worrisome for|if|in case of|should he develop|should she develop|return for|\
      call for|risk of|risk for|at risk for|prevent|prevention of|prophylaxis for|prophylaxis against|screening for|\
      screen for|monitor for|watch for|not ruled out|unlikely to be|unclear if|appears to be|suggestive of|suggests",
    ),
    (
        Effect::Uncertain,
        Reach::Backward,
        "is suspected|was suspected|cannot be excluded|cannot be ruled out|could not be excluded|\
      can not be ruled out|not be ruled out|not ruled out|is possible|is likely|is unlikely|unlikely|vs|versus|prophylaxis|\
      screening|is questionable|remains a possibility|is in the differential|risk|precautions",
    ),
    (
        Effect::Family,
        Reach::Forward,
        "mother|father|brother|brothers|sister|sisters|aunt|uncle|grandmother|grandfather|grandparents|parents|\
      parent|sibling|siblings|son|sons|daughter|daughters|cousin|cousins|maternal|paternal|family history|\
      family history of|fh of|relatives|mom|dad|family members",
    ),
    (
        Effect::Family,
        Reach::Backward,
        "in his father|in her father|in his mother|in her mother|in her sister|in his sister|in his brother|\
      in her brother|in a sister|in a brother|in the father|in the mother|in both parents|in the family|in father|\
      in mother|in an aunt|in an uncle|in her aunt|in his uncle|runs in the family|in multiple family members",
    ),
    (
        Effect::Historical,
        Reach::Forward,
        "history of|h / o|hx of|hx|past history of|past medical history of|past medical history significant for|\
      past medical history is significant for|medical history of|previous|previously|prior|status post|s / p|remote|\
      in the past|as a child|childhood|former|formerly|resolved|known history of|had had|discontinued|discontinue|stopped|\
      allergic to|allergy to|allergies to|intolerance to|intolerant of",
    ),
    (
        Effect::Historical,
        Reach::Backward,
        "years ago|year ago|months ago|weeks ago|month ago|in the past|as a child|in childhood|resolved|has resolved|\
      have resolved|last year|was discontinued|discontinued|was stopped|allergy|in remission|previously",
    ),
    (
        Effect::Stop,
        Reach::Forward,
        "but|however|although|except|aside from|apart from|though|yet|because|which|still|nevertheless|\
      presents with|presenting with|presented with|presents|complains of|complaining of|now|currently|who|otherwise|reports|endorses|\
      admits to|positive for|is on|was started on|started on|was given|given|treated with|; |patient|pt|, has|, had|, is|, was|\
      and has|and is|and was|and had|, she|, he|he has|she has|here with|here for|here today|secondary to|due to|\
      continue|start|today|remains on|therefore|admitted with|admitted for|found to have|despite",
    ),
];

/// Words a backward trigger reaches over.
const BACK: usize = 8;
/// The same for `resolved`, `3 years ago`: they speak of their neighbour.
const BACK_HISTORICAL: usize = 5;

struct Phrase {
    tokens: Vec<&'static str>,
    effect: Effect,
    reach: Reach,
}

/// All phrases, longest first, so that `no increase` is seen before `no`.
static PHRASES: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    let each = |(effect, reach, list): &(Effect, Reach, &'static str)| {
        let (effect, reach) = (*effect, *reach);
        list.split('|')
            .map(move |text| Phrase { tokens: text.split_whitespace().collect(), effect, reach })
            .collect::<Vec<_>>()
    };
    let mut phrases: Vec<Phrase> = TRIGGERS.iter().flat_map(each).filter(|phrase| !phrase.tokens.is_empty()).collect();
    phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.tokens.len()));
    phrases
});

/// A sentence with its triggers found.
pub struct Context {
    words: Vec<Range<usize>>,
    found: Vec<(Range<usize>, Effect, Reach)>,
    section: Section,
}

impl Context {
    /// Finds the triggers of a sentence outside of `mentions` (byte ranges): words of a name trigger nothing.
    #[must_use]
    pub fn new(sentence: &str, section: Section, mentions: &[Range<usize>]) -> Self {
        let lower: Vec<(Range<usize>, String)> =
            words(sentence).into_iter().map(|word| (word.clone(), sentence[word].to_lowercase())).collect();
        let free =
            |word: &Range<usize>| !mentions.iter().any(|mention| word.start < mention.end && mention.start < word.end);
        let mut found = Vec::new();
        let mut at = 0;
        while at < lower.len() {
            let matching = |phrase: &&Phrase| {
                lower.len() - at >= phrase.tokens.len()
                    && phrase.tokens.iter().zip(&lower[at..]).all(|(token, (word, text))| token == text && free(word))
            };
            let length = PHRASES.iter().find(matching).map_or(0, |phrase| phrase.tokens.len());
            // A phrase may reach both ways (`ruled out`): take all readings of the longest match.
            let readings = PHRASES.iter().filter(|phrase| phrase.tokens.len() == length).filter(matching);
            found.extend(readings.map(|phrase| (at..at + length, phrase.effect, phrase.reach)));
            at += length.max(1);
        }
        Self { words: lower.into_iter().map(|(word, _)| word).collect(), found, section }
    }

    /// How the mention at `mention` (bytes of the sentence) is meant.
    #[must_use]
    pub fn assertion(&self, mention: &Range<usize>) -> Assertion {
        let first = self.words.iter().position(|word| word.end > mention.start).unwrap_or(0);
        let after = self.words.iter().position(|word| word.start >= mention.end).unwrap_or(self.words.len());
        let holds = |effect: Effect| {
            self.found.iter().any(|trigger| trigger.1 == effect && self.reaches(trigger, first, after))
        };
        if holds(Effect::Negated) {
            Assertion::Negated
        } else if holds(Effect::Family) || self.section == Section::Family {
            Assertion::Family
        } else if holds(Effect::Uncertain) {
            Assertion::Uncertain
        } else if holds(Effect::Historical) || matches!(self.section, Section::Past | Section::Allergies) {
            Assertion::Historical
        } else {
            Assertion::Present
        }
    }

    fn reaches(&self, (at, effect, reach): &(Range<usize>, Effect, Reach), first: usize, after: usize) -> bool {
        let stopped = |from: usize, to: usize| {
            self.found.iter().any(|(stop, effect, _)| *effect == Effect::Stop && stop.start >= from && stop.end <= to)
        };
        match reach {
            Reach::Forward => at.end <= first && !stopped(at.end, first),
            Reach::Backward => {
                let far = if *effect == Effect::Historical { BACK_HISTORICAL } else { BACK };
                at.start >= after && at.start - after <= far && !stopped(after, at.start)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The assertion of the text between the brackets.
    fn read(marked: &str, section: Section) -> Assertion {
        let (start, end) = (marked.find('[').unwrap(), marked.find(']').unwrap() - 1);
        let sentence = marked.replace(['[', ']'], "");
        let mention = start..end;
        Context::new(&sentence, section, std::slice::from_ref(&mention)).assertion(&mention)
    }

    fn each(expected: Assertion, sentences: &[&str]) {
        for sentence in sentences {
            assert_eq!(read(sentence, Section::Plain), expected, "{sentence}");
        }
    }

    #[test]
    fn what_is_stated_is_present() {
        each(
            Assertion::Present,
            &[
                "She has [asthma] and takes albuterol.",
                "No fever, but reports [chest pain].",
                "Denies cough; [headache] since Monday.",
                "There is no increase in the [effusion].",
                "Patient was brought in by her daughter with [confusion].",
                "72 year old man with [atrial fibrillation].",
                "His father died young, patient has [gout].",
                "Gram negative [bacteremia] was treated.",
                "Thank you for seeing this 66-year-old teacher with [palpitations].",
                "Over the past two weeks she has had [dyspnea] at night.",
                "No fever, has [cough].",
                "[Community acquired pneumonia], possible sepsis.",
            ],
        );
    }

    #[test]
    fn what_is_denied_or_ruled_out_is_negated() {
        each(
            Assertion::Negated,
            &[
                "Denies fever, chills, or [chest pain].",
                "No evidence of [pneumonia] on the film.",
                "[Pulmonary embolism] was ruled out by CT.",
                "Patient w/o [edema].",
                "No family history of [colon cancer].",
                "Troponin negative for [MI].",
            ],
        );
    }

    #[test]
    fn what_is_suspected_or_only_guarded_against_is_uncertain() {
        each(
            Assertion::Uncertain,
            &[
                "Possible [appendicitis], surgery consulted.",
                "Admitted to rule out [myocardial infarction].",
                "[Sepsis] cannot be ruled out.",
                "Community acquired pneumonia, possible [sepsis].",
                "Infiltrate concerning for [pneumonia].",
                "Heparin for prevention of [DVT].",
                "Return for [bleeding].",
                "COPD exacerbation vs [CHF].",
            ],
        );
    }

    #[test]
    fn relatives_illnesses_are_family() {
        each(
            Assertion::Family,
            &[
                "Mother had [breast cancer].",
                "Family history of [diabetes].",
                "[Stroke] in his father at 60.",
                "Two brothers with [hemophilia].",
            ],
        );
    }

    #[test]
    fn what_is_over_is_historical() {
        each(
            Assertion::Historical,
            &[
                "History of [hypertension].",
                "s/p [MI] in 2009.",
                "[Pneumonia] two years ago.",
                "He had [asthma] as a child.",
                "[Hypokalemia] has resolved.",
                "Allergic to [penicillin].",
            ],
        );
    }

    #[test]
    fn the_section_decides_where_no_trigger_does() {
        assert_eq!(read("Father: [MI].", Section::Family), Assertion::Family);
        assert_eq!(read("1. [Gout].", Section::Past), Assertion::Historical);
        assert_eq!(read("[Penicillin] (rash).", Section::Allergies), Assertion::Historical);
        assert_eq!(read("No [diabetes].", Section::Family), Assertion::Negated);
    }

    #[test]
    fn words_inside_a_name_trigger_nothing() {
        let sentence = "Has non small cell lung cancer and no pain.";
        let names = [4..29, 37..41];
        let context = Context::new(sentence, Section::Plain, &names);
        assert_eq!(context.assertion(&names[0]), Assertion::Present);
        assert_eq!(context.assertion(&names[1]), Assertion::Negated);
        assert_eq!(read("[Not otherwise specified fever]", Section::Plain), Assertion::Present);
    }
}
