//! `auscult evaluate`: figures on a split, by running the network here or by asking a running service.

use super::{Failed, arguments, say, train::unknown};
use crate::training::{self, Report, Split};

/// Cases per batch.
const BATCH: usize = 32;

pub(super) fn run(arguments: &arguments::Evaluate) -> Result<(), Failed> {
    let split = match arguments.split {
        arguments::Part::Train => Split::Train,
        arguments::Part::Val => Split::Validation,
        arguments::Part::Test => Split::Test,
    };
    let report = match &arguments.through_http {
        Some(url) => super::through_http::run(url, arguments.model.as_str(), &arguments.data, split)?,
        None => here(arguments, split)?,
    };
    for (metric, value) in &report.metrics {
        say(&format!("{metric:24} {value:.4}"));
    }
    say(&format!("{} on {}: n = {}, {} with the finding", report.model, report.split, report.n, report.positives));
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn here(arguments: &arguments::Evaluate, split: Split) -> Result<Report, Failed> {
    let folder = arguments.models.join(arguments.model.as_str());
    let data = arguments.data.as_path();
    Ok(match arguments.model.as_str() {
        "chest-radiograph" => training::image::evaluate(&folder, data, split, BATCH)?,
        "inpatient-mortality" => training::sequence::evaluate(&folder, data, split, BATCH)?,
        "note-problems" => training::notes::evaluate(&folder, data, split, BATCH)?,
        other => return Err(unknown(other)),
    })
}
