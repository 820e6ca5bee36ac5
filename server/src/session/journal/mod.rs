//! The journal: a durable session's input on disk, exactly as it goes into the simulation.
//!
//! A session's folder holds what it was opened with, snapshots, and segments of records; each
//! snapshot and each segment is named by the number of records before it. To make a session again,
//! its oldest snapshot is taken and everything behind it read once more: the protocol makes the
//! same input of it, and the core the same output. A record is whole or it is not there: what a
//! power loss tore off at the end is found by its checksum and cut.

mod folder;
mod frame;
mod marked;
mod metered;
mod segment;
#[cfg(test)]
mod tests;
mod volume;

pub(crate) use self::{
    folder::{Folder, Meta, Rest},
    metered::{Metered, Tally},
    segment::Broken,
    volume::{Disk, Log, Volume},
};

use std::{io, sync::Arc};

use self::marked::Marked;

use super::protocol::Record;

/// The writing end of a session's journal.
pub(crate) struct Journal {
    folder: Folder,
    log: Arc<Marked>,
    /// Records before the next.
    index: u64,
    /// Bytes since the last segment was begun, or was to be.
    bytes: u64,
    buffer: Vec<u8>,
}

impl Journal {
    /// A journal that goes on after so many records, of which so many bytes are to be read again to
    /// make the session; in a segment of its own.
    pub(crate) fn begin(folder: Folder, index: u64, bytes: u64) -> io::Result<Self> {
        let log = folder.new_segment(index)?;
        Ok(Self { folder, log, index, bytes, buffer: Vec::new() })
    }

    /// Appends records. After an error nothing more may be written: how much of it is there is not
    /// known, and it will be read up to the last whole record.
    pub(crate) fn write(&mut self, records: &[Record]) -> io::Result<()> {
        self.buffer.clear();
        self.log.mark(&mut self.buffer);
        for record in records {
            frame::append(record, &mut self.buffer);
        }
        self.log.append(&self.buffer)?;
        self.index += records.len() as u64;
        self.bytes += self.buffer.len() as u64;
        self.buffer.shrink_to(1 << 20);
        Ok(())
    }

    /// Begins another segment; what was written before is safe by then. Where none can be had, as when
    /// the process has no file descriptor left, it goes on in this one, and says so.
    pub(crate) fn rotate(&mut self) -> io::Result<bool> {
        self.log.sync()?;
        // Also where it stays: it is tried again when as much more has been written.
        self.bytes = 0;
        match self.folder.new_segment(self.index) {
            Ok(log) => self.log = log,
            Err(error) => {
                // Half a segment would stand in the way of what follows in this one.
                self.folder.remove_segment(self.index)?;
                tracing::warn!(%error, "a journal goes on in its segment: no other can be begun");
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes what was written safe from power loss.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.log.sync()
    }

    /// What is being written to, for syncing beside the writing.
    pub(crate) fn log(&self) -> Arc<dyn Log> {
        self.log.clone()
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) const fn index(&self) -> u64 {
        self.index
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }
}
