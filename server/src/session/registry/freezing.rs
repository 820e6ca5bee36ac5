//! Whole states of sessions: taken, and sessions made of them.

use std::sync::Arc;

use spiked_proto::v1;

use super::{Key, Launch, Registry, apart, exists, lock, opening::fresh_token, unknown_snapshot};
use crate::{
    error::Error,
    networks::Source,
    session::{
        handle::Session,
        journal::{Folder, Journal},
        making::{self, Made},
        protocol::Protocol,
        settings::check_name,
        snapshot::{self, Runs},
        store::Kept,
    },
};

impl Registry {
    /// Takes a session's whole state.
    pub(crate) async fn snapshot(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
    ) -> Result<v1::SnapshotSessionResponse, Error> {
        let session = self.get(tenant, id).await?;
        let frozen = session.freeze().await?;
        let protocol = Protocol::load(&frozen.protocol, session.plan(), self.capacity())?;
        let (registry, tenant) = (self.clone(), tenant.to_owned());
        apart(move || {
            let bytes = snapshot::encode(session.runs(), &frozen);
            let size_bytes = bytes.len() as u64;
            registry.repository.keep_running(session.source(), &session.runs().plan_sha256)?;
            let sha256 = registry.snapshots.keep(&tenant, session.runs(), bytes)?;
            Ok(v1::SnapshotSessionResponse {
                snapshot_sha256: sha256.to_vec().into(),
                size_bytes,
                accepted: protocol.status(0).accepted,
                output_position: frozen.output_position,
                simulated_to_tick: frozen.simulated_to.0,
            })
        })
        .await
    }

    /// Makes a session from a snapshot.
    pub(crate) async fn restore(
        self: &Arc<Self>,
        tenant: &str,
        sha256: &[u8],
        id: String,
        workers: u32,
    ) -> Result<Arc<Session>, Error> {
        let bytes = self.snapshot_bytes(tenant, sha256).await?;
        let known = self.snapshots.runs(tenant, sha256).and_then(|runs| self.source_of(&runs));
        self.restore_bytes(tenant, (bytes, known), id, workers).await
    }

    async fn restore_bytes(
        self: &Arc<Self>,
        tenant: &str,
        (bytes, known): (Arc<Vec<u8>>, Option<Source>),
        id: String,
        workers: u32,
    ) -> Result<Arc<Session>, Error> {
        if !id.is_empty() {
            check_name("session_id", &id)?;
            self.check_free(tenant, &id)?;
        }
        let workers = self.workers("workers", workers)?;
        self.check_admission(tenant)?;
        let (repository, capacity) = (self.repository.clone(), self.capacity());
        let thawed = move || making::thaw(&repository, known.as_ref(), &bytes, workers, capacity);
        let made = apart(thawed).await?;
        match self.launch(tenant, id, fresh_token()?, workers, made).await? {
            (session, false) => Ok(session),
            (session, true) => Err(exists(session.id())),
        }
    }

    /// What a running session runs that is the same.
    fn source_of(&self, runs: &Runs) -> Option<Source> {
        let sessions = lock(&self.sessions);
        let same = sessions.values().find(|session| session.runs() == runs);
        same.map(|session| session.source().clone())
    }

    fn check_free(&self, tenant: &str, id: &str) -> Result<(), Error> {
        let key = (tenant.to_owned(), id.to_owned());
        if self.find(&key).is_some() || lock(&self.residents).contains_key(&key) {
            return Err(exists(id));
        }
        Ok(())
    }

    /// A second session that goes on from where this one stands.
    pub(crate) async fn fork(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
        fork_id: String,
        workers: u32,
    ) -> Result<Arc<Session>, Error> {
        let session = self.get(tenant, id).await?;
        let frozen = session.freeze().await?;
        let known = Some(session.source().clone());
        let bytes = apart(move || Ok(Arc::new(snapshot::encode(session.runs(), &frozen)))).await?;
        self.restore_bytes(tenant, (bytes, known), fork_id, workers).await
    }

    /// Takes a session back to a snapshot.
    pub(crate) async fn rewind(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
        sha256: &[u8],
    ) -> Result<Arc<Session>, Error> {
        self.check_not_draining()?;
        let session = self.get(tenant, id).await?;
        let bytes = self.snapshot_bytes(tenant, sha256).await?;
        let (repository, capacity) = (self.repository.clone(), self.capacity());
        let workers = u32::try_from(session.plan().workers()).unwrap_or(1);
        let known = session.source().clone();
        let thawed = move || making::thaw(&repository, Some(&known), &bytes, workers, capacity);
        let made = apart(thawed).await?;
        if made.runs != *session.runs() {
            return Err(Error::Snapshot("the snapshot is of another network".into()));
        }
        if !session.has_settings(made.protocol.settings()) {
            return Err(Error::Snapshot("the snapshot is of a session with other settings".into()));
        }
        // Whoever called may leave in the middle; the session is there afterwards all the same.
        let (registry, key) = (self.clone(), (tenant.to_owned(), id.to_owned()));
        let going =
            tokio::spawn(async move { registry.go_back(key, session, workers, made).await });
        going.await.unwrap_or(Err(Error::Internal("a task stopped in the middle of its work")))
    }

    /// Ends a session, and begins it again from a state that was made ready.
    async fn go_back(
        self: Arc<Self>,
        key: Key,
        session: Arc<Session>,
        workers: u32,
        made: Made,
    ) -> Result<Arc<Session>, Error> {
        let making = self.making.lock().await;
        let (token, durable) = (*session.token(), made.protocol.is_durable());
        session.end(v1::EndReason::Rewound, "the session went back to a snapshot");
        let network = Some(session.runs().network.clone());
        drop(session);
        let (plan_sha256, snapshot) = (made.runs.plan_sha256, made.first_snapshot());
        self.wait_gone(&key).await;
        let rewritten = match durable {
            true => self.rewritten(&key, plan_sha256, snapshot).await,
            false => Ok(None),
        };
        let begun = match rewritten {
            Ok(journal) => {
                let at = (0, made.start.output_position);
                let journaling = journal.map(|journal| self.journaling(journal, &made, at));
                self.admit(Launch { key: key.clone(), token, workers, made, journaling })
            }
            Err(error) => Err(error),
        };
        drop(making);
        match begun {
            Ok((session, false)) => {
                // It may have been saved in the moment before it was to go back.
                lock(&self.residents).remove(&key);
                Ok(session)
            }
            // Somebody opened a session of this name meanwhile.
            Ok((session, true)) => Err(exists(session.id())),
            Err(error) => {
                if durable {
                    self.lay_to_rest(&key, token, workers, network);
                }
                Err(error)
            }
        }
    }

    /// The journal of a durable session, taken back to a state.
    async fn rewritten(
        &self,
        key: &Key,
        plan_sha256: [u8; 32],
        snapshot: Vec<u8>,
    ) -> Result<Option<Journal>, Error> {
        let Some(data) = &self.data else {
            return Ok(None);
        };
        let folder = Folder::new(data.volume.clone(), data.session(&key.0, &key.1), plan_sha256);
        let written = move || {
            let written = folder.go_back(&snapshot).and_then(|()| Journal::begin(folder, 0, 0));
            written.map(Some).map_err(|error| Error::Journal(error.to_string()))
        };
        apart(written).await
    }

    async fn snapshot_bytes(
        self: &Arc<Self>,
        tenant: &str,
        sha256: &[u8],
    ) -> Result<Arc<Vec<u8>>, Error> {
        let (registry, tenant, name) = (self.clone(), tenant.to_owned(), sha256.to_vec());
        let found = apart(move || registry.snapshots.find(&tenant, &name)).await?;
        found.ok_or_else(|| unknown_snapshot(sha256))
    }

    /// Snapshots that a tenant asked for, oldest first.
    pub(crate) fn list_snapshots(&self, tenant: &str) -> Vec<Kept> {
        self.snapshots.list(tenant)
    }

    /// Forgets a snapshot; `false` if it is not there.
    pub(crate) async fn delete_snapshot(
        self: &Arc<Self>,
        tenant: &str,
        sha256: &[u8],
    ) -> Result<bool, Error> {
        let (registry, tenant, name) = (self.clone(), tenant.to_owned(), sha256.to_vec());
        apart(move || registry.snapshots.delete(&tenant, &name)).await
    }
}
