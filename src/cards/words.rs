//! Numbers, times and lists in words.
//!
//! Contract: pure and total: every number, however odd, gives short readable text.

use time::{OffsetDateTime, UtcOffset};

/// Longest text that [`ago`] gives.
pub const AGO_CHARS_MAX: usize = 24;

/// A probability as a percentage; the ends are not rounded to certainty.
pub fn percent(probability: f64) -> String {
    match probability {
        p if p < 0.01 => "under 1 %".into(),
        p if p > 0.99 => "over 99 %".into(),
        p => format!("{:.0} %", 100.0 * p),
    }
}

/// A probability as a natural frequency (Gigerenzer, BMJ 2003;327:741), the form people misread least.
pub fn in_ten(probability: f64) -> String {
    match (10.0 * probability).round() {
        n if n < 1.0 => "fewer than 1 in 10".into(),
        n if n >= 10.0 => "more than 9 in 10".into(),
        n => format!("about {n:.0} in 10"),
    }
}

/// How long before `now` something happened.
pub fn ago(now: OffsetDateTime, then: OffsetDateTime) -> String {
    let seconds = (now - then).whole_seconds();
    let minutes = seconds.unsigned_abs() / 60;
    if minutes < 2 {
        return "just now".into();
    }
    let (hours, days) = (minutes / 60, minutes / 1440);
    let length = match () {
        () if minutes < 90 => counted(minutes, "minute"),
        () if hours < 48 => counted(hours, "hour"),
        () if days < 60 => counted(days, "day"),
        () if days < 730 => counted(days / 30, "month"),
        () => counted(days / 365, "year"),
    };
    if seconds < 0 { format!("{length} ahead") } else { format!("{length} ago") }
}

/// A point in time, in UTC and to the minute.
pub fn moment(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", time.hour(), time.minute())
}

/// `1 hour`, `2 hours`, `1,234 hours`.
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// Digits in groups of three.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A measured value with as many digits as a chart would show.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 20.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// A small figure with its first significant digit, down to a millionth.
pub fn small(value: f64) -> String {
    let value = value.abs();
    if !(1e-6..1.0).contains(&value) {
        return number(value);
    }
    let decimals = (-value.log10()).ceil() as usize;
    format!("{value:.decimals$}")
}

/// A UCUM unit as clinicians write it.
pub fn unit(ucum: &str) -> String {
    match ucum {
        "mm[Hg]" => "mmHg".into(),
        "Cel" => "°C".into(),
        "[pH]" | "{score}" | "{0or1}" | "1" => String::new(),
        other => other.replace("10*", "×10^").replace("umol", "µmol").replace("uL", "µL"),
    }
}

/// `a, b and c`; beyond `most` entries `a, b and 7 more`.
pub fn list(items: &[String], most: usize) -> String {
    let shown = &items[..items.len().min(most)];
    let rest = items.len() - shown.len();
    match (shown, rest) {
        ([], _) => String::new(),
        (shown, 1..) => format!("{} and {rest} more", shown.join(", ")),
        ([only], 0) => only.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
    }
}

/// At most `most` characters, with an ellipsis where something was cut.
pub fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::{AGO_CHARS_MAX, ago, clipped, counted, in_ten, list, moment, number, percent, small, unit};
    use proptest::prelude::*;
    use time::{Duration, macros::datetime};

    #[test]
    fn a_probability_is_never_rounded_to_certainty() {
        assert_eq!(
            (percent(0.834).as_str(), percent(0.999).as_str(), percent(0.0).as_str()),
            ("83 %", "over 99 %", "under 1 %")
        );
        assert_eq!(
            (in_ten(0.83).as_str(), in_ten(0.01).as_str(), in_ten(0.98).as_str()),
            ("about 8 in 10", "fewer than 1 in 10", "more than 9 in 10")
        );
    }

    #[test]
    fn times_are_relative_to_now_and_say_when_they_lie_ahead() {
        let now = datetime!(2026-01-02 12:00 UTC);
        for (minutes, words) in [
            (0, "just now"),
            (20, "20 minutes ago"),
            (180, "3 hours ago"),
            (2880, "2 days ago"),
            (-120, "2 hours ahead"),
            (600_000, "13 months ago"),
        ] {
            assert_eq!(ago(now, now - Duration::minutes(minutes)), words);
        }
        assert_eq!(moment(datetime!(2026-01-02 01:05 +02:00)), "2026-01-01 23:05 UTC");
    }

    #[test]
    fn values_units_and_lists_read_as_on_a_chart() {
        assert_eq!(
            [number(4.20), number(7.384), number(139.4), number(37.1), number(0.0)],
            ["4.2", "7.38", "139", "37.1", "0"]
        );
        assert_eq!([small(0.0004), small(0.05), small(0.0), small(1.25)], ["0.0004", "0.05", "0", "1.25"]);
        assert_eq!(
            [unit("mm[Hg]"), unit("10*3/uL"), unit("Cel"), unit("mmol/L")],
            ["mmHg", "×10^3/µL", "°C", "mmol/L"]
        );
        let items = ["a", "b", "c"].map(String::from);
        assert_eq!(
            [list(&items, 5), list(&items, 2), list(&items[..1], 5), list(&[], 5)],
            ["a, b and c", "a, b and 1 more", "a", ""]
        );
        assert_eq!([counted(1, "case"), counted(1_234_567_usize, "case")], ["1 case", "1,234,567 cases"]);
        assert_eq!(clipped("ééééé", 3), "éé…");
    }

    proptest! {
        #[test]
        fn every_time_fits_its_place_in_a_summary(seconds in -4_000_000_000_i64..4_000_000_000) {
            let now = datetime!(2026-01-02 12:00 UTC);
            prop_assert!(ago(now, now - Duration::seconds(seconds)).chars().count() <= AGO_CHARS_MAX);
        }

        #[test]
        fn every_number_gives_short_text(value in proptest::num::f64::NORMAL, p in proptest::num::f64::ANY) {
            prop_assert!(!number(value).is_empty());
            prop_assert!(percent(p.clamp(0.0, 1.0)).chars().count() <= 9);
        }
    }
}
