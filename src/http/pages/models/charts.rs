//! Which pictures a page has, and which style sheets inside them its content security policy lets through.

use crate::{
    explain::charts,
    models::{Papers, evaluation::Report},
};

/// Reliability diagram.
pub fn reliability(report: &Report) -> Option<String> {
    drawn(charts::reliability(report))
}

/// ROC curve.
pub fn roc(report: &Report) -> Option<String> {
    drawn(charts::roc(report))
}

/// Decision curve.
pub fn decision(report: &Report) -> Option<String> {
    drawn(charts::decision(report))
}

/// Cards and how many are right, by threshold.
pub fn alerts(report: &Report) -> Option<String> {
    drawn(charts::alerts(report))
}

/// Groups of patients.
pub fn subgroups(report: &Report) -> Option<String> {
    drawn(charts::subgroups(report))
}

/// Grades mistaken for each other.
pub fn confusion(report: &Report) -> Option<String> {
    drawn(charts::confusion(report))
}

/// A picture without figures is empty text.
fn drawn(picture: String) -> Option<String> {
    Some(picture).filter(|picture| !picture.is_empty())
}

/// Inline style sheets of pictures that were not drawn here: the learning curve's.
pub fn styles(papers: &Papers) -> Vec<&str> {
    let curve = papers.curve.as_deref().unwrap_or_default();
    curve.split("<style>").skip(1).filter_map(|rest| rest.split("</style>").next()).collect()
}
