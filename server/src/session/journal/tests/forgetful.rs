//! A disk that forgets on power loss what was not synced, and on which the power goes at any operation.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use spiked_fuzz::Random;

use super::super::volume::{Disk, Log, Volume};

/// What the disk knows beside its files.
#[derive(Default)]
struct State {
    /// Synced length of each log, by path.
    synced: HashMap<PathBuf, u64>,
    /// Operations until the power goes, if that was asked for.
    left: Option<u64>,
    /// Syncs do nothing, and say that all is well.
    lies: bool,
}

/// The file system, but for what it remembers.
#[derive(Clone, Default)]
pub(crate) struct Forgetful(Arc<Mutex<State>>);

struct ForgetfulLog {
    log: Arc<dyn Log>,
    path: PathBuf,
    disk: Forgetful,
}

impl Forgetful {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One that only says that it syncs.
    pub(crate) fn lying() -> Self {
        let disk = Self::new();
        disk.0.lock().unwrap().lies = true;
        disk
    }

    /// The power goes before the operation after so many more.
    pub(crate) fn lose_power_after(&self, operations: u64) {
        self.0.lock().unwrap().left = Some(operations);
    }

    /// Whether the power has gone, and all that was asked since was in vain.
    pub(crate) fn is_dark(&self) -> bool {
        self.0.lock().unwrap().left == Some(0)
    }

    /// Every log is cut to what was synced, and `more` says how much of what was not synced is there
    /// after all: it is given the number of those bytes. What is written whole is synced at once. Then
    /// there is power again.
    fn lose_power_but(&self, mut more: impl FnMut(u64) -> u64) {
        let mut state = self.0.lock().unwrap();
        state.left = None;
        for (path, synced) in state.synced.drain() {
            let Ok(about) = fs::metadata(&path) else { continue };
            let length = synced + more(about.len() - synced);
            fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
        }
    }

    pub(crate) fn lose_power(&self) {
        self.lose_power_but(|_| 0);
    }

    /// The same; of what was not synced, any part from its beginning is there.
    pub(crate) fn lose_power_and_keep_some(&self, random: &mut Random) {
        self.lose_power_but(|unsynced| random.below(unsynced + 1));
    }

    fn operate(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        match &mut state.left {
            Some(0) => Err(io::Error::other("there is no power")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Volume for Forgetful {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.operate()?;
        Disk.make_folder(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.operate()?;
        Disk.list(path)
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.operate()?;
        Disk.read(path)
    }
    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.operate()?;
        Disk.write_whole(path, bytes)
    }
    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn Log>> {
        self.operate()?;
        let log = Disk.create_log(path)?;
        self.0.lock().unwrap().synced.insert(path.to_owned(), 0);
        Ok(Arc::new(ForgetfulLog { log, path: path.to_owned(), disk: self.clone() }))
    }
    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        self.operate()?;
        Disk.cut(path, length)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operate()?;
        Disk.remove(path)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.operate()?;
        Disk.remove_folder(path)
    }
}

impl Log for ForgetfulLog {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.disk.operate()?;
        self.log.append(bytes)
    }
    fn sync(&self) -> io::Result<()> {
        self.disk.operate()?;
        let length = fs::metadata(&self.path)?.len();
        let mut state = self.disk.0.lock().unwrap();
        if !state.lies
            && let Some(synced) = state.synced.get_mut(&self.path)
        {
            *synced = length;
        }
        Ok(())
    }
}
