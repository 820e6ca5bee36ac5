//! Calls about sessions, beside the streams that feed them.

use bytes::Bytes;

use crate::{
    Client, Error, OpenOptions, Tables, Watch,
    v1::{self, session_service_client::SessionServiceClient},
};

impl Client {
    /// Opens a session without a stream, so that a later one may join it.
    ///
    /// # Errors
    ///
    /// What the daemon refuses about the options.
    pub async fn open_session(&self, options: &OpenOptions) -> Result<Tables, Error> {
        self.open_without_stream(options).await.map(Tables::new)
    }

    pub(crate) async fn open_without_stream(
        &self,
        options: &OpenOptions,
    ) -> Result<v1::Opened, Error> {
        let request = v1::OpenSessionRequest { open: Some(options.to_open()) };
        let response = self.session_service().open_session(request).await?.into_inner();
        response.opened.ok_or_else(|| missing("tables"))
    }

    /// All sessions, ordered by id.
    ///
    /// # Errors
    ///
    /// A refusal, or a connection that broke.
    pub async fn list_sessions(&self) -> Result<Vec<v1::SessionInfo>, Error> {
        let request = v1::ListSessionsRequest {};
        Ok(self.session_service().list_sessions(request).await?.into_inner().sessions)
    }

    /// Takes a session's whole state between two ticks; the session goes on.
    ///
    /// # Errors
    ///
    /// An unknown session, or a daemon that keeps too many snapshots already.
    pub async fn snapshot_session(
        &self,
        session_id: &str,
    ) -> Result<v1::SnapshotSessionResponse, Error> {
        let request = v1::SnapshotSessionRequest { session_id: session_id.to_owned() };
        Ok(self.session_service().snapshot_session(request).await?.into_inner())
    }

    /// Makes a session from a snapshot; an empty id lets the daemon choose. Feed it by opening a
    /// stream with its id. It has one worker.
    ///
    /// # Errors
    ///
    /// An unknown snapshot, or an id that is taken.
    pub async fn restore_session(
        &self,
        snapshot_sha256: Bytes,
        session_id: &str,
    ) -> Result<v1::SessionInfo, Error> {
        self.restore_session_over(snapshot_sha256, session_id, 1).await
    }

    /// The same, spread over so many threads, which may be others than before.
    ///
    /// # Errors
    ///
    /// Also more workers than the daemon gives one session, or than there are neurons.
    pub async fn restore_session_over(
        &self,
        snapshot_sha256: Bytes,
        session_id: &str,
        workers: u32,
    ) -> Result<v1::SessionInfo, Error> {
        let session_id = session_id.to_owned();
        let request = v1::RestoreSessionRequest { snapshot_sha256, session_id, workers };
        let response = self.session_service().restore_session(request).await?.into_inner();
        response.session.ok_or_else(|| missing("session"))
    }

    /// Makes a second session that goes on from where one stands; an empty id lets the daemon choose.
    ///
    /// # Errors
    ///
    /// An unknown session, or an id that is taken.
    pub async fn fork_session(
        &self,
        session_id: &str,
        fork_id: &str,
    ) -> Result<v1::SessionInfo, Error> {
        let (session_id, fork_id) = (session_id.to_owned(), fork_id.to_owned());
        let request = v1::ForkSessionRequest { session_id, fork_id, workers: 0 };
        let response = self.session_service().fork_session(request).await?.into_inner();
        response.session.ok_or_else(|| missing("session"))
    }

    /// Takes a session back to a snapshot of its network; its streams end.
    ///
    /// # Errors
    ///
    /// An unknown session or snapshot, or a snapshot of another network.
    pub async fn rewind_session(
        &self,
        session_id: &str,
        snapshot_sha256: Bytes,
    ) -> Result<v1::SessionInfo, Error> {
        let session_id = session_id.to_owned();
        let request = v1::RewindSessionRequest { session_id, snapshot_sha256 };
        let response = self.session_service().rewind_session(request).await?.into_inner();
        response.session.ok_or_else(|| missing("session"))
    }

    /// Snapshots that are kept, oldest first.
    ///
    /// # Errors
    ///
    /// A connection that broke.
    pub async fn list_snapshots(&self) -> Result<Vec<v1::SnapshotInfo>, Error> {
        let request = v1::ListSnapshotsRequest {};
        Ok(self.session_service().list_snapshots(request).await?.into_inner().snapshots)
    }

    /// Forgets a snapshot.
    ///
    /// # Errors
    ///
    /// An unknown snapshot.
    pub async fn delete_snapshot(&self, snapshot_sha256: Bytes) -> Result<(), Error> {
        let request = v1::DeleteSnapshotRequest { snapshot_sha256 };
        self.session_service().delete_snapshot(request).await?;
        Ok(())
    }

    /// A step of a closed loop: input in, run to a time, output back. The session has no stream.
    ///
    /// # Errors
    ///
    /// Input that the daemon refuses, or a session whose time somebody else holds.
    pub async fn step_session(
        &self,
        request: v1::StepSessionRequest,
    ) -> Result<v1::StepSessionResponse, Error> {
        Ok(self.session_service().step_session(request).await?.into_inner())
    }

    /// How long batches of a session waited and ran, as HDR histograms.
    ///
    /// # Errors
    ///
    /// An unknown session.
    pub async fn latencies(&self, session_id: &str) -> Result<v1::GetLatenciesResponse, Error> {
        let request = v1::GetLatenciesRequest { session_id: session_id.to_owned() };
        Ok(self.session_service().get_latencies(request).await?.into_inner())
    }

    /// Ends a session, and says where it stood.
    ///
    /// # Errors
    ///
    /// An unknown session.
    pub async fn close_session(&self, session_id: &str) -> Result<v1::SessionInfo, Error> {
        let request = v1::CloseSessionRequest { session_id: session_id.to_owned() };
        let response = self.session_service().close_session(request).await?.into_inner();
        response.session.ok_or_else(|| missing("session"))
    }

    /// Reads a session's output from the moment on, never slowing it.
    ///
    /// # Errors
    ///
    /// An unknown session.
    pub async fn watch_session(&self, session_id: &str) -> Result<Watch, Error> {
        let session_id = session_id.to_owned();
        self.watch(v1::WatchSessionRequest { session_id, ..Default::default() }).await
    }

    /// Reads what a request asks for of a session: output, decisions, input or a probe.
    ///
    /// # Errors
    ///
    /// An unknown session, a position that is kept no longer, or a probe of neurons that it has not.
    pub async fn watch(&self, request: v1::WatchSessionRequest) -> Result<Watch, Error> {
        let stream = self.session_service().watch_session(request).await?.into_inner();
        Watch::begin(stream).await
    }

    pub(crate) fn session_service(&self) -> SessionServiceClient<crate::bearer::Wire> {
        SessionServiceClient::new(self.channel.clone())
            .max_decoding_message_size(crate::client::ANSWER_BYTES_MAX)
    }
}

pub(crate) fn missing(what: &str) -> Error {
    Error::Contract(format!("an answer without its {what}"))
}
