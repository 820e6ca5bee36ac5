//! The operator's folder of networks in the repository: followed, or read on request.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::entry::Entry;
use super::{Entries, Info, Repository, check_room, folder, info, insert, shortened};
use crate::networks::error::{Error, problem};
use crate::networks::name::Version;

/// A folder of networks, and what was read of it.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) path: PathBuf,
    fingerprint: folder::Fingerprint,
    /// Name and version of each.
    read: Vec<(String, String)>,
}

impl Followed {
    pub(super) fn of(path: &Path) -> Result<Self, Error> {
        let fingerprint = folder::fingerprint(path)?;
        Ok(Self { path: path.to_owned(), fingerprint, read: Vec::new() })
    }

    /// Puts what lies there in place of what was read before. A network of the folder hides one of
    /// the same name that comes along.
    pub(super) fn take(&mut self, own: Vec<Entry>, entries: &mut Entries) {
        for (name, version) in self.read.drain(..) {
            if let Some(versions) = entries.get_mut(&name) {
                versions.remove(&Version(version));
            }
        }
        for entry in own {
            self.add(entry, entries);
        }
        entries.retain(|_, versions| !versions.is_empty());
    }

    /// Adds one of the folder; it hides what comes along under its name.
    fn add(&mut self, entry: Entry, entries: &mut Entries) {
        if let Some(versions) = entries.get_mut(&entry.name) {
            versions.retain(|_, known| !known.is_embedded());
        }
        let place = (entry.name.clone(), entry.version.clone());
        if !self.read.contains(&place) {
            self.read.push(place);
        }
        insert(entries, entry);
    }
}

impl Repository {
    /// Reads the folder again if anything in it has changed; says whether it had. What has gone from
    /// it goes, what is new comes, what differs is replaced; live sessions stay on what they have.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read: everything stays as it was.
    pub fn follow(&self) -> Result<bool, Error> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(followed) = folder.as_mut().filter(|_| !self.reads_on_request) else {
            return Ok(false);
        };
        let now = folder::fingerprint(&followed.path)?;
        if now == followed.fingerprint {
            return Ok(false);
        }
        // Before the list is held, on which others wait: texts and arrays take their time.
        let own = folder::read(&followed.path, self.plan_bytes_max)?;
        followed.fingerprint = now;
        followed.take(own, &mut self.entries());
        self.plans().clear();
        Ok(true)
    }

    /// Reads one network of the operator's folder, where they are read on request; no version is the
    /// newest.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`], why it cannot run, or a folder whose networks are not read on request.
    pub fn load_from_folder(&self, name: &str, version: &str) -> Result<Info, Error> {
        let refused = |message: &str| Error::Invalid {
            name: shortened(name),
            problems: vec![problem("name", message)],
        };
        if !self.reads_on_request {
            return Err(refused("networks of the folder are not loaded by name in this mode"));
        }
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let followed =
            folder.as_mut().ok_or_else(|| refused("the daemon has no folder of them"))?;
        let read = folder::read_one(&followed.path, (name, version), self.plan_bytes_max)?;
        let Some(entry) = read else {
            return self.find(name, version).map(|entry| info(&entry));
        };
        let mut entries = self.entries();
        check_room(&entries, &entry)?;
        let info = info(&entry);
        followed.add(entry, &mut entries);
        drop(entries);
        self.plans().clear();
        Ok(info)
    }

    /// A network that somebody asked for before the daemon was started again; where there is none,
    /// whoever needs it is told.
    pub(crate) fn recall(&self, name: &str, version: &str) {
        if self.reads_on_request && self.find(name, version).is_err() {
            // Asking for its plan says why it cannot be had.
            let _ = self.load_from_folder(name, version);
        }
    }
}
