//! From four cuts of an ordered scale to the probabilities of its five grades, and the interval around the likeliest.
//!
//! Contract: pure. The cuts are ordered nested dichotomies (Frank & Kramer, ICML 2004): first "2 or more?", then on the
//! low side "1 rather than 0?" and on the high side "3 or more?" and "4 rather than 3?". Any four numbers give five
//! probabilities that add up to 1, the first cut alone is the probability of osteoarthritis (grade 2 or more), and
//! every cut is linear in the network's features.

/// Grades of the scale of Kellgren and Lawrence (Ann Rheum Dis 1957;16:494), 0 to 4.
pub const GRADES: usize = 5;
/// Yes-or-no questions that tell them apart.
pub const CUTS: usize = 4;
/// The cut between grades 1 and 2: osteoarthritis or not.
pub const OSTEOARTHRITIS: usize = 0;
/// Least grade that counts as osteoarthritis.
pub const OSTEOARTHRITIS_FROM: usize = 2;

/// For each cut: the grades on its yes side and those on its no side.
pub const SIDES: [(&[usize], &[usize]); CUTS] = [(&[2, 3, 4], &[0, 1]), (&[1], &[0]), (&[3, 4], &[2]), (&[4], &[3])];

/// Probabilities of the grades from the probabilities of "yes" at every cut.
#[must_use]
pub fn probabilities(yes: [f64; CUTS]) -> [f64; GRADES] {
    let mut all = [1.0; GRADES];
    for ((above, below), yes) in SIDES.iter().zip(yes) {
        above.iter().for_each(|grade| all[*grade] *= yes);
        below.iter().for_each(|grade| all[*grade] *= 1.0 - yes);
    }
    all
}

/// The likeliest grade; of equals the lower.
#[must_use]
pub fn likeliest(probabilities: &[f64]) -> usize {
    (0..probabilities.len()).rev().max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap_or(0)
}

/// Intervals around the likeliest grade, each with its neighbour of greater probability added: (lowest, highest, the
/// probability of the interval before).
fn growing(probabilities: &[f64]) -> Vec<(usize, usize, f64)> {
    let mode = likeliest(probabilities);
    let (mut low, mut high, mut mass) = (mode, mode, probabilities.get(mode).copied().unwrap_or(0.0));
    let mut all = vec![(low, high, 0.0)];
    while high + 1 < probabilities.len() || low > 0 {
        let below = if low > 0 { probabilities[low - 1] } else { f64::NEG_INFINITY };
        let above = probabilities.get(high + 1).copied().unwrap_or(f64::NEG_INFINITY);
        if above >= below {
            high += 1
        } else {
            low -= 1
        };
        all.push((low, high, mass));
        mass += above.max(below);
    }
    all
}

/// How strange it would be if this were the true grade: the probability of the grades that come before it when the
/// interval grows from the likeliest.
#[must_use]
pub fn strangeness(probabilities: &[f64], truth: usize) -> f64 {
    let reached = growing(probabilities).into_iter().find(|(low, high, _)| (*low..=*high).contains(&truth));
    reached.map_or(f64::INFINITY, |(.., mass)| mass)
}

/// The grades that are not stranger than `limit`, as lowest and highest: they are always neighbours.
#[must_use]
pub fn interval(probabilities: &[f64], limit: f64) -> (usize, usize) {
    let last = growing(probabilities).into_iter().rev().find(|(.., mass)| *mass <= limit);
    last.map_or((likeliest(probabilities), likeliest(probabilities)), |(low, high, _)| (low, high))
}

#[cfg(test)]
mod tests {
    use super::{interval, likeliest, probabilities, strangeness};

    #[test]
    fn five_probabilities_add_up_and_the_first_cut_is_osteoarthritis() {
        let all = probabilities([0.7, 0.4, 0.5, 0.1]);
        assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((all[2..].iter().sum::<f64>() - 0.7).abs() < 1e-12);
        assert!((all[1] - 0.3 * 0.4).abs() < 1e-12 && (all[4] - 0.7 * 0.5 * 0.1).abs() < 1e-12);
        assert_eq!(likeliest(&all), 2);
        assert_eq!(likeliest(&[0.3, 0.3, 0.2, 0.1, 0.1]), 0, "of equals the lower");
    }

    #[test]
    fn intervals_grow_from_the_likeliest_towards_the_likelier_neighbour() {
        let all = [0.1, 0.2, 0.4, 0.25, 0.05];
        assert_eq!(
            (0..5).map(|grade| (100.0 * strangeness(&all, grade)).round()).collect::<Vec<_>>(),
            [85.0, 65.0, 0.0, 40.0, 95.0]
        );
        assert_eq!(interval(&all, -1.0), (2, 2), "never empty");
        assert_eq!(interval(&all, 0.5), (2, 3));
        assert_eq!(interval(&all, 0.7), (1, 3));
        assert_eq!(interval(&all, 1.0), (0, 4));
    }
}
