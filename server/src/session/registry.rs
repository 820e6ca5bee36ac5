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
            Ordering::{AcqRel, Acquire, Release},
        },
    },
};

use sim_core::{Excess, Options, Plan, Simulation, network::SensorSize};
use spiked_proto::v1;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    engine::{Engine, Start},
    intake::{Inbound, Intake, Request},
    link::{Link, Over},
    pool,
    protocol::Protocol,
    reader::Reader,
    settings::{Capacity, Origin, Policy, Settings, check_name},
    snapshot::{self, Ending, Runs, Store},
    tables,
    watch::Watching,
};
use crate::{config::Limits, error::Error, networks::Repository};

/// Requests that may wait for a session's intake.
const REQUESTS: usize = 8;

/// One session, as calls see it.
pub(crate) struct Session {
    link: Arc<Link>,
    plan: Arc<Plan>,
    runs: Runs,
    settings: Settings,
    requests: mpsc::Sender<Request>,
    /// The first output that a producer that joins will read.
    first_position: u64,
    has_producer: AtomicBool,
}

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

/// Everything of a session that can be made on a thread apart.
struct Made {
    plan: Arc<Plan>,
    runs: Runs,
    protocol: Protocol,
    options: Options,
    start: Start,
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
        let sensors = sensors(&open)?;
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
        self.check_admission()?;
        let repository = self.repository.clone();
        let (network, version) = (open.network, open.network_version);
        let made = apart(move || make(&repository, &network, &version, sensors, settings)).await?;
        self.admit(open.session_id, made)
    }

    /// Makes a session from a snapshot.
    pub(crate) async fn restore(
        self: &Arc<Self>,
        sha256: &[u8],
        id: String,
    ) -> Result<Arc<Session>, Error> {
        if !id.is_empty() {
            check_name("session_id", &id)?;
        }
        let unknown = || Error::SnapshotUnknown { sha256: hex(sha256) };
        let bytes = self.snapshots.find(sha256).ok_or_else(unknown)?;
        self.check_admission()?;
        let repository = self.repository.clone();
        let made = apart(move || thaw(&repository, &bytes)).await?;
        match self.admit(id, made)? {
            (session, false) => Ok(session),
            (session, true) => {
                let id = session.link.id().to_owned();
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
        let ended = || Error::SessionConflict { id: id.to_owned(), problem: "has just ended" };
        let (reply, frozen) = oneshot::channel();
        session.requests.send(Request::Snapshot(reply)).await.map_err(|_| ended())?;
        let frozen = frozen.await.map_err(|_| ended())?;
        let protocol = Protocol::load(&frozen.protocol, &session.plan)?;
        let registry = self.clone();
        apart(move || {
            let bytes = snapshot::encode(&session.runs, &frozen);
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
        session.link.end(Over::Ended(v1::EndReason::Closed, "closed by a call".into()));
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
            session.link.end(Over::Ended(reason, message.to_owned()));
        }
        self.gone.notify_waiters();
        sessions.len()
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
        let (session, intake) = self.begin(id.clone(), made);
        sessions.insert(id.clone(), session.clone());
        drop(sessions);
        let registry = self.clone();
        tokio::spawn(async move {
            intake.run().await;
            registry.forget(&id);
        });
        Ok((session, false))
    }

    fn begin(&self, id: String, made: Made) -> (Arc<Session>, Intake) {
        let Made { plan, runs, protocol, options, start } = made;
        let Limits { queue_events: events, queue_bytes: bytes, .. } = self.limits;
        let capacity = Capacity { events, bytes };
        let link = Arc::new(Link::new(id, plan.tick(), capacity, self.pool.clone()));
        let first_position = start.output_position;
        let settings = protocol.settings().clone();
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let engine = Engine::new(link.clone(), plan.clone(), options, start);
        let intake = Intake::new(link.clone(), protocol, inbox);
        link.settle(Box::new(engine));
        let has_producer = AtomicBool::new(false);
        let session =
            Session { link, plan, runs, settings, requests, first_position, has_producer };
        (Arc::new(session), intake)
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

impl Session {
    /// A producer's stream joins the session; the reader is its way back.
    pub(crate) async fn attach(&self, inbound: Inbound, rejoined: bool) -> Result<Reader, Error> {
        let id = || self.link.id().to_owned();
        // Ordering: AcqRel, so that of two who join at once one is refused; pairs with itself.
        if self.has_producer.swap(true, AcqRel) {
            return Err(Error::SessionConflict { id: id(), problem: "has a producer already" });
        }
        let reader = Reader::new(self.link.clone(), self.opened(rejoined));
        let attached = self.requests.send(Request::Attach(inbound)).await;
        attached.map_err(|_| Error::SessionConflict { id: id(), problem: "has just ended" })?;
        Ok(reader)
    }

    /// A watcher joins.
    pub(crate) fn watch(&self) -> Result<Watching, Error> {
        let opened = self.opened(true);
        let watching = Watching::new(self.link.clone(), opened);
        watching.ok_or(Error::Limit { what: "watchers that wait to join", limit: 64 })
    }

    /// The session's tables, and where a producer that joins stands.
    pub(crate) fn opened(&self, rejoined: bool) -> v1::Opened {
        let position = self.position();
        v1::Opened {
            session_id: self.link.id().to_owned(),
            network: self.runs.network.clone(),
            network_version: self.runs.version.clone(),
            plan_sha256: self.runs.plan_sha256.to_vec().into(),
            tick_ns: self.plan.tick().ns(),
            origin_us: self.link.origin_us.get().copied(),
            inputs: tables::inputs(&self.plan),
            outputs: tables::outputs(&self.plan),
            accepted: position.accepted,
            output_position: self.first_position,
            credit: position.credit,
            resume_token: bytes::Bytes::new(),
            dynamics_version: sim_core::DYNAMICS_VERSION,
            rejoined,
        }
    }

    /// Where the session stands.
    pub(crate) fn info(&self) -> v1::SessionInfo {
        use std::sync::atomic::Ordering::Relaxed;
        v1::SessionInfo {
            session_id: self.link.id().to_owned(),
            network: self.runs.network.clone(),
            network_version: self.runs.version.clone(),
            // Ordering: Relaxed both, figures.
            has_producer: self.has_producer.load(Relaxed),
            watchers: self.link.watchers.load(Relaxed),
            position: Some(self.position()),
            output_position: self.link.simulated.output(),
        }
    }

    fn position(&self) -> v1::Acknowledgement {
        self.link.acknowledgement(self.link.simulated.closed())
    }

    fn check_same(
        &self,
        open: &v1::Open,
        settings: &Settings,
        sensors: &[(String, SensorSize)],
    ) -> Result<(), Error> {
        if open.network.is_empty() {
            return Ok(());
        }
        let runs = &self.runs;
        let other_version =
            !open.network_version.is_empty() && open.network_version != runs.version;
        if open.network != runs.network || other_version || sensors != runs.sensors {
            return Err(self.differs());
        }
        self.check_settings(settings, runs)
    }

    fn check_settings(&self, settings: &Settings, runs: &Runs) -> Result<(), Error> {
        if *settings == self.settings && *runs == self.runs { Ok(()) } else { Err(self.differs()) }
    }

    fn differs(&self) -> Error {
        let id = self.link.id().to_owned();
        Error::SessionConflict { id, problem: "exists with other settings" }
    }
}

/// Runs what takes time on a thread of its own.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(Error::Internal("a thread stopped in the middle of its work")))
}

fn make(
    repository: &Repository,
    network: &str,
    version: &str,
    sensors: Vec<(String, SensorSize)>,
    settings: Settings,
) -> Result<Made, Error> {
    let loaded = repository.plan(network, version, &sensors)?;
    let plan = loaded.plan;
    let unknown = |(_, (port, _)): &(usize, &(String, SensorSize))| {
        !plan.inputs().iter().any(|input| input.name == *port)
    };
    if let Some((index, (port, _))) = sensors.iter().enumerate().find(unknown) {
        let (network, port) = (network.to_owned(), port.clone());
        return Err(Error::PortUnknown { index, network, port });
    }
    let plan_sha256 = plan.hash();
    let runs = Runs { network: loaded.name, version: loaded.version, sensors, plan_sha256 };
    let options = options(&settings);
    let simulation = match settings.origin {
        Origin::Time(_) => Some(Simulation::new(plan.clone(), options.clone())),
        Origin::FirstBatch => None,
    };
    let protocol = Protocol::new(settings, &plan);
    let start = Start { simulation, applied: 0, output_position: 0, ending: Ending::Open };
    Ok(Made { plan, runs, protocol, options, start })
}

fn thaw(repository: &Repository, bytes: &[u8]) -> Result<Made, Error> {
    let thawed = snapshot::decode(bytes)?;
    let runs = thawed.runs;
    let plan = repository.plan(&runs.network, &runs.version, &runs.sensors)?.plan;
    if plan.hash() != runs.plan_sha256 {
        return Err(Error::Snapshot("the snapshot is of another network".into()));
    }
    let protocol = Protocol::load(&thawed.protocol, &plan)?;
    let restore = |core: &[u8]| {
        let simulation = Simulation::restore(plan.clone(), core);
        simulation.map_err(|error| Error::Snapshot(error.to_string()))
    };
    let simulation = thawed.core.as_deref().map(restore).transpose()?;
    let start = Start {
        simulation,
        applied: protocol.status().events_applied,
        output_position: thawed.output_position,
        ending: thawed.ending,
    };
    let options = options(protocol.settings());
    Ok(Made { plan, runs, protocol, options, start })
}

fn options(settings: &Settings) -> Options {
    Options {
        origin_us: if let Origin::Time(time_us) = settings.origin { time_us } else { 0 },
        seed: settings.seed,
        excess: match settings.bad_event {
            Policy::Fail => Excess::Fail,
            Policy::Drop => Excess::Drop,
        },
        ..Options::default()
    }
}

/// The sensor sizes of an `open`, ordered by port.
fn sensors(open: &v1::Open) -> Result<Vec<(String, SensorSize)>, Error> {
    let mut sizes = BTreeMap::new();
    for (index, v1::SensorSize { port, width, height }) in open.sensors.iter().enumerate() {
        let size = tables::sensor_size(index, *width, *height)?;
        if sizes.insert(port.clone(), size).is_some() {
            let problem = format!("port {port:?} has a size already");
            return Err(Error::field(format!("sensors[{index}].port"), problem));
        }
    }
    Ok(sizes.into_iter().collect())
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
