//! All sessions of the daemon, by tenant and id.
//!
//! A bounded map behind a mutex that no event ever passes. What takes time (making a plan,
//! restoring a state, hashing a snapshot, files) happens on a thread apart, never on the I/O thread.
//! Here: the map, and how a session comes in and leaves; who may come in, and how sessions are opened,
//! rest on disk, are frozen and made anew, and end with the daemon, stands in the modules below.

mod admission;
mod counting;
mod draining;
mod freezing;
mod opening;
mod resting;
mod tuning;

pub(crate) use counting::{Now, Reading};

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use spiked_proto::{hex, v1};
use tokio::{
    sync::{Mutex as AsyncMutex, Notify},
    task::coop::unconstrained,
};
use tracing::Instrument as _;

use super::{
    data::{Data, Resident},
    handle::{Counted, Session, Token},
    host::{Journaling, Outcome},
    journal::Meta,
    ledger::Ledger,
    making::Made,
    meter::{Meter, Quotas},
    pool,
    settings::Capacity,
    store::Store,
};
use crate::{
    config::Limits,
    error::Error,
    networks::Repository,
    telemetry::{self, calls},
};

/// Whose session, and which.
type Key = (String, String);

/// All sessions.
pub(crate) struct Registry {
    repository: Arc<Repository>,
    pool: Arc<pool::Queue>,
    sessions: Mutex<BTreeMap<Key, Arc<Session>>>,
    /// Durable sessions that lie on disk and do not run.
    residents: Mutex<BTreeMap<Key, Resident>>,
    /// Held while a durable session is made: its folder must not be made twice.
    making: AsyncMutex<()>,
    snapshots: Store,
    data: Option<Data>,
    limits: Limits,
    /// What tenants may have that have bounds of their own.
    quotas: Mutex<Quotas>,
    /// Taken only while `sessions` is held: a session is among those that run or in here.
    ledger: Mutex<Ledger>,
    /// What tenants have left of what they may send, once they have had a session.
    meters: Mutex<BTreeMap<String, Arc<Meter>>>,
    draining: AtomicBool,
    /// Rung when a session has gone.
    gone: Notify,
}

/// A session to be set going.
struct Launch {
    key: Key,
    token: Token,
    workers: u32,
    made: Made,
    journaling: Option<Journaling>,
}

impl Registry {
    /// A registry without sessions; those in the data folder are not made again yet.
    pub(crate) fn new(
        repository: Arc<Repository>,
        pool: Arc<pool::Queue>,
        data: Option<Data>,
        limits: Limits,
    ) -> io::Result<Arc<Self>> {
        let folder = data.as_ref().map(Data::snapshots);
        Ok(Arc::new(Self {
            repository,
            pool,
            sessions: Mutex::default(),
            residents: Mutex::default(),
            making: AsyncMutex::new(()),
            snapshots: Store::open(folder, limits.snapshots, limits.snapshot_bytes)?,
            data,
            limits,
            quotas: Mutex::default(),
            ledger: Mutex::default(),
            meters: Mutex::default(),
            draining: AtomicBool::new(false),
            gone: Notify::new(),
        }))
    }

    /// The session of an id; one at rest is made again.
    pub(crate) async fn get(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
    ) -> Result<Arc<Session>, Error> {
        let found = self.find_or_wake(tenant, id).await?;
        found.ok_or_else(|| Error::SessionUnknown { id: id.to_owned() })
    }

    fn find(&self, key: &Key) -> Option<Arc<Session>> {
        lock(&self.sessions).get(key).cloned()
    }

    /// All sessions of a tenant, ordered by id.
    pub(crate) fn list(&self, tenant: &str) -> Vec<v1::SessionInfo> {
        let sessions: Vec<_> = lock(&self.sessions)
            .iter()
            .filter(|((owner, _), _)| owner == tenant)
            .map(|(_, session)| session.clone())
            .collect();
        let mut infos: Vec<_> = sessions.iter().map(|session| session.info()).collect();
        let residents = lock(&self.residents);
        let resting = residents.keys().filter(|(owner, _)| owner == tenant);
        infos.extend(resting.map(|(_, id)| v1::SessionInfo {
            session_id: id.clone(),
            at_rest: true,
            ..v1::SessionInfo::default()
        }));
        infos.sort_by(|one, other| one.session_id.cmp(&other.session_id));
        infos
    }

    /// The number of workers that is meant.
    fn workers(&self, field: &str, given: u32) -> Result<u32, Error> {
        let limit = self.workers_max();
        if given > limit {
            let problem = format!("{given} where {limit} is the most here");
            return Err(Error::field(field, problem));
        }
        Ok(given.max(1))
    }

    fn workers_max(&self) -> u32 {
        u32::try_from(self.limits.workers).unwrap_or(u32::MAX)
    }

    fn capacity(&self) -> Capacity {
        Capacity { events: self.limits.queue_events, bytes: self.limits.queue_bytes }
    }

    /// Puts a session into the map and sets it going.
    fn admit(self: &Arc<Self>, launch: Launch) -> Result<(Arc<Session>, bool), Error> {
        let Launch { key, token, workers, made, journaling } = launch;
        let mut sessions = lock(&self.sessions);
        self.check_count(&key.0, &sessions)?;
        if let Some(session) = sessions.get(&key) {
            // Somebody else was quicker.
            session.check_settings(made.protocol.settings(), &made.runs)?;
            return Ok((session.clone(), true));
        }
        self.check_memory(&key.0, &made.plan, made.protocol.producers(), &sessions)?;
        let measured = lock(&self.ledger).begin(&made.runs.network, &key.0);
        let (lease, durable) = (self.limits.lease, journaling.is_some());
        let counted = Counted { measured, meter: self.meter(&key.0) };
        let (session, host) =
            Session::begin(key.1.clone(), token, made, &self.pool, lease, journaling, counted);
        sessions.insert(key.clone(), session.clone());
        drop(sessions);
        let registry = self.clone();
        // What a session logs says whose it is and what it runs, whatever the filter.
        let network = &session.runs().network;
        let (id, tenant) = (&key.1, &key.0);
        let span =
            tracing::error_span!(parent: None, telemetry::SESSION, session = id, network, tenant);
        // It outlives the call that opened it, so it is linked to that and no part of it.
        span.follows_from(tracing::Span::current());
        calls::put(&span, "version", &session.runs().version);
        let ending = session.ending();
        tokio::spawn(async move {
            span.in_scope(|| tracing::info!(durable, "a session begins"));
            // It takes all that its streams have, whatever tokio would give it at a time: what piles
            // up unread in small frames ends a whole connection. That is bounded by their windows.
            let ended = tokio::spawn(unconstrained(host.run().instrument(span.clone()))).await;
            let outcome = ended.unwrap_or_else(|error| {
                // A mistake of ours in one session; the others go on, and what is on disk stays.
                span.in_scope(|| tracing::error!(%error, "a session broke down"));
                if durable { Outcome::Saved } else { Outcome::Gone }
            });
            span.in_scope(|| {
                tracing::info!(saved = outcome == Outcome::Saved, "a session is over")
            });
            calls::session_ended(&span, outcome.name(), ending.read());
            drop(span);
            registry.forget(key, token, workers, outcome);
        });
        Ok((session, false))
    }

    /// A session is over; one that was saved lies on disk from here on.
    fn forget(&self, key: Key, token: Token, workers: u32, outcome: Outcome) {
        let mut sessions = lock(&self.sessions);
        let network = self.book(&key, &sessions);
        if outcome == Outcome::Saved {
            self.lay_to_rest(&key, token, workers, network);
        }
        sessions.remove(&key);
        drop(sessions);
        self.gone.notify_waiters();
    }

    /// A durable session lies on disk, and can be opened again.
    fn lay_to_rest(&self, key: &Key, token: Token, workers: u32, network: Option<String>) {
        let Some(data) = &self.data else {
            return;
        };
        let (tenant, id) = key.clone();
        let path = data.session(&tenant, &id);
        let meta = Meta { id, tenant, token, workers };
        lock(&self.residents).insert(key.clone(), Resident { meta, path, network, rests: true });
    }

    async fn wait_gone(&self, key: &Key) {
        loop {
            let gone = self.gone.notified();
            if self.find(key).is_none() {
                return;
            }
            gone.await;
        }
    }
}

fn lock<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    // No call panics while it holds a map, so a poisoned one is whole.
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

fn exists(id: &str) -> Error {
    Error::SessionConflict { id: id.to_owned(), problem: "exists already" }
}

/// Runs what takes time on a thread of its own.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(Error::Internal("a thread stopped in the middle of its work")))
}

/// No snapshot has this name, which may be of any length: no more of it is told than a name has.
pub(crate) fn unknown_snapshot(name: &[u8]) -> Error {
    Error::SnapshotUnknown { sha256: hex(&name[..name.len().min(32)]) }
}
