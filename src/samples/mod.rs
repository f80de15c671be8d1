//! A dozen sample charts that this project makes itself: simulated courses, generated films, notes written for the
//! purpose. No patient stands behind any of them.
//!
//! Contract: pure. The same sample at the same time is the same chart, byte for byte; times are relative to `now`, so
//! that a card can say "2 hours ago". Charts are plain FHIR R4 JSON as an EHR would put it into prefetch, including
//! the untidy things EHRs do.

mod chart;
mod course;
mod film;
mod list;
mod note;

pub use chart::{Chart, invocation};
pub use list::{Sample, all, find};

#[cfg(test)]
mod tests {
    use super::{Chart, all, find, invocation};
    use time::macros::datetime;

    #[test]
    fn there_are_at_least_a_dozen_and_each_has_its_own_name() {
        let mut ids: Vec<&str> = all().iter().map(|sample| sample.id).collect();
        assert!(ids.len() >= 12);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all().len());
    }

    #[test]
    fn the_same_sample_at_the_same_time_is_the_same_chart() {
        let now = datetime!(2026-03-01 08:00 UTC);
        for sample in all() {
            let (one, two) = (Chart::of(sample, now), Chart::of(sample, now));
            assert_eq!(one.prefetch().to_string(), two.prefetch().to_string(), "{}", sample.id);
        }
    }

    #[test]
    fn an_invocation_names_the_patient_it_is_about() {
        let sample = find("walter-brandt").unwrap();
        let body =
            invocation(sample, "patient-view", "6f1b3f0a-0000-4000-8000-000000000001", datetime!(2026-03-01 08:00 UTC));
        assert_eq!(body["context"]["patientId"], "walter-brandt");
        assert_eq!(body["prefetch"]["patient"]["id"], "walter-brandt");
        assert!(body["prefetch"]["observations"]["entry"].as_array().unwrap().len() > 200);
    }
}
