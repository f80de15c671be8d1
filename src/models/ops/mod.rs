//! Arithmetic that Candle does slowly or without a gradient, as custom operations on the CPU.
//!
//! Contract: every operation has a forward and a backward pass and a test that compares the latter with finite
//! differences; results do not depend on the number of threads.

pub mod activation;
pub mod conv;
pub mod depthwise;
mod gates;
pub mod gemm;
pub mod lstm;
pub mod maxpool;
pub mod pool;
pub mod project;
pub mod slices;
