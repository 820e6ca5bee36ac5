//! The journal's stage between protocol and engine.
//!
//! Records gather while a write is under way, on a thread that may wait; when it is done their
//! input goes to the engine, and the next write takes what has gathered. So no output leaves
//! before the input that it depends on is written (with `each`: synced). Under `interval` syncing
//! goes on beside the writing. Whatever fails ends the session: what is durable stays on disk.

mod written;

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};

use crate::session::{
    chunk::Chunk,
    journal::{Folder, Journal, Log},
    protocol::{Protocol, Record},
    settings::Durability,
    snapshot::{Frozen, Runs},
};

/// Bytes of records that may wait for a write.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// How the journal is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeping {
    /// Time between two syncs, under `interval`.
    pub(crate) sync_interval: Duration,
    /// Bytes after which a snapshot bounds what has to be read again.
    pub(crate) snapshot_after_bytes: u64,
    /// Bytes of records that are kept at most for readers that lag.
    pub(crate) kept_bytes_max: u64,
}

/// Something that was done on a thread apart.
pub(super) enum Written {
    Records(Done),
    Synced(io::Result<()>),
    Frozen(Frozen),
    Snapshot { index: u64, output_position: u64, written: io::Result<()> },
    Pruned(io::Result<()>),
}

/// A write that is done.
pub(super) struct Done {
    journal: Journal,
    /// Whether it began another segment.
    written: io::Result<bool>,
    chunk: Chunk,
    /// The protocol's state behind these records, if a snapshot is to be taken there: to bound the
    /// journal, or for those who asked.
    protocol: Option<Vec<u8>>,
    asked: Vec<oneshot::Sender<Frozen>>,
}

/// How far a journal has come.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marks {
    /// Accepted batches, one a producer.
    batches: Vec<u64>,
    /// Changes of weights and parameters.
    changes: u64,
}

impl Marks {
    fn of(protocol: &Protocol) -> Self {
        let accepted = |producer| protocol.status(producer).accepted;
        let batches = (0..protocol.producers()).map(accepted).collect();
        Self { batches, changes: protocol.changes() }
    }
}

/// The stage's state.
pub(crate) struct Journaling {
    policy: Durability,
    keeping: Keeping,
    runs: Arc<Runs>,
    folder: Folder,
    /// What was written to last; while a write begins another, the one before, which that syncs.
    log: Arc<dyn Log>,
    /// Here while nothing is written.
    home: Option<Journal>,
    writing: Option<JoinHandle<Done>>,
    syncing: Option<JoinHandle<io::Result<()>>>,
    /// What waits to be written, and about how many bytes that is.
    records: Vec<Record>,
    bytes: usize,
    chunk: Chunk,
    /// What is in the write, was written, was in what is being synced, and is safe.
    in_write: Marks,
    written: Marks,
    in_sync: Marks,
    durable: Marks,
    sync_due: Option<Instant>,
    /// The engine is asked for its state, to be written after so many records.
    freezing: Option<(u64, oneshot::Receiver<Frozen>)>,
    snapshotting: Option<JoinHandle<(u64, u64, io::Result<()>)>>,
    pruning: Option<JoinHandle<io::Result<()>>>,
    /// (records before it, output position, bytes of records since the one before) of snapshots on
    /// disk, oldest first.
    snapshots: Vec<(u64, u64, u64)>,
    /// Who waits for a snapshot of what is accepted, until that is written.
    asked: Vec<oneshot::Sender<Frozen>>,
    /// Nothing more is written.
    failed: bool,
}

impl Journaling {
    /// A journal that goes on; what the protocol has taken is in it, and is durable.
    pub(crate) fn new(
        journal: Journal,
        policy: Durability,
        keeping: Keeping,
        runs: Arc<Runs>,
        protocol: &Protocol,
        oldest: (u64, u64),
    ) -> Self {
        let marks = Marks::of(protocol);
        Self {
            policy,
            keeping,
            runs,
            folder: journal.folder().clone(),
            log: journal.log(),
            home: Some(journal),
            writing: None,
            syncing: None,
            records: Vec::new(),
            bytes: 0,
            chunk: Chunk::default(),
            in_write: marks.clone(),
            written: marks.clone(),
            in_sync: marks.clone(),
            durable: marks,
            sync_due: None,
            freezing: None,
            snapshotting: None,
            pruning: None,
            snapshots: vec![(oldest.0, oldest.1, 0)],
            asked: Vec::new(),
            failed: false,
        }
    }

    /// The session was there before, and went on since its first snapshot.
    pub(super) fn goes_on(&self) -> bool {
        self.snapshots.first().is_some_and(|&(index, ..)| index > 0)
    }

    /// Nothing is written, and nothing waits to be.
    pub(super) fn rests(&self) -> bool {
        self.home.is_some() && self.records.is_empty()
    }

    /// Answers when all that is accepted by now has been written and handed over.
    pub(super) fn freeze_later(&mut self, reply: oneshot::Sender<Frozen>) {
        self.asked.push(reply);
    }

    /// Batches of each producer that survive.
    pub(crate) fn durable(&self) -> &[u64] {
        &self.durable.batches
    }

    /// Changes of weights and parameters that survive.
    pub(super) const fn durable_changes(&self) -> u64 {
        self.durable.changes
    }

    /// So much waits to be written that no more is taken from streams until it is.
    pub(super) const fn is_congested(&self) -> bool {
        self.bytes > WAITING_BYTES_MAX
    }

    fn is_idle(&self) -> bool {
        let rests = self.failed || self.rests();
        let writes = self.writing.is_some() || self.syncing.is_some();
        rests && !writes && self.snapshotting.is_none() && self.pruning.is_none()
    }

    pub(super) fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<Written> {
        if let Some(done) = poll(&mut self.writing, context) {
            return Poll::Ready(Written::Records(done));
        }
        if let Some(result) = poll(&mut self.syncing, context) {
            return Poll::Ready(Written::Synced(result));
        }
        if let Some((index, output_position, written)) = poll(&mut self.snapshotting, context) {
            return Poll::Ready(Written::Snapshot { index, output_position, written });
        }
        if let Some(result) = poll(&mut self.pruning, context) {
            return Poll::Ready(Written::Pruned(result));
        }
        if let Some((_, frozen)) = &mut self.freezing
            && let Poll::Ready(frozen) = Pin::new(frozen).poll(context)
        {
            match frozen {
                Ok(frozen) => return Poll::Ready(Written::Frozen(frozen)),
                // The engine has ended; so does all else.
                Err(_) => self.freezing = None,
            }
        }
        Poll::Pending
    }

    /// Starts to write what waits, unless a write is under way.
    fn start(&mut self, protocol: &Protocol) {
        if self.records.is_empty() || self.failed {
            return;
        }
        let Some(mut journal) = self.home.take() else {
            return;
        };
        let records = std::mem::take(&mut self.records);
        self.bytes = 0;
        let chunk = std::mem::take(&mut self.chunk);
        self.in_write = Marks::of(protocol);
        let long = journal.bytes() > self.keeping.snapshot_after_bytes;
        let snapshot = long && self.freezing.is_none() && self.snapshotting.is_none();
        let asked = std::mem::take(&mut self.asked);
        let protocol = (snapshot || !asked.is_empty()).then(|| protocol.save());
        let sync = self.policy == Durability::Each;
        self.writing = Some(spawn_blocking(move || {
            let written = (|| {
                journal.write(&records)?;
                if sync {
                    journal.sync()?;
                }
                Ok(snapshot && journal.rotate()?)
            })();
            Done { journal, written, chunk, protocol, asked }
        }));
    }
}

/// The result of a task apart, once it is there.
fn poll<T>(task: &mut Option<JoinHandle<T>>, context: &mut Context<'_>) -> Option<T> {
    let Poll::Ready(done) = Pin::new(task.as_mut()?).poll(context) else {
        return None;
    };
    *task = None;
    // It ends by returning: nothing there panics or is cancelled but with the whole daemon.
    done.ok()
}

/// About what a record takes.
fn bytes_of(record: &Record) -> usize {
    match record {
        Record::Batch { batch, .. } => size_of::<Record>() + batch.payload.len(),
        Record::Set(setting) => size_of::<Record>() + setting.bytes(),
        _ => size_of::<Record>(),
    }
}
