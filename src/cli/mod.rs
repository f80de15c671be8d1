//! The command line, and the only place where parts are built and joined.

mod arguments;
mod call;
mod check;
mod evaluate;
mod import;
mod keys;
mod serve;
mod train;

use crate::{
    domain::{Clock, SystemClock},
    settings::Settings,
    telemetry,
};
use arguments::{Arguments, Command};
use clap::Parser as _;
use std::{process::ExitCode, sync::Arc};

/// Why a command failed: one line for the person who typed it.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command named by the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failed> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = Settings::load(arguments.settings.as_deref());
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let settings = settings?;
            telemetry::log::start(&settings.log)?;
            serve::run(settings, clock)
        }
        Command::Check => check::run(&settings?),
        Command::Call(call) => call::run(&call, clock.as_ref()),
        Command::Train(train) => train::run(&train, clock.as_ref()),
        Command::Evaluate(evaluate) => evaluate::run(&evaluate, clock.as_ref()),
        Command::Import(import) => import::run(&import, clock.as_ref()),
        Command::Calibrate(calibrate) => import::calibrate(&calibrate, clock.as_ref()),
        Command::Attribute(attribute) => evaluate::attribute(&attribute),
        Command::Films(films) => train::films(&films),
    }
}

/// A line of a command's answer.
#[expect(clippy::print_stdout, reason = "a command's answer goes to standard output; nothing else writes there")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "why a command failed goes to standard error, also before a log is running")]
fn say_error(line: &str) {
    eprintln!("auscult: {line}");
}
