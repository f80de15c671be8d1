//! What is told about an answer adds up to it.

use super::*;

fn factors(explanation: &Explanation) -> &[Factor] {
    match &explanation.attribution {
        Attribution::Factors { factors } => factors,
        _ => panic!("factors were expected"),
    }
}

#[test]
fn contributions_sum_to_the_change_they_explain() {
    let model = model();
    let explanation = model.explain(&ModelInput::Course(course(5, 30.0, 3.0)), Effort::FULL).unwrap();
    assert!(explanation.reliable && explanation.gap <= explanation.tolerance, "{explanation:?}");
    let change: f64 = explanation.parameters["change"].parse().unwrap();
    let sum: f64 = factors(&explanation).iter().map(|factor| factor.contribution).sum();
    assert!((sum - change).abs() <= explanation.tolerance + 0.05, "{sum} {change}");
    let strengths: Vec<f64> = factors(&explanation).iter().map(|factor| factor.contribution.abs()).collect();
    assert!(strengths.is_sorted_by(|a, b| a >= b) && strengths[0] > 0.05, "{strengths:?}");
}

#[test]
fn a_factor_carries_its_latest_value_and_its_hours_sum_to_it() {
    let explanation = model().explain(&ModelInput::Course(course(5, 30.0, 3.0)), Effort::FULL).unwrap();
    let measured = |factor: &&Factor| factor.value.is_some() && factor.variable != "age";
    let factor = factors(&explanation).iter().find(measured).unwrap();
    let latest = course(5, 30.0, 3.0).measurements.into_iter().rfind(|one| one.variable == factor.variable).unwrap();
    assert_eq!(factor.value, Some(latest.value));
    assert_eq!(factor.time.as_deref(), Some("1970-01-02T06:00:00Z"));
    assert_eq!(factor.by_hour.len(), 31);
    assert!((factor.by_hour.iter().map(|part| f64::from(*part)).sum::<f64>() - factor.contribution).abs() < 1e-4);
}

#[test]
fn what_was_never_measured_acts_by_its_absence_alone() {
    let (_, network) = weights(&contract());
    let course = course(5, 30.0, 3.0);
    let (hourly, summaries, encoded) = (Hourly::of(&course, &contract()), summarised(&course), encoded(&course));
    let stay = Stay { hourly: &hourly, summaries: &summaries, encoded: &encoded };
    let found = crate::models::mortality::attribution::integrate(&network, &contract(), stay, Effort::FULL).unwrap();
    let (lactate, bun) = (&found.variables[1], &found.variables[5]);
    assert!(bun.total != 0.0 && (bun.total - bun.from_absence).abs() < 1e-9, "{bun:?}");
    assert!((lactate.total - lactate.from_absence).abs() > 0.01, "{lactate:?}");
}

#[test]
fn an_average_stay_has_nothing_to_explain() {
    let (_, network) = weights(&contract());
    let hourly = Hourly::collect(&contract(), 10, []);
    let encoded = Encoded {
        hours: 10,
        steps: vec![0.0; 180],
        bins: vec![0.0; summary::count(&contract()) * summary::BINS],
        statics: [0.0; 3],
    };
    let summaries = summary::of(&contract(), &hourly, None);
    let stay = Stay { hourly: &hourly, summaries: &summaries, encoded: &encoded };
    let found = crate::models::mortality::attribution::integrate(&network, &contract(), stay, Effort::FULL).unwrap();
    assert!(
        found.check.change.abs() < 1e-6
            && found.check.gap < 1e-6
            && found.variables.iter().all(|share| share.total == 0.0)
    );
}

#[test]
fn the_gradient_of_the_input_is_the_finite_difference() {
    let (_, network) = weights(&contract());
    let encoded = encoded(&Course { age_years: Some(50.0), sex: None, ..course(5, 9.0, 2.0) });
    let score = |encoded: &Encoded| {
        let batch = Batch::new(std::slice::from_ref(encoded), 18).unwrap();
        network.forward(&batch).unwrap().to_vec1::<f32>().unwrap()[0]
    };
    let batch = Batch::new(std::slice::from_ref(&encoded), 18).unwrap();
    let steps = Var::from_tensor(&batch.steps).unwrap();
    let logit = network.forward(&Batch { steps: steps.as_tensor().clone(), ..batch }).unwrap();
    let gradient = logit.sum_all().unwrap().backward().unwrap();
    let gradient = gradient.get(&steps).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (at, slope) in gradient.iter().enumerate() {
        let moved = |delta: f32| {
            let mut moved = encoded.clone();
            moved.steps[at] += delta;
            score(&moved)
        };
        let difference = (moved(1e-2) - moved(-1e-2)) / 2e-2;
        assert!((slope - difference).abs() < 1e-3 * (1.0 + difference.abs()), "{at}: {slope} {difference}");
    }
}
