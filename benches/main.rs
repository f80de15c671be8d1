//! Where the time of an answer goes. `cargo bench` runs all; `cargo bench -- networks` some. Compare ratios of one run:
//! a shared machine's milliseconds say little.

#![allow(clippy::expect_used, reason = "a bench that cannot run must say so")]

mod audit;
mod chart;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, chart::reading, chart::networks, chart::explanations, chart::cards, audit::records);
criterion_main!(benches);
