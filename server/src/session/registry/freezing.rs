//! Whole states of sessions: taken, and sessions made of them.

use std::sync::Arc;

use spiked_proto::v1;

use super::{Registry, apart, exists, hex, lock, opening::fresh_token};
use crate::{
    error::Error,
    session::{handle::Session, making, protocol::Protocol, settings::check_name, snapshot},
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
        let bytes = self.snapshot_bytes(tenant, sha256)?;
        self.restore_bytes(tenant, bytes, id, workers).await
    }

    async fn restore_bytes(
        self: &Arc<Self>,
        tenant: &str,
        bytes: Arc<Vec<u8>>,
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
        let made = apart(move || making::thaw(&repository, &bytes, workers, capacity)).await?;
        match self.launch(tenant, id, fresh_token()?, workers, made).await? {
            (session, false) => Ok(session),
            (session, true) => Err(exists(session.id())),
        }
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
        let bytes = apart(move || Ok(Arc::new(snapshot::encode(session.runs(), &frozen)))).await?;
        self.restore_bytes(tenant, bytes, fork_id, workers).await
    }

    /// Takes a session back to a snapshot.
    pub(crate) async fn rewind(
        self: &Arc<Self>,
        tenant: &str,
        id: &str,
        sha256: &[u8],
    ) -> Result<Arc<Session>, Error> {
        let session = self.get(tenant, id).await?;
        let bytes = self.snapshot_bytes(tenant, sha256)?;
        let (repository, capacity) = (self.repository.clone(), self.capacity());
        let workers = u32::try_from(session.plan().workers()).unwrap_or(1);
        let made = apart(move || making::thaw(&repository, &bytes, workers, capacity)).await?;
        if made.runs != *session.runs() {
            return Err(Error::Snapshot("the snapshot is of another network".into()));
        }
        let (key, token) = ((tenant.to_owned(), id.to_owned()), *session.token());
        session.end(v1::EndReason::Rewound, "the session went back to a snapshot");
        drop(session);
        self.wait_gone(&key).await;
        Ok(self.launch(tenant, key.1, token, workers, made).await?.0)
    }

    fn snapshot_bytes(&self, tenant: &str, sha256: &[u8]) -> Result<Arc<Vec<u8>>, Error> {
        let found = self.snapshots.find(tenant, sha256)?;
        found.ok_or_else(|| Error::SnapshotUnknown { sha256: hex(sha256) })
    }
}
