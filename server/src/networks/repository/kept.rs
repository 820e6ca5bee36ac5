//! Networks as plain files of the data folder, so that they outlive the daemon: those that clients
//! loaded, and those that durable sessions run.
//!
//! ```text
//! NAME/VERSION/SHA-256.network    the description, as the wire has it
//! NAME/VERSION/SHA-256.array      each array that it uses
//! ```
//! Each file is named by the hash of its bytes, which is checked when it is read. The description is
//! written last and removed first: a folder without one is what a crash left, and is cleared away.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use spiked_proto::{hex, v1};

use super::entry::{Content, Entry};
use super::folder::named;
use crate::networks::error::Error;
use crate::session::journal::Volume;

const NETWORK: &str = ".network";
const ARRAY: &str = ".array";

/// The arrays of a network, by their hashes.
pub(super) type Arrays = BTreeMap<[u8; 32], Bytes>;

/// A folder of networks.
pub(super) struct Kept {
    volume: Arc<dyn Volume>,
    root: PathBuf,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Kept").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Kept {
    pub(super) fn new(volume: Arc<dyn Volume>, root: PathBuf) -> Self {
        Self { volume, root }
    }

    /// All of them; one whose files are damaged with its problem.
    pub(super) fn read(&self) -> Result<Vec<Entry>, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| cannot(&path, "be read", &error)
        };
        self.volume.make_folder(&self.root).map_err(failed(&self.root))?;
        let mut entries = Vec::new();
        for name in self.volume.list(&self.root).map_err(failed(&self.root))? {
            let versions = self.root.join(&name);
            for version in self.volume.list(&versions).map_err(failed(&versions))? {
                let folder = versions.join(&version);
                let files = self.volume.list(&folder).map_err(failed(&folder))?;
                let Some(file) = files.iter().find(|file| file.ends_with(NETWORK)) else {
                    self.clear(&folder);
                    continue;
                };
                let content =
                    named(&name, &version).and_then(|()| self.content(&folder, file, &name));
                entries.push(Entry::kept(&name, &version, content));
            }
        }
        Ok(entries)
    }

    /// Whether it is there, and whole.
    pub(super) fn has(&self, name: &str, version: &str) -> Result<bool, Error> {
        Ok(self.description(name, version)?.is_some())
    }

    /// One of them, if it is there.
    pub(super) fn read_one(&self, name: &str, version: &str) -> Result<Option<Entry>, Error> {
        let Some(file) = self.description(name, version)? else {
            return Ok(None);
        };
        let content = self.content(&self.root.join(name).join(version), &file, name)?;
        Ok(Some(Entry::kept(name, version, Ok(content))))
    }

    /// Name and version of each, as its folders say.
    pub(super) fn names(&self) -> Result<Vec<(String, String)>, Error> {
        let mut names = Vec::new();
        for name in self.list(&self.root)? {
            let versions = self.list(&self.root.join(&name))?;
            names.extend(versions.into_iter().map(|version| (name.clone(), version)));
        }
        Ok(names)
    }

    /// The file that describes a network; it is written last.
    fn description(&self, name: &str, version: &str) -> Result<Option<String>, Error> {
        let files = self.list(&self.root.join(name).join(version))?;
        Ok(files.into_iter().find(|file| file.ends_with(NETWORK)))
    }

    /// What a folder holds; nothing, if it isn't there.
    fn list(&self, folder: &Path) -> Result<Vec<String>, Error> {
        match self.volume.list(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            list => list.map_err(|error| cannot(folder, "be read", &error)),
        }
    }

    fn content(&self, folder: &Path, file: &str, name: &str) -> Result<Content, Error> {
        let description = self.read_checked(&folder.join(file))?;
        let network = v1::Network::decode(description.as_slice())
            .map_err(|error| damaged(&folder.join(file), &error.to_string()))?;
        if network.name != name {
            return Err(damaged(&folder.join(file), &format!("it describes {:?}", network.name)));
        }
        // What is wrong with an array's file says more than that there is no such array.
        let unread = RefCell::new(None);
        let content = Content::convert(&network, &|sha256| {
            let read = self.read_checked(&folder.join(file_name(sha256, ARRAY)));
            read.map(Bytes::from).map_err(|error| unread.replace(Some(error))).ok()
        });
        unread.into_inner().map_or(content, Err)
    }

    fn read_checked(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let bytes = self.volume.read(path).map_err(|error| cannot(path, "be read", &error))?;
        let named = path.file_stem().unwrap_or_default().to_string_lossy();
        if named == hex(&Sha256::digest(&bytes)) {
            return Ok(bytes);
        }
        Err(damaged(path, "its bytes are not those that it is named by"))
    }

    /// Writes a network's files; they survive power loss.
    pub(super) fn write(
        &self,
        (name, version): (&str, &str),
        network: &v1::Network,
        arrays: &Arrays,
    ) -> Result<(), Error> {
        let folder = self.root.join(name).join(version);
        let failed = |error| cannot(&folder, "be written", &error);
        self.volume.make_folder(&folder).map_err(failed)?;
        for (sha256, bytes) in arrays {
            let path = folder.join(file_name(sha256, ARRAY));
            self.volume.write_whole(&path, bytes).map_err(failed)?;
        }
        let description = network.encode_to_vec();
        let path = folder.join(file_name(&Sha256::digest(&description).into(), NETWORK));
        self.volume.write_whole(&path, &description).map_err(failed)
    }

    /// Removes a network's files.
    pub(super) fn remove(&self, name: &str, version: &str) -> Result<(), Error> {
        let folder = self.root.join(name).join(version);
        let failed = |error| cannot(&folder, "be removed", &error);
        for file in self.volume.list(&folder).map_err(failed)? {
            if file.ends_with(NETWORK) {
                self.volume.remove(&folder.join(file)).map_err(failed)?;
            }
        }
        self.clear(&folder);
        Ok(())
    }

    /// Clears away what is no network any more, and the folder of a name that has none.
    fn clear(&self, folder: &Path) {
        if let Err(error) = self.volume.remove_folder(folder) {
            tracing::warn!(folder = %folder.display(), %error, "is left behind");
        }
        let Some(name) = folder.parent() else { return };
        if self.volume.list(name).is_ok_and(|versions| versions.is_empty()) {
            // It takes no space, and no network comes of it.
            let _ = self.volume.remove_folder(name);
        }
    }
}

fn file_name(sha256: &[u8; 32], suffix: &str) -> String {
    format!("{}{suffix}", hex(sha256))
}

fn cannot(path: &Path, what: &str, error: &io::Error) -> Error {
    Error::Io { path: path.display().to_string(), message: format!("cannot {what}: {error}") }
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::Io { path: path.display().to_string(), message: format!("is damaged: {what}") }
}
