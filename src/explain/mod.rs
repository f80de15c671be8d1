//! Why the model said so, as people see it.
//!
//! Contract: pure. The numbers come from a network's own `explain` and passed (or failed) its stated check; here they
//! become pictures and are never changed. Pictures carry a text alternative and need no script.

pub mod bars;
pub mod charts;
pub mod heat;
mod svg;

use crate::domain::Explanation;

/// One sentence on whether the attribution can be trusted, for cards and pages.
#[must_use]
pub fn trust(explanation: &Explanation) -> String {
    let how =
        format!("{} (gap {:.3}, accepted up to {:.3})", explanation.method, explanation.gap, explanation.tolerance);
    if explanation.reliable {
        format!("Computed with {how}; it passed its check.")
    } else {
        format!("Computed with {how}; it failed its check, so do not rely on it.")
    }
}

#[cfg(test)]
mod tests {
    use super::trust;
    use crate::domain::{Attribution, Explanation};
    use std::collections::BTreeMap;

    #[test]
    fn an_unreliable_explanation_is_called_unreliable() {
        let mut explanation = Explanation {
            method: "integrated gradients".into(),
            parameters: BTreeMap::new(),
            gap: 0.4,
            tolerance: 0.05,
            reliable: false,
            attribution: Attribution::Spans,
        };
        assert!(trust(&explanation).contains("do not rely on it"));
        explanation.reliable = true;
        assert!(trust(&explanation).contains("passed its check"));
    }
}
