//! Networks of clients in the repository: loaded, kept as files where there is a data folder, and
//! taken away.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard, PoisonError};

use spiked_proto::v1;

use super::entry::{Content, Entry};
use super::kept::{Arrays, Kept};
use super::{Info, Repository, check_room, folder, info, insert, shortened};
use crate::networks::error::{Error, problem};
use crate::networks::name::{self, Version};
use crate::session::journal::Volume;

impl Repository {
    /// Keeps networks that clients load as files of this folder; those that lie there are back. One
    /// of the operator's folder with the same name and version comes first.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read. A network whose files are damaged is listed with its problem.
    pub(crate) fn keep_in(&mut self, volume: Arc<dyn Volume>, root: PathBuf) -> Result<(), Error> {
        let kept = Kept::new(volume, root);
        let read = kept.read()?;
        let mut entries = self.entries();
        for entry in read {
            let version = Version(entry.version.clone());
            if !entries.get(&entry.name).is_some_and(|known| known.contains_key(&version)) {
                insert(&mut entries, entry);
            }
        }
        drop(entries);
        self.kept = Some(kept);
        Ok(())
    }

    /// Checks a network and makes it available. No version is "1". The same description again is
    /// harmless.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] for another description under that name and version, or why the network
    /// cannot run.
    pub fn load(&self, network: &v1::Network, version: &str) -> Result<Info, Error> {
        let version = if version.is_empty() { folder::VERSION_DEFAULT } else { version };
        name::check(version).map_err(|message| Error::Invalid {
            name: shortened(&network.name),
            problems: vec![problem("version", message)],
        })?;
        let arrays = RefCell::new(Arrays::new());
        let content = Content::convert(network, &|sha256| {
            let array = self.blobs.get(sha256)?;
            arrays.borrow_mut().insert(*sha256, array.clone());
            Some(array)
        })?;
        content.judge(self.plan_bytes_max)?;
        let _loading = self.loading();
        let entry = match &self.kept {
            Some(_) => Entry::kept(&network.name, version, Ok(content)),
            None => Entry::new(&network.name, version, Ok(content)),
        };
        if let Some(same) = self.check_new(&entry)? {
            return Ok(same);
        }
        if let Some(kept) = &self.kept {
            kept.write((&entry.name, &entry.version), network, &arrays.into_inner())?;
        }
        let info = info(&entry);
        insert(&mut self.entries(), entry);
        Ok(info)
    }

    /// Takes a network away; live sessions stay on it. No version is the newest. One that lies in the
    /// folder comes back when the folder is read again; of one that a client loaded, the files go.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`], or files that cannot be removed.
    pub fn unload(&self, name: &str, version: &str) -> Result<(), Error> {
        let _loading = self.loading();
        let entry = self.find(name, version)?;
        if let Some(kept) = self.kept.as_ref().filter(|_| entry.is_kept) {
            kept.remove(&entry.name, &entry.version)?;
        }
        let mut entries = self.entries();
        if let Some(versions) = entries.get_mut(&entry.name) {
            versions.remove(&Version(entry.version.clone()));
            if versions.is_empty() {
                entries.remove(&entry.name);
            }
        }
        drop(entries);
        self.plans().clear();
        Ok(())
    }

    /// Whether a network's files lie in the data folder; gives its version. No version is the newest.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`].
    pub(crate) fn kept_version(&self, name: &str, version: &str) -> Result<Option<String>, Error> {
        let entry = self.find(name, version)?;
        Ok(entry.is_kept.then(|| entry.version.clone()))
    }

    /// Whether there is room for a network; the one that is there, if it is the same.
    fn check_new(&self, entry: &Entry) -> Result<Option<Info>, Error> {
        let (name, version) = (entry.name.clone(), entry.version.clone());
        let entries = self.entries();
        let existing = entries.get(&name).and_then(|v| v.get(&Version(version.clone())));
        if let Some(existing) = existing {
            let same = existing.content().map(|content| content.identity).ok()
                == Some(entry.content()?.identity);
            return if same {
                Ok(Some(info(existing)))
            } else {
                Err(Error::Exists { name, version })
            };
        }
        check_room(&entries, entry).map(|()| None)
    }

    fn loading(&self) -> MutexGuard<'_, ()> {
        // It guards nothing that could be half done.
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
