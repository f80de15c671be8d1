//! Deletion and insertion: does the score follow when what is said to matter is taken away, or put in, first? (Petsiuk,
//! Das & Saenko, BMVC 2018.)
//!
//! Contract: features go to the baseline and back in one order, most contributing first; areas are means of the raw score
//! along the way, so that a good order has a small area of deletion and a large one of insertion.

use candle_core::Result;

/// Parts into which the way is cut.
const STEPS: usize = 10;

/// Gives the score for each set of features kept.
pub type Scores<'a> = dyn Fn(&[Vec<bool>]) -> Result<Vec<f64>> + 'a;

/// Areas under both curves, in units of the score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Areas {
    /// Mean score while features are taken away.
    pub deletion: f64,
    /// Mean score while features are put in.
    pub insertion: f64,
}

/// Features from the most to the least contributing, with their signs.
#[must_use]
pub fn order(contributions: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..contributions.len()).collect();
    order.sort_by(|a, b| contributions[*b].total_cmp(&contributions[*a]));
    order
}

/// Areas of one order.
///
/// # Errors
/// Those of `scores`.
pub fn areas(order: &[usize], scores: &Scores<'_>) -> Result<Areas> {
    let set = |step: usize, kept: bool| {
        let mut features = vec![!kept; order.len()];
        order.iter().take(order.len() * step / STEPS).for_each(|at| features[*at] = kept);
        features
    };
    let sets: Vec<Vec<bool>> =
        (0..=STEPS).map(|step| set(step, false)).chain((0..=STEPS).map(|step| set(step, true))).collect();
    let found = scores(&sets)?;
    let (deletion, insertion) = found.split_at(STEPS + 1);
    Ok(Areas { deletion: area(deletion), insertion: area(insertion) })
}

/// Mean height of a curve, by trapezoids.
fn area(curve: &[f64]) -> f64 {
    let sum: f64 = curve.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).sum();
    sum / (curve.len().max(2) - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::{areas, order};

    #[test]
    fn the_true_order_deletes_lower_and_inserts_higher_than_its_reverse() {
        let weights = [0.5, -1.0, 3.0, 0.1, 2.0, -0.2, 0.0, 0.7, 1.1, -2.0];
        let scores = |sets: &[Vec<bool>]| {
            let sum = |kept: &Vec<bool>| kept.iter().zip(weights).filter(|(kept, _)| **kept).map(|(_, w)| w).sum();
            Ok(sets.iter().map(sum).collect())
        };
        let forwards = order(&weights);
        assert_eq!(forwards[..3], [2, 4, 8]);
        let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
        let (good, bad) = (areas(&forwards, &scores).unwrap(), areas(&backwards, &scores).unwrap());
        assert!(good.deletion < bad.deletion && good.insertion > bad.insertion, "{good:?} {bad:?}");
    }
}
