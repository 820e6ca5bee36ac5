//! A volume that counts what is written of journals, and what failed.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::volume::{Log, Volume};

/// Of all journals since the daemon started.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    bytes: AtomicU64,
    syncs: AtomicU64,
    failures: AtomicU64,
}

impl Tally {
    // Ordering: Relaxed throughout, figures.

    /// Bytes appended.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Syncs that succeeded.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Relaxed)
    }

    /// Writes, syncs and cuts that did not.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    fn note<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.inspect_err(|_| {
            self.failures.fetch_add(1, Relaxed);
        })
    }
}

/// A volume, counted.
pub(crate) struct Metered<V> {
    volume: V,
    tally: Arc<Tally>,
}

impl<V> Metered<V> {
    pub(crate) const fn new(volume: V, tally: Arc<Tally>) -> Self {
        Self { volume, tally }
    }
}

impl<V: Volume> Volume for Metered<V> {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.tally.note(self.volume.make_folder(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.volume.list(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.volume.read(path)
    }

    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.tally.note(self.volume.write_whole(path, bytes))
    }

    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn Log>> {
        let log = self.tally.note(self.volume.create_log(path))?;
        Ok(Arc::new(MeteredLog { log, tally: self.tally.clone() }))
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        self.tally.note(self.volume.cut(path, length))
    }

    // What is to be removed may be gone already, which is no failure.

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.volume.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.volume.remove_folder(path)
    }
}

struct MeteredLog {
    log: Arc<dyn Log>,
    tally: Arc<Tally>,
}

impl Log for MeteredLog {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.tally.note(self.log.append(bytes))?;
        self.tally.bytes.fetch_add(bytes.len() as u64, Relaxed);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.tally.note(self.log.sync())?;
        self.tally.syncs.fetch_add(1, Relaxed);
        Ok(())
    }
}
