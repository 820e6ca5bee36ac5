//! A bare tonic server that answers each batch with an acknowledgement: what the transport alone
//! takes, with the daemon's settings for it.

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

struct Echo;

#[tonic::async_trait]
impl StreamService for Echo {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send>>;

    async fn stream(
        &self,
        request: tonic::Request<Streaming<StreamRequest>>,
    ) -> Result<tonic::Response<Self::StreamStream>, Status> {
        let answers = request.into_inner().filter_map(|request| async {
            let message = match request.ok()?.message? {
                Request::Open(_) => Response::Opened(v1::Opened {
                    tick_ns: 10_000,
                    credit: Some(v1::Credit { events: 1 << 50, bytes: 1 << 50 }),
                    ..Default::default()
                }),
                Request::Events(batch) => Response::Acknowledgement(v1::Acknowledgement {
                    accepted: batch.sequence,
                    simulated_to_us: batch.promise_us.unwrap_or(0),
                    credit: Some(v1::Credit { events: 1 << 50, bytes: 1 << 50 }),
                    ..Default::default()
                }),
                _ => return None,
            };
            Some(Ok(StreamResponse { message: Some(message) }))
        });
        Ok(tonic::Response::new(Box::pin(answers)))
    }
}

#[expect(clippy::print_stdout, reason = "says where it listens, as the daemon does")]
pub(crate) async fn serve() {
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
        .add_service(StreamServiceServer::new(Echo))
        .serve_with_incoming(incoming)
        .await
        .expect("it serves");
}
