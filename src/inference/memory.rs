//! A content-addressed memory of answers: same bytes, same network → same answer, no work.

use crate::domain::{Digest, Explanation, Prediction};
use std::collections::{HashMap, VecDeque};

/// What is kept of an answer.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) prediction: Prediction,
    /// `None` when there was no time to compute it; it will be computed when asked for again.
    pub(super) explanation: Option<Explanation>,
}

/// Keeps the newest `capacity` answers; the oldest leaves first.
#[derive(Debug)]
pub(super) struct Memory {
    capacity: usize,
    answers: HashMap<Digest, Remembered>,
    order: VecDeque<Digest>,
}

impl Memory {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, answers: HashMap::with_capacity(capacity), order: VecDeque::with_capacity(capacity) }
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<&Remembered> {
        self.answers.get(digest)
    }

    pub(super) fn put(&mut self, digest: Digest, answer: Remembered) {
        if self.capacity == 0 {
            return;
        }
        if self.answers.insert(digest, answer).is_some() {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, Remembered};
    use crate::domain::{Digest, Prediction};

    #[test]
    fn the_oldest_answer_leaves_when_the_memory_is_full() {
        let mut memory = Memory::new(2);
        for text in ["a", "b", "a", "c"] {
            let prediction = Prediction::scored(vec![], vec![]);
            memory.put(Digest::of(text.as_bytes()), Remembered { prediction, explanation: None });
        }
        assert!(memory.get(&Digest::of(b"a")).is_none());
        assert!(memory.get(&Digest::of(b"b")).is_some() && memory.get(&Digest::of(b"c")).is_some());
        assert_eq!(memory.answers.len(), memory.order.len());
    }
}
