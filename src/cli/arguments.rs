//! What can be typed.

use crate::domain::{ModelName, ServiceId};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Clinical decision support over CDS Hooks: reads FHIR R4, runs its networks, records why, answers with cards.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "auscult", version)]
pub(super) struct Arguments {
    /// Settings file; `auscult.toml` in the working directory if it is there. default.toml names every setting.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) settings: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start the service (the default).
    Serve,
    /// Check settings, networks and service definitions against each other, and list everything that is wrong.
    Check,
    /// Open a sample patient's chart against a running service and print the cards; without a name, list the samples.
    Call(Call),
    /// Train a network and write its folder, figures included.
    Train(Train),
    /// Measure a network on a split of its data.
    Evaluate(Evaluate),
    /// Fit the generator of sample films on training films and draw new ones.
    Films(Films),
}

#[derive(Debug, Args)]
pub(super) struct Call {
    /// The sample, for example `walter-brandt`.
    pub(super) sample: Option<String>,
    /// Address of the service.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(super) url: String,
    /// The service to call.
    #[arg(long, default_value = "chart-review")]
    pub(super) service: ServiceId,
    /// Print the JSON of the request instead of sending it, to be piped into `curl`.
    #[arg(long)]
    pub(super) request: bool,
    /// Print the JSON of the answer instead of the cards as text.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Train {
    /// `chest-radiograph`, `inpatient-mortality` or `note-problems`.
    pub(super) model: ModelName,
    /// Folder with the data, laid out as models/README.md says.
    #[arg(long, value_name = "DIR")]
    pub(super) data: PathBuf,
    /// Folder of the networks to write into.
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub(super) out: PathBuf,
    /// Folder for checkpoints; `target/training/<model>` if not given.
    #[arg(long, value_name = "DIR")]
    pub(super) checkpoint: Option<PathBuf>,
    /// Passes over the data; the model's own number if not given.
    #[arg(long)]
    pub(super) epochs: Option<usize>,
    /// Seed of everything random.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Go on from the last checkpoint.
    #[arg(long)]
    pub(super) resume: bool,
    /// Pretrained encoder (folder with model.safetensors and tokenizer.json), for note-problems.
    #[arg(long, value_name = "DIR")]
    pub(super) encoder: Option<PathBuf>,
}

/// A part of the data, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    Train,
    Val,
    Test,
}

#[derive(Debug, Args)]
pub(super) struct Evaluate {
    /// The network.
    pub(super) model: ModelName,
    /// Folder with the data.
    #[arg(long, value_name = "DIR")]
    pub(super) data: PathBuf,
    /// The part of the data.
    #[arg(long, value_enum, default_value = "val")]
    pub(super) split: Part,
    /// Write the figures as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Folder of the networks.
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub(super) models: PathBuf,
    /// Ask a running service, as an EHR would, instead of running the network here.
    #[arg(long, value_name = "URL")]
    pub(super) through_http: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Films {
    /// Folder with the training films (`labels.csv`, `train.zip`).
    #[arg(long, value_name = "DIR")]
    pub(super) data: PathBuf,
    /// Folder to write the PNG files into.
    #[arg(long, value_name = "DIR", default_value = "src/samples/films")]
    pub(super) out: PathBuf,
    /// Folder of the networks; `chest-radiograph` says which drawn films are clear.
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub(super) models: PathBuf,
    /// Films of each class.
    #[arg(long, default_value_t = 3)]
    pub(super) count: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
}
