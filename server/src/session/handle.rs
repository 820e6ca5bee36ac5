//! One session, as calls see it: what it runs, where it stands, and how to join it.

use std::sync::{
    Arc,
    atomic::{
        AtomicBool,
        Ordering::{AcqRel, Relaxed},
    },
};

use sim_core::{Plan, network::SensorSize};
use spiked_proto::v1;
use tokio::sync::{mpsc, oneshot};

use super::{
    engine::Engine,
    intake::{Inbound, Intake, Request},
    link::{Link, Over},
    making::Made,
    pool,
    reader::Reader,
    settings::{Capacity, Settings},
    snapshot::{Frozen, Runs},
    tables,
    watch::{WATCHERS_MAX, Watching},
};
use crate::{config::Limits, error::Error};

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

impl Session {
    /// Sets a session going; its intake is for the caller to run.
    pub(crate) fn begin(
        id: String,
        made: Made,
        pool: &Arc<pool::Queue>,
        limits: &Limits,
    ) -> (Arc<Self>, Intake) {
        let Made { plan, runs, protocol, options, start } = made;
        let capacity = Capacity { events: limits.queue_events, bytes: limits.queue_bytes };
        let link = Arc::new(Link::new(id, plan.tick(), capacity, pool.clone()));
        let first_position = start.output_position;
        let settings = protocol.settings().clone();
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let engine = Engine::new(link.clone(), plan.clone(), options, start);
        let intake = Intake::new(link.clone(), protocol, inbox);
        link.settle(Box::new(engine));
        let has_producer = AtomicBool::new(false);
        let session = Self { link, plan, runs, settings, requests, first_position, has_producer };
        (Arc::new(session), intake)
    }

    pub(crate) fn id(&self) -> &str {
        self.link.id()
    }

    pub(crate) const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(crate) const fn runs(&self) -> &Runs {
        &self.runs
    }

    /// Ends it at once.
    pub(crate) fn end(&self, reason: v1::EndReason, message: &str) {
        self.link.end(Over::Ended(reason, message.to_owned()));
    }

    /// Its whole state, with everything that has been accepted.
    pub(crate) async fn freeze(&self) -> Result<Frozen, Error> {
        let (reply, frozen) = oneshot::channel();
        let asked = self.requests.send(Request::Snapshot(reply)).await;
        asked.map_err(|_| self.has_ended())?;
        frozen.await.map_err(|_| self.has_ended())
    }

    /// A producer's stream joins the session; the reader is its way back.
    pub(crate) async fn attach(&self, inbound: Inbound, rejoined: bool) -> Result<Reader, Error> {
        // Ordering: AcqRel, so that of two who join at once one is refused; pairs with itself.
        if self.has_producer.swap(true, AcqRel) {
            return Err(self.conflict("has a producer already"));
        }
        let reader = Reader::new(self.link.clone(), self.opened(rejoined));
        let attached = self.requests.send(Request::Attach(inbound)).await;
        attached.map_err(|_| self.has_ended())?;
        Ok(reader)
    }

    /// A watcher joins.
    pub(crate) fn watch(&self) -> Result<Watching, Error> {
        let mut opened = self.opened(true);
        opened.output_position = self.link.simulated.output();
        let watching = Watching::new(self.link.clone(), opened);
        watching.ok_or(Error::Limit { what: "watchers of a session", limit: WATCHERS_MAX.into() })
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

    /// Whether an `open` of this id asks for what is here.
    pub(crate) fn check_same(
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

    pub(crate) fn check_settings(&self, settings: &Settings, runs: &Runs) -> Result<(), Error> {
        if *settings == self.settings && *runs == self.runs { Ok(()) } else { Err(self.differs()) }
    }

    fn differs(&self) -> Error {
        self.conflict("exists with other settings")
    }

    fn has_ended(&self) -> Error {
        self.conflict("has just ended")
    }

    fn conflict(&self, problem: &'static str) -> Error {
        Error::SessionConflict { id: self.link.id().to_owned(), problem }
    }
}
