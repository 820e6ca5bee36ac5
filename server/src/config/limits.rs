//! Every bound, with its default and why that is what it is.

use std::{thread, time::Duration};

use crate::session::pool::THREADS_MAX;

/// Bounds on what clients may take, and deadlines on what they may delay.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections in all. Default: 1 024, which stays within the usual limit on open files.
    pub connections: usize,
    /// Connections from one address. Default: 256.
    pub connections_per_address: usize,
    /// Time for a connection to send the 24 bytes that open HTTP/2. Default: 5 s.
    pub preface_deadline: Duration,
    /// How long a connection may be without an open stream. Default: 60 s; clients connect again
    /// when they need to.
    pub idle_deadline: Duration,
    /// Time for a stream's first message. Default: 5 s.
    pub open_deadline: Duration,
    /// Time for a request to arrive, and for each further MiB of one; a session's stream has none.
    /// Default: 30 s.
    pub request_deadline: Duration,
    /// What all requests that are arriving may hold together, beyond the first 4 KiB of each message
    /// \[bytes\]. Default: 128 MiB.
    pub request_bytes: u64,
    /// Sessions in all. Default: 1 024.
    pub sessions: usize,
    /// Events of one producer in the queue. Default: 1 048 576, which take 16 MiB there.
    pub queue_events: u64,
    /// Bytes of one producer's payload in the queue. Default: 16 MiB.
    pub queue_bytes: u64,
    /// Threads that one session is spread over, up to 64. Default: what the machine (or the
    /// container's limit) has.
    pub workers: usize,
    /// What one network and a session of it may take, about \[bytes\]. Default: 8 GiB, far above what
    /// a network of any paper needs on one machine.
    pub plan_bytes: u64,
    /// What all sessions may take together, about \[bytes\]: their plans, states, full queues and
    /// waiting output. Default: no bound beside those above.
    pub memory_bytes: Option<u64>,
    /// Snapshots kept. Default: 64.
    pub snapshots: usize,
    /// Bytes of snapshots kept. Default: 256 MiB.
    pub snapshot_bytes: usize,
    /// How long a session waits for a producer whose stream broke, unless it was opened with another
    /// lease. Default: 5 minutes.
    pub lease: Duration,
    /// Time between two syncs of a journal that is synced at intervals. Default: 50 ms.
    pub journal_sync_interval: Duration,
    /// Bytes of journal after which a snapshot bounds what is read again after a crash. Default:
    /// 64 MiB.
    pub journal_snapshot_bytes: u64,
    /// Bytes of one session's journal that are kept for readers that lag. Default: 1 GiB.
    pub journal_bytes: u64,
    /// How long open sessions may go on once the daemon was asked to end. Default: 10 s.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            connections_per_address: 256,
            preface_deadline: Duration::from_secs(5),
            idle_deadline: Duration::from_secs(60),
            open_deadline: Duration::from_secs(5),
            request_deadline: Duration::from_secs(30),
            request_bytes: 128 << 20,
            sessions: 1_024,
            queue_events: 1 << 20,
            queue_bytes: 16 << 20,
            workers: parallelism(),
            plan_bytes: 8 << 30,
            memory_bytes: None,
            snapshots: 64,
            snapshot_bytes: 256 << 20,
            lease: Duration::from_secs(300),
            journal_sync_interval: Duration::from_millis(50),
            journal_snapshot_bytes: 64 << 20,
            journal_bytes: 1 << 30,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// Processors that this process may use, as far as threads of ours go.
pub(super) fn parallelism() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX)
}
