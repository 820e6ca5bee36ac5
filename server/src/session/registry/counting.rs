//! What the daemon's sessions have done and do, read together.

use std::{collections::BTreeMap, sync::Arc};

use super::{Key, Registry, lock};
use crate::session::{buckets::Measured, figures::Figures, handle::Session, ledger::Labels};

/// Everything at one moment.
#[derive(Default)]
pub(crate) struct Reading {
    /// Of sessions that run and that have ended.
    pub(crate) totals: BTreeMap<Labels, Figures>,
    pub(crate) now: BTreeMap<Labels, Now>,
    /// By network.
    pub(crate) measured: BTreeMap<String, Arc<Measured>>,
}

/// Sessions that are there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Now {
    pub(crate) running: u64,
    pub(crate) resting: u64,
    pub(crate) queue_events: u64,
    pub(crate) watchers: u64,
}

impl Registry {
    /// Reads everything, each session once.
    pub(crate) fn read(&self) -> Reading {
        let sessions = lock(&self.sessions);
        let ledger = lock(&self.ledger);
        let mut totals = ledger.ended().clone();
        let mut now: BTreeMap<Labels, Now> =
            totals.keys().map(|labels| (labels.clone(), Now::default())).collect();
        for ((tenant, _), session) in sessions.iter() {
            let labels = ledger.labels(&session.runs().network, tenant);
            let row = now.entry(labels.clone()).or_default();
            row.running += 1;
            row.queue_events += session.queue_events();
            row.watchers += u64::from(session.watchers());
            totals.entry(labels).or_default().add_all(&session.figures());
        }
        let residents = lock(&self.residents);
        // One that is being woken is in both for a moment.
        for (key, resident) in residents.iter().filter(|(key, _)| !sessions.contains_key(*key)) {
            let network = resident.network.clone();
            let labels = match network {
                Some(network) => ledger.labels(&network, &key.0),
                None => Labels { network: String::new(), tenant: key.0.clone() },
            };
            now.entry(labels).or_default().resting += 1;
        }
        Reading { totals, now, measured: ledger.measured().clone() }
    }

    /// Books what a session has done that is about to leave `sessions`; says what it ran.
    pub(super) fn book(&self, key: &Key, sessions: &BTreeMap<Key, Arc<Session>>) -> Option<String> {
        let session = sessions.get(key)?;
        let network = session.runs().network.clone();
        lock(&self.ledger).end(&network, &key.0, &session.figures());
        Some(network)
    }
}
