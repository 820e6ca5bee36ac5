//! A segment that knows how much of it is safe from power loss.
//!
//! What is safe is marked in the segment itself, in front of what is written next. So one that cannot be
//! read on is known to have been damaged where a mark behind that place says it was safe; elsewhere
//! power loss may have torn it, for of what was not synced any part may be missing.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{frame, volume::Log};

/// A segment that is written to.
pub(super) struct Marked {
    log: Arc<dyn Log>,
    // Ordering: Relaxed throughout. Each only rises, and a sync takes what was appended before it began.
    /// Bytes of it.
    appended: AtomicU64,
    /// Bytes that are safe.
    safe: AtomicU64,
    /// What was last marked.
    marked: AtomicU64,
}

impl Marked {
    /// A new segment, with its head.
    pub(super) fn begin(log: Arc<dyn Log>, head: &[u8]) -> io::Result<Self> {
        let none = || AtomicU64::new(0);
        let segment = Self { log, appended: none(), safe: none(), marked: none() };
        segment.append(head)?;
        Ok(segment)
    }

    /// Puts a mark in front of what is written next, if more has become safe.
    pub(super) fn mark(&self, out: &mut Vec<u8>) {
        let safe = self.safe.load(Relaxed);
        if self.marked.swap(safe, Relaxed) < safe {
            frame::append_mark(safe, out);
        }
    }
}

impl Log for Marked {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.log.append(bytes)?;
        self.appended.fetch_add(bytes.len() as u64, Relaxed);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let appended = self.appended.load(Relaxed);
        self.log.sync()?;
        self.safe.fetch_max(appended, Relaxed);
        Ok(())
    }
}
