//! How a session is to be opened.

use std::time::Duration;

use bytes::Bytes;
use spiked_proto::v1;

use crate::{Durability, EventPolicy, Overload};

/// Batches of the client's own making hold at most this many events, unless told otherwise.
const BATCH_EVENTS_MAX_DEFAULT: usize = 16_384;

/// How a session is to be opened. What the options leave open, the daemon's contract decides.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Name of a network.
    pub network: String,
    /// Its version; empty is the newest.
    pub network_version: String,
    /// The session's id; empty lets the daemon choose.
    pub session_id: String,
    /// Sensor sizes, for ports that leave them open.
    pub sensors: Vec<v1::SensorSize>,
    /// Where tick 0 lies on the sender's clock.
    pub origin: Origin,
    /// What an event does that cannot be applied.
    pub bad_event: EventPolicy,
    /// What an event below the promise does.
    pub late_event: EventPolicy,
    /// How far the session runs past the last promise \[µs\]; `None` is the longest path of delays.
    pub run_on_us: Option<u64>,
    /// Replaces the network's seed.
    pub seed: Option<u64>,
    /// Threads that the session is spread over; 0 is 1. No number changes a result.
    pub workers: u32,
    /// All producers of the session; empty is this one alone.
    pub producers: Vec<String>,
    /// Which of them this is; empty is the first.
    pub producer: String,
    /// What session time follows.
    pub pace: Pace,
    /// What becomes of input that comes faster than it is simulated.
    pub overload: Overload,
    /// When a batch counts as durable.
    pub durability: Durability,
    /// How long the session waits for a producer whose stream broke; `None` is as long as `patience`, or
    /// else the daemon's choice.
    pub lease: Option<Duration>,
    /// Continues an earlier stream: its token, as [`Tables::resume_token`](crate::Tables) gave it.
    pub resume_token: Bytes,
    /// The first output that is still needed; `None` is what was not sent or not reported.
    pub output_from: Option<u64>,
    /// This stream sends only.
    pub without_output: bool,
    /// How long to try to connect again when the stream breaks, and go on where it was. `None`: a
    /// broken stream is an error.
    pub patience: Option<Duration>,
    /// How the producer gathers events.
    pub gathering: Gathering,
    /// Most events in a batch that the producer cuts; `None` is 16 384.
    pub batch_events_max: Option<usize>,
    /// Whether to measure each batch's latency; see [`Producer::latencies`](crate::Producer::latencies).
    pub measure_latency: bool,
}

impl OpenOptions {
    /// A session of a network, with everything else left open.
    #[must_use]
    pub fn new(network: &str) -> Self {
        Self { network: network.to_owned(), ..Self::default() }
    }

    /// Says how large the sensor behind an input port is \[pixels\].
    #[must_use]
    pub fn with_sensor(mut self, port: &str, width: u32, height: u32) -> Self {
        self.sensors.push(v1::SensorSize { port: port.to_owned(), width, height });
        self
    }

    /// Says where tick 0 lies.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Says how the producer gathers events.
    #[must_use]
    pub fn with_gathering(mut self, gathering: Gathering) -> Self {
        self.gathering = gathering;
        self
    }

    /// Goes on when the connection breaks, if that works within a time.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Says when a batch counts as durable.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Measures each batch's latency.
    #[must_use]
    pub fn with_latency(mut self) -> Self {
        self.measure_latency = true;
        self
    }

    /// Events after which a gathered batch leaves.
    pub(crate) fn gather_events(&self) -> usize {
        let most = self.batch_events_max.unwrap_or(BATCH_EVENTS_MAX_DEFAULT);
        match self.gathering {
            Gathering::Latency => most.min(1_024),
            Gathering::Throughput => most,
        }
    }

    pub(crate) fn to_open(&self) -> v1::Open {
        use v1::origin::Origin as Place;
        let origin = match self.origin {
            Origin::Zero => None,
            Origin::At { time_us } => Some(Place::TimeUs(time_us)),
            Origin::FirstBatch => Some(Place::FirstBatch(true)),
        };
        v1::Open {
            session_id: self.session_id.clone(),
            network: self.network.clone(),
            network_version: self.network_version.clone(),
            sensors: self.sensors.clone(),
            origin: origin.map(|origin| v1::Origin { origin: Some(origin) }),
            bad_event: self.bad_event.into(),
            late_event: self.late_event.into(),
            run_on_us: self.run_on_us,
            seed: self.seed,
            workers: self.workers,
            producers: self.producers.clone(),
            producer: self.producer.clone(),
            pace: match self.pace {
                Pace::Logical => v1::Pace::Logical.into(),
                Pace::Live { .. } => v1::Pace::Live.into(),
            },
            lateness_us: self.pace.lateness_us(),
            lag_max_us: self.pace.lag_max_us(),
            overload: self.overload.into(),
            durability: self.durability.into(),
            // Who means to come back is waited for, also before the first batch.
            lease_us: self.lease.or(self.patience).map(micros),
            resume_token: self.resume_token.clone(),
            output_from: self.output_from,
            without_output: self.without_output,
            ..v1::Open::default()
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What session time follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// The producers' promises, as fast as they come.
    #[default]
    Logical,
    /// The daemon's clock, with the sensors' time stamps.
    Live {
        /// How long an event is waited for; zero is 5 ms.
        lateness: Duration,
        /// How far behind real time input is still taken; zero is any.
        lag_max: Duration,
    },
}

impl Pace {
    fn lateness_us(self) -> u64 {
        match self {
            Self::Logical => 0,
            Self::Live { lateness, .. } => micros(lateness),
        }
    }

    fn lag_max_us(self) -> u64 {
        match self {
            Self::Logical => 0,
            Self::Live { lag_max, .. } => micros(lag_max),
        }
    }
}

/// Where tick 0 lies on the sender's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// At time stamp 0.
    #[default]
    Zero,
    /// At a time stamp.
    At {
        /// Which \[µs\].
        time_us: u64,
    },
    /// At the first batch's base time, which is its first event's time.
    FirstBatch,
}

/// When gathered events leave. The answers always leave the daemon at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gathering {
    /// At 1 024 events or after 100 µs, whichever is first.
    #[default]
    Latency,
    /// At a full batch or after 500 µs, whichever is first.
    Throughput,
}

impl Gathering {
    pub(crate) fn patience(self) -> Duration {
        match self {
            Self::Latency => Duration::from_micros(100),
            Self::Throughput => Duration::from_micros(500),
        }
    }
}
