//! One session, as calls see it: what it runs, where it stands, and how to join it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use sim_core::{Plan, network::SensorSize};
use spiked_proto::v1;
use subtle::ConstantTimeEq as _;
use tokio::sync::{mpsc, oneshot};

use super::{
    buckets::Measured,
    engine::Engine,
    figures::Figures,
    host::{Attach, Changing, Host, Inbound, Journaling, Request, Step, Watch, Watched},
    link::{Link, Over},
    making::Made,
    meter::Meter,
    outlet::Outlet,
    pool,
    probing::Probe,
    reader::Reader,
    settings::{Durability, Settings},
    snapshot::{Frozen, Runs},
    tables,
    tuning::{Reading, Setting},
    watching::{WATCHERS_MAX, Watching},
};
use crate::{
    error::{Error, HAS_ENDED},
    networks::Source,
};

/// Requests that may wait for a session's host.
const REQUESTS: usize = 8;

/// What proves that a stream continues an earlier one.
pub(crate) type Token = [u8; 16];

/// What a session counts into, beside its own figures.
pub(crate) struct Counted {
    /// What its tenant has left.
    pub(crate) meter: Arc<Meter>,
    /// Latencies of its network.
    pub(crate) measured: Arc<Measured>,
}

/// Why a session ended. Unlike [`Session`], holding it keeps no session going.
pub(crate) struct Ending(Arc<Link>);

impl Ending {
    /// The reason and what was said of it, once there is one.
    pub(crate) fn read(&self) -> Option<(v1::EndReason, &str)> {
        match self.0.over()? {
            Over::Finished(reason) => Some((*reason, "")),
            Over::Ended(reason, message) => Some((*reason, message)),
        }
    }
}

/// One session, as calls see it.
pub(crate) struct Session {
    link: Arc<Link>,
    plan: Arc<Plan>,
    source: Source,
    runs: Arc<Runs>,
    settings: Settings,
    token: Token,
    requests: mpsc::Sender<Request>,
    /// Streams of producers, one bit a producer.
    attached: Arc<AtomicU32>,
    /// What its producers had done before it began here.
    past: Figures,
}

impl Session {
    /// Sets a session going; its host is for the caller to run.
    pub(crate) fn begin(
        id: String,
        token: Token,
        made: Made,
        pool: &Arc<pool::Queue>,
        lease: Duration,
        journaling: Option<Journaling>,
        counted: Counted,
    ) -> (Arc<Self>, Host) {
        let Counted { meter, measured } = counted;
        let Made { plan, source, runs, protocol, options, start, replayed } = made;
        let settings = protocol.settings().clone();
        let producers = settings.producers.len();
        let runs = Arc::new(runs);
        let link = Arc::new(Link::new(id, plan.tick(), producers, pool.clone(), measured));
        let position = start.output_position;
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let engine = Engine::new(link.clone(), plan.clone(), options, start);
        let lease = settings.lease_us.map_or(lease, Duration::from_micros);
        let mut host = Host::new(link.clone(), protocol, inbox, position, lease, journaling, meter);
        let past = link.figures();
        link.settle(Box::new(engine));
        host.replay(replayed);
        let attached = host.attached();
        let session = Self { link, plan, source, runs, settings, token, requests, attached, past };
        (Arc::new(session), host)
    }

    pub(crate) fn id(&self) -> &str {
        self.link.id()
    }

    pub(crate) const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What it runs, whatever has become of the network of that name.
    pub(crate) const fn source(&self) -> &Source {
        &self.source
    }

    /// How many producers it was opened with.
    pub(crate) fn producers(&self) -> usize {
        self.settings.producers.len()
    }

    pub(crate) fn runs(&self) -> &Runs {
        &self.runs
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.settings.durability != Durability::None
    }

    pub(crate) const fn token(&self) -> &Token {
        &self.token
    }

    /// What it has done since it began here.
    pub(crate) fn figures(&self) -> Figures {
        self.link.figures().since(&self.past)
    }

    /// Events that are accepted and not simulated.
    pub(crate) fn queue_events(&self) -> u64 {
        self.link.queue_events()
    }

    /// Who reads it beside its producers.
    pub(crate) fn watchers(&self) -> u32 {
        // Ordering: Relaxed, a figure.
        self.link.watchers.load(Relaxed)
    }

    /// Why it ended, for when it has.
    pub(crate) fn ending(&self) -> Ending {
        Ending(self.link.clone())
    }

    /// Ends it at once.
    pub(crate) fn end(&self, reason: v1::EndReason, message: &str) {
        self.link.end(Over::Ended(reason, message.to_owned()));
    }

    /// The daemon shuts down: puts it to rest if it is durable, else ends it.
    pub(crate) async fn shut_down(&self) {
        // A host that takes no request any more has ended already.
        let _ = self.requests.send(Request::ShutDown).await;
    }

    /// Whether a token is this session's, in a time that says nothing about it.
    fn check_token(&self, token: &[u8]) -> Result<(), Error> {
        if self.token.ct_eq(token).into() {
            return Ok(());
        }
        Err(Error::ResumeToken { id: self.id().to_owned() })
    }

    /// Its whole state, with everything that has been accepted.
    pub(crate) async fn freeze(&self) -> Result<Frozen, Error> {
        self.ask(Request::Snapshot).await
    }

    /// A closed-loop step.
    pub(crate) async fn step(
        &self,
        request: v1::StepSessionRequest,
    ) -> Result<v1::StepSessionResponse, Error> {
        self.ask(|reply| Request::Step(Step { request, reply })).await?
    }

    /// Sets weights or parameters, and says from when on.
    pub(crate) async fn change(&self, setting: Setting) -> Result<v1::Applied, Error> {
        let setting = Arc::new(setting);
        self.ask(|reply| Request::Change(Changing { setting, reply })).await?
    }

    /// A page of its weights.
    pub(crate) async fn weights(
        &self,
        request: v1::GetWeightsRequest,
    ) -> Result<v1::GetWeightsResponse, Error> {
        self.ask(|reply| Request::Read(Reading::Weights { request, reply })).await?
    }

    /// A page of its parameters.
    pub(crate) async fn parameters(
        &self,
        request: v1::GetParametersRequest,
    ) -> Result<v1::GetParametersResponse, Error> {
        self.ask(|reply| Request::Read(Reading::Parameters { request, reply })).await?
    }

    /// How long its batches take.
    pub(crate) async fn latencies(&self) -> Result<v1::GetLatenciesResponse, Error> {
        self.ask(Request::Latencies).await
    }

    /// A producer's stream joins the session; the reader is its way back.
    pub(crate) async fn attach(
        &self,
        open: &v1::Open,
        inbound: Inbound,
        rejoined: bool,
    ) -> Result<Reader, Error> {
        let resumes = !open.resume_token.is_empty();
        if resumes {
            self.check_token(&open.resume_token)?;
        }
        let producer = self.producer(&open.producer)?;
        let outlet = Outlet::new(self.link.host.clone());
        let (output_from, without_output) = (open.output_from, open.without_output);
        let from = self
            .ask(|reply| {
                let outlet = outlet.clone();
                Request::Attach(Attach {
                    producer,
                    resumes,
                    output_from,
                    without_output,
                    inbound,
                    outlet,
                    reply,
                })
            })
            .await??;
        let opened = v1::Opened { output_position: from, ..self.opened(producer, rejoined) };
        Ok(Reader::new(self.link.clone(), outlet, producer, opened, self.settings.gathered))
    }

    /// Which of its producers a name is; the empty one is the first.
    pub(crate) fn producer(&self, name: &str) -> Result<usize, Error> {
        let known = &self.settings.producers;
        if name.is_empty() {
            return Ok(0);
        }
        known.iter().position(|producer| producer == name).ok_or_else(|| Error::ProducerUnknown {
            id: self.id().to_owned(),
            name: name.to_owned(),
            known: known.clone(),
        })
    }

    /// A watcher joins.
    pub(crate) async fn watch(&self, request: &v1::WatchSessionRequest) -> Result<Watching, Error> {
        let outlet = Outlet::new(self.link.host.clone());
        let (watched, probe) = self.watched(request, &outlet)?;
        // Ordering: Relaxed, a count that guards nothing but itself.
        if self.link.watchers.fetch_add(1, Relaxed) >= WATCHERS_MAX {
            self.link.watchers.fetch_sub(1, Relaxed);
            return Err(Error::Limit { what: "watchers of a session", limit: WATCHERS_MAX.into() });
        }
        let mut opened = self.opened(0, true);
        opened.resume_token = bytes::Bytes::new();
        // From here on its drop takes it off the count.
        let watching = Watching::new(self.link.clone(), outlet.clone(), opened);
        let from_position = request.from_position;
        let from = self
            .ask(|reply| Request::Watch(Watch { watched, from_position, probe, outlet, reply }))
            .await??;
        Ok(watching.from(from))
    }

    fn watched(
        &self,
        request: &v1::WatchSessionRequest,
        outlet: &Arc<Outlet>,
    ) -> Result<(Watched, Option<Box<Probe>>), Error> {
        let watched = v1::Watched::try_from(request.watched);
        let watched = watched.map_err(|_| Error::field("watched", "a number without meaning"))?;
        let output = |decisions_only| Ok((Watched::Output { decisions_only }, None));
        match watched {
            v1::Watched::Unspecified | v1::Watched::Output => output(false),
            v1::Watched::Decisions => output(true),
            _ if request.from_position.is_some() => {
                Err(Error::field("from_position", "is for output and decisions"))
            }
            v1::Watched::Input => Ok((Watched::Input, None)),
            v1::Watched::Probes => {
                let probe = Probe::new(request.probe.as_ref(), &self.plan, outlet.clone())?;
                Ok((Watched::Probes, Some(Box::new(probe))))
            }
        }
    }

    /// Asks the host.
    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let asked = self.requests.send(request(reply)).await;
        asked.map_err(|_| self.has_ended())?;
        answer.await.map_err(|_| self.has_ended())
    }

    /// The session's tables, and where a producer that joins stands.
    pub(crate) fn opened(&self, producer: usize, rejoined: bool) -> v1::Opened {
        let position = self.position(producer);
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
            output_position: self.link.simulated.output(),
            credit: position.credit,
            resume_token: self.token.to_vec().into(),
            dynamics_version: sim_core::DYNAMICS_VERSION,
            rejoined,
            producer: self.settings.producers[producer].clone(),
            used: Some(self.link.accepted[producer].used()),
            durable: position.durable,
        }
    }

    /// Where the session stands.
    pub(crate) fn info(&self) -> v1::SessionInfo {
        // Ordering: Relaxed all, figures.
        let attached = self.attached.load(Relaxed);
        let producers = self.settings.producers.iter().enumerate();
        v1::SessionInfo {
            session_id: self.link.id().to_owned(),
            network: self.runs.network.clone(),
            network_version: self.runs.version.clone(),
            has_producer: attached != 0,
            watchers: self.link.watchers.load(Relaxed),
            position: Some(self.position(0)),
            output_position: self.link.simulated.output(),
            producers: producers
                .map(|(index, name)| v1::ProducerInfo {
                    name: name.clone(),
                    attached: attached & (1 << index) != 0,
                    ended: self.link.accepted[index].has_ended(),
                    accepted: self.link.accepted[index].batches(),
                })
                .collect(),
            durability: durability(self.settings.durability).into(),
            at_rest: false,
        }
    }

    fn position(&self, producer: usize) -> v1::Acknowledgement {
        self.link.acknowledgement(producer, self.link.simulated.closed())
    }

    /// Whether an `open` of this id asks for what is here.
    pub(crate) fn check_same(
        &self,
        open: &v1::Open,
        settings: &Settings,
        sensors: &[(String, SensorSize)],
    ) -> Result<(), Error> {
        if open.network.is_empty() || !open.resume_token.is_empty() {
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

    /// Whether it was opened with these settings.
    pub(crate) fn has_settings(&self, settings: &Settings) -> bool {
        *settings == self.settings
    }

    pub(crate) fn check_settings(&self, settings: &Settings, runs: &Runs) -> Result<(), Error> {
        if *settings == self.settings && *runs == *self.runs {
            return Ok(());
        }
        Err(self.differs())
    }

    fn differs(&self) -> Error {
        self.conflict("exists with other settings")
    }

    fn has_ended(&self) -> Error {
        self.conflict(HAS_ENDED)
    }

    fn conflict(&self, problem: &'static str) -> Error {
        Error::SessionConflict { id: self.link.id().to_owned(), problem }
    }
}

/// As the contract names it.
pub(crate) const fn durability(durability: Durability) -> v1::Durability {
    match durability {
        Durability::None => v1::Durability::None,
        Durability::Never => v1::Durability::Never,
        Durability::Interval => v1::Durability::Interval,
        Durability::Each => v1::Durability::Each,
    }
}
