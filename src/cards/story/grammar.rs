//! What a sentence can be made of.
//!
//! Contract: a sentence is fixed words and typed facts; text of any other origin enters only as a [`Name`]. Numbers,
//! shares, times, units, lists, singular and plural, spaces and punctuation are written here and nowhere else.

use super::{Language, SENTENCE_CHARS_MAX, name};
use crate::cards::words;
use time::OffsetDateTime;

/// Characters of a value, and of a unit, beyond which a fact is not told.
const NUMBER_CHARS_MAX: usize = 9;
const UNIT_CHARS_MAX: usize = 16;

/// A name as it is shown.
#[derive(Clone)]
pub struct Name(String);

impl Name {
    /// A label, a finding or something missing.
    pub fn of(label: &str, language: Language) -> Option<Self> {
        name::shown(label, language).map(Self)
    }

    /// The article before it, in English.
    pub fn article(&self) -> &'static str {
        let begins = |beginnings: &[&str]| beginnings.iter().any(|one| self.0.starts_with(one));
        match () {
            () if self.is_plural() => "",
            () if begins(&["u", "U"]) => "a ",
            () if begins(&["a", "e", "i", "o", "A", "E", "I", "O", "LDL", "HDL", "NT"]) => "an ",
            () => "a ",
        }
    }

    /// Whether it takes `are`, in English.
    pub fn is_plural(&self) -> bool {
        let plurals = ["platelets", "white cells", "white blood cells", "earlier hours", "training films"];
        plurals.iter().any(|one| self.0.starts_with(one))
    }
}

/// A measured value that can be written with its unit.
#[derive(Clone, Copy)]
pub struct Quantity<'a> {
    value: f64,
    unit: &'a str,
}

impl<'a> Quantity<'a> {
    /// Nothing when the number or its unit is not one that a chart would show.
    pub fn of(value: f64, unit: &'a str) -> Option<Self> {
        let shown = words::unit(unit);
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '%' | '^' | '×' | '°' | '.' | '-');
        let unit_fits = shown.chars().count() <= UNIT_CHARS_MAX
            && shown.chars().all(plain)
            && !shown.starts_with(|c: char| c.is_numeric() || matches!(c, '.' | '-' | '^'));
        let number_fits = value.is_finite() && words::number(value).len() <= NUMBER_CHARS_MAX;
        (unit_fits && number_fits).then_some(Self { value, unit })
    }
}

/// One piece of a sentence.
#[derive(Clone)]
pub enum Token<'a> {
    /// Fixed words.
    Words(&'static str),
    /// A probability as a percentage.
    Percent(f64),
    /// A probability as a natural frequency.
    InTen(f64),
    /// A value with its unit.
    Value(Quantity<'a>),
    /// A value without its unit, where the unit has just been given.
    Bare(Quantity<'a>),
    /// From a value to another, or one value.
    Range(Quantity<'a>, Quantity<'a>),
    /// A whole number.
    Count(usize),
    /// How often.
    Times(usize),
    /// How long before now.
    Age { now: OffsetDateTime, then: OffsetDateTime },
    /// A name.
    Name(Name),
    /// Words of a note.
    Quoted(&'a str),
    /// `a, b and c`.
    List(Vec<Vec<Token<'a>>>),
    /// The same, with nothing but commas.
    Details(Vec<Vec<Token<'a>>>),
}

/// The first of several wordings that is not too long.
pub fn first_fitting<'a>(wordings: impl IntoIterator<Item = Vec<Token<'a>>>, language: Language) -> Option<String> {
    let written = wordings.into_iter().map(|tokens| write(&tokens, language));
    written.into_iter().find(|text| text.chars().count() <= SENTENCE_CHARS_MAX)
}

/// `one` or `many`, as the number wants it.
pub fn agree<'a>(count: usize, one: &'static str, many: &'static str) -> Token<'a> {
    Token::Words(if count == 1 { one } else { many })
}

fn write(tokens: &[Token<'_>], language: Language) -> String {
    tokens.iter().fold(String::new(), |mut text, token| {
        let next = token_text(token, language);
        // Chinese has no spaces, but two Latin pieces that meet (`pH`, `7.31`) need one.
        let latin = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if language == Language::Chinese && text.ends_with(latin) && next.starts_with(latin) {
            text.push(' ');
        }
        text.push_str(&next);
        text
    })
}

fn token_text(token: &Token<'_>, language: Language) -> String {
    let chinese = language == Language::Chinese;
    match token {
        Token::Words(words) => (*words).to_owned(),
        Token::Percent(share) if chinese => percent_in_chinese(*share),
        Token::Percent(share) => words::percent(*share),
        Token::InTen(share) if chinese => in_ten_in_chinese(*share),
        Token::InTen(share) => words::in_ten(*share),
        Token::Value(one) => value(one, chinese),
        Token::Bare(one) => number(one.value),
        Token::Range(low, high) if number(low.value) == number(high.value) => number(low.value),
        Token::Range(low, high) => {
            format!("{}{}{}", number(low.value), if chinese { "至" } else { " to " }, number(high.value))
        }
        Token::Count(count) if chinese => count.to_string(),
        Token::Count(count) => words::thousands(*count as u64),
        Token::Times(times) if chinese => format!("{times}次"),
        Token::Times(1) => "once".to_owned(),
        Token::Times(times) => words::counted(*times, "time"),
        Token::Age { now, then } if chinese => ago_in_chinese(*now, *then),
        Token::Age { now, then } => words::ago(*now, *then),
        Token::Name(name) => name.0.clone(),
        Token::Quoted(words) => name::quoted(words).map(|words| format!("“{words}”")).unwrap_or_default(),
        Token::List(items) => joined(items, language, if chinese { ("、", "和") } else { (", ", " and ") }),
        Token::Details(items) => joined(items, language, if chinese { ("，", "，") } else { (", ", ", ") }),
    }
}

fn joined(items: &[Vec<Token<'_>>], language: Language, (between, before_last): (&str, &str)) -> String {
    let items: Vec<String> = items.iter().map(|tokens| write(tokens, language)).collect();
    match items.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{}{before_last}{last}", first.join(between)),
    }
}

/// As [`words::number`], without a sign on nothing.
fn number(value: f64) -> String {
    let text = words::number(value);
    if text == "-0" { "0".to_owned() } else { text }
}

fn value(one: &Quantity<'_>, chinese: bool) -> String {
    let (number, unit) = (number(one.value), words::unit(one.unit));
    match unit.chars().next() {
        None => number,
        Some('/') => format!("{number}{unit}"),
        Some('%') if chinese => format!("{number}{unit}"),
        Some(_) => format!("{number} {unit}"),
    }
}

fn percent_in_chinese(share: f64) -> String {
    words::percent(share).replace("under ", "低于").replace("over ", "高于").replace(' ', "")
}

fn in_ten_in_chinese(share: f64) -> String {
    match (10.0 * share).round() {
        n if n < 1.0 => "每10例中不到1例".into(),
        n if n >= 10.0 => "每10例中超过9例".into(),
        n => format!("每10例中约{n:.0}例"),
    }
}

/// The steps are those of [`words::ago`].
fn ago_in_chinese(now: OffsetDateTime, then: OffsetDateTime) -> String {
    let seconds = (now - then).whole_seconds();
    let minutes = seconds.unsigned_abs() / 60;
    if minutes < 2 {
        return "刚刚".into();
    }
    let length = match () {
        () if minutes < 90 => format!("{minutes}分钟"),
        () if minutes < 48 * 60 => format!("{}小时", minutes / 60),
        () if minutes < 60 * 1440 => format!("{}天", minutes / 1440),
        () if minutes < 730 * 1440 => format!("{}个月", minutes / (30 * 1440)),
        () => format!("{}年", minutes / (365 * 1440)),
    };
    if seconds < 0 { format!("{length}后") } else { format!("{length}前") }
}
