//! A daemon that does nothing by itself: tests read what arrives and write what is answered.

use std::time::Duration;

use spiked_client::v1::{
    self, stream_request, stream_response,
    stream_service_server::{StreamService, StreamServiceServer},
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    time::timeout,
};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, Streaming, transport::Server};

/// How long a test waits for what never comes, when it fails.
const PATIENCE: Duration = Duration::from_secs(20);

type Answer = Result<v1::StreamResponse, Status>;

/// The test's end of the stub.
pub(crate) struct Stub {
    pub(crate) address: String,
    requests: mpsc::Receiver<v1::StreamRequest>,
    answers: mpsc::Sender<Answer>,
}

impl Stub {
    /// Listens on a port of its own and serves one stream.
    pub(crate) async fn start() -> Self {
        let (arrived, requests) = mpsc::channel(1_024);
        let (answers, answered) = mpsc::channel(1_024);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("a bound listener").to_string();
        let service = Service { arrived, answers: Mutex::new(Some(answered)) };
        tokio::spawn(
            Server::builder()
                .add_service(StreamServiceServer::new(service))
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        Self { address, requests, answers }
    }

    /// What arrives next.
    pub(crate) async fn request(&mut self) -> stream_request::Message {
        let request = timeout(PATIENCE, self.requests.recv()).await;
        let request = request.expect("something arrives").expect("a stream that is open");
        request.message.expect("a message")
    }

    /// The next arrival, which has to be a batch.
    pub(crate) async fn batch(&mut self) -> v1::EventBatch {
        match self.request().await {
            stream_request::Message::Events(batch) => batch,
            other => panic!("{other:?} where a batch was expected"),
        }
    }

    pub(crate) async fn answer(&self, message: stream_response::Message) {
        self.answers
            .send(Ok(v1::StreamResponse { message: Some(message) }))
            .await
            .expect("a reader");
    }

    pub(crate) async fn refuse(&self, status: Status) {
        self.answers.send(Err(status)).await.expect("a reader");
    }

    /// Answers `opened`, with credit for so many events, before it is asked.
    pub(crate) async fn open(&self, credit_events: u64) {
        self.answer(stream_response::Message::Opened(v1::Opened {
            tick_ns: 1_000_000,
            credit: Some(credit(credit_events)),
            ..v1::Opened::default()
        }))
        .await;
    }

    pub(crate) async fn acknowledge(&self, accepted: u64, credit_events: u64) {
        self.answer(stream_response::Message::Acknowledgement(v1::Acknowledgement {
            accepted,
            credit: Some(credit(credit_events)),
            ..v1::Acknowledgement::default()
        }))
        .await;
    }
}

fn credit(events: u64) -> v1::Credit {
    v1::Credit { events, bytes: events * 8 }
}

struct Service {
    arrived: mpsc::Sender<v1::StreamRequest>,
    answers: Mutex<Option<mpsc::Receiver<Answer>>>,
}

#[tonic::async_trait]
impl StreamService for Service {
    type StreamStream = ReceiverStream<Answer>;

    async fn stream(
        &self,
        request: Request<Streaming<v1::StreamRequest>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let (mut inbound, arrived) = (request.into_inner(), self.arrived.clone());
        tokio::spawn(async move {
            while let Some(Ok(request)) = inbound.next().await {
                if arrived.send(request).await.is_err() {
                    return;
                }
            }
        });
        let answers = self.answers.lock().await.take();
        answers
            .map(|answers| Response::new(ReceiverStream::new(answers)))
            .ok_or_else(|| Status::unavailable("the stub serves one stream"))
    }
}
