//! What would have had to differ for the risk to lie under its threshold.
//!
//! Contract: the smallest plausible change, found greedily (Wachter, Mittelstadt & Russell, Harv J Law Technol 2018, for
//! the idea): only values that can differ within a day and lie outside their typical range, only over the last
//! [`HOURS`], only towards the range and at most to its nearer end; one variable after another, at each turn the one
//! that lowers the score most, the last one only as far as needed. What is given is how the network's estimate is
//! associated with the values, never what would happen to the patient.

use super::{
    Hourly, Mortality,
    contract::Contract,
    series::{Batch, Encoded},
};
use crate::domain::{Change, Counterfactual, Course, ranges::typical};
use candle_core::Result;

/// Hours before the newest measurement in which values may differ.
pub const HOURS: usize = 24;
/// Most variables that may differ: more would be no explanation.
pub const CHANGES_MAX: usize = 3;
/// Steps in which the last variable's way to its range is halved.
const HALVINGS: usize = 6;
/// Values that can differ within a day. Age, sex, sizes, the coma score, the ventilator and its oxygen, enzymes and proteins
/// that take days are not among them.
const MODIFIABLE: [&str; 21] = [
    "BUN",
    "Creatinine",
    "DiasABP",
    "Glucose",
    "HCO3",
    "HR",
    "K",
    "Lactate",
    "Mg",
    "MAP",
    "Na",
    "NIDiasABP",
    "NIMAP",
    "NISysABP",
    "PaCO2",
    "PaO2",
    "pH",
    "RespRate",
    "SaO2",
    "SysABP",
    "Temp",
];

/// A variable and how far its late values go towards the range, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Move {
    variable: usize,
    part: f32,
}

/// Searches; nothing when the risk lies under its threshold already or nothing may differ.
///
/// # Errors
/// Candle's.
pub(super) fn search(model: &Mortality, course: &Course, hourly: &Hourly) -> Result<Option<Counterfactual>> {
    let search = Search { model, course, hourly };
    let threshold = model.manifest.labels[0].threshold;
    let probability = search.probabilities(&[vec![]])?[0];
    let candidates = search.candidates();
    if probability < threshold || candidates.is_empty() {
        return Ok(None);
    }
    let mut moves: Vec<Move> = Vec::new();
    let mut reached = probability;
    while reached >= threshold && moves.len() < CHANGES_MAX {
        let Some((next, there)) = search.best(&moves, &candidates)?.filter(|(_, there)| *there < reached) else {
            break;
        };
        moves.push(next);
        reached = there;
    }
    if reached < threshold {
        reached = search.shorten(&mut moves, threshold, reached)?;
    }
    Ok(Some(Counterfactual {
        changes: moves.iter().filter_map(|one| search.change(*one)).collect(),
        probability,
        changed_probability: reached,
        threshold,
        reached: reached < threshold,
    }))
}

struct Search<'a> {
    model: &'a Mortality,
    course: &'a Course,
    hourly: &'a Hourly,
}

impl Search<'_> {
    const fn contract(&self) -> &Contract {
        &self.model.contract
    }

    /// First hour in which values may differ.
    const fn first(&self) -> usize {
        self.hourly.hours.saturating_sub(HOURS)
    }

    /// Late values of a variable with their place in the window.
    fn late(&self, variable: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let width = self.contract().variables.len();
        let places = (self.first()..self.hourly.hours).map(move |hour| hour * width + variable);
        places.map(|at| (at, self.hourly.values[at])).filter(|(_, value)| !value.is_nan())
    }

    /// Modifiable variables with a late value outside their typical range.
    fn candidates(&self) -> Vec<usize> {
        let outside = |variable: &usize| {
            let name = self.contract().variables[*variable].name.as_str();
            let range = typical(name).filter(|_| MODIFIABLE.contains(&name));
            range.is_some_and(|range| self.late(*variable).any(|(_, value)| towards(value, range, 1.0) != value))
        };
        (0..self.contract().variables.len()).filter(outside).collect()
    }

    /// The window with these moves.
    fn moved(&self, moves: &[Move]) -> Hourly {
        let mut other = self.hourly.clone();
        for one in moves {
            let Some(range) = typical(&self.contract().variables[one.variable].name) else { continue };
            self.late(one.variable).for_each(|(at, value)| other.values[at] = towards(value, range, one.part));
        }
        other
    }

    /// Calibrated probabilities with each set of moves, in one pass.
    fn probabilities(&self, sets: &[Vec<Move>]) -> Result<Vec<f64>> {
        let encoded: Vec<Encoded> =
            sets.iter().map(|moves| self.model.encode(&self.moved(moves), self.course)).collect();
        let batch = Batch::new(&encoded, self.contract().channels())?;
        let logits = self.model.network.forward(&batch)?.to_vec1::<f32>()?;
        Ok(logits.into_iter().map(|logit| self.model.manifest.calibration.probability(f64::from(logit))).collect())
    }

    /// The one further variable that lowers the probability most when brought to its range.
    fn best(&self, moves: &[Move], candidates: &[usize]) -> Result<Option<(Move, f64)>> {
        let open = candidates.iter().filter(|variable| moves.iter().all(|one| one.variable != **variable));
        let tried: Vec<Move> = open.map(|variable| Move { variable: *variable, part: 1.0 }).collect();
        if tried.is_empty() {
            return Ok(None);
        }
        let sets: Vec<Vec<Move>> = tried.iter().map(|one| [moves, &[*one]].concat()).collect();
        let found = tried.into_iter().zip(self.probabilities(&sets)?);
        Ok(found.min_by(|a, b| a.1.total_cmp(&b.1)))
    }

    /// The last move only as far as the threshold asks; gives the probability there.
    fn shorten(&self, moves: &mut [Move], threshold: f64, mut reached: f64) -> Result<f64> {
        let Some(last) = moves.len().checked_sub(1) else { return Ok(reached) };
        let (mut short, mut enough) = (0.0f32, 1.0f32);
        for _ in 0..HALVINGS {
            moves[last].part = f32::midpoint(short, enough);
            let there = self.probabilities(&[moves.to_vec()])?[0];
            if there < threshold {
                (enough, reached) = (moves[last].part, there);
            } else {
                short = moves[last].part;
            }
        }
        moves[last].part = enough;
        Ok(reached)
    }

    fn change(&self, one: Move) -> Option<Change> {
        let variable = &self.contract().variables[one.variable];
        let range = typical(&variable.name)?;
        let outside: Vec<f32> = self
            .late(one.variable)
            .map(|(_, value)| value)
            .filter(|value| towards(*value, range, 1.0) != *value)
            .collect();
        let mean = |values: &mut dyn Iterator<Item = f32>| values.map(f64::from).sum::<f64>() / outside.len() as f64;
        Some(Change {
            variable: variable.name.clone(),
            label: variable.label.clone(),
            from: mean(&mut outside.iter().copied()),
            to: mean(&mut outside.iter().map(|value| towards(*value, range, one.part))),
            unit: variable.unit.clone(),
            hours: self.hourly.hours.min(HOURS),
        })
    }
}

/// A value moved part of the way to the nearer end of its range; one inside stays.
fn towards(value: f32, (low, high): (f64, f64), part: f32) -> f32 {
    let nearest = value.clamp(low as f32, high as f32);
    value + part * (nearest - value)
}

#[cfg(test)]
mod tests {
    use super::towards;

    #[test]
    fn a_value_moves_to_the_nearer_end_of_its_range_and_never_beyond() {
        assert_eq!([towards(10.0, (4.0, 6.0), 1.0), towards(2.0, (4.0, 6.0), 0.5)], [6.0, 3.0]);
        assert_eq!([towards(5.0, (4.0, 6.0), 1.0), towards(10.0, (4.0, 6.0), 0.0)], [5.0, 10.0]);
    }
}
