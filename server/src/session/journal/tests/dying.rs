//! A disk under a daemon that dies after so many operations.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use super::super::volume::{Disk, Log, Volume};

/// The file system, until it takes nothing more.
pub(super) struct Dying {
    left: AtomicI64,
}

impl Dying {
    pub(super) fn after(operations: i64) -> Self {
        Self { left: AtomicI64::new(operations) }
    }

    fn live(&self) -> io::Result<()> {
        // Ordering: Relaxed, one thread.
        match self.left.fetch_sub(1, Relaxed) {
            left if left > 0 => Ok(()),
            _ => Err(io::Error::other("the daemon has died")),
        }
    }
}

impl Volume for Dying {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.live().and_then(|()| Disk.make_folder(path))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.live().and_then(|()| Disk.list(path))
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.live().and_then(|()| Disk.read(path))
    }
    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.live().and_then(|()| Disk.write_whole(path, bytes))
    }
    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn Log>> {
        self.live().and_then(|()| Disk.create_log(path))
    }
    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        self.live().and_then(|()| Disk.cut(path, length))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.live().and_then(|()| Disk.remove(path))
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.live().and_then(|()| Disk.remove_folder(path))
    }
}
