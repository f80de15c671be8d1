//! Attribution methods that every network shares, on Candle's gradients.
//!
//! Contract: deterministic; the same input and the same [`Effort`] give the same numbers. Integrated gradients add up to
//! the change of score they explain within [`path::tolerance`], or say by how much they do not. The second opinion takes
//! the leading factor away and looks at the score; it shares no arithmetic with the gradients.

pub mod ablation;
pub mod film;
pub mod path;

/// How much work an explanation may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Most points between baseline and input, all tries together; each costs two to three predictions.
    pub points_max: usize,
}

impl Effort {
    /// As much as any network needs on nearly every input.
    pub const FULL: Self = Self { points_max: 512 };

    /// At most this many points.
    #[must_use]
    pub const fn points(points_max: usize) -> Self {
        Self { points_max }
    }
}
