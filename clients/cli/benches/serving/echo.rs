//! A bare tonic server that gives each batch back, or answers it with an acknowledgement alone: what
//! the transport takes, with the daemon's settings for it.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use spiked_client::v1::{
    self, StreamRequest, StreamResponse,
    stream_request::Message as Request,
    stream_response::Message as Response,
    stream_service_server::{StreamService, StreamServiceServer},
};
use tokio::net::TcpListener;
use tonic::{Status, Streaming, transport::Server};

/// What comes back for a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The batch itself, as the message that carries events to a client.
    Batch,
    /// An acknowledgement, which is smaller.
    Acknowledgement,
}

impl Answer {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Acknowledgement => "acknowledgement",
        }
    }

    fn to(self, batch: v1::EventBatch) -> Response {
        match self {
            Self::Batch => Response::Spikes(v1::SpikeBatch {
                first_position: 0,
                port: 0,
                base_time_us: batch.base_time_us,
                base_tick: batch.base_time_us * 1_000 / TICK_NS,
                layout: batch.layout,
                count: batch.count,
                payload: batch.payload,
            }),
            Self::Acknowledgement => Response::Acknowledgement(v1::Acknowledgement {
                accepted: batch.sequence,
                simulated_to_us: batch.promise_us.unwrap_or(0),
                credit: CREDIT,
                ..Default::default()
            }),
        }
    }
}

const TICK_NS: u64 = 10_000;
const CREDIT: Option<v1::Credit> = Some(v1::Credit { events: 1 << 50, bytes: 1 << 50 });

struct Echo(Answer);

#[tonic::async_trait]
impl StreamService for Echo {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send>>;

    async fn stream(
        &self,
        request: tonic::Request<Streaming<StreamRequest>>,
    ) -> Result<tonic::Response<Self::StreamStream>, Status> {
        let answer = self.0;
        let answers = request.into_inner().filter_map(move |request| async move {
            let message = match request.ok()?.message? {
                Request::Open(_) => Response::Opened(v1::Opened {
                    tick_ns: TICK_NS,
                    credit: CREDIT,
                    ..Default::default()
                }),
                Request::Events(batch) => answer.to(batch),
                _ => return None,
            };
            Some(Ok(StreamResponse { message: Some(message) }))
        });
        Ok(tonic::Response::new(Box::pin(answers)))
    }
}

#[expect(clippy::print_stdout, reason = "says where it listens, as the daemon does")]
pub(crate) async fn serve(answer: Answer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("echo listens on {}", listener.local_addr().expect("an address"));
    let incoming = futures::stream::unfold(listener, |listener| async {
        let (socket, _) = listener.accept().await.ok()?;
        socket.set_nodelay(true).ok()?;
        Some((Ok::<_, std::io::Error>(socket), listener))
    });
    Server::builder()
        .initial_connection_window_size(4 << 20)
        .initial_stream_window_size(512 << 10)
        .max_frame_size(256 << 10)
        .add_service(StreamServiceServer::new(Echo(answer)))
        .serve_with_incoming(incoming)
        .await
        .expect("it serves");
}
