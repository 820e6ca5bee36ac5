//! Calls about sessions, beside the streams that feed them.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, StreamExt as _};
use spiked_proto::v1::{self, session_service_server::SessionService};
use tonic::{Request, Response, Status};

use crate::{error::Error, session::registry::Registry};

/// Sessions, beside the streams that feed them.
pub(super) struct Sessions(pub(super) Arc<Registry>);

#[tonic::async_trait]
impl SessionService for Sessions {
    async fn open_session(
        &self,
        request: Request<v1::OpenSessionRequest>,
    ) -> Result<Response<v1::OpenSessionResponse>, Status> {
        let open = request.into_inner().open;
        let open = open.ok_or_else(|| Error::field("open", "is missing"))?;
        let (session, rejoined) = self.0.open(open).await?;
        let opened = Some(session.opened(rejoined));
        Ok(Response::new(v1::OpenSessionResponse { opened }))
    }

    async fn list_sessions(
        &self,
        _: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        let sessions = self.0.list();
        Ok(Response::new(v1::ListSessionsResponse { sessions }))
    }

    async fn step_session(
        &self,
        _: Request<v1::StepSessionRequest>,
    ) -> Result<Response<v1::StepSessionResponse>, Status> {
        Err(Error::Unimplemented { feature: "StepSession".into() }.into())
    }

    async fn snapshot_session(
        &self,
        request: Request<v1::SnapshotSessionRequest>,
    ) -> Result<Response<v1::SnapshotSessionResponse>, Status> {
        Ok(Response::new(self.0.snapshot(&request.into_inner().session_id).await?))
    }

    async fn restore_session(
        &self,
        request: Request<v1::RestoreSessionRequest>,
    ) -> Result<Response<v1::RestoreSessionResponse>, Status> {
        let v1::RestoreSessionRequest { snapshot_sha256, session_id, workers } =
            request.into_inner();
        let session = self.0.restore(&snapshot_sha256, session_id, workers).await?;
        let session = Some(session.info());
        Ok(Response::new(v1::RestoreSessionResponse { session }))
    }

    async fn close_session(
        &self,
        request: Request<v1::CloseSessionRequest>,
    ) -> Result<Response<v1::CloseSessionResponse>, Status> {
        let session = Some(self.0.close(&request.into_inner().session_id)?);
        Ok(Response::new(v1::CloseSessionResponse { session }))
    }

    type WatchSessionStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchSessionResponse, Status>> + Send>>;

    async fn watch_session(
        &self,
        request: Request<v1::WatchSessionRequest>,
    ) -> Result<Response<Self::WatchSessionStream>, Status> {
        let request = request.into_inner();
        check_watched(&request)?;
        let watching = self.0.get(&request.session_id)?.watch()?;
        let responses =
            watching.map(|message| Ok(v1::WatchSessionResponse { message: Some(message) }));
        Ok(Response::new(Box::pin(responses)))
    }
}

fn check_watched(request: &v1::WatchSessionRequest) -> Result<(), Error> {
    let unimplemented = |feature: &str| Err(Error::Unimplemented { feature: feature.into() });
    match v1::Watched::try_from(request.watched) {
        Ok(v1::Watched::Unspecified | v1::Watched::Output) if request.from_position == 0 => Ok(()),
        Ok(v1::Watched::Unspecified | v1::Watched::Output) => {
            unimplemented("watching from a past position (from_position)")
        }
        Ok(v1::Watched::Input) => unimplemented("watching a session's input (watched)"),
        Ok(v1::Watched::Probes) => unimplemented("watching probes (watched)"),
        Err(_) => Err(Error::field("watched", "a number without meaning")),
    }
}
