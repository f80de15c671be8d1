//! A bounded list of what was left out and why.
//!
//! Contract: equal reasons are counted, not repeated; the list never grows beyond its bound, and what is over it is
//! counted in one closing entry, so nothing goes unsaid.

use crate::domain::Ignored;
use std::collections::HashMap;

/// Collects [`Ignored`] entries.
#[derive(Debug)]
pub struct Ledger {
    most: usize,
    entries: Vec<Entry>,
    index: HashMap<(&'static str, String), usize>,
    beyond: usize,
}

#[derive(Debug)]
struct Entry {
    ignored: Ignored,
    count: usize,
}

impl Ledger {
    /// An empty list of at most `most` entries (and the closing one).
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, entries: Vec::new(), index: HashMap::new(), beyond: 0 }
    }

    /// Notes one thing by itself; the detail is written only when there is room for it.
    pub fn note(&mut self, reference: &str, reason: &'static str, detail: impl FnOnce() -> String) {
        if self.entries.len() >= self.most {
            self.beyond += 1;
            return;
        }
        self.entries
            .push(Entry { ignored: Ignored { reference: reference.to_owned(), reason, detail: detail() }, count: 1 });
    }

    /// Notes one of possibly many alike: those with the same reason and `about` become one entry with their number.
    pub fn count(&mut self, reference: &str, reason: &'static str, about: &str, detail: impl FnOnce() -> String) {
        let key = (reason, about.to_owned());
        if let Some(entry) = self.index.get(&key).and_then(|at| self.entries.get_mut(*at)) {
            entry.count += 1;
            return;
        }
        if self.entries.len() < self.most {
            self.index.insert(key, self.entries.len());
        }
        self.note(reference, reason, detail);
    }

    /// The list; an entry that stands for several says for how many and names the first.
    #[must_use]
    pub fn close(self) -> Vec<Ignored> {
        let mut list: Vec<Ignored> = self.entries.into_iter().map(Entry::close).collect();
        if self.beyond > 0 {
            list.push(Ignored {
                reference: "prefetch".into(),
                reason: "and-more",
                detail: format!("{} more are not listed one by one.", self.beyond),
            });
        }
        list
    }
}

impl Entry {
    fn close(self) -> Ignored {
        let Self { mut ignored, count } = self;
        if count > 1 {
            ignored.detail = format!("{} ({count} times; the first is named)", ignored.detail);
        }
        ignored
    }
}

#[cfg(test)]
mod tests {
    use super::Ledger;

    #[test]
    fn equal_reasons_become_one_entry_with_their_number() {
        let mut ledger = Ledger::new(10);
        for number in 0..3 {
            ledger.count(&format!("Observation/{number}"), "unknown-code", "1-8", || "Not in the table.".into());
        }
        ledger.count("Observation/9", "unknown-code", "2-6", || "Not in the table.".into());
        let list = ledger.close();
        assert_eq!(list.len(), 2);
        assert_eq!((list[0].reference.as_str(), list[0].detail.contains("3 times")), ("Observation/0", true));
        assert!(!list[1].detail.contains("times"));
    }

    #[test]
    fn the_list_is_bounded_and_says_how_much_is_beyond_it() {
        let mut ledger = Ledger::new(2);
        for number in 0..5 {
            ledger.note(&number.to_string(), "x", || "x".into());
        }
        ledger.count("6", "y", "y", || "y".into());
        let list = ledger.close();
        assert_eq!(list.len(), 3);
        assert_eq!((list[2].reason, list[2].detail.as_str()), ("and-more", "4 more are not listed one by one."));
    }
}
