//! How much explanation fits into the time that is left.
//!
//! Contract: pure arithmetic on what earlier explanations took. A finished prediction must not be lost for its
//! explanation: what would not be ready in time is not begun; one slow explanation does not end all later ones.

use crate::models::attribution::Effort;
use std::time::Duration;

/// Points allowed before anything is known.
const POINTS_FIRST: usize = 16;
/// Part of the time left that is planned with.
const PLANNED: f64 = 0.7;

/// What explanations took so far.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// More points are not allowed, however much time is left: it is other callers' time too.
    most: usize,
    /// Allowed while the time per point is not known.
    first: usize,
    /// Time per point.
    per_point: Option<Duration>,
    /// Time of one that needs no points.
    closed: Duration,
}

impl Pace {
    /// Allows `most` points per explanation.
    pub(super) fn new(most: usize) -> Self {
        Self { most, first: POINTS_FIRST.min(most), per_point: None, closed: Duration::ZERO }
    }

    /// What fits into `left`; nothing when not even the least does.
    pub(super) fn effort(&mut self, left: Duration) -> Option<Effort> {
        let planned = left.mul_f64(PLANNED);
        if planned <= self.closed {
            self.closed = self.closed * 7 / 8;
            return None;
        }
        let Some(per_point) = self.per_point else { return Some(Effort::points(self.first)) };
        let points = (planned.as_secs_f64() / per_point.as_secs_f64().max(1e-7)) as usize;
        // A machine that was busy for a while is not held to be slow for ever.
        self.per_point = Some(per_point.mul_f64(0.98));
        Some(Effort::points(points.min(self.most)))
    }

    /// Learns from one explanation that used `points`.
    pub(super) fn learn(&mut self, took: Duration, points: usize) {
        if points == 0 {
            // So few points were of no use to this network: next time it may have all that are allowed.
            (self.closed, self.first) = (took, self.most);
            return;
        }
        let now = took / u32::try_from(points).unwrap_or(u32::MAX);
        self.per_point = Some(self.per_point.map_or(now, |before| now.max(before.mul_f64(0.9))));
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use crate::models::attribution::Effort;
    use std::time::Duration;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn points_are_as_many_as_fit_into_the_time_left() {
        let mut pace = Pace::new(40);
        assert_eq!(pace.effort(ms(300)), Some(Effort::points(16)));
        pace.learn(ms(160), 16);
        assert_eq!(pace.effort(ms(300)), Some(Effort::points(21)));
        assert_eq!(pace.effort(ms(10_000_000)), Some(Effort::points(40)));
    }

    #[test]
    fn a_network_that_needs_many_points_gets_as_many_as_are_allowed() {
        let mut pace = Pace::new(128);
        assert_eq!(pace.effort(ms(300)), Some(Effort::points(16)));
        pace.learn(ms(70), 0);
        assert_eq!(pace.effort(ms(300)), Some(Effort::points(128)));
        pace.learn(ms(1280), 128);
        assert_eq!(pace.effort(ms(300)), Some(Effort::points(21)));
    }

    #[test]
    fn what_needs_no_points_is_begun_only_when_it_fits_and_tried_again_later() {
        let mut pace = Pace::new(40);
        pace.learn(ms(100), 0);
        assert_eq!(pace.effort(ms(100)), None);
        assert!((0..20).any(|_| pace.effort(ms(100)).is_some()));
    }
}
