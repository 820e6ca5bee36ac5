//! A disk that forgets on power loss what was not synced.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::super::volume::{Disk, Log, Volume};

/// Synced length of each log, by path.
type Synced = Arc<Mutex<HashMap<PathBuf, u64>>>;

/// The file system, but for what it remembers.
#[derive(Default)]
pub(crate) struct Forgetful {
    synced: Synced,
}

struct ForgetfulLog {
    log: Arc<dyn Log>,
    path: PathBuf,
    synced: Synced,
}

impl Forgetful {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Every log is cut to what was synced. What is written whole is synced at once.
    pub(crate) fn lose_power(&self) {
        let mut synced = self.synced.lock().unwrap();
        for (path, length) in synced.drain() {
            if path.exists() {
                fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
            }
        }
    }
}

impl Volume for Forgetful {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        Disk.make_folder(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        Disk.list(path)
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Disk.read(path)
    }
    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.write_whole(path, bytes)
    }
    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn Log>> {
        let log = Disk.create_log(path)?;
        self.synced.lock().unwrap().insert(path.to_owned(), 0);
        Ok(Arc::new(ForgetfulLog { log, path: path.to_owned(), synced: self.synced.clone() }))
    }
    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        Disk.cut(path, length)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        Disk.remove_folder(path)
    }
}

impl Log for ForgetfulLog {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.log.append(bytes)
    }
    fn sync(&self) -> io::Result<()> {
        let length = fs::metadata(&self.path)?.len();
        if let Some(synced) = self.synced.lock().unwrap().get_mut(&self.path) {
            *synced = length;
        }
        Ok(())
    }
}
