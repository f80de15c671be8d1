//! FHIR dates and times, read by hand because they are partial more often than not.
//!
//! Contract: a missing time or zone is never made up; who can live with a day says so by calling [`moment`].

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// What a FHIR `date`, `dateTime` or `instant` states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A point in time with its zone.
    Instant(OffsetDateTime),
    /// A day; also a time of day without a zone, which may be meant anywhere on Earth.
    Day(Date),
    /// A month, as its 15th.
    Month(Date),
    /// A year, as its 1st of July.
    Year(Date),
}

impl When {
    /// The day it falls on or, for months and years, the day in their middle.
    #[must_use]
    pub fn date(self) -> Date {
        match self {
            Self::Instant(instant) => instant.date(),
            Self::Day(date) | Self::Month(date) | Self::Year(date) => date,
        }
    }
}

/// Reads a FHIR `date`, `dateTime` or `instant`; years 1800 to 2200.
#[must_use]
pub fn parse(text: &str) -> Option<When> {
    let bytes = text.trim().as_bytes();
    let year = i32::try_from(number(bytes.get(..4)?)?).ok().filter(|year| (1800..=2200).contains(year))?;
    if bytes.len() == 4 {
        return Date::from_calendar_date(year, Month::July, 1).ok().map(When::Year);
    }
    let month = Month::try_from(u8::try_from(number(after(bytes, 4, b'-', 2)?)?).ok()?).ok()?;
    if bytes.len() == 7 {
        return Date::from_calendar_date(year, month, 15).ok().map(When::Month);
    }
    let day = u8::try_from(number(after(bytes, 7, b'-', 2)?)?).ok()?;
    let date = Date::from_calendar_date(year, month, day).ok()?;
    match bytes.get(10..)? {
        [] => Some(When::Day(date)),
        [b'T' | b't' | b' ', clock @ ..] => time_of_day(date, clock),
        _ => None,
    }
}

/// A point in time, only if time and zone are stated.
#[must_use]
pub fn instant(text: &str) -> Option<OffsetDateTime> {
    match parse(text)? {
        When::Instant(instant) => Some(instant),
        _ => None,
    }
}

/// A point in time for things that are merely put in order: a bare day counts as its noon, UTC.
#[must_use]
pub fn moment(text: &str) -> Option<OffsetDateTime> {
    match parse(text)? {
        When::Instant(instant) => Some(instant),
        other => Some(OffsetDateTime::new_utc(other.date(), Time::from_hms(12, 0, 0).ok()?)),
    }
}

/// `hh:mm[:ss[.fff]][zone]`; seconds may be left out, a leap second counts as the second before.
fn time_of_day(date: Date, clock: &[u8]) -> Option<When> {
    let hour = u8::try_from(number(clock.get(..2)?)?).ok()?;
    let minute = u8::try_from(number(after(clock, 2, b':', 2)?)?).ok()?;
    let mut rest = clock.get(5..)?;
    let (mut second, mut nanosecond) = (0, 0);
    if rest.first() == Some(&b':') {
        second = u8::try_from(number(rest.get(1..3)?)?).ok().filter(|second| *second <= 60)?.min(59);
        rest = rest.get(3..)?;
        if rest.first() == Some(&b'.') {
            let digits = rest.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
            nanosecond = fraction(rest.get(1..=digits)?)?;
            rest = rest.get(digits + 1..)?;
        }
    }
    let time = Time::from_hms_nano(hour, minute, second, nanosecond).ok()?;
    if rest.is_empty() {
        return Some(When::Day(date));
    }
    // Kept in UTC, so that equal moments are equal in every zone.
    OffsetDateTime::new_in_offset(date, time, zone(rest)?).checked_to_offset(UtcOffset::UTC).map(When::Instant)
}

fn zone(text: &[u8]) -> Option<UtcOffset> {
    let (sign, digits) = match text {
        [b'Z' | b'z'] => return Some(UtcOffset::UTC),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        5 => (number(&digits[..2])?, number(after(digits, 2, b':', 2)?)?),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        _ => return None,
    };
    let total = i32::try_from(hours * 60 + minutes).ok().filter(|total| *total <= 14 * 60 && minutes < 60)?;
    UtcOffset::from_whole_seconds(sign * total * 60).ok()
}

/// The `length` bytes that follow `mark` at `at`.
fn after(bytes: &[u8], at: usize, mark: u8, length: usize) -> Option<&[u8]> {
    (*bytes.get(at)? == mark).then(|| bytes.get(at + 1..at + 1 + length))?
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

/// Decimal digits after the point as nanoseconds; what is finer is dropped.
fn fraction(digits: &[u8]) -> Option<u32> {
    let taken = digits.get(..digits.len().min(9)).filter(|taken| !taken.is_empty())?;
    let missing = u32::try_from(9 - taken.len()).ok()?;
    Some(number(taken)? * 10_u32.pow(missing))
}

#[cfg(test)]
mod tests {
    use super::{When, instant, moment, parse};
    use proptest::prelude::*;
    use time::macros::{date, datetime};

    #[test]
    fn instants_are_read_in_every_zone_and_precision() {
        let noon = datetime!(2026-03-01 12:00 UTC);
        for text in [
            "2026-03-01T12:00:00Z",
            "2026-03-01T07:00:00-05:00",
            "2026-03-01T17:30:00.000000000001+05:30",
            "2026-03-01T12:00Z",
            " 2026-03-01 12:00:00+0000 ",
        ] {
            assert_eq!(instant(text), Some(noon), "{text}");
        }
        assert_eq!(instant("2026-03-01T12:00:00.25Z"), Some(datetime!(2026-03-01 12:00:00.25 UTC)));
        assert_eq!(instant("2016-12-31T23:59:60Z"), Some(datetime!(2016-12-31 23:59:59 UTC)));
    }

    #[test]
    fn partial_dates_keep_their_precision_and_a_time_without_a_zone_is_a_day() {
        assert_eq!(parse("2026"), Some(When::Year(date!(2026 - 07 - 01))));
        assert_eq!(parse("2026-02"), Some(When::Month(date!(2026 - 02 - 15))));
        assert_eq!(parse("2026-02-03"), Some(When::Day(date!(2026 - 02 - 03))));
        assert_eq!(parse("2026-02-03T04:05:06"), Some(When::Day(date!(2026 - 02 - 03))));
        assert_eq!(instant("2026-02-03"), None);
        assert_eq!(moment("2026-02-03"), Some(datetime!(2026-02-03 12:00 UTC)));
    }

    #[test]
    fn what_is_not_a_date_is_not_read() {
        for text in [
            "",
            "20",
            "2026-",
            "2026-13",
            "2026-02-30",
            "0001-01-01",
            "2026-02-03T25:00:00Z",
            "2026-02-03T10:00:00+99:00",
            "2026-02-03X",
            "2026-02-03T10:00:00.Z",
            "２０２６",
            "2026-0١-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}", tail in "[0-9T:.Z+ -]{0,30}") {
            let _ = (parse(&text), parse(&format!("2026{tail}")));
        }
    }
}
