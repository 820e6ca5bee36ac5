//! Calls about sessions, beside the streams that feed them.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, StreamExt as _};
use spiked_proto::v1::{self, session_service_server::SessionService};
use tonic::{Request, Response, Status};

use crate::{
    error::Error,
    guard::tenant,
    session::{
        handle::Session,
        registry::{Registry, unknown_snapshot},
        store::Kept,
    },
    telemetry::calls,
};

/// Sessions, beside the streams that feed them.
pub(super) struct Sessions(pub(super) Arc<Registry>);

#[tonic::async_trait]
impl SessionService for Sessions {
    async fn open_session(
        &self,
        request: Request<v1::OpenSessionRequest>,
    ) -> Result<Response<v1::OpenSessionResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let open = request.into_inner().open;
        let open = open.ok_or_else(|| Error::field("open", "is missing"))?;
        let opened = self.0.open(&tenant, &open).await;
        let (session, rejoined) = opened.inspect_err(|_| asked_to_open(&open))?;
        about(&session);
        let producer = session.producer(&open.producer)?;
        let opened = Some(session.opened(producer, rejoined));
        Ok(Response::new(v1::OpenSessionResponse { opened }))
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let sessions = self.0.list(&tenant);
        Ok(Response::new(v1::ListSessionsResponse { sessions }))
    }

    async fn step_session(
        &self,
        request: Request<v1::StepSessionRequest>,
    ) -> Result<Response<v1::StepSessionResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let request = request.into_inner();
        let session = self.0.get(&tenant, &request.session_id).await;
        let session = session.inspect_err(|_| asked(&request.session_id))?;
        about(&session);
        Ok(Response::new(session.step(request).await?))
    }

    async fn snapshot_session(
        &self,
        request: Request<v1::SnapshotSessionRequest>,
    ) -> Result<Response<v1::SnapshotSessionResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let request = request.into_inner();
        let session = self.0.get(&tenant, &request.session_id).await;
        let session = session.inspect_err(|_| asked(&request.session_id))?;
        about(&session);
        Ok(Response::new(self.0.snapshot(&tenant, &request.session_id).await?))
    }

    async fn list_snapshots(
        &self,
        request: Request<v1::ListSnapshotsRequest>,
    ) -> Result<Response<v1::ListSnapshotsResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let snapshots = self.0.list_snapshots(&tenant).into_iter().map(snapshot_info).collect();
        Ok(Response::new(v1::ListSnapshotsResponse { snapshots }))
    }

    async fn delete_snapshot(
        &self,
        request: Request<v1::DeleteSnapshotRequest>,
    ) -> Result<Response<v1::DeleteSnapshotResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let name = request.into_inner().snapshot_sha256;
        if !self.0.delete_snapshot(&tenant, &name).await? {
            return Err(unknown_snapshot(&name).into());
        }
        Ok(Response::new(v1::DeleteSnapshotResponse {}))
    }

    async fn restore_session(
        &self,
        request: Request<v1::RestoreSessionRequest>,
    ) -> Result<Response<v1::RestoreSessionResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let v1::RestoreSessionRequest { snapshot_sha256, session_id, workers } =
            request.into_inner();
        let id = session_id.clone();
        let session = self.0.restore(&tenant, &snapshot_sha256, session_id, workers).await;
        let session = session.inspect_err(|_| asked(&id))?;
        about(&session);
        let resume_token = session.token().to_vec().into();
        let session = Some(session.info());
        Ok(Response::new(v1::RestoreSessionResponse { session, resume_token }))
    }

    async fn fork_session(
        &self,
        request: Request<v1::ForkSessionRequest>,
    ) -> Result<Response<v1::ForkSessionResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let v1::ForkSessionRequest { session_id, fork_id, workers } = request.into_inner();
        let session = self.0.fork(&tenant, &session_id, fork_id, workers).await;
        let session = session.inspect_err(|_| asked(&session_id))?;
        about(&session);
        let resume_token = session.token().to_vec().into();
        let session = Some(session.info());
        Ok(Response::new(v1::ForkSessionResponse { session, resume_token }))
    }

    async fn rewind_session(
        &self,
        request: Request<v1::RewindSessionRequest>,
    ) -> Result<Response<v1::RewindSessionResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let v1::RewindSessionRequest { session_id, snapshot_sha256 } = request.into_inner();
        let session = self.0.rewind(&tenant, &session_id, &snapshot_sha256).await;
        let session = session.inspect_err(|_| asked(&session_id))?;
        about(&session);
        let session = Some(session.info());
        Ok(Response::new(v1::RewindSessionResponse { session }))
    }

    async fn close_session(
        &self,
        request: Request<v1::CloseSessionRequest>,
    ) -> Result<Response<v1::CloseSessionResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let session = Some(self.0.close(&tenant, &request.into_inner().session_id).await?);
        Ok(Response::new(v1::CloseSessionResponse { session }))
    }

    type WatchSessionStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchSessionResponse, Status>> + Send>>;

    async fn watch_session(
        &self,
        request: Request<v1::WatchSessionRequest>,
    ) -> Result<Response<Self::WatchSessionStream>, Status> {
        let tenant = tenant(request.extensions())?;
        let request = request.into_inner();
        let session = self.0.get(&tenant, &request.session_id).await?;
        let watching = session.watch(&request).await?;
        let responses =
            watching.map(|message| Ok(v1::WatchSessionResponse { message: Some(message) }));
        Ok(Response::new(Box::pin(responses)))
    }

    async fn get_latencies(
        &self,
        request: Request<v1::GetLatenciesRequest>,
    ) -> Result<Response<v1::GetLatenciesResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let session = self.0.get(&tenant, &request.into_inner().session_id).await?;
        Ok(Response::new(session.latencies().await?))
    }

    async fn get_weights(
        &self,
        request: Request<v1::GetWeightsRequest>,
    ) -> Result<Response<v1::GetWeightsResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let request = request.into_inner();
        let session = self.0.get(&tenant, &request.session_id).await?;
        Ok(Response::new(session.weights(request).await?))
    }

    async fn set_weights(
        &self,
        request: Request<v1::SetWeightsRequest>,
    ) -> Result<Response<v1::SetWeightsResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let applied = Some(self.0.set_weights(&tenant, request.into_inner()).await?);
        Ok(Response::new(v1::SetWeightsResponse { applied }))
    }

    async fn get_parameters(
        &self,
        request: Request<v1::GetParametersRequest>,
    ) -> Result<Response<v1::GetParametersResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let request = request.into_inner();
        let session = self.0.get(&tenant, &request.session_id).await?;
        Ok(Response::new(session.parameters(request).await?))
    }

    async fn set_parameters(
        &self,
        request: Request<v1::SetParametersRequest>,
    ) -> Result<Response<v1::SetParametersResponse>, Status> {
        let tenant = tenant(request.extensions())?;
        let applied = Some(self.0.set_parameters(&tenant, request.into_inner()).await?);
        Ok(Response::new(v1::SetParametersResponse { applied }))
    }
}

/// Says in a refused call's span which session it was to open, in which network.
pub(super) fn asked_to_open(open: &v1::Open) {
    calls::asked(&open.session_id, &open.network, &open.network_version);
}

/// Says in a refused call's span which session it named.
fn asked(session: &str) {
    calls::asked(session, "", "");
}

/// Says in the call's span which session it is about.
fn about(session: &Session) {
    let runs = session.runs();
    calls::about(Some(session.id()), &runs.network, &runs.version);
}

fn snapshot_info(kept: Kept) -> v1::SnapshotInfo {
    v1::SnapshotInfo {
        snapshot_sha256: kept.name.to_vec().into(),
        size_bytes: kept.size_bytes,
        network: kept.runs.network,
        network_version: kept.runs.version,
    }
}
