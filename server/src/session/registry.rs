//! All sessions of the daemon, by tenant and id: opened, joined, listed, frozen, made anew, closed.
//!
//! A bounded map behind a mutex that no event ever passes. What takes time (making a plan,
//! restoring a state, hashing a snapshot, files) happens on a thread apart, never on the I/O thread.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
    time::Instant,
};

use sim_core::network::SensorSize;
use spiked_proto::v1;
use tokio::{
    sync::{Mutex as AsyncMutex, Notify},
    task::coop::unconstrained,
};

use super::{
    data::{Data, Resident},
    handle::{Session, Token},
    host::{Journaling, Keeping, Outcome},
    journal::{Folder, Journal, Meta},
    making::{self, Made, Wanted},
    pool,
    protocol::Protocol,
    settings::{Capacity, Durability, Settings, check_name},
    snapshot,
    store::Store,
};
use crate::{config::Limits, error::Error, networks::Repository};

/// Whose session, and which.
type Key = (String, String);

/// How many sessions of a tenant may run at once, by its name.
pub(crate) type Quotas = BTreeMap<String, usize>;

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
    /// Sessions that may run at once, for tenants that have a bound of their own.
    quotas: Mutex<Quotas>,
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
            draining: AtomicBool::new(false),
            gone: Notify::new(),
        }))
    }

    /// Makes the sessions again that ran when the daemon ended without a word. One that cannot be
    /// made again stays on disk, and says why when it is opened.
    pub(crate) async fn recover(self: &Arc<Self>) -> io::Result<()> {
        let Some(data) = &self.data else {
            return Ok(());
        };
        for resident in data.residents()? {
            match resident {
                Ok(resident) => {
                    let key = (resident.meta.tenant.clone(), resident.meta.id.clone());
                    let rests = resident.rests;
                    lock(&self.residents).insert(key.clone(), resident);
                    if rests {
                        continue;
                    }
                    let began = Instant::now();
                    match self.wake(&key).await {
                        Ok(_) => tracing::info!(
                            session = key.1,
                            seconds = began.elapsed().as_secs_f64(),
                            "a session goes on where its journal ends"
                        ),
                        Err(error) => {
                            tracing::error!(session = key.1, %error, "a session cannot go on");
                        }
                    }
                }
                Err(broken) => tracing::error!(%broken, "a session cannot be read"),
            }
        }
        Ok(())
    }

    /// Opens a session, or finds the one of that id; says whether it was there before.
    pub(crate) async fn open(
        self: &Arc<Self>,
        tenant: &str,
        open: &v1::Open,
    ) -> Result<(Arc<Session>, bool), Error> {
        let settings = Settings::new(open)?;
        let sensors = making::sensors(open)?;
        if !open.session_id.is_empty() {
            check_name("open.session_id", &open.session_id)?;
            if let Some(session) = self.find_or_wake(tenant, &open.session_id).await? {
                session.check_same(open, &settings, &sensors)?;
                return Ok((session, true));
            }
            if open.network.is_empty() || !open.resume_token.is_empty() {
                return Err(Error::SessionUnknown { id: open.session_id.clone() });
            }
        }
        if open.network.is_empty() {
            return Err(Error::field("open.network", "is empty: name a network"));
        }
        self.make(tenant, open, settings, sensors).await
    }

    async fn make(
        self: &Arc<Self>,
        tenant: &str,
        open: &v1::Open,
        settings: Settings,
        sensors: Vec<(String, SensorSize)>,
    ) -> Result<(Arc<Session>, bool), Error> {
        if !open.producer.is_empty() && !settings.producers.contains(&open.producer) {
            return Err(Error::ProducerUnknown {
                id: open.session_id.clone(),
                name: open.producer.clone(),
                known: settings.producers,
            });
        }
        let workers = self.workers("open.workers", open.workers)?;
        self.check_admission(tenant)?;
        let repository = self.repository.clone();
        let wanted = Wanted {
            network: open.network.clone(),
            version: open.network_version.clone(),
            sensors,
            workers,
            field: "open.workers",
        };
        let capacity = self.capacity();
        let made = apart(move || making::make(&repository, wanted, settings, capacity)).await?;
        self.launch(tenant, open.session_id.clone(), fresh_token()?, workers, made).await
    }

    /// Sets a session going that was made from nothing or from a snapshot.
    async fn launch(
        self: &Arc<Self>,
        tenant: &str,
        id: String,
        token: Token,
        workers: u32,
        made: Made,
    ) -> Result<(Arc<Session>, bool), Error> {
        let id = if id.is_empty() { fresh_id()? } else { id };
        let key = (tenant.to_owned(), id);
        if made.protocol.settings().durability == Durability::None {
            return self.admit(Launch { key, token, workers, made, journaling: None });
        }
        let _making = self.making.lock().await;
        if let Some(session) = self.find(&key) {
            session.check_settings(made.protocol.settings(), &made.runs)?;
            return Ok((session, true));
        }
        let data = self.data.as_ref().ok_or(Error::NoData { what: "a durable session" })?;
        let plan_sha256 = made.runs.plan_sha256;
        let folder = Folder::new(data.volume.clone(), data.session(&key.0, &key.1), plan_sha256);
        let meta = Meta { id: key.1.clone(), tenant: key.0.clone(), token, workers };
        let (made, journal) = apart(move || {
            let written = folder
                .create(&meta, &made.first_snapshot())
                .and_then(|()| Journal::begin(folder, 0));
            let journal = written.map_err(|error| Error::Journal(error.to_string()))?;
            Ok((made, journal))
        })
        .await?;
        let at = (0, made.start.output_position);
        let journaling = Some(self.journaling(journal, &made, at));
        self.admit(Launch { key, token, workers, made, journaling })
    }

    fn journaling(&self, journal: Journal, made: &Made, oldest: (u64, u64)) -> Journaling {
        let protocol = &made.protocol;
        let accepted = (0..protocol.producers()).map(|producer| protocol.status(producer).accepted);
        let keeping = Keeping {
            sync_interval: self.limits.journal_sync_interval,
            snapshot_after_bytes: self.limits.journal_snapshot_bytes,
            kept_bytes_max: self.limits.journal_bytes,
        };
        let policy = protocol.settings().durability;
        let runs = Arc::new(made.runs.clone());
        Journaling::new(journal, policy, keeping, runs, accepted.collect(), oldest)
    }

    /// A session that runs, or one that rests and is made again.
    async fn find_or_wake(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
    ) -> Result<Option<Arc<Session>>, Error> {
        let key = (tenant.to_owned(), id.to_owned());
        if let Some(session) = self.find(&key) {
            return Ok(Some(session));
        }
        if !lock(&self.residents).contains_key(&key) {
            return Ok(None);
        }
        self.check_admission(tenant)?;
        self.wake(&key).await
    }

    /// Makes a session again from its folder.
    async fn wake(self: &Arc<Self>, key: &Key) -> Result<Option<Arc<Session>>, Error> {
        let _making = self.making.lock().await;
        let resident = lock(&self.residents).get(key).cloned();
        let (Some(data), Some(Resident { meta, path, .. })) = (&self.data, resident) else {
            // Somebody else was quicker.
            return Ok(self.find(key));
        };
        let (volume, repository) = (data.volume.clone(), self.repository.clone());
        let (capacity, workers) = (self.capacity(), meta.workers.min(self.workers_max()).max(1));
        let (made, journal, at) = apart(move || {
            let broken = |broken: super::journal::Broken| Error::Journal(broken.to_string());
            let (index, snapshot) =
                Folder::oldest_snapshot(volume.as_ref(), &path).map_err(broken)?;
            let mut made = making::thaw(&repository, &snapshot, workers, capacity)?;
            let at = (index, made.start.output_position);
            let folder = Folder::new(volume, path, made.runs.plan_sha256);
            let found = folder.find(index).map_err(broken)?;
            made.replay(&found)?;
            let journal = Journal::begin(folder.clone(), index + found.len() as u64)
                .and_then(|journal| folder.set_resting(false).map(|()| journal));
            let journal = journal.map_err(|error| Error::Journal(error.to_string()))?;
            Ok((made, journal, at))
        })
        .await?;
        let journaling = Some(self.journaling(journal, &made, at));
        let launch = Launch { key: key.clone(), token: meta.token, workers, made, journaling };
        let (session, _) = self.admit(launch)?;
        lock(&self.residents).remove(key);
        Ok(Some(session))
    }

    /// Makes a session from a snapshot.
    pub(crate) async fn restore(
        self: &Arc<Self>,
        tenant: &str,
        sha256: &[u8],
        id: String,
        workers: u32,
    ) -> Result<Arc<Session>, Error> {
        let bytes = self.snapshot_bytes(tenant, sha256)?;
        self.restore_bytes(tenant, bytes, id, workers).await
    }

    async fn restore_bytes(
        self: &Arc<Self>,
        tenant: &str,
        bytes: Arc<Vec<u8>>,
        id: String,
        workers: u32,
    ) -> Result<Arc<Session>, Error> {
        if !id.is_empty() {
            check_name("session_id", &id)?;
            self.check_free(tenant, &id)?;
        }
        let workers = self.workers("workers", workers)?;
        self.check_admission(tenant)?;
        let (repository, capacity) = (self.repository.clone(), self.capacity());
        let made = apart(move || making::thaw(&repository, &bytes, workers, capacity)).await?;
        match self.launch(tenant, id, fresh_token()?, workers, made).await? {
            (session, false) => Ok(session),
            (session, true) => Err(exists(session.id())),
        }
    }

    fn check_free(&self, tenant: &str, id: &str) -> Result<(), Error> {
        let key = (tenant.to_owned(), id.to_owned());
        if self.find(&key).is_some() || lock(&self.residents).contains_key(&key) {
            return Err(exists(id));
        }
        Ok(())
    }

    /// A second session that goes on from where this one stands.
    pub(crate) async fn fork(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
        fork_id: String,
        workers: u32,
    ) -> Result<Arc<Session>, Error> {
        let session = self.get(tenant, id).await?;
        let frozen = session.freeze().await?;
        let bytes = apart(move || Ok(Arc::new(snapshot::encode(session.runs(), &frozen)))).await?;
        self.restore_bytes(tenant, bytes, fork_id, workers).await
    }

    /// Takes a session back to a snapshot.
    pub(crate) async fn rewind(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
        sha256: &[u8],
    ) -> Result<Arc<Session>, Error> {
        let session = self.get(tenant, id).await?;
        let bytes = self.snapshot_bytes(tenant, sha256)?;
        let (repository, capacity) = (self.repository.clone(), self.capacity());
        let workers = u32::try_from(session.plan().workers()).unwrap_or(1);
        let made = apart(move || making::thaw(&repository, &bytes, workers, capacity)).await?;
        if made.runs != *session.runs() {
            return Err(Error::Snapshot("the snapshot is of another network".into()));
        }
        let (key, token) = ((tenant.to_owned(), id.to_owned()), *session.token());
        session.end(v1::EndReason::Rewound, "the session went back to a snapshot");
        drop(session);
        self.wait_gone(&key).await;
        Ok(self.launch(tenant, key.1, token, workers, made).await?.0)
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

    fn snapshot_bytes(&self, tenant: &str, sha256: &[u8]) -> Result<Arc<Vec<u8>>, Error> {
        let found = self.snapshots.find(tenant, sha256)?;
        found.ok_or_else(|| Error::SnapshotUnknown { sha256: hex(sha256) })
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

    /// Takes a session's whole state.
    pub(crate) async fn snapshot(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
    ) -> Result<v1::SnapshotSessionResponse, Error> {
        let session = self.get(tenant, id).await?;
        let frozen = session.freeze().await?;
        let protocol = Protocol::load(&frozen.protocol, session.plan(), self.capacity())?;
        let (registry, tenant) = (self.clone(), tenant.to_owned());
        apart(move || {
            let bytes = snapshot::encode(session.runs(), &frozen);
            let size_bytes = bytes.len() as u64;
            let sha256 = registry.snapshots.keep(&tenant, session.runs(), bytes)?;
            Ok(v1::SnapshotSessionResponse {
                snapshot_sha256: sha256.to_vec().into(),
                size_bytes,
                accepted: protocol.status(0).accepted,
                output_position: frozen.output_position,
                simulated_to_tick: frozen.simulated_to.0,
            })
        })
        .await
    }

    /// Snapshots that calls asked for.
    pub(crate) const fn snapshots(&self) -> &Store {
        &self.snapshots
    }

    /// Ends a session; says where it stood. One at rest is deleted.
    pub(crate) async fn close(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
    ) -> Result<v1::SessionInfo, Error> {
        let key = (tenant.to_owned(), id.to_owned());
        if let Some(session) = self.find(&key) {
            session.end(v1::EndReason::Closed, "closed by a call");
            let info = session.info();
            drop(session);
            self.wait_gone(&key).await;
            return Ok(info);
        }
        let _making = self.making.lock().await;
        let resident = lock(&self.residents).remove(&key);
        let (Some(resident), Some(data)) = (resident, &self.data) else {
            return Err(Error::SessionUnknown { id: id.to_owned() });
        };
        let folder = Folder::new(data.volume.clone(), resident.path, [0; 32]);
        apart(move || folder.remove().map_err(|error| Error::Journal(error.to_string()))).await?;
        let info = v1::SessionInfo { session_id: key.1, at_rest: true, ..Default::default() };
        Ok(info)
    }

    /// From here on no session is opened. Those without a producer are saved, or end.
    pub(crate) async fn drain(&self) {
        // Ordering: Release pairs with the Acquire in `check_admission`.
        self.draining.store(true, Release);
        let sessions: Vec<_> = lock(&self.sessions).values().cloned().collect();
        for session in sessions.iter().filter(|session| !session.info().has_producer) {
            session.shut_down().await;
        }
    }

    /// Waits until no session is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let gone = self.gone.notified();
            if lock(&self.sessions).is_empty() {
                return;
            }
            gone.await;
        }
    }

    /// Saves all durable sessions and ends the others; says how many there were.
    pub(crate) async fn end_all(&self) -> usize {
        let sessions: Vec<_> = lock(&self.sessions).values().cloned().collect();
        for session in &sessions {
            session.shut_down().await;
        }
        sessions.len()
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

    fn check_admission(&self, tenant: &str) -> Result<(), Error> {
        // Ordering: Acquire pairs with the Release in `drain`.
        if self.draining.load(Acquire) {
            return Err(Error::ShuttingDown);
        }
        self.check_count(tenant, &lock(&self.sessions))
    }

    fn check_count(
        &self,
        tenant: &str,
        sessions: &BTreeMap<Key, Arc<Session>>,
    ) -> Result<(), Error> {
        if sessions.len() >= self.limits.sessions {
            return Err(Error::Limit { what: "sessions", limit: self.limits.sessions as u64 });
        }
        let Some(quota) = lock(&self.quotas).get(tenant).copied() else {
            return Ok(());
        };
        if sessions.keys().filter(|(owner, _)| owner == tenant).count() < quota {
            return Ok(());
        }
        Err(Error::Quota { what: "sessions", tenant: tenant.to_owned(), limit: quota as u64 })
    }

    /// Bounds tenants from here on; sessions that run already stay.
    pub(crate) fn set_quotas(&self, quotas: Quotas) {
        *lock(&self.quotas) = quotas;
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
        let (lease, durable) = (self.limits.lease, journaling.is_some());
        let (session, host) =
            Session::begin(key.1.clone(), token, made, &self.pool, lease, journaling);
        sessions.insert(key.clone(), session.clone());
        drop(sessions);
        let registry = self.clone();
        tokio::spawn(async move {
            // It takes all that its streams have, whatever tokio would give it at a time: what piles
            // up unread in small frames ends a whole connection. That is bounded by their windows.
            let ended = tokio::spawn(unconstrained(host.run())).await;
            let outcome = ended.unwrap_or_else(|error| {
                // A mistake of ours in one session; the others go on, and what is on disk stays.
                tracing::error!(session = key.1, %error, "a session broke down");
                if durable { Outcome::Saved } else { Outcome::Gone }
            });
            registry.forget(key, token, workers, outcome);
        });
        Ok((session, false))
    }

    /// A session is over; one that was saved lies on disk from here on.
    fn forget(&self, key: Key, token: Token, workers: u32, outcome: Outcome) {
        if let (Outcome::Saved, Some(data)) = (outcome, &self.data) {
            let (tenant, id) = key.clone();
            let path = data.session(&tenant, &id);
            let meta = Meta { id, tenant, token, workers };
            lock(&self.residents).insert(key.clone(), Resident { meta, path, rests: true });
        }
        lock(&self.sessions).remove(&key);
        self.gone.notify_waiters();
    }

    fn find(&self, key: &Key) -> Option<Arc<Session>> {
        lock(&self.sessions).get(key).cloned()
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

/// Not to be guessed, and unlikely to repeat.
fn fresh_token() -> Result<Token, Error> {
    let mut token = Token::default();
    getrandom::fill(&mut token).map_err(|_| Error::Internal("the system has no randomness"))?;
    Ok(token)
}

fn fresh_id() -> Result<String, Error> {
    Ok(hex(&fresh_token()?[..8]))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(32).map(|byte| format!("{byte:02x}")).collect()
}
