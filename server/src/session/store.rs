//! Snapshots that calls asked for: a bounded number of them, by the SHA-256 of their bytes.
//!
//! With a data folder they lie there as files; without one they are in memory until the daemon
//! ends.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest as _, Sha256};
use spiked_proto::hex;

use super::{
    journal::Volume,
    snapshot::{self, Runs},
};
use crate::error::Error;

const SUFFIX: &str = ".snapshot";

/// Its name.
pub(crate) type Name = [u8; 32];

/// What is known of a kept snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) name: Name,
    pub(crate) tenant: String,
    pub(crate) size_bytes: u64,
    pub(crate) runs: Runs,
    /// Its bytes, where they are not in a file.
    bytes: Option<Arc<Vec<u8>>>,
}

/// Kept snapshots, oldest first.
pub(crate) struct Store {
    /// Never held while files are written or read.
    held: Mutex<Vec<Kept>>,
    /// Held while one is kept or deleted, by threads that may wait.
    changing: Mutex<()>,
    /// Where files lie: a folder a tenant.
    folder: Option<(Arc<dyn Volume>, PathBuf)>,
    count_max: usize,
    bytes_max: usize,
}

impl Store {
    /// A store with its bounds; what lies in its folder is kept on.
    pub(crate) fn open(
        folder: Option<(Arc<dyn Volume>, PathBuf)>,
        count_max: usize,
        bytes_max: usize,
    ) -> io::Result<Self> {
        let mut held = Vec::new();
        if let Some((volume, root)) = &folder {
            volume.make_folder(root)?;
            for tenant in volume.list(root)? {
                for file in volume.list(&root.join(&tenant))? {
                    let path = root.join(&tenant).join(&file);
                    let Some(kept) = found(&tenant, &file, &volume.read(&path)?) else {
                        tracing::warn!(file = %path.display(), "is no snapshot: left alone");
                        continue;
                    };
                    held.push(kept);
                }
            }
        }
        Ok(Self { held: Mutex::new(held), changing: Mutex::new(()), folder, count_max, bytes_max })
    }

    /// Keeps a snapshot; gives its name. Waits for the disk.
    pub(crate) fn keep(&self, tenant: &str, runs: &Runs, bytes: Vec<u8>) -> Result<Name, Error> {
        let name: Name = Sha256::digest(&bytes).into();
        let _changing = lock(&self.changing);
        if self.entry(tenant, &name).is_some() {
            return Ok(name);
        }
        self.check_room(bytes.len() as u64)?;
        let mut kept = Kept {
            name,
            tenant: tenant.to_owned(),
            size_bytes: bytes.len() as u64,
            runs: runs.clone(),
            bytes: None,
        };
        match &self.folder {
            Some((volume, root)) => {
                let folder = root.join(tenant);
                let written = volume
                    .make_folder(&folder)
                    .and_then(|()| volume.write_whole(&folder.join(file_name(&name)), &bytes));
                written.map_err(|error| Error::Journal(format!("snapshot: {error}")))?;
            }
            None => kept.bytes = Some(Arc::new(bytes)),
        }
        lock(&self.held).push(kept);
        Ok(name)
    }

    fn check_room(&self, size_bytes: u64) -> Result<(), Error> {
        let held = lock(&self.held);
        if held.len() >= self.count_max {
            return Err(Error::Limit { what: "snapshots", limit: self.count_max as u64 });
        }
        let total: u64 = held.iter().map(|kept| kept.size_bytes).sum();
        if total + size_bytes > self.bytes_max as u64 {
            return Err(Error::Limit { what: "bytes of snapshots", limit: self.bytes_max as u64 });
        }
        Ok(())
    }

    fn entry(&self, tenant: &str, name: &[u8]) -> Option<Kept> {
        let held = lock(&self.held);
        held.iter().find(|kept| kept.name == name && kept.tenant == tenant).cloned()
    }

    /// What a snapshot is of, if it is there.
    pub(crate) fn runs(&self, tenant: &str, name: &[u8]) -> Option<Runs> {
        self.entry(tenant, name).map(|kept| kept.runs)
    }

    /// What all of them are of.
    pub(crate) fn all_runs(&self) -> Vec<Runs> {
        lock(&self.held).iter().map(|kept| kept.runs.clone()).collect()
    }

    /// A tenant's snapshots, oldest first.
    pub(crate) fn list(&self, tenant: &str) -> Vec<Kept> {
        lock(&self.held).iter().filter(|kept| kept.tenant == tenant).cloned().collect()
    }

    /// A snapshot's bytes, if it is there. Waits for the disk.
    pub(crate) fn find(&self, tenant: &str, name: &[u8]) -> Result<Option<Arc<Vec<u8>>>, Error> {
        let Some(kept) = self.entry(tenant, name) else {
            return Ok(None);
        };
        let (None, Some((volume, root))) = (&kept.bytes, &self.folder) else {
            return Ok(kept.bytes);
        };
        let path = root.join(tenant).join(file_name(&kept.name));
        match volume.read(&path) {
            Ok(bytes) => Ok(Some(Arc::new(bytes))),
            // It was deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::Journal(format!("{}: {error}", path.display()))),
        }
    }

    /// Forgets a snapshot; `false` if it is not there. Waits for the disk.
    pub(crate) fn delete(&self, tenant: &str, name: &[u8]) -> Result<bool, Error> {
        let _changing = lock(&self.changing);
        let Some(kept) = self.entry(tenant, name) else {
            return Ok(false);
        };
        if let Some((volume, root)) = &self.folder {
            let removed = volume.remove(&root.join(tenant).join(file_name(&kept.name)));
            removed.map_err(|error| Error::Journal(format!("snapshot: {error}")))?;
        }
        lock(&self.held).retain(|kept| kept.name != name || kept.tenant != tenant);
        Ok(true)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No call panics while it holds one of them, so a poisoned one is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn found(tenant: &str, file: &str, bytes: &[u8]) -> Option<Kept> {
    let name: Name = Sha256::digest(bytes).into();
    // One of other dynamics is listed as well, and refused only when somebody restores it.
    let of = snapshot::of(bytes).ok()?;
    (file == file_name(&name)).then(|| Kept {
        name,
        tenant: tenant.to_owned(),
        size_bytes: bytes.len() as u64,
        runs: of.runs,
        bytes: None,
    })
}

fn file_name(name: &Name) -> String {
    format!("{}{SUFFIX}", hex(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::journal::Disk;

    fn runs() -> Runs {
        Runs { network: "n".into(), version: "1".into(), sensors: Vec::new(), plan_sha256: [0; 32] }
    }

    #[test]
    fn the_store_is_bounded_and_says_so() {
        let store = Store::open(None, 2, 10).unwrap();
        let keep = |bytes: Vec<u8>| store.keep("us", &runs(), bytes);
        let first = keep(vec![1; 4]).unwrap();
        assert_eq!(keep(vec![1; 4]).unwrap(), first);
        assert!(keep(vec![2; 7]).unwrap_err().to_string().contains("bytes of snapshots"));
        keep(vec![2; 4]).unwrap();
        assert!(keep(vec![3; 1]).unwrap_err().to_string().contains("at most 2"));
        assert_eq!(store.find("us", &first).unwrap().unwrap().len(), 4);
        assert!(store.find("them", &first).unwrap().is_none(), "it is another tenant's");
        assert!(!store.delete("them", &first).unwrap());
        assert!(store.delete("us", &first).unwrap());
        keep(vec![3; 1]).unwrap();
    }

    #[test]
    fn files_outlive_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let place = || Some((Arc::new(Disk) as Arc<dyn Volume>, folder.path().to_owned()));
        let frozen = snapshot::Frozen {
            core: None,
            is_early: true,
            protocol: Vec::new(),
            output_position: 0,
            applied: 0,
            ending: snapshot::Ending::Open,
            simulated_to: sim_core::Tick(0),
            changes: Vec::new(),
        };
        let bytes = snapshot::encode(&runs(), &frozen);
        let store = Store::open(place(), 2, 1_000).unwrap();
        let name = store.keep("us", &runs(), bytes.clone()).unwrap();
        let store = Store::open(place(), 2, 1_000).unwrap();
        assert_eq!(store.list("us")[0].name, name);
        assert_eq!(*store.find("us", &name).unwrap().unwrap(), bytes);
        assert!(store.delete("us", &name).unwrap());
        assert!(Store::open(place(), 2, 1_000).unwrap().list("us").is_empty());
    }
}
