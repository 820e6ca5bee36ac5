//! How a session is to be opened.

use std::time::Duration;

use spiked_proto::v1;

use crate::EventPolicy;

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
            ..v1::Open::default()
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
