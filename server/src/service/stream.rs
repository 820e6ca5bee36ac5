//! The stream of one producer.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use spiked_proto::v1::{
    self, EndReason, StreamRequest, StreamResponse, stream_request::Message,
    stream_response::Message as Answer, stream_service_server::StreamService,
};
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};

use super::{Services, sessions::asked_to_open};
use crate::{
    error::Error,
    guard::tenant,
    session::host::Inbound,
    telemetry::calls::{self, Followed},
};

/// Live event streams into networks, and spikes back.
pub(super) struct Streams(pub(super) Services);

#[tonic::async_trait]
impl StreamService for Streams {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send>>;

    async fn stream(
        &self,
        request: Request<Streaming<StreamRequest>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let tenant = tenant(request.extensions())?;
        let mut requests = request.into_inner();
        let open = self.first(&mut requests).await?;
        let opened = self.0.registry.open(&tenant, &open).await;
        let (session, rejoined) = opened.inspect_err(|_| asked_to_open(&open))?;
        calls::about(Some(session.id()), &session.runs().network, &session.runs().version);
        let attached = session.attach(&open, inbound(requests), rejoined).await;
        let reader = attached.map_err(|error| self.0.registry.excused(error))?;
        let mut followed = Followed::current();
        let responses = reader.map(move |message| {
            if let Answer::Ended(v1::Ended { reason, message, .. }) = &message {
                followed.ended(EndReason::try_from(*reason).unwrap_or_default(), message);
            }
            Ok(StreamResponse { message: Some(message) })
        });
        Ok(Response::new(Box::pin(responses)))
    }
}

impl Streams {
    /// The first message, which must be `open` and come soon.
    async fn first(&self, requests: &mut Streaming<StreamRequest>) -> Result<v1::Open, Status> {
        let deadline = self.0.limits.open_deadline;
        let late = |_| {
            let error = Error::OpenLate { seconds: deadline.as_secs_f32() };
            self.0.ended.count(&error);
            error
        };
        let first = timeout(deadline, requests.message()).await.map_err(late)??;
        match first.and_then(|first| first.message) {
            Some(Message::Open(open)) => Ok(open),
            _ => Err(Error::OpenExpected.into()),
        }
    }
}

fn inbound(requests: Streaming<StreamRequest>) -> Inbound {
    Box::pin(requests.map(|request| match request {
        Ok(request) => Ok(request.message),
        Err(status) => Err(status.message().to_owned()),
    }))
}
