//! The sections of a Composition as one text, with their titles as heading lines.

use super::TEXT_BYTES_MAX;
use crate::fhir::ledger::Ledger;
use crate::fhir::resource::{list, text, words};
use crate::fhir::text::{html, plain};
use serde_json::Value;

/// Deepest nesting of sections that is read.
const DEPTH_MAX: usize = 8;
/// Most sections of one Composition that are read.
const SECTIONS_MAX: usize = 500;

/// The text, or nothing when no section has any. Sections too deep, too many or beyond the text budget are noted.
pub fn to_text(composition: &Value, reference: &str, ledger: &mut Ledger) -> Option<String> {
    let mut writer = Writer { out: String::new(), sections: 0, left_out: 0 };
    writer.sections(composition, 0);
    if writer.left_out > 0 {
        let count = writer.left_out;
        ledger.note(reference, "sections-left-out", || format!("{count} sections are too many, too deep or too long."));
    }
    if writer.out.is_empty() {
        // No section has text: the summary for people then is all there is.
        return narrative(composition);
    }
    Some(writer.out)
}

struct Writer {
    out: String,
    sections: usize,
    left_out: usize,
}

impl Writer {
    fn sections(&mut self, parent: &Value, depth: usize) {
        for section in list(parent, "section") {
            self.sections += 1;
            if depth >= DEPTH_MAX || self.sections > SECTIONS_MAX || self.out.len() > TEXT_BYTES_MAX {
                self.left_out += 1;
                continue;
            }
            let before = self.out.len();
            let title = text(section, "title").or_else(|| section.get("code").and_then(words)).map(plain::tidy);
            if let Some(title) = title.filter(|title| !title.is_empty()) {
                self.paragraph(&title);
            }
            let headed = self.out.len();
            if let Some(text) = narrative(section) {
                self.out.push_str(if headed > before { "\n" } else { self.gap() });
                self.out.push_str(&text);
            }
            self.sections(section, depth + 1);
            if self.out.len() == headed {
                // A heading over nothing says nothing.
                self.out.truncate(before);
            }
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.out.push_str(self.gap());
        self.out.push_str(text);
    }

    const fn gap(&self) -> &'static str {
        if self.out.is_empty() { "" } else { "\n\n" }
    }
}

/// `text.div`, unless it says that there is nothing.
fn narrative(json: &Value) -> Option<String> {
    let narrative = json.get("text")?;
    if text(narrative, "status") == Some("empty") {
        return None;
    }
    Some(html::to_text(text(narrative, "div")?)).filter(|text| !text.is_empty())
}
