//! What sessions run, whatever becomes of the network of that name: live sessions hold it, and for
//! durable ones it lies in the data folder, by the hash of their plan.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use spiked_proto::hex;

use super::Repository;
use super::entry::Entry;
use super::kept::Kept;
use crate::networks::error::Error;
use crate::session::journal::Volume;

/// The network that a plan was made of.
#[derive(Clone, Debug)]
pub(crate) struct Source(pub(super) Arc<Entry>);

impl Source {
    /// Whether it goes by this name and version.
    pub(crate) fn is_called(&self, name: &str, version: &str) -> bool {
        self.0.name == name && self.0.version == version
    }
}

impl Repository {
    /// Keeps what durable sessions run as files of this folder.
    pub(crate) fn keep_running_in(&mut self, volume: Arc<dyn Volume>, root: PathBuf) {
        self.running = Some(Kept::new(volume, root));
    }

    /// Writes what a durable session runs, unless its files are there: a network of the operator's
    /// folder may be edited, and one that comes along be another in the next daemon. One that a client
    /// loaded stays as long as a durable session needs it.
    ///
    /// # Errors
    ///
    /// Files that cannot be written.
    pub(crate) fn keep_running(
        &self,
        source: &Source,
        plan_sha256: &[u8; 32],
    ) -> Result<(), Error> {
        let (Some(running), Some(written)) = (&self.running, &source.0.content()?.written) else {
            return Ok(());
        };
        let (name, hash) = (&source.0.name, hex(plan_sha256));
        if running.has(name, &hash)? {
            return Ok(());
        }
        running.write((name, &hash), &written.network, &written.arrays)
    }

    /// What a durable session with this plan ran.
    ///
    /// # Errors
    ///
    /// Files that cannot be read, or are damaged.
    pub(crate) fn running(
        &self,
        name: &str,
        version: &str,
        plan_sha256: &[u8; 32],
    ) -> Result<Option<Source>, Error> {
        let Some(running) = &self.running else {
            return Ok(None);
        };
        let read = running.read_one(name, &hex(plan_sha256))?;
        Ok(read.map(|entry| Source(Arc::new(entry.called(version)))))
    }

    /// Removes what runs in none of these plans, by network and hash.
    ///
    /// # Errors
    ///
    /// Files that cannot be read or removed.
    pub(crate) fn sweep_running(&self, needed: &BTreeSet<(String, [u8; 32])>) -> Result<(), Error> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        let needed: BTreeSet<(&str, String)> =
            needed.iter().map(|(name, hash)| (name.as_str(), hex(hash))).collect();
        for (name, hash) in running.names()? {
            if !needed.contains(&(name.as_str(), hash.clone())) {
                running.remove(&name, &hash)?;
            }
        }
        Ok(())
    }
}
