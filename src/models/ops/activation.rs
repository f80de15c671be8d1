//! What follows a convolution, and its gradient.

/// The function applied to every answer of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// None.
    Linear,
    /// Negative answers become zero.
    Relu,
    /// … and answers above six become six (Sandler et al., CVPR 2018).
    Relu6,
}

impl Activation {
    /// Applies it.
    #[inline(always)]
    pub fn apply(self, values: &mut [f32]) {
        match self {
            Self::Linear => {}
            Self::Relu => values.iter_mut().for_each(|value| *value = value.max(0.0)),
            Self::Relu6 => values.iter_mut().for_each(|value| *value = value.clamp(0.0, 6.0)),
        }
    }

    /// Makes `grad`, the answers' gradient, that of what they were before.
    pub fn cut(self, grad: &mut [f32], answers: &[f32]) {
        let ceiling = match self {
            Self::Linear => return,
            Self::Relu => f32::INFINITY,
            Self::Relu6 => 6.0,
        };
        for (grad, answer) in grad.iter_mut().zip(answers) {
            *grad = if *answer > 0.0 && *answer < ceiling { *grad } else { 0.0 };
        }
    }
}
