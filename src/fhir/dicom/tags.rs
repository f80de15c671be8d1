//! Single values of a data set; what is absent or ill-formed reads as absent.

use dicom_object::{DefaultDicomObject, Tag};

/// A data set that is asked for single values.
pub struct Dataset<'a>(pub &'a DefaultDicomObject);

impl Dataset<'_> {
    /// Whether the element is there at all.
    #[must_use]
    pub fn has(&self, tag: Tag) -> bool {
        self.0.get(tag).is_some()
    }

    /// The first value as a whole number.
    #[must_use]
    pub fn number(&self, tag: Tag) -> Option<i64> {
        self.0.get(tag)?.to_int().ok()
    }

    /// The first value as a finite number.
    #[must_use]
    pub fn decimal(&self, tag: Tag) -> Option<f64> {
        let values = self.0.get(tag)?.to_multi_float64().ok()?;
        values.first().copied().filter(|value| value.is_finite())
    }

    /// The first value as text, if not blank.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<String> {
        let text = self.0.get(tag)?.to_str().ok()?;
        let first = text.split('\\').next().unwrap_or("").trim_matches(['\0', ' ']).to_owned();
        (!first.is_empty()).then_some(first)
    }
}
