//! The data folder: everything of the daemon that outlives it.
//!
//! ```text
//! lock                      held by the daemon that uses it
//! sessions/TENANT/ID/       durable sessions (see the journal)
//! snapshots/TENANT/         snapshots that calls asked for
//! networks/NAME/VERSION/    networks that clients loaded
//! running/NAME/PLAN/        networks of other origin that durable sessions run
//! ```

use std::{fs::File, io, path::PathBuf, sync::Arc};

use rustix::fs::{FlockOperation, flock};

use super::journal::{Broken, Folder, Meta, Volume};

/// The folder, held for this daemon alone.
pub(crate) struct Data {
    pub(crate) volume: Arc<dyn Volume>,
    root: PathBuf,
    _lock: File,
}

/// A durable session on disk.
#[derive(Clone, Debug)]
pub(crate) struct Resident {
    pub(crate) meta: Meta,
    pub(crate) path: PathBuf,
    /// What it runs, where that is known without reading it.
    pub(crate) network: Option<String>,
    /// It was saved, and waits for somebody to open it.
    pub(crate) rests: bool,
}

impl Data {
    /// Takes the folder, and makes it if it is not there.
    pub(crate) fn take(volume: Arc<dyn Volume>, root: PathBuf) -> io::Result<Self> {
        volume.make_folder(&root.join("sessions"))?;
        let lock = File::create(root.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            let taken = error == rustix::io::Errno::WOULDBLOCK;
            if taken { io::Error::other("another daemon uses it") } else { error.into() }
        })?;
        Ok(Self { volume, root, _lock: lock })
    }

    /// Where named snapshots lie.
    pub(crate) fn snapshots(&self) -> (Arc<dyn Volume>, PathBuf) {
        (self.volume.clone(), self.root.join("snapshots"))
    }

    /// Where networks that clients loaded lie.
    pub(crate) fn networks(&self) -> (Arc<dyn Volume>, PathBuf) {
        (self.volume.clone(), self.root.join("networks"))
    }

    /// Where networks lie that durable sessions run.
    pub(crate) fn running(&self) -> (Arc<dyn Volume>, PathBuf) {
        (self.volume.clone(), self.root.join("running"))
    }

    /// The folder of a session.
    pub(crate) fn session(&self, tenant: &str, id: &str) -> PathBuf {
        self.root.join("sessions").join(tenant).join(id)
    }

    /// All durable sessions; what a crash left of one that was never opened is removed.
    pub(crate) fn residents(&self) -> io::Result<Vec<Result<Resident, Broken>>> {
        let volume = self.volume.as_ref();
        let sessions = self.root.join("sessions");
        let mut residents = Vec::new();
        for tenant in volume.list(&sessions)? {
            for id in volume.list(&sessions.join(&tenant))? {
                let path = sessions.join(&tenant).join(&id);
                match Folder::meta(volume, &path) {
                    Ok(Some(meta)) => {
                        let rests = Folder::rests(volume, &path);
                        residents.push(Ok(Resident { meta, path, network: None, rests }));
                    }
                    Ok(None) => volume.remove_folder(&path)?,
                    Err(broken) => residents.push(Err(broken)),
                }
            }
        }
        Ok(residents)
    }
}
