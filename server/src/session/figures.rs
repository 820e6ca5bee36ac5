//! What a session has done in this daemon, as totals that never fall.
//!
//! A session that is woken, restored, forked or rewound starts with figures of its past, which its
//! acknowledgements go on from. Here they are subtracted: an event counts once, in the session that
//! it came to.

/// A total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Batches,
    Duplicates,
    /// In accepted batches, whatever became of them.
    Events,
    Filtered,
    Late,
    Outside,
    Multiplicity,
    BetweenSamples,
    Overload,
    /// Words of a camera's encoding that meant nothing; these are no events.
    Words,
    Deliveries,
    Spikes,
    CoreNs,
}

const COUNT: usize = Figure::CoreNs as usize + 1;

/// All totals of one session, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures([u64; COUNT]);

impl Figures {
    pub(crate) const fn get(&self, figure: Figure) -> u64 {
        self.0[figure as usize]
    }

    pub(crate) fn add(&mut self, figure: Figure, more: u64) {
        let total = &mut self.0[figure as usize];
        *total = total.saturating_add(more);
    }

    pub(crate) fn add_all(&mut self, more: &Self) {
        for (total, more) in self.0.iter_mut().zip(more.0) {
            *total = total.saturating_add(more);
        }
    }

    /// What has come since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let mut since = *self;
        for (total, before) in since.0.iter_mut().zip(before.0) {
            *total = total.saturating_sub(before);
        }
        since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_past_is_taken_off_and_parts_add_up() {
        let (mut past, mut all) = (Figures::default(), Figures::default());
        past.add(Figure::Spikes, 3);
        all.add(Figure::Spikes, 5);
        all.add(Figure::CoreNs, 7);
        let mut sum = all.since(&past);
        assert_eq!((sum.get(Figure::Spikes), sum.get(Figure::CoreNs)), (2, 7));
        sum.add_all(&past);
        assert_eq!(sum, all);
    }
}
