//! The closed list of what a template may ask for. `cds-hooks/README.md` documents every entry.

use super::{definition::Input, words::AGO_CHARS_MAX};
use std::fmt;

/// Part of a card in which a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// One line of plain text: the card's summary, a suggestion's label and texts.
    Line,
    /// The card's Markdown.
    Detail,
}

/// What a template is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A finding of a network that reads this kind of input.
    Finding(Input),
    /// Something that could not be judged.
    Trouble,
    /// Every card: the closing lines.
    Anything,
}

macro_rules! placeholders {
    ($($variant:ident $name:literal)*) => {
        /// A value that a template can name as `{{name}}`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "documented for people in cds-hooks/README.md, which a test compares with this list")]
        pub enum Placeholder { $($variant),* }

        impl Placeholder {
            /// Every placeholder.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name in templates.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

placeholders! {
    Title "title"
    Model "model"
    Why "why"
    When "when"
    Probability "probability"
    InTen "in_ten"
    Threshold "threshold"
    Certainty "certainty"
    Unusual "unusual"
    Problem "problem"
    Code "code"
    Listing "listing"
    Sentence "sentence"
    Others "others"
    Evidence "evidence"
    Stale "stale"
    Story "story"
    Reasons "reasons"
    Reliability "reliability"
    Missing "missing"
    Ignored "ignored"
    NotRead "not_read"
    Validation "validation"
    IntendedUse "intended_use"
    NotFor "not_for"
    Topics "topics"
    KeyPhrases "key_phrases"
    Verdict "verdict"
    Weighing "weighing"
    AlsoMeasured "also_measured"
    Known "known"
    Side "side"
    Grade "grade"
    GradeInterval "grade_interval"
    GradeProbabilities "grade_probabilities"
}

impl Placeholder {
    /// The placeholder of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.name() == name)
    }

    /// Whether a template in this place may ask for it.
    pub fn allowed(self, part: Part, about: About) -> bool {
        let finding = matches!(about, About::Finding(_));
        match self {
            Self::Model => part == Part::Detail,
            Self::Title => about != About::Anything,
            Self::Why => about == About::Trouble,
            Self::When | Self::Probability | Self::InTen => finding,
            Self::Problem | Self::Code | Self::Listing | Self::Verdict => about == About::Finding(Input::Notes),
            Self::Side | Self::Grade | Self::GradeInterval => about == About::Finding(Input::KneeFilm),
            Self::GradeProbabilities => part == Part::Detail && about == About::Finding(Input::KneeFilm),
            Self::Sentence
            | Self::Others
            | Self::Topics
            | Self::KeyPhrases
            | Self::Weighing
            | Self::AlsoMeasured
            | Self::Known => part == Part::Detail && about == About::Finding(Input::Notes),
            Self::Ignored | Self::NotRead => part == Part::Detail && about != About::Anything,
            Self::Threshold
            | Self::Certainty
            | Self::Unusual
            | Self::Evidence
            | Self::Stale
            | Self::Story
            | Self::Reasons
            | Self::Reliability
            | Self::Missing
            | Self::Validation
            | Self::IntendedUse
            | Self::NotFor => part == Part::Detail && finding,
        }
    }

    /// Most characters it takes in a line; longer values are clipped, so that a summary always fits.
    pub const fn line_chars_max(self) -> usize {
        match self {
            Self::Probability => 9,
            Self::InTen => 18,
            Self::When => AGO_CHARS_MAX,
            Self::Listing => 38,
            Self::Code => 12,
            Self::Why => 70,
            Self::Side => 23,
            Self::Grade => 18,
            Self::GradeInterval => 12,
            _ => 55,
        }
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{{{{}}}}}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{About, Part, Placeholder};
    use crate::cards::definition::Input;

    #[test]
    fn every_placeholder_is_found_by_its_name_and_allowed_somewhere() {
        let inputs = [Input::Film, Input::KneeFilm, Input::Course, Input::Notes];
        let places = inputs.map(About::Finding).into_iter().chain([About::Trouble]);
        let places: Vec<About> = places.collect();
        for one in Placeholder::ALL {
            assert_eq!(Placeholder::named(one.name()), Some(*one));
            assert!(places.iter().any(|about| one.allowed(Part::Detail, *about)), "{one}");
        }
        assert_eq!(Placeholder::named("patient_name"), None);
    }

    #[test]
    fn the_readme_documents_every_placeholder() {
        let readme = include_str!("../../cds-hooks/README.md");
        for one in Placeholder::ALL {
            assert!(readme.contains(&format!("`{one}`")), "{one} is not in cds-hooks/README.md");
        }
    }
}
