//! `auscult train` and `auscult films`.

use super::{Failed, arguments, say};
use crate::{
    domain::Clock,
    training::{self, Plan},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(super) fn run(arguments: &arguments::Train, clock: &dyn Clock) -> Result<(), Failed> {
    let name = arguments.model.as_str();
    let checkpoint = arguments.checkpoint.clone().unwrap_or_else(|| PathBuf::from("target/training").join(name));
    let plan = match name {
        "chest-radiograph" => training::image::plan(checkpoint),
        "inpatient-mortality" => training::sequence::plan(&checkpoint),
        "note-problems" => training::notes::plan(checkpoint),
        other => return Err(unknown(other)),
    };
    let plan = Plan {
        epochs: arguments.epochs.unwrap_or(plan.epochs),
        seed: arguments.seed.unwrap_or(plan.seed),
        resume: arguments.resume,
        ..plan
    };
    if let Some(encoder) = &arguments.encoder {
        bring_encoder(encoder, &plan.checkpoint.join("encoder"))?;
    }
    let (data, out) = (arguments.data.as_path(), arguments.out.join(name));
    match name {
        "chest-radiograph" => training::image::train(data, &out, &plan, clock)?,
        "inpatient-mortality" => training::sequence::train(data, &out, &plan, clock)?,
        _ => training::notes::train(data, &out, &plan, clock)?,
    }
    say(&format!("{} is written; `auscult check` shows its figures", out.display()));
    Ok(())
}

/// A name that is no network of ours, with those that are.
pub(super) fn unknown(name: &str) -> Failed {
    format!("there is no network `{name}`; there are chest-radiograph, inpatient-mortality and note-problems").into()
}

fn bring_encoder(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for file in ["model.safetensors", "tokenizer.json"] {
        fs::copy(from.join(file), to.join(file)).map_err(|error| format!("{}: {error}", from.join(file).display()))?;
    }
    Ok(())
}

pub(super) fn films(arguments: &arguments::Films) -> Result<(), Failed> {
    let arguments::Films { data, models, out, count, seed } = arguments;
    let made = training::films::generate(data, &models.join("chest-radiograph"), out, *count, *seed)?;
    for film in &made {
        say(&serde_json::to_string(film)?);
    }
    Ok(())
}
