//! The language a story is told in.
//!
//! Contract: total: any `Accept-Language` header (RFC 9110, 12.5.4), however odd, gives a language; English when in
//! doubt.

/// A language that stories are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese in simplified characters.
    Chinese,
}

impl Language {
    /// The language that an `Accept-Language` header prefers; of two that weigh the same, the one named first.
    #[must_use]
    pub fn of(accept_language: Option<&str>) -> Self {
        let header = accept_language.unwrap_or_default();
        let wishes: Vec<(&str, f64)> = header.split(',').filter_map(wish).collect();
        let place = |named: &str| wishes.iter().position(|(range, _)| is(range, named));
        let Some(chinese) = place("zh") else { return Self::English };
        // `*` stands for every language that is not named; it is asked for English alone.
        let Some(english) = place("en").or_else(|| place("*")) else { return chosen(wishes[chinese].1 > 0.0) };
        let (zh, en) = (wishes[chinese].1, wishes[english].1);
        chosen(zh > 0.0 && (zh > en || (zh >= en && chinese < english)))
    }
}

fn chosen(chinese: bool) -> Language {
    if chinese { Language::Chinese } else { Language::English }
}

/// One language range with its weight; nothing when the weight cannot be read.
fn wish(entry: &str) -> Option<(&str, f64)> {
    let mut parts = entry.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty())?;
    let mut weight = 1.0;
    for part in parts {
        if let Some((name, value)) = part.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            weight = value.trim().parse().ok().filter(|q| (0.0..=1.0).contains(q))?;
        }
    }
    Some((range, weight))
}

/// Whether a range such as `zh-Hans-CN` is of this language.
fn is(range: &str, language: &str) -> bool {
    range.split('-').next().is_some_and(|first| first.eq_ignore_ascii_case(language))
}

#[cfg(test)]
mod tests {
    use super::Language::{self, Chinese, English};
    use proptest::prelude::*;

    #[test]
    fn chinese_is_told_only_to_those_who_prefer_it_to_english() {
        for (header, language) in [
            (None, English),
            (Some(""), English),
            (Some("zh-CN,zh;q=0.9,en;q=0.8"), Chinese),
            (Some("ZH-hans"), Chinese),
            (Some("en-US,en;q=0.9,zh-CN;q=0.8"), English),
            (Some("fr, zh;q=0.3"), Chinese),
            (Some("en;q=0.2, zh ; q=0.7"), Chinese),
            (Some("zh,en"), Chinese),
            (Some("en,zh"), English),
            (Some("zh;q=0"), English),
            (Some("zh;q=two, de"), English),
            (Some("*, zh;q=0.5"), English),
            (Some("zh-TW, *;q=0.5"), Chinese),
            (Some("zhuang"), English),
        ] {
            assert_eq!(Language::of(header), language, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn every_header_gives_a_language(header in ".{0,60}") {
            let _language = Language::of(Some(&header));
        }
    }
}
