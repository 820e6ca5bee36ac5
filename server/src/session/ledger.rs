//! What all sessions have done, by network and tenant, also those that are no more.
//!
//! A pair is entered when its first session begins, and stays. There are never more than so many:
//! what begins beyond them is counted together, under a name that no network can have.

use std::{collections::BTreeMap, sync::Arc};

use super::{buckets::Measured, figures::Figures};

/// Pairs of network and tenant that are told apart.
const PAIRS_MAX: usize = 1_024;
/// Stands for all others.
const OTHERS: &str = "(others)";

/// Whom a figure is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Labels {
    pub(crate) network: String,
    pub(crate) tenant: String,
}

impl Labels {
    fn others() -> Self {
        Self { network: OTHERS.into(), tenant: OTHERS.into() }
    }
}

/// Totals of sessions that have ended, and latencies of all.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    ended: BTreeMap<Labels, Figures>,
    /// By network.
    measured: BTreeMap<String, Arc<Measured>>,
}

impl Ledger {
    /// A session begins; says where it puts its latencies.
    pub(crate) fn begin(&mut self, network: &str, tenant: &str) -> Arc<Measured> {
        let labels = Labels { network: network.to_owned(), tenant: tenant.to_owned() };
        let known = self.ended.contains_key(&labels) || self.ended.len() < PAIRS_MAX;
        let labels = if known { labels } else { Labels::others() };
        let measured = self.measured.entry(labels.network.clone()).or_default().clone();
        self.ended.entry(labels).or_default();
        measured
    }

    /// Under which labels a session that has begun is counted.
    pub(crate) fn labels(&self, network: &str, tenant: &str) -> Labels {
        let labels = Labels { network: network.to_owned(), tenant: tenant.to_owned() };
        if self.ended.contains_key(&labels) { labels } else { Labels::others() }
    }

    /// A session has ended.
    pub(crate) fn end(&mut self, network: &str, tenant: &str, figures: &Figures) {
        let labels = self.labels(network, tenant);
        self.ended.entry(labels).or_default().add_all(figures);
    }

    pub(crate) const fn ended(&self) -> &BTreeMap<Labels, Figures> {
        &self.ended
    }

    pub(crate) const fn measured(&self) -> &BTreeMap<String, Arc<Measured>> {
        &self.measured
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::figures::Figure;

    #[test]
    fn pairs_are_bounded_and_nothing_is_lost_beyond_them() {
        let mut ledger = Ledger::default();
        let mut one = Figures::default();
        one.add(Figure::Spikes, 1);
        for session in 0..2 * PAIRS_MAX {
            let network = format!("n{session}");
            ledger.begin(&network, "t");
            ledger.end(&network, "t", &one);
        }
        assert_eq!(ledger.ended().len(), PAIRS_MAX + 1);
        assert_eq!(ledger.measured().len(), PAIRS_MAX + 1);
        let others = ledger.ended()[&Labels::others()].get(Figure::Spikes);
        assert_eq!(others, PAIRS_MAX as u64);
        let first = ledger.labels("n0", "t");
        assert_eq!(ledger.ended()[&first].get(Figure::Spikes), 1);
    }
}
