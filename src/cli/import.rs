//! `auscult import keras` and `auscult calibrate`.

use super::{Failed, arguments, say};
use crate::{
    domain::Clock,
    models::Manifest,
    training::{
        self,
        keras::{self, Architecture, Plan},
        sequence,
    },
};

pub(super) fn run(arguments: &arguments::Import, clock: &dyn Clock) -> Result<(), Failed> {
    let arguments::Import::Keras(arguments) = arguments;
    let (architecture, like) = match arguments.architecture {
        arguments::Textbook::TextbookCnn => (Architecture::Cnn, "pneumonia-28"),
        arguments::Textbook::TextbookLstm => (Architecture::Lstm, "mortality-textbook"),
    };
    let plan = Plan {
        file: arguments.file.clone(),
        architecture,
        name: arguments.name.clone(),
        labels: arguments.labels.clone(),
        like: arguments.like.clone().unwrap_or_else(|| arguments.out.join(like)),
        out: arguments.out.clone(),
    };
    let folder = keras::import(&plan, clock)?;
    say(&format!("{} is written. It has no figures and is not served yet:", folder.display()));
    say(&format!("`auscult calibrate {} --data DIR` calibrates and measures it.", arguments.name));
    Ok(())
}

pub(super) fn calibrate(arguments: &arguments::Calibrate, clock: &dyn Clock) -> Result<(), Failed> {
    let folder = arguments.models.join(arguments.model.as_str());
    let manifest = Manifest::open(&folder)?;
    match manifest.architecture.as_str() {
        "lstm-3x128" | "textbook-lstm" => sequence::calibrate(&arguments.data, &folder, manifest, clock)?,
        "textbook-cnn" => training::textbook::calibrate(&arguments.data, &folder, manifest, clock)?,
        other => {
            return Err(
                format!("networks of the architecture `{other}` cannot be calibrated apart from training").into()
            );
        }
    }
    say(&format!("{} is calibrated; `auscult check` shows its figures", folder.display()));
    Ok(())
}
