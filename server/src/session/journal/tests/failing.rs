//! A disk on which one sync fails, and what it should have saved never comes there: the next sync
//! succeeds without it, as Linux does (Rebello et al. 2020, "Can applications recover from fsync
//! failures?").

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::super::volume::{Log, Volume};

/// What is read, and what is on the disk.
#[derive(Clone, Debug, Default)]
struct File {
    seen: Vec<u8>,
    saved: Vec<u8>,
    /// Bytes that the system takes for saved.
    clean: usize,
}

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, File>,
    /// Syncs of logs until one fails.
    syncs_left: Option<u64>,
}

/// The disk.
#[derive(Clone, Default)]
pub(super) struct Failing(Arc<Mutex<State>>);

struct FailingLog {
    disk: Failing,
    path: PathBuf,
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl File {
    fn whole(bytes: &[u8]) -> Self {
        Self { seen: bytes.to_vec(), saved: bytes.to_vec(), clean: bytes.len() }
    }

    fn sync(&mut self) {
        self.saved.resize(self.seen.len(), 0);
        let clean = self.clean.min(self.seen.len());
        self.saved[clean..].copy_from_slice(&self.seen[clean..]);
        self.clean = self.seen.len();
    }
}

impl Failing {
    /// The sync after so many more fails.
    pub(super) fn fail_after(&self, syncs: u64) {
        self.0.lock().unwrap().syncs_left = Some(syncs);
    }

    /// Whether that sync is still to come.
    pub(super) fn is_to_fail(&self) -> bool {
        self.0.lock().unwrap().syncs_left.is_some()
    }

    pub(super) fn lose_power(&self) {
        for file in self.0.lock().unwrap().files.values_mut() {
            *file = File::whole(&file.saved);
        }
    }

    fn change<T>(&self, path: &Path, change: impl FnOnce(&mut File) -> T) -> io::Result<T> {
        self.0.lock().unwrap().files.get_mut(path).map(change).ok_or_else(missing)
    }
}

impl Volume for Failing {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        // The data folder's lock is a real file.
        std::fs::create_dir_all(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        let inside = state.files.keys().filter_map(|file| file.strip_prefix(path).ok());
        let first = inside.filter_map(|file| file.components().next());
        let mut names: Vec<_> =
            first.map(|name| name.as_os_str().to_string_lossy().into_owned()).collect();
        names.dedup();
        Ok(names)
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.change(path, |file| file.seen.clone())
    }
    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().files.insert(path.to_owned(), File::whole(bytes));
        Ok(())
    }
    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn Log>> {
        self.write_whole(path, &[])?;
        Ok(Arc::new(FailingLog { disk: self.clone(), path: path.to_owned() }))
    }
    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        self.change(path, |file| {
            file.seen.truncate(usize::try_from(length).unwrap());
            file.sync();
        })
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().files.remove(path).map(drop).ok_or_else(missing)
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().files.retain(|file, _| !file.starts_with(path));
        Ok(())
    }
}

impl Log for FailingLog {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.disk.change(&self.path, |file| file.seen.extend_from_slice(bytes))
    }
    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.0.lock().unwrap();
        let left = state.syncs_left;
        state.syncs_left = left.and_then(|left| left.checked_sub(1));
        let file = state.files.get_mut(&self.path).ok_or_else(missing)?;
        if left == Some(0) {
            file.clean = file.seen.len();
            return Err(io::Error::other("the disk does not answer"));
        }
        file.sync();
        Ok(())
    }
}
