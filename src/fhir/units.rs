//! Units of measure: UCUM and the common spellings that can mean only one thing.
//!
//! Contract: a unit that is not recognised is not guessed; a value already in the wanted unit passes unchanged, bit for
//! bit. Mass and amount of substance are converted only with the analyte's molar mass. Factors are UCUM's
//! (<https://ucum.org/ucum>).

/// What a unit measures, with the base the factors refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// g/L
    MassPerVolume,
    /// mol/L
    AmountPerVolume,
    /// eq/L
    ChargePerVolume,
    /// /L
    CountPerVolume,
    /// U/L
    ActivityPerVolume,
    /// /min
    Rate,
    /// mm[Hg]
    Pressure,
    /// Cel
    Temperature,
    /// g
    Mass,
    /// m
    Length,
    /// L
    Volume,
    /// 1 (also in per cent)
    Ratio,
    /// `[pH]`
    Acidity,
    /// Points of a score; any lone annotation such as `{score}`
    Score,
}

/// A recognised unit: `value × factor + offset` is the value in the dimension's base.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// What it measures.
    pub dimension: Dimension,
    factor: f64,
    offset: f64,
}

/// What it takes to go between mass, amount and charge of an analyte; zero where it makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Chemistry {
    /// Molar mass, g/mol.
    pub grams_per_mole: f64,
    /// Charges per ion.
    pub valence: f64,
}

impl Unit {
    const fn new(dimension: Dimension, factor: f64) -> Self {
        Self { dimension, factor, offset: 0.0 }
    }

    /// Points of a score, for values that have no unit because they count points.
    pub const POINTS: Self = Self::new(Dimension::Score, 1.0);

    /// Recognises a UCUM code or a common unambiguous spelling (`mmHg`, `°F`, `K/uL`, `beats/minute` …).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut spelling = String::with_capacity(text.len());
        let annotated = normalise(text, &mut spelling)?;
        match spelling.as_str() {
            "" => annotated.then_some(Self::POINTS),
            plain => simple(plain).or_else(|| compound(plain)),
        }
    }

    /// `value` of this unit in `target`; nothing when they measure different things.
    #[must_use]
    pub fn convert(self, value: f64, target: Self, chemistry: Chemistry) -> Option<f64> {
        if self == target {
            return Some(value);
        }
        let bridge = bridge(self.dimension, target.dimension, chemistry)?;
        let converted = ((value * self.factor + self.offset) * bridge - target.offset) / target.factor;
        converted.is_finite().then_some(converted)
    }

    /// Whether values are commonly written without it: points and pH.
    #[must_use]
    pub fn is_bare(self) -> bool {
        matches!(self.dimension, Dimension::Score | Dimension::Acidity)
    }

    /// Whether two spellings of one unit cannot both be right. Dimensionless spellings (`1`, `{score}`, `pH`) never
    /// contradict each other.
    #[must_use]
    pub fn contradicts(self, other: Self) -> bool {
        let bare = |unit: Self| unit.is_bare() || unit == Self::new(Dimension::Ratio, 1.0);
        let same = self.dimension == other.dimension
            && (self.factor / other.factor - 1.0).abs() < 1e-6
            && (self.offset - other.offset).abs() < 1e-6;
        let neither_says = bare(self) && bare(other);
        !(same || neither_says)
    }
}

/// Factor from one dimension's base to another's; one for the same dimension.
fn bridge(from: Dimension, to: Dimension, chemistry: Chemistry) -> Option<f64> {
    use Dimension::{Acidity, AmountPerVolume, ChargePerVolume, MassPerVolume, Ratio, Score};
    let Chemistry { grams_per_mole, valence } = chemistry;
    let factor = match (from, to) {
        _ if from == to => 1.0,
        (AmountPerVolume, MassPerVolume) => grams_per_mole,
        (MassPerVolume, AmountPerVolume) => 1.0 / grams_per_mole,
        (ChargePerVolume, AmountPerVolume) => 1.0 / valence,
        (AmountPerVolume, ChargePerVolume) => valence,
        (ChargePerVolume, MassPerVolume) => grams_per_mole / valence,
        (Ratio, Score | Acidity) | (Score, Acidity) => 1.0,
        _ => return None,
    };
    (factor.is_finite() && factor > 0.0).then_some(factor)
}

/// Copies the unit without annotations, blanks around it and odd micro signs; says whether there was an annotation.
/// Nothing for texts too long to be a unit.
fn normalise(text: &str, into: &mut String) -> Option<bool> {
    let (mut annotated, mut inside) = (false, false);
    for character in text.trim().chars() {
        match character {
            '{' => (annotated, inside) = (true, true),
            '}' => inside = false,
            _ if inside => {}
            'µ' | 'μ' => into.push('u'),
            other => into.push(other),
        }
    }
    (!inside && into.len() <= 32).then_some(annotated)
}

/// Units that are one word.
fn simple(text: &str) -> Option<Unit> {
    use Dimension::{Acidity, Length, Mass, Pressure, Rate, Ratio, Score, Temperature, Volume};
    let (dimension, factor) = match text {
        "%" => (Ratio, 0.01),
        "1" | "L/L" | "l/l" => (Ratio, 1.0),
        "[pH]" | "pH" => (Acidity, 1.0),
        "score" | "points" => (Score, 1.0),
        "Cel" | "CEL" | "cel" | "°C" | "C" | "degC" | "deg C" | "degrees C" | "Celsius" => (Temperature, 1.0),
        "bpm" => (Rate, 1.0),
        "Hz" => (Rate, 60.0),
        "mm[Hg]" | "MM[HG]" | "mmHg" | "mm Hg" | "mmhg" | "MMHG" => (Pressure, 1.0),
        "kPa" => (Pressure, 1000.0 / 133.322),
        "cm[H2O]" | "cmH2O" => (Pressure, 98.0665 / 133.322),
        "kg" | "Kg" | "KG" | "kgs" => (Mass, 1000.0),
        "g" => (Mass, 1.0),
        "[lb_av]" | "lb" | "lbs" => (Mass, 453.592_37),
        "[oz_av]" => (Mass, 28.349_523_125),
        "m" => (Length, 1.0),
        "cm" => (Length, 0.01),
        "mm" => (Length, 0.001),
        "[in_i]" | "in" | "inch" | "inches" => (Length, 0.0254),
        "[ft_i]" | "ft" => (Length, 0.3048),
        "cc" | "cm3" => (Volume, 1e-3),
        "[degF]" | "[DEGF]" | "°F" | "F" | "degF" | "deg F" | "degrees F" | "Fahrenheit" => {
            return Some(Unit { dimension: Temperature, factor: 5.0 / 9.0, offset: -160.0 / 9.0 });
        }
        "K" => return Some(Unit { dimension: Temperature, factor: 1.0, offset: -273.15 }),
        other => (Volume, litres(other)?),
    };
    Some(Unit::new(dimension, factor))
}

/// Units with one `/`: something per volume or per time.
fn compound(text: &str) -> Option<Unit> {
    use Dimension::{ActivityPerVolume, AmountPerVolume, ChargePerVolume, CountPerVolume, MassPerVolume, Rate};
    // Laboratories that print in capitals; in UCUM `MG` would be a megagram, which no analyte reaches.
    let text = match text {
        "MG/DL" => "mg/dL",
        "G/DL" => "g/dL",
        "NG/ML" => "ng/mL",
        "MMOL/L" => "mmol/L",
        "UMOL/L" => "umol/L",
        "MEQ/L" => "meq/L",
        "u/l" | "iu/l" | "u/L" | "iu/L" => "U/L",
        other => other,
    };
    let (top, bottom) = text.split_once('/')?;
    let (top, bottom) = (top.trim(), bottom.trim());
    if let Some(per_minute) = times_per_minute(bottom) {
        return matches!(top, "" | "1" | "beats" | "beat" | "breaths" | "breath" | "resp" | "respirations")
            .then(|| Unit::new(Rate, per_minute));
    }
    let volume = litres(bottom)?;
    let (dimension, amount) = numerator(top, "g", MassPerVolume)
        .or_else(|| numerator(top, "mol", AmountPerVolume))
        .or_else(|| numerator(top, "eq", ChargePerVolume).or_else(|| numerator(top, "Eq", ChargePerVolume)))
        .or_else(|| numerator(top, "U", ActivityPerVolume).or_else(|| numerator(top, "IU", ActivityPerVolume)))
        .or_else(|| numerator(top, "[IU]", ActivityPerVolume).or_else(|| numerator(top, "[iU]", ActivityPerVolume)))
        // 1 kat is 1 mol/s, 1 U is 1 umol/min.
        .or_else(|| numerator(top, "kat", ActivityPerVolume).map(|(dimension, kat)| (dimension, kat * 6e7)))
        .or_else(|| counted(top).map(|count| (CountPerVolume, count)))?;
    Some(Unit::new(dimension, amount / volume))
}

fn numerator(text: &str, base: &str, dimension: Dimension) -> Option<(Dimension, f64)> {
    let text = if text == "gm" { "g" } else { text };
    Some((dimension, prefix(text.strip_suffix(base)?)?))
}

fn prefix(text: &str) -> Option<f64> {
    Some(match text {
        "" => 1.0,
        "k" => 1e3,
        "d" => 1e-1,
        "c" => 1e-2,
        "m" => 1e-3,
        "u" | "mc" => 1e-6,
        "n" => 1e-9,
        "p" => 1e-12,
        "f" => 1e-15,
        _ => return None,
    })
}

/// Cells and the like: `10*3`, `x10^9`, `K`, `cells`, nothing at all.
fn counted(text: &str) -> Option<f64> {
    match text {
        "" | "1" | "cells" | "#" => return Some(1.0),
        "K" | "k" | "Thousand" | "Thousands" | "thou" => return Some(1e3),
        _ => {}
    }
    let power = text.trim_start_matches(['x', 'X']).trim().strip_prefix("10")?;
    let digits = power.strip_prefix(['*', '^', 'E', 'e'])?;
    matches!(digits, "3" | "6" | "9" | "12" | "03" | "06" | "09").then_some(())?;
    digits.parse().ok().map(|exponent| 10_f64.powi(exponent))
}

fn litres(text: &str) -> Option<f64> {
    match text {
        "mm3" | "mm^3" | "mm*3" | "cumm" => Some(1e-6),
        "100mL" | "100.mL" | "100ml" => Some(0.1),
        _ => prefix(text.strip_suffix(['L', 'l'])?),
    }
}

fn times_per_minute(text: &str) -> Option<f64> {
    match text {
        "min" | "minute" | "MIN" => Some(1.0),
        "s" | "sec" => Some(60.0),
        "h" => Some(1.0 / 60.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
