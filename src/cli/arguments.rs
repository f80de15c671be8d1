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
    /// Take over a network trained elsewhere.
    #[command(subcommand)]
    Import(Import),
    /// Calibrate a network on one's own data: probabilities, threshold, limits, figures. Its weights stay as they are.
    Calibrate(Calibrate),
    /// Write attributions of drawn cases as plain numbers, for comparison with another program.
    Attribute(Attribute),
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
    /// The network, for example `inpatient-mortality`; an unknown name lists them all.
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
    /// Stop when the metric on `tune` has not risen for this many epochs.
    #[arg(long, value_name = "EPOCHS")]
    pub(super) patience: Option<usize>,
    /// Go on from the last checkpoint.
    #[arg(long)]
    pub(super) resume: bool,
    /// Pretrained encoder (folder with model.safetensors, for note-problems also tokenizer.json), for note-problems and
    /// knee-radiograph.
    #[arg(long, value_name = "DIR")]
    pub(super) encoder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Weights of a textbook network from Keras (`.keras`, `.weights.h5` or `.h5`).
    Keras(ImportKeras),
}

/// The textbook networks, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Textbook {
    /// 28 × 28 pictures: conv 32, pool, conv 64, pool, conv 128, dense 128, softmax.
    TextbookCnn,
    /// Hourly steps: three LSTM layers of 128, softmax.
    TextbookLstm,
}

#[derive(Debug, Args)]
pub(super) struct ImportKeras {
    /// Keras's file.
    pub(super) file: PathBuf,
    /// The network it holds.
    #[arg(long, value_enum)]
    pub(super) architecture: Textbook,
    /// Name of the new network.
    #[arg(long)]
    pub(super) name: ModelName,
    /// What is found, for example `death-in-hospital`: for two classes what the second one stands for.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(super) labels: Vec<String>,
    /// Folder of a network of the same architecture that reads the same inputs; mortality-textbook or pneumonia-28 among
    /// the networks if not given.
    #[arg(long, value_name = "DIR")]
    pub(super) like: Option<PathBuf>,
    /// Folder of the networks to write into.
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Calibrate {
    /// The network.
    pub(super) model: ModelName,
    /// Folder with the data, laid out as models/README.md says.
    #[arg(long, value_name = "DIR")]
    pub(super) data: PathBuf,
    /// Folder of the networks.
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub(super) models: PathBuf,
}

/// A part of the data, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    Train,
    Tune,
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
    /// Write the report as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write the report as Markdown to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) markdown: Option<PathBuf>,
    /// Draw the report's charts (SVG) into this folder.
    #[arg(long, value_name = "DIR")]
    pub(super) plots: Option<PathBuf>,
    /// Folder of the networks.
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub(super) models: PathBuf,
    /// Ask a running service, as an EHR would, instead of running the network here.
    #[arg(long, value_name = "URL")]
    pub(super) through_http: Option<String>,
    /// With --through-http: also run the network here, and fail when the two differ.
    #[arg(long, requires = "through_http")]
    pub(super) compare: bool,
    /// The service to call, if not the network's own.
    #[arg(long, requires = "through_http")]
    pub(super) service: Option<ServiceId>,
    /// Measure the network's explanations instead, and write the figures as JSON to this file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "markdown", "plots", "through_http"])]
    pub(super) explanations: Option<PathBuf>,
    /// At most this many cases, spread evenly over the split.
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
}

#[derive(Debug, Args)]
pub(super) struct Attribute {
    /// Folder to write `<network>.safetensors` into.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// The networks; all that have attributions if not given.
    pub(super) names: Vec<ModelName>,
    /// Folder of the networks.
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub(super) models: PathBuf,
    /// Drawn cases per network.
    #[arg(long, default_value_t = 100)]
    pub(super) cases: usize,
}

#[derive(Debug, Args)]
pub(super) struct Films {
    /// Folder with the training films (`labels.csv`, `train.zip`).
    #[arg(long, value_name = "DIR")]
    pub(super) data: PathBuf,
    /// Folder to write the PNG files into.
    #[arg(long, value_name = "DIR", default_value = "src/samples/films")]
    pub(super) out: PathBuf,
    /// `chest-radiograph` or `knee-radiograph`: whose films, and the network that says which drawn films are clear.
    #[arg(long, default_value = "chest-radiograph")]
    pub(super) model: ModelName,
    /// Folder of the networks.
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub(super) models: PathBuf,
    /// Films of each class.
    #[arg(long, default_value_t = 3)]
    pub(super) count: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
}
