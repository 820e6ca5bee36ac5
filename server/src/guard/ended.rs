//! What became of requests that the daemon ended before they had come whole.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::error::Error;

/// How many there were since the daemon started, by cause.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    late: AtomicU64,
    unopened: AtomicU64,
    budget: AtomicU64,
}

impl Ended {
    // Ordering: Relaxed throughout, figures.

    /// A request is ended by this; counts it if that is why it never came whole.
    pub(crate) fn count(&self, error: &Error) {
        let counter = match error {
            Error::RequestLate { .. } => &self.late,
            Error::OpenLate { .. } => &self.unopened,
            Error::Requests { .. } => &self.budget,
            _ => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// How many there were, by cause.
    pub(crate) fn tally(&self) -> [(&'static str, u64); 3] {
        [
            ("late", self.late.load(Relaxed)),
            ("unopened", self.unopened.load(Relaxed)),
            ("budget", self.budget.load(Relaxed)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_what_ended_them_and_other_refusals_are_not() {
        let ended = Ended::default();
        let errors = [
            Error::RequestLate { seconds: 1.0 },
            Error::RequestLate { seconds: 1.0 },
            Error::OpenLate { seconds: 1.0 },
            Error::Requests { limit: 1 },
            Error::OpenExpected,
        ];
        errors.iter().for_each(|error| ended.count(error));
        assert_eq!(ended.tally(), [("late", 2), ("unopened", 1), ("budget", 1)]);
    }
}
