//! What the lines, words and bars in a note mean; only those that occur.

use super::{Sentence, class, word};
use crate::domain::Assertion;
use maud::{Markup, html};

const ALL: [Assertion; 6] = [
    Assertion::Present,
    Assertion::Uncertain,
    Assertion::Negated,
    Assertion::Historical,
    Assertion::Hypothetical,
    Assertion::Family,
];

/// A meaning in a few words.
pub(super) const fn meaning(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Present => "stated of the patient, now",
        Assertion::Negated => "denied or ruled out",
        Assertion::Uncertain => "suspected, or still to be ruled out",
        Assertion::Hypothetical => "a condition or a precaution, not a fact",
        Assertion::Family => "of a relative",
        Assertion::Historical => "of the past",
    }
}

pub(super) fn legend(sentences: &[Sentence], largest: f64) -> Markup {
    let marks = || sentences.iter().flat_map(|sentence| &sentence.marks);
    let occurring = ALL.into_iter().filter(|assertion| marks().any(|mark| mark.assertion == *assertion));
    let meanings: Vec<Assertion> = occurring.collect();
    if meanings.is_empty() && largest <= 0.0 {
        return html! {};
    }
    html! {
        ul.keys aria-label="What the marks mean" {
            @for assertion in meanings {
                li { mark class={ "m " (class(assertion)) } { span.it { "words" } span.as { "\u{a0}" (word(assertion)) } } " " (meaning(assertion)) }
            }
            @if marks().any(|mark| mark.focus) {
                li { mark.m.present.focus { "words" } " thick frame: the one this card is about" }
            }
            @if largest > 0.0 {
                li.bars { span.w-p2 { "little" } " " span.w-p5 { "much" } " bar below: speaks for it; the thicker, the more (thickest: "
                    (format!("{largest:.2}")) " log-odds)" }
                li.bars { span.w-n2 { "little" } " " span.w-n5 { "much" } " bar above: speaks against it" }
            }
        }
    }
}
