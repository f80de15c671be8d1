//! Numbers and units as people write them, and on which side of its typical range a value lies.

/// On which side of its typical range a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// Higher than usual.
    Above,
    /// Lower than usual.
    Below,
}

impl Outside {
    /// Compares a value with its typical range.
    #[must_use]
    pub fn of(value: f64, range: Option<(f64, f64)>) -> Option<Self> {
        let (low, high) = range?;
        if value > high { Some(Self::Above) } else { (value < low).then_some(Self::Below) }
    }

    /// Arrow before the value.
    #[must_use]
    pub const fn arrow(self) -> &'static str {
        match self {
            Self::Above => "▲ ",
            Self::Below => "▼ ",
        }
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Above => "above its typical range",
            Self::Below => "below its typical range",
        }
    }
}

/// UCUM units as people write them.
#[must_use]
pub fn unit(ucum: &str) -> &str {
    match ucum {
        "mm[Hg]" => "mmHg",
        "Cel" => "°C",
        "/min" => "per minute",
        "10*3/uL" => "×10³/µL",
        "{score}" => "points",
        "[pH]" | "1" => "",
        "ug/L" => "µg/L",
        other => other,
    }
}

/// A number with as many decimals as it deserves.
#[must_use]
pub fn short(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A typical range as people write it: `60–100`, or one number where both ends are the same.
#[must_use]
pub fn range((low, high): (f64, f64)) -> String {
    if low < high { format!("{}–{}", short(low), short(high)) } else { short(low) }
}

#[cfg(test)]
mod tests {
    use super::{Outside, range, short};

    #[test]
    fn numbers_keep_the_digits_that_matter() {
        assert_eq!(
            [short(132.4), short(36.95), short(7.1), short(0.5), short(100.0)],
            ["132", "37", "7.1", "0.5", "100"]
        );
    }

    #[test]
    fn a_value_at_the_edge_of_its_range_is_inside() {
        let range = Some((60.0, 100.0));
        assert_eq!([60.0, 100.0].map(|value| Outside::of(value, range)), [None, None]);
        assert_eq!(Outside::of(59.9, range), Some(Outside::Below));
        assert_eq!(Outside::of(100.1, range), Some(Outside::Above));
        assert_eq!(Outside::of(500.0, None), None);
    }

    #[test]
    fn a_range_of_one_value_is_one_number() {
        assert_eq!([range((7.35, 7.45)), range((15.0, 15.0))], ["7.35–7.45", "15"]);
    }
}
