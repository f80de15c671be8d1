//! The one integration-test binary: everything here drives the built service, a real database or a real browser.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should stop and say why"
)]

mod architecture;
mod support;

mod audit;
mod clinical;
mod commands;
mod models;
mod operations;
mod pages;
mod protocol;
