//! What a person sees while a network trains.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// One line of the learning curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochLine {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean loss over the epoch's steps.
    pub loss: f64,
    /// Validation metric, higher is better.
    pub metric: f64,
    /// Learning rate at the end of the epoch.
    pub learning_rate: f64,
}

/// Listens to a training run.
pub trait Progress {
    /// What the validation metric is called.
    fn metric(&self) -> &str {
        "metric"
    }
    /// The run begins (or continues, with `done` of `total` steps behind it).
    fn begin(&self, done: usize, total: usize);
    /// A step is done; `loss` is the running mean of this epoch.
    fn step(&self, epoch: usize, epochs: usize, loss: f64);
    /// An epoch is done and its checkpoint is on disk.
    fn epoch(&self, line: EpochLine, best: bool);
}

/// Says nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _done: usize, _total: usize) {}
    fn step(&self, _epoch: usize, _epochs: usize, _loss: f64) {}
    fn epoch(&self, _line: EpochLine, _best: bool) {}
}

/// A bar on standard error: epoch, loss, validation metric, time left. One line per epoch stays on the screen, also
/// when standard error is a file.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    metric: &'static str,
}

impl Bar {
    /// A bar that calls the validation metric `metric`.
    #[must_use]
    pub fn new(metric: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(4));
        let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} steps, {eta_precise} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        Self { bar, metric }
    }
}

impl Progress for Bar {
    fn metric(&self) -> &str {
        self.metric
    }

    fn begin(&self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.bar.reset_eta();
        self.bar.enable_steady_tick(Duration::from_secs(1));
    }

    fn step(&self, epoch: usize, epochs: usize, loss: f64) {
        self.bar.set_message(format!("epoch {epoch}/{epochs}, loss {loss:.4}"));
        self.bar.inc(1);
    }

    fn epoch(&self, line: EpochLine, best: bool) {
        let text = format!(
            "epoch {:>3}  loss {:.4}  {} {:.4}{}  after {:.0} s",
            line.epoch,
            line.loss,
            self.metric,
            line.metric,
            if best { " *" } else { "  " },
            self.bar.elapsed().as_secs_f64()
        );
        if self.bar.is_hidden() {
            #[expect(clippy::print_stderr, reason = "the command's own output where there is no terminal")]
            {
                eprintln!("{text}");
            }
        } else {
            self.bar.println(text);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
