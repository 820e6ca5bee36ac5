//! All sessions of the daemon, by id: opened, joined, listed, frozen, made anew, closed.
//!
//! A bounded map behind a mutex that no event ever passes. What takes time (making a plan,
//! restoring a state, hashing a snapshot) happens on a thread apart, never on the I/O thread.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
};

use spiked_proto::v1;
use tokio::sync::Notify;

use super::{
    handle::Session,
    making::{self, Made, Wanted},
    pool,
    protocol::Protocol,
    settings::{Settings, check_name},
    snapshot::{self, Store},
};
use crate::{config::Limits, error::Error, networks::Repository};

/// All sessions.
pub(crate) struct Registry {
    repository: Arc<Repository>,
    pool: Arc<pool::Queue>,
    sessions: Mutex<BTreeMap<String, Arc<Session>>>,
    snapshots: Store,
    limits: Limits,
    draining: AtomicBool,
    /// Rung when a session has gone.
    gone: Notify,
}

impl Registry {
    /// An empty registry.
    pub(crate) fn new(
        repository: Arc<Repository>,
        pool: Arc<pool::Queue>,
        limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self {
            repository,
            pool,
            sessions: Mutex::default(),
            snapshots: Store::new(limits.snapshots, limits.snapshot_bytes),
            limits,
            draining: AtomicBool::new(false),
            gone: Notify::new(),
        })
    }

    /// Opens a session, or finds the one of that id; says whether it was there before.
    pub(crate) async fn open(
        self: &Arc<Self>,
        open: v1::Open,
    ) -> Result<(Arc<Session>, bool), Error> {
        let settings = Settings::new(&open)?;
        let sensors = making::sensors(&open)?;
        if !open.session_id.is_empty() {
            check_name("open.session_id", &open.session_id)?;
            if let Some(session) = self.find(&open.session_id) {
                session.check_same(&open, &settings, &sensors)?;
                return Ok((session, true));
            }
            if open.network.is_empty() {
                return Err(Error::SessionUnknown { id: open.session_id });
            }
        }
        if open.network.is_empty() {
            return Err(Error::field("open.network", "is empty: name a network"));
        }
        let workers = self.workers("open.workers", open.workers)?;
        self.check_admission()?;
        let repository = self.repository.clone();
        let wanted = Wanted {
            network: open.network,
            version: open.network_version,
            sensors,
            workers,
            field: "open.workers",
        };
        let made = apart(move || making::make(&repository, wanted, settings)).await?;
        self.admit(open.session_id, made)
    }

    /// Makes a session from a snapshot.
    pub(crate) async fn restore(
        self: &Arc<Self>,
        sha256: &[u8],
        id: String,
        workers: u32,
    ) -> Result<Arc<Session>, Error> {
        if !id.is_empty() {
            check_name("session_id", &id)?;
        }
        let workers = self.workers("workers", workers)?;
        let unknown = || Error::SnapshotUnknown { sha256: hex(sha256) };
        let bytes = self.snapshots.find(sha256).ok_or_else(unknown)?;
        self.check_admission()?;
        let repository = self.repository.clone();
        let made = apart(move || making::thaw(&repository, &bytes, workers)).await?;
        match self.admit(id, made)? {
            (session, false) => Ok(session),
            (session, true) => {
                let id = session.id().to_owned();
                Err(Error::SessionConflict { id, problem: "exists already" })
            }
        }
    }

    /// The session of an id.
    pub(crate) fn get(&self, id: &str) -> Result<Arc<Session>, Error> {
        self.find(id).ok_or_else(|| Error::SessionUnknown { id: id.to_owned() })
    }

    /// All sessions, ordered by id.
    pub(crate) fn list(&self) -> Vec<v1::SessionInfo> {
        let sessions: Vec<_> = self.lock().values().cloned().collect();
        sessions.iter().map(|session| session.info()).collect()
    }

    /// Takes a session's whole state.
    pub(crate) async fn snapshot(
        self: &Arc<Self>,
        id: &str,
    ) -> Result<v1::SnapshotSessionResponse, Error> {
        let session = self.get(id)?;
        let frozen = session.freeze().await?;
        let protocol = Protocol::load(&frozen.protocol, session.plan())?;
        let registry = self.clone();
        apart(move || {
            let bytes = snapshot::encode(session.runs(), &frozen);
            let size_bytes = bytes.len() as u64;
            let sha256 = registry.snapshots.keep(bytes)?;
            Ok(v1::SnapshotSessionResponse {
                snapshot_sha256: sha256.to_vec().into(),
                size_bytes,
                accepted: protocol.status().accepted,
                output_position: frozen.output_position,
                simulated_to_tick: frozen.simulated_to.0,
            })
        })
        .await
    }

    /// Ends a session; says where it stood.
    pub(crate) fn close(&self, id: &str) -> Result<v1::SessionInfo, Error> {
        let session = self.get(id)?;
        session.end(v1::EndReason::Closed, "closed by a call");
        self.forget(id);
        Ok(session.info())
    }

    /// From here on no session is opened.
    pub(crate) fn drain(&self) {
        // Ordering: Release pairs with the Acquire in `check_admission`.
        self.draining.store(true, Release);
    }

    /// Waits until no session is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let gone = self.gone.notified();
            if self.lock().is_empty() {
                return;
            }
            gone.await;
        }
    }

    /// Ends all sessions; says how many there were.
    pub(crate) fn end_all(&self, reason: v1::EndReason, message: &str) -> usize {
        let sessions = std::mem::take(&mut *self.lock());
        for session in sessions.values() {
            session.end(reason, message);
        }
        self.gone.notify_waiters();
        sessions.len()
    }

    /// The number of workers that is meant.
    fn workers(&self, field: &str, given: u32) -> Result<u32, Error> {
        let limit = self.limits.workers;
        if given as usize > limit {
            let problem = format!("{given} where {limit} is the most here");
            return Err(Error::field(field, problem));
        }
        Ok(given.max(1))
    }

    fn check_admission(&self) -> Result<(), Error> {
        // Ordering: Acquire pairs with the Release in `drain`.
        if self.draining.load(Acquire) {
            return Err(Error::ShuttingDown);
        }
        self.check_count(&self.lock())
    }

    fn check_count(&self, sessions: &BTreeMap<String, Arc<Session>>) -> Result<(), Error> {
        if sessions.len() < self.limits.sessions {
            return Ok(());
        }
        Err(Error::Limit { what: "sessions", limit: self.limits.sessions as u64 })
    }

    /// Puts a session into the map, under the id given or one of its own, and sets it going.
    fn admit(self: &Arc<Self>, id: String, made: Made) -> Result<(Arc<Session>, bool), Error> {
        let mut sessions = self.lock();
        self.check_count(&sessions)?;
        let id = if id.is_empty() { fresh_id(&sessions) } else { id };
        if let Some(session) = sessions.get(&id) {
            // Somebody else was quicker.
            session.check_settings(made.protocol.settings(), &made.runs)?;
            return Ok((session.clone(), true));
        }
        let (session, intake) = Session::begin(id.clone(), made, &self.pool, &self.limits);
        sessions.insert(id.clone(), session.clone());
        drop(sessions);
        let registry = self.clone();
        tokio::spawn(async move {
            intake.run().await;
            registry.forget(&id);
        });
        Ok((session, false))
    }

    fn forget(&self, id: &str) {
        self.lock().remove(id);
        self.gone.notify_waiters();
    }

    fn find(&self, id: &str) -> Option<Arc<Session>> {
        self.lock().get(id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Session>>> {
        // No call panics while it holds the map, so a poisoned one is whole.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what takes time on a thread of its own.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(Error::Internal("a thread stopped in the middle of its work")))
}

fn fresh_id(sessions: &BTreeMap<String, Arc<Session>>) -> String {
    loop {
        // Seeded from the system's randomness: not to be guessed, unlikely to repeat.
        let id = format!("{:016x}", RandomState::new().build_hasher().finish());
        if !sessions.contains_key(&id) {
            return id;
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(32).map(|byte| format!("{byte:02x}")).collect()
}
