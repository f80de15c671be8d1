//! `auscult train` and `auscult films`.

use super::{Failed, arguments, say};
use crate::{
    domain::Clock,
    training::{self, Plan, sequence::Form},
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
        "knee-radiograph" => training::knee::plan(checkpoint),
        "pneumonia-28" => training::textbook::plan(checkpoint),
        "inpatient-mortality" => training::sequence::plan(Form::Joined, &checkpoint),
        "mortality-textbook" => training::sequence::plan(Form::Textbook, &checkpoint),
        "note-problems" => training::notes::plan(checkpoint),
        "note-specialty" => training::specialty::plan(checkpoint),
        other => return Err(unknown(other)),
    };
    let plan = Plan {
        epochs: arguments.epochs.unwrap_or(plan.epochs),
        seed: arguments.seed.unwrap_or(plan.seed),
        patience: arguments.patience.or(plan.patience),
        resume: arguments.resume,
        ..plan
    };
    if let Some(encoder) = &arguments.encoder {
        bring_encoder(encoder, &plan.checkpoint.join("encoder"))?;
    }
    // One's own data are rewritten beside the checkpoints.
    let data = training::own::prepare(name, &arguments.data, &plan.checkpoint.join("own-data"))?;
    let own = data != arguments.data || name == "note-problems" && !training::ner_data::published(&data);
    let (data, out) = (data.as_path(), arguments.out.join(name));
    match name {
        "chest-radiograph" => training::image::train(data, &out, &plan, clock)?,
        "knee-radiograph" => training::knee::train(data, &out, &plan, clock)?,
        "pneumonia-28" => training::textbook::train(data, &out, &plan, clock)?,
        "inpatient-mortality" => training::sequence::train(Form::Joined, data, &out, &plan, clock)?,
        "mortality-textbook" => training::sequence::train(Form::Textbook, data, &out, &plan, clock)?,
        "note-specialty" => training::specialty::train(data, &out, &plan, clock)?,
        _ => training::notes::train(data, &out, &plan, clock)?,
    }
    if own {
        training::own::describe(&out)?;
    }
    say(&format!("{} is written; `auscult check` shows its figures", out.display()));
    Ok(())
}

/// A name that is no network of ours, with those that are.
pub(super) fn unknown(name: &str) -> Failed {
    format!(
        "there is no network `{name}`; there are chest-radiograph, pneumonia-28, knee-radiograph, inpatient-mortality, mortality-textbook, \
         note-problems and note-specialty"
    )
    .into()
}

fn bring_encoder(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for file in ["model.safetensors", "tokenizer.json"] {
        // Only an encoder of text has a tokenizer.
        if file == "model.safetensors" || from.join(file).is_file() {
            fs::copy(from.join(file), to.join(file))
                .map_err(|error| format!("{}: {error}", from.join(file).display()))?;
        }
    }
    Ok(())
}

pub(super) fn films(arguments: &arguments::Films) -> Result<(), Failed> {
    let arguments::Films { data, model, models, out, count, seed } = arguments;
    let network = models.join(model.as_str());
    match model.as_str() {
        "chest-radiograph" => {
            for film in &training::films::generate(data, &network, out, *count, *seed)? {
                say(&serde_json::to_string(film)?);
            }
        }
        "knee-radiograph" => {
            for film in &training::films::knees::generate(data, &network, out, *count, *seed)? {
                say(&serde_json::to_string(film)?);
            }
        }
        other => return Err(format!("there are no sample films for `{other}`").into()),
    }
    Ok(())
}
