//! The shipped networks: they load, agree with their papers, and give what they gave when they were made.

mod captum;
mod planted;

use crate::support::root;
use auscult::{
    domain::{ModelInput, Status},
    models,
};

#[test]
fn every_shipped_network_loads_and_states_its_validation_figures() {
    for (name, metric) in [
        ("chest-radiograph", "auroc"),
        ("pneumonia-28", "auroc"),
        ("inpatient-mortality", "auroc"),
        ("mortality-textbook", "auroc"),
        ("note-problems", "f1"),
    ] {
        let model = models::load(&root().join("models").join(name)).unwrap();
        let figures = &model.manifest().evaluation["validation"];
        assert!(figures.n > 100 && figures.metrics[metric] > 0.5, "{name}: {figures:?}");
        assert!(!model.manifest().not_for.is_empty() && !model.manifest().provenance.citation.is_empty());
    }
}

#[test]
fn every_network_refuses_an_input_of_another_kind_without_panicking() {
    let empty = ModelInput::Notes(vec![]);
    for name in ["chest-radiograph", "pneumonia-28", "inpatient-mortality", "mortality-textbook"] {
        let model = models::load(&root().join("models").join(name)).unwrap();
        assert!(model.predict(&[&empty]).is_err(), "{name}");
    }
    let notes = models::load(&root().join("models/note-problems")).unwrap();
    let answer = notes.predict(&[&empty]).unwrap();
    assert!(matches!(answer[0].status, Status::Abstained(_)));
}
