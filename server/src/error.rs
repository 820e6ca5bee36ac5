//! Why the daemon could not start, and why it refuses a call.
//!
//! Messages are lower-case, fit on one line and name place and value. Codes of gRPC belong to
//! `service::status`, the one place that maps them.

use std::{io, path::PathBuf, time::Duration};

use spiked_proto::v1::Reason;

use crate::{networks, session::codec::Damaged};

/// Why the daemon could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting that makes no sense.
    #[error("{setting}: {problem}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A configuration that cannot be read, or a value in it that makes no sense.
    #[error("{place}: {problem}")]
    Config {
        /// File and line, variable or flag.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// A TCP address that others can reach.
    #[error(
        "refusing to listen on {address}: it is reachable from other machines without \
         encryption; give --tls-certificate FILE and --tls-key FILE, or accept the risk with \
         --insecure"
    )]
    Exposed {
        /// Where it was to listen.
        address: std::net::SocketAddr,
    },
    /// An address for metrics that others can reach.
    #[error(
        "refusing to serve metrics on {address}: whoever reaches it reads the names of networks and \
         tenants and what they do; serve them on 127.0.0.1, or accept that with --metrics-insecure"
    )]
    MetricsExposed {
        /// Where they were to be served.
        address: std::net::SocketAddr,
    },
    /// The listener could not be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The socket's place is taken by something that is not an abandoned socket.
    #[error("cannot listen on unix:{}: {problem}", path.display())]
    SocketTaken {
        /// Where.
        path: PathBuf,
        /// By what.
        problem: &'static str,
    },
    /// The folder of networks cannot be read.
    #[error("networks: {0}")]
    Networks(#[from] networks::Error),
    /// The data folder cannot be used.
    #[error("data folder {}: {source}", path.display())]
    Data {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Threads could not be started.
    #[error("cannot start the simulation threads: {0}")]
    Threads(io::Error),
    /// The server failed as a whole.
    #[error("the server failed: {0}")]
    Serve(String),
    /// Logging could not be set up.
    #[error("logging: {0}")]
    Telemetry(String),
}

/// What is wrong with a session that is on its way out.
pub(crate) const HAS_ENDED: &str = "has just ended";

/// Why a call is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Network(#[from] networks::Error),
    #[error("the first message of a stream must be open")]
    OpenExpected,
    #[error("no open came within {seconds} s")]
    OpenLate { seconds: f32 },
    #[error("the rest of the request, or a MiB more of it, did not come within {seconds} s")]
    RequestLate { seconds: f32 },
    #[error("requests that arrive hold too much together: at most {limit} bytes")]
    Requests { limit: u64 },
    #[error("{field}: {problem}")]
    Field { field: String, problem: String },
    #[error("no session {id:?}")]
    SessionUnknown { id: String },
    #[error("session {id:?} {problem}")]
    SessionConflict { id: String, problem: &'static str },
    #[error("sensors[{index}]: network {network:?} has no input port {port:?}")]
    PortUnknown { index: usize, network: String, port: String },
    #[error("{what}: at most {limit}")]
    Limit { what: &'static str, limit: u64 },
    #[error("no snapshot {sha256}")]
    SnapshotUnknown { sha256: String },
    #[error("{0}")]
    Snapshot(String),
    #[error(
        "{what} is of dynamics version {found}, and this daemon has {}: a build of version {found} goes \
         on with it (spiked sessions export takes one there)",
        sim_core::DYNAMICS_VERSION
    )]
    Dynamics { what: String, found: u32 },
    #[error("no producer {name:?}: session {id:?} has {}", known.join(", "))]
    ProducerUnknown { id: String, name: String, known: Vec<String> },
    #[error("the resume token is not that of session {id:?}")]
    ResumeToken { id: String },
    #[error("output from position {from} is kept no longer: the first that is, is {kept_from}")]
    OutputLost { from: u64, kept_from: u64 },
    #[error("a step to {until_us} us: another producer promises only {held_us} us")]
    StepHeld { until_us: u64, held_us: u64 },
    #[error("a step to {until_us} us: time stands at {stands_us} us until the next frame")]
    StepWaits { until_us: u64, stands_us: u64 },
    #[error("the step's output takes more than {bytes} bytes: use a stream")]
    StepTooLarge { bytes: u64 },
    #[error("{}", _0.message)]
    Refused(Box<spiked_proto::v1::Error>),
    #[error("{problem}: send a token as \"authorization: Bearer TOKEN\"")]
    Unauthenticated { problem: &'static str },
    #[error("token {name:?} lacks the scope {scope}")]
    PermissionDenied { name: String, scope: &'static str },
    #[error("{what} of tenant {tenant:?}: at most {limit}")]
    Quota { what: &'static str, tenant: String, limit: u64 },
    #[error("{_0}")]
    Memory(Shortage),
    #[error(
        "a step of {events} events and {bytes} bytes is more than tenant {tenant:?} may send now"
    )]
    Rate { tenant: String, events: u64, bytes: u64, retry_after: Option<Duration> },
    #[error("{what} needs a data folder (--data)")]
    NoData { what: &'static str },
    #[error("journal: {0}")]
    Journal(String),
    #[error("this is daemon {name:?}, and {asked:?} was asked for")]
    OtherDaemon { name: String, asked: String },
    #[error("the daemon is shutting down")]
    ShuttingDown,
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// Memory that a session would take and that is not left \[bytes\].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the session would take about {needed} bytes where {available} of the {limit} bytes of {} are left",
    tenant.as_ref().map_or("the daemon".to_owned(), |tenant| format!("tenant {tenant:?}"))
)]
pub(crate) struct Shortage {
    /// Whose bound; the daemon's where it is none's.
    pub(crate) tenant: Option<String>,
    pub(crate) needed: u64,
    pub(crate) available: u64,
    pub(crate) limit: u64,
}

impl Error {
    /// A field whose value makes no sense.
    pub(crate) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field { field: field.into(), problem: problem.into() }
    }

    /// The published reason.
    pub(crate) fn reason(&self) -> Reason {
        use networks::Error as Network;
        match self {
            Self::Network(Network::Unknown { .. }) => Reason::NetworkUnknown,
            Self::Network(Network::SensorSize { .. }) => Reason::PortShape,
            Self::Network(Network::Blob { .. }) => Reason::BlobInvalid,
            Self::Network(Network::Limit { .. }) | Self::Limit { .. } => Reason::Limit,
            Self::Requests { .. } => Reason::Limit,
            Self::RequestLate { .. } => Reason::RequestLate,
            Self::Network(Network::Unimplemented { .. }) => Reason::Unimplemented,
            Self::Network(
                Network::Invalid { .. } | Network::Exists { .. } | Network::Io { .. },
            ) => Reason::NetworkInvalid,
            Self::OpenExpected | Self::OpenLate { .. } => Reason::OpenExpected,
            Self::Field { .. } => Reason::FieldInvalid,
            Self::SessionUnknown { .. } => Reason::SessionUnknown,
            Self::SessionConflict { .. } => Reason::SessionConflict,
            Self::PortUnknown { .. } => Reason::PortUnknown,
            Self::SnapshotUnknown { .. } | Self::Snapshot(_) | Self::Dynamics { .. } => {
                Reason::SnapshotInvalid
            }
            Self::ProducerUnknown { .. } => Reason::ProducerUnknown,
            Self::ResumeToken { .. } => Reason::ResumeToken,
            Self::OutputLost { .. } => Reason::OutputLost,
            Self::StepHeld { .. } | Self::StepWaits { .. } => Reason::PromiseStalled,
            Self::StepTooLarge { .. } => Reason::Limit,
            Self::Refused(error) => error.reason(),
            Self::Unauthenticated { .. } => Reason::Unauthenticated,
            Self::PermissionDenied { .. } => Reason::PermissionDenied,
            Self::Quota { .. }
            | Self::Rate { .. }
            | Self::Memory(Shortage { tenant: Some(_), .. }) => Reason::Quota,
            Self::Memory(Shortage { tenant: None, .. }) => Reason::Limit,
            Self::NoData { .. } => Reason::NoData,
            Self::Journal(_) => Reason::Journal,
            Self::OtherDaemon { .. } => Reason::OtherDaemon,
            Self::ShuttingDown => Reason::ShuttingDown,
            Self::Internal(_) => Reason::Unspecified,
        }
    }
}

impl From<Damaged> for Error {
    fn from(damaged: Damaged) -> Self {
        Self::Snapshot(damaged.to_string())
    }
}
