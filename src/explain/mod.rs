//! Why the model said so, as people see it.
//!
//! Contract: pure. The numbers come from a network's own `explain` and passed (or failed) its stated check; here they
//! become pictures and are never changed. Pictures carry a text alternative and need no script.

pub mod bars;
pub mod charts;
pub mod heat;
pub mod note;
mod svg;
pub mod timeline;

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
        let checked =
            |gap| Explanation::checked("integrated gradients", BTreeMap::new(), (gap, 0.05), None, Attribution::Spans);
        assert!(trust(&checked(0.4)).contains("do not rely on it"));
        assert!(trust(&checked(f64::NAN)).contains("do not rely on it"));
        assert!(trust(&checked(0.04)).contains("passed its check"));
    }
}
