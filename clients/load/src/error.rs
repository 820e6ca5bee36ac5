//! What can go wrong with a load, apart from what it measures.

use std::path::PathBuf;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The daemon, or the way to it.
    #[error(transparent)]
    Client(#[from] spiked_client::Error),
    /// A recording that cannot be read.
    #[error(transparent)]
    Recording(#[from] spiked_recordings::Error),
    /// A synthetic camera that cannot be made.
    #[error(transparent)]
    Sensor(#[from] spiked_sensors::Error),
    /// A recording without the size of its sensor.
    #[error("{name} names no sensor size in its header")]
    NoGeometry {
        /// Which.
        name: String,
    },
    /// A source that gives nothing.
    #[error("{name} holds no events")]
    Empty {
        /// Which.
        name: String,
    },
    /// Text that describes no source.
    #[error("{text:?}: {problem}")]
    SourceText {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Text that asserts nothing.
    #[error("{text:?}: {problem}")]
    Assertion {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A session that ended before the load did.
    #[error("session {session} ended early: {message}")]
    EndedEarly {
        /// Which, from 0.
        session: usize,
        /// As the daemon put it.
        message: String,
    },
    /// A batch that the daemon's queue has no room for, however long it waits.
    #[error("a batch of {events} events is not let in: the daemon has room for {room} at once")]
    NoRoom {
        /// In the batch.
        events: usize,
        /// As the daemon said at the opening.
        room: usize,
    },
    /// A daemon that is not reached by plain TCP.
    #[error("{address}: connections can be broken on the way only where they are plain TCP")]
    NoRelay {
        /// Where it is.
        address: String,
    },
    /// A file of a report.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// Read or write.
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is no report.
    #[error("{}: no report of spiked load: {problem}", path.display())]
    NoReport {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Something of the system's.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
}
