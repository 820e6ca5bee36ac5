//! A load from beginning to end: connect, open, play, compare, report.

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use spiked_client::{Client, Durability, EventPolicy, OpenOptions, Overload, Session};
use tokio::sync::watch;

use crate::{
    Error,
    fault::{self, Fault},
    flow::{Cut, Flow, Pace},
    measure::{Counts, Measures, Sampled},
    report::{Outcome, Report},
    session::{self, Part, Played},
    source::{Shape, Source},
    verify,
};

/// From opening the last session to the first event: time for everybody to be ready.
const RUN_UP: Duration = Duration::from_millis(50);
/// The longest interval, and the fewest of them in a load.
const INTERVAL_MAX: Duration = Duration::from_secs(1);
const INTERVALS_MIN: u32 = 20;

/// Streams that a daemon lets one connection have; further ones would wait for ever.
pub const STREAMS_MAX: usize = 64;

/// What a load is.
#[derive(Clone, Debug)]
pub struct Load {
    /// The network, and its version; empty is the newest.
    pub network: String,
    /// See `network`.
    pub version: String,
    /// The input port; `None` is `camera`, or the first.
    pub port: Option<String>,
    /// What is sent; sessions take them in turn.
    pub sources: Vec<Arc<Source>>,
    /// When events are due. A rate is that of all sessions together.
    pub pace: Pace,
    /// How many sessions there are, and over how many connections.
    pub sessions: usize,
    /// See `sessions`.
    pub connections: usize,
    /// How long events are due.
    pub length: Duration,
    /// How long nothing is measured at the beginning.
    pub warmup: Duration,
    /// How long a batch's first event waits for the last.
    pub gather: Duration,
    /// Most events in a batch.
    pub batch_events_max: usize,
    /// What becomes of events that come faster than they are simulated.
    pub overload: Overload,
    /// When batches count as durable.
    pub durability: Durability,
    /// Sessions whose output is compared with that of a reference.
    pub compared: usize,
    /// What goes wrong on order.
    pub faults: Vec<Fault>,
    /// With which what is made here was made; for the report.
    pub seed: u64,
    /// The generator may be late by so much, at the 99th percentile.
    pub own_lateness_max: Duration,
    /// The daemon's process, where it runs on this machine.
    pub daemon_pid: Option<u32>,
}

/// What a load is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// What is sent is not measured yet.
    WarmingUp,
    /// Events are due and measured.
    Loading,
    /// None is due any more; what was sent is waited for, and faults come to their end.
    Draining,
    /// Output is compared with that of references.
    Comparing,
}

/// What a load has come to, for who looks on.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What it is at.
    pub phase: Phase,
    /// Since its beginning.
    pub passed: Duration,
    /// Of so much in all.
    pub length: Duration,
    /// What was counted.
    pub counts: Counts,
    /// Events due and neither simulated nor dropped.
    pub backlog_events: u64,
    /// From the intended moment to simulated, at 50 and 99 %, in the last interval that had any
    /// \[µs\]; `None` before the first.
    pub latency_us: Option<(f64, f64)>,
    /// The generator's own lateness in it.
    pub own_lateness_us: Option<(f64, f64)>,
}

impl Look {
    fn of(phase: Phase, passed: Duration, load: &Load, measures: &Measures) -> Self {
        let last = measures.intervals.iter().rev().find(|interval| interval.batches > 0);
        Self {
            phase,
            passed,
            length: load.length,
            counts: measures.counts,
            backlog_events: measures.backlog(),
            latency_us: last.map(|interval| (interval.p50_us, interval.p99_us)),
            own_lateness_us: last.map(|interval| (interval.own_p50_us, interval.own_p99_us)),
        }
    }
}

impl Default for Load {
    /// One session in real time for ten seconds, of nothing.
    fn default() -> Self {
        Self {
            network: String::new(),
            version: String::new(),
            port: None,
            sources: Vec::new(),
            pace: Pace::Speed(1.0),
            sessions: 1,
            connections: 1,
            length: Duration::from_secs(10),
            warmup: Duration::ZERO,
            gather: Duration::from_millis(1),
            batch_events_max: 1_024,
            overload: Overload::Block,
            durability: Durability::None,
            compared: 4,
            faults: Vec::new(),
            seed: 0,
            own_lateness_max: Duration::from_millis(1),
            daemon_pid: None,
        }
    }
}

impl Load {
    pub(crate) fn is_bursty(&self) -> bool {
        self.faults.contains(&Fault::Bursts)
    }

    /// How a session's flow is cut.
    pub(crate) fn cut(&self) -> Cut {
        let pace = match self.pace {
            Pace::Speed(times) => Pace::Speed(times),
            Pace::Rate(events_per_s) => Pace::Rate(events_per_s / self.sessions as f64),
        };
        let burst = self.is_bursty().then_some(fault::BURST);
        Cut { pace, gather: self.gather, events_max: self.batch_events_max, burst }
    }

    /// Options of a session for a source.
    pub(crate) fn options(&self, source: &Source) -> OpenOptions {
        let options = OpenOptions {
            network_version: self.version.clone(),
            overload: self.overload,
            durability: self.durability,
            // One event too many is counted; it is no reason to end.
            bad_event: EventPolicy::Drop,
            ..OpenOptions::new(&self.network)
        };
        match source.shape() {
            Shape::Camera(size) => {
                let port = self.port.as_deref().unwrap_or("camera");
                options.with_sensor(port, size.width.into(), size.height.into())
            }
            Shape::Channels(_) => options,
        }
    }

    /// The index of the port that events go to.
    pub(crate) fn port_of(&self, session: &Session) -> u32 {
        let named = self.port.as_deref().unwrap_or("camera");
        session.tables().input(named).unwrap_or(0)
    }

    /// The flow of a session: those of one source are as far from one another as can be.
    pub(crate) fn flow(&self, session: usize) -> Flow {
        let sources = self.sources.len();
        let source = Arc::clone(&self.sources[session % sources]);
        let of = self.sessions.div_ceil(sources);
        Flow::phased(source, session / sources, of)
    }

    /// Sessions that are compared: from the first to the last, evenly.
    fn is_compared(&self, session: usize) -> bool {
        let compared = self.compared.min(self.sessions);
        (0..compared).any(|number| number * self.sessions / compared == session)
    }

    /// Where a session's schedule begins behind the load's: so that batches do not all leave at once.
    fn offset(&self, session: usize) -> Duration {
        if self.is_bursty() {
            return Duration::ZERO;
        }
        let period = self.gather.max(Duration::from_millis(1));
        let share = session as f64 / self.sessions as f64;
        period.mul_f64(share)
    }
}

/// Plays a load. `stop` ends it early, with a report of what there was; `look` is called ten times a
/// second.
///
/// # Errors
///
/// A daemon that is not there, or refuses a session; a session that ends before its time.
pub async fn run(
    load: &Load,
    client: &Client,
    stop: watch::Receiver<bool>,
    look: &dyn Fn(&Look),
) -> Result<Outcome, Error> {
    let clients = connect(load, client).await?;
    let mut sessions = Vec::new();
    for number in 0..load.sessions {
        let options = load.options(load.flow(number).source());
        sessions.push(clients[number % clients.len()].open(options).await?);
    }
    let network = sessions[0].tables().network_version.clone();
    let stage = fault::Stage::prepare(load, client).await?;
    let started_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let began = Instant::now() + RUN_UP;
    let sampled = Sampled { daemon: load.daemon_pid };
    let measures = RefCell::new(Measures::new(began, load.warmup, sampled));
    let due = Due::new(load, began);
    let playing = async {
        let parts = sessions.into_iter().enumerate().map(|(number, session)| {
            let part = Part {
                number,
                flow: load.flow(number),
                cut: load.cut(),
                port: load.port_of(&session),
                start: began + load.offset(number),
                length: load.length,
                stop: stop.clone(),
                measures: Some(&measures),
                records: load.is_compared(number),
                reading_pause: None,
            };
            session::play(client, session, part)
        });
        let mut parts: FuturesUnordered<_> = parts.collect();
        let mut all = Vec::new();
        while let Some(played) = parts.next().await {
            all.push(played?);
        }
        Ok::<_, Error>(all)
    };
    let (played, mut faults) = tokio::select! {
        both = async { tokio::join!(playing, stage.play(load, client, began, &stop)) } => both,
        () = keep_intervals(load, &due, &measures, look) => unreachable!("it keeps them for ever"),
    };
    let played: Vec<Played> = played?;
    fault::judge_bursts(&mut faults, load, &played);
    let now = Instant::now();
    due.count(&mut measures.borrow_mut(), now);
    measures.borrow_mut().end_interval(now);
    let passed = now.saturating_duration_since(began);
    look(&Look::of(Phase::Comparing, passed, load, &measures.borrow()));
    let compared = verify::compare(load, client, &played).await?;
    let measures = measures.into_inner();
    Ok(Report::of(load, &network, started_s, measures, &played, compared, faults))
}

/// So many connections, apart from the one that calls are made over.
async fn connect(load: &Load, client: &Client) -> Result<Vec<Client>, Error> {
    let mut clients = Vec::new();
    for _ in 0..load.connections.clamp(1, load.sessions) {
        clients.push(client.reconnect().await?);
    }
    Ok(clients)
}

/// How many events are due, whether or not somebody has come to send them.
struct Due<'a> {
    load: &'a Load,
    flows: Vec<Flow>,
    began: Instant,
}

impl<'a> Due<'a> {
    fn new(load: &'a Load, began: Instant) -> Self {
        Self { load, flows: (0..load.sessions).map(|number| load.flow(number)).collect(), began }
    }

    /// Notes how many are due by a moment.
    fn count(&self, measures: &mut Measures, now: Instant) {
        let (cut, passed) = (self.load.cut(), now.saturating_duration_since(self.began));
        let due = |(number, flow): (usize, &Flow)| {
            let passed = passed.saturating_sub(self.load.offset(number)).min(self.load.length);
            flow.due_by(passed, &cut)
        };
        let all = self.flows.iter().enumerate().map(due).sum::<u64>();
        // A batch may leave a moment before this looks.
        measures.counts.events_due = all.max(measures.counts.events_sent);
    }
}

/// Ends an interval whenever one is over, and lets who looks on look.
async fn keep_intervals(
    load: &Load,
    due: &Due<'_>,
    measures: &RefCell<Measures>,
    look: &dyn Fn(&Look),
) {
    let length = (load.length / INTERVALS_MIN).min(INTERVAL_MAX).max(Duration::from_millis(50));
    let mut next = due.began + load.warmup;
    let mut is_warm = false;
    loop {
        tokio::time::sleep(Duration::from_millis(100).min(length / 2)).await;
        let now = Instant::now();
        let mut measures = measures.borrow_mut();
        due.count(&mut measures, now);
        if now >= next && !is_warm {
            measures.begin_interval(now);
            (is_warm, next) = (true, now + length);
        } else if now >= next {
            measures.end_interval(now);
            next = now + length;
        }
        let passed = now.saturating_duration_since(due.began);
        let phase = match passed {
            passed if passed < load.warmup => Phase::WarmingUp,
            passed if passed < load.length => Phase::Loading,
            _ => Phase::Draining,
        };
        look(&Look::of(phase, passed, load, &measures));
    }
}
