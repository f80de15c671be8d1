//! `auscult evaluate`: cases in, report out, by running the network here or by asking a running service as an EHR would.
//!
//! Contract: both ways read the same cases and end in the same scorer, so that what is measured is what is served.

mod charts;
mod compare;
mod http;
mod networks;

use super::{Failed, arguments, say};
use crate::{
    domain::Clock,
    explain,
    models::{self, Manifest, evaluation::Report},
    training::{
        self, Split,
        explanations::{measure, raw},
        report::{self, Asked, markdown},
        trial::{Answer, Trial},
    },
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use networks::Network;
use std::{fs, path::Path};

/// Cases per batch.
const BATCH: usize = 32;

pub(super) fn run(arguments: &arguments::Evaluate, clock: &dyn Clock) -> Result<(), Failed> {
    let split = match arguments.split {
        arguments::Part::Train => Split::Train,
        arguments::Part::Tune => Split::Tune,
        arguments::Part::Val => Split::Validation,
        arguments::Part::Test => Split::Test,
    };
    let network = Network::named(arguments.model.as_str())?;
    let folder = arguments.models.join(arguments.model.as_str());
    let today = clock.now().date();
    let trials = cases(network, arguments, split, today)?;
    let manifest = Manifest::load(&folder)?;
    if let Some(path) = &arguments.explanations {
        return explained(&folder, split, &trials, path);
    }
    let asked = Asked::new(&manifest, &folder, split, today);
    let report = match &arguments.through_http {
        None => score_here(&asked, &trials)?.1,
        Some(url) => {
            let service = arguments.service.as_ref().map_or(network.service, |service| service.as_str());
            let answers = http::ask(url, service, &manifest, &trials)?;
            let asked = Asked { through: url.clone(), ..asked.clone() };
            let served = report::score(&asked, &trials, &answers.answers)?;
            let served = Report { speed: Some(answers.speed), ..served };
            if arguments.compare {
                let (here, measured_here) = score_here(&Asked { through: "here".into(), ..asked }, &trials)?;
                compare::check(&trials, (&here, &measured_here), (&answers.answers, &served), &say)?;
            }
            served
        }
    };
    write(arguments, &report)
}

/// The cases of the split, as FHIR can carry them.
fn cases(
    network: &Network,
    arguments: &arguments::Evaluate,
    split: Split,
    today: time::Date,
) -> Result<Vec<Trial>, Failed> {
    let scratch = Path::new("target/training").join(network.name).join("own-data");
    let data = training::own::prepare(network.name, &arguments.data, &scratch)?;
    let mut trials = (network.trials)(&data, split)?;
    if let Some(limit) = arguments.limit.filter(|limit| *limit < trials.len()) {
        let (all, mut at) = (trials.len(), 0_usize);
        trials.retain(|_| {
            at += 1;
            at * limit / all > (at - 1) * limit / all
        });
    }
    trials.iter_mut().for_each(|trial| charts::as_carried(trial, today));
    Ok(trials)
}

fn score_here(asked: &Asked<'_>, trials: &[Trial]) -> Result<(Vec<Answer>, Report), Failed> {
    let model = models::load(asked.folder)?;
    let bar = bar(trials.len());
    let (answers, speed) = report::ask(model.as_ref(), trials, BATCH, &|done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    let report = report::score(&Asked { speed: Some(speed), ..asked.clone() }, trials, &answers)?;
    Ok((answers, report))
}

/// Measures the explanations of the cases.
fn explained(folder: &Path, split: Split, trials: &[Trial], path: &Path) -> Result<(), Failed> {
    let bar = bar(trials.len());
    let figures = measure::explanations(folder, split, trials, &|done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    say(&serde_json::to_string_pretty(&figures)?);
    put(path, &serde_json::to_vec_pretty(&figures)?)
}

/// Writes attributions of drawn cases.
pub(super) fn attribute(arguments: &arguments::Attribute) -> Result<(), Failed> {
    let all = [
        "chest-radiograph",
        "pneumonia-28",
        "knee-radiograph",
        "inpatient-mortality",
        "mortality-textbook",
        "note-problems",
    ];
    let chosen: Vec<&str> = match arguments.names.as_slice() {
        [] => all.to_vec(),
        names => names.iter().map(|name| name.as_str()).collect(),
    };
    fs::create_dir_all(&arguments.out).map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    for name in chosen {
        raw::write(&arguments.models.join(name), arguments.cases, &arguments.out)?;
        say(name);
    }
    Ok(())
}

/// Progress with time left, on standard error.
fn bar(cases: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(cases as u64), ProgressDrawTarget::stderr_with_hz(4));
    let style = ProgressStyle::with_template("[{bar:30}] {pos}/{len} cases, {eta_precise} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar
}

/// Says the figures and writes what was asked for.
fn write(arguments: &arguments::Evaluate, report: &Report) -> Result<(), Failed> {
    for key in markdown::sorted(&report.metrics) {
        let value = markdown::with_interval(key, report.metrics[key], report.intervals.get(key));
        say(&format!("{key:24} {value}"));
    }
    let (n, positives) = (report.n, report.positives);
    say(&format!("{} on {} ({}): n = {n}, {positives} with the finding", report.model, report.split, report.through));
    if let Some(speed) = &report.speed {
        say(&format!("{:.1} cases per second, {} compute threads here", speed.cases_per_second, speed.threads));
    }
    if let Some(path) = &arguments.json {
        put(path, &serde_json::to_vec_pretty(report)?)?;
    }
    if let Some(path) = &arguments.markdown {
        put(path, markdown::whole(report).as_bytes())?;
    }
    if let Some(folder) = &arguments.plots {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for (name, svg) in explain::charts::all(report) {
            put(&folder.join(format!("{name}.svg")), svg.as_bytes())?;
        }
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()).into())
}
