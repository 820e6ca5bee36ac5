//! Silent, greedy and late clients.

use std::time::Duration;

use spiked_proto::v1::{
    self, network_service_client::NetworkServiceClient, stream_service_client::StreamServiceClient,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt as _;

use crate::support::{Server, batch, open};

/// Longer than anything here takes, shorter than anybody waits.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_connection_without_a_preface_is_closed_in_time() {
    let server = Server::with(|limits| limits.preface_deadline = Duration::from_millis(80)).await;
    for sent in [&b""[..], b"PRI * HTTP/2.0\r\n"] {
        let mut silent = TcpStream::connect(server.address).await.unwrap();
        silent.write_all(sent).await.unwrap();
        let mut left = Vec::new();
        let closed = timeout(PATIENCE, silent.read_to_end(&mut left)).await;
        assert!(closed.is_ok(), "still open after {sent:?}");
    }
    server.assert_well().await;
}

/// Pings keep no connection alive, open streams do. Seen to fail with a deadline that is put off by
/// every frame, and with one that doesn't wait for streams.
#[tokio::test]
async fn a_connection_without_a_stream_is_closed_in_time() {
    const IDLE: Duration = Duration::from_millis(300);
    let server = Server::with(|limits| limits.idle_deadline = IDLE).await;
    // A stream is open here, longer than that.
    let mut producer = server.open(open("touch")).await.unwrap();
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let (mut heard, mut said) = idle.into_split();
    let start = Instant::now();
    let pings = tokio::spawn(async move {
        while said.write_all(b"\0\0\x08\x06\0\0\0\0\0pingpong").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answers = Vec::new();
    // Closed, or reset because a ping came after that.
    let _ = timeout(PATIENCE, heard.read_to_end(&mut answers)).await.expect("it is closed");
    assert!(start.elapsed() >= IDLE, "{:?}", start.elapsed());
    assert!(answers.len() > 17 * 5, "pings are answered until then");
    pings.await.unwrap();
    sleep(2 * IDLE).await;
    producer.send(v1::stream_request::Message::Events(batch(1, 0, &[(0, 3)])));
    producer.send(v1::stream_request::Message::End(v1::EndOfInput {}));
    while producer.next().await.is_some() {}
    assert_eq!(producer.record.reason(), v1::EndReason::Completed);
}

#[tokio::test]
async fn a_stream_without_a_first_message_is_ended_in_time() {
    let server = Server::with(|limits| limits.open_deadline = Duration::from_millis(80)).await;
    let mut client = StreamServiceClient::new(server.channel().await);
    let silent = tokio_stream::pending::<v1::StreamRequest>();
    let status = timeout(PATIENCE, client.stream(silent)).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(status.message().contains("REASON_OPEN_EXPECTED"), "{status}");
    let wrong =
        v1::StreamRequest { message: Some(v1::stream_request::Message::End(v1::EndOfInput {})) };
    let status = client.stream(tokio_stream::once(wrong)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
}

/// An upload that goes on is not ended however long it takes; one that stalls is. Seen to fail
/// without the deadline.
#[tokio::test]
async fn a_request_that_does_not_arrive_is_ended_in_time() {
    const DEADLINE: Duration = Duration::from_secs(1);
    const MEBIBYTE: u64 = 1 << 20;
    let server = Server::with(|limits| limits.request_deadline = DEADLINE).await;
    let mut client = NetworkServiceClient::new(server.channel().await);
    let (parts, coming) = tokio::sync::mpsc::channel(1);
    let start = Instant::now();
    let feed = async move {
        for _ in 0..10 {
            let request = v1::UploadBlobRequest {
                sha256: vec![0; 32].into(),
                size_bytes: 64 * MEBIBYTE,
                chunk: vec![0; 900 << 10].into(),
            };
            parts.send(request).await.expect("the upload goes on");
            sleep(DEADLINE / 4).await;
        }
        // It stalls, and isn't over.
        parts.closed().await;
        start.elapsed()
    };
    let uploaded = client.upload_blob(tokio_stream::wrappers::ReceiverStream::new(coming));
    let (lasted, uploaded) =
        timeout(PATIENCE, async { tokio::join!(feed, uploaded) }).await.expect("it is ended");
    let status = uploaded.unwrap_err();
    assert!(lasted > 3 * DEADLINE, "{lasted:?}");
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(status.message().contains("REASON_REQUEST_LATE"), "{status}");
}

/// Uploads beyond their number are refused with the hint to come again, and those of clients that
/// are gone make room.
#[tokio::test]
async fn uploads_at_once_are_bounded() {
    const UPLOADS_MAX: usize = 16;
    let server = Server::start().await;
    let begin = |channel| async {
        let request = v1::UploadBlobRequest {
            sha256: vec![0; 32].into(),
            size_bytes: 2,
            chunk: vec![0].into(),
        };
        let stalls = tokio_stream::once(request).chain(tokio_stream::pending());
        NetworkServiceClient::new(channel).upload_blob(stalls).await.map(drop)
    };
    let mut held = tokio::task::JoinSet::new();
    for _ in 0..=UPLOADS_MAX {
        held.spawn(begin(server.channel().await));
    }
    let first = timeout(PATIENCE, held.join_next()).await.expect("one is refused");
    let status = first.unwrap().unwrap().unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert!(status.message().contains("REASON_LIMIT"), "{status}");
    let retry = status.get_error_details().retry_info().and_then(|info| info.retry_delay);
    assert!(retry.is_some(), "{status:?}");
    assert_eq!(held.len(), UPLOADS_MAX);
    held.shutdown().await;
    server.assert_well().await;
}

#[tokio::test]
async fn connections_beyond_an_address_s_share_are_closed() {
    let server = Server::with(|limits| limits.connections_per_address = 4).await;
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..8 {
        let mut connection = TcpStream::connect(server.address).await.unwrap();
        let mut byte = [0];
        // A place means that the server speaks (its settings) once it is spoken to.
        let _ = connection.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
        match timeout(PATIENCE, connection.read(&mut byte)).await.unwrap() {
            Ok(1) => held.push(connection),
            _ => refused += 1,
        }
    }
    assert!((3..=4).contains(&held.len()), "{} of 8 were let in", held.len());
    assert!(refused >= 4);
}

#[tokio::test]
async fn sessions_are_bounded() {
    let server = Server::with(|limits| limits.sessions = 2).await;
    let mut sessions = server.sessions().await;
    let request = || v1::OpenSessionRequest { open: Some(open("touch")) };
    for _ in 0..2 {
        sessions.open_session(request()).await.unwrap();
    }
    let status = sessions.open_session(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("REASON_LIMIT"), "{status}");
}

#[tokio::test]
async fn a_message_beyond_a_mebibyte_is_refused() {
    let server = Server::start().await;
    let producer = server.open(open("touch")).await.unwrap();
    producer.send(v1::stream_request::Message::Events(v1::EventBatch {
        sequence: 1,
        payload: vec![0; (1 << 20) + 1].into(),
        ..v1::EventBatch::default()
    }));
    let record = producer.finish().await;
    assert_eq!(record.reason(), v1::EndReason::Failed);
    server.assert_well().await;
}

#[tokio::test]
async fn health_is_told_for_each_service() {
    let server = Server::start().await;
    let mut health = HealthClient::new(server.channel().await);
    for service in ["", "spiked.v1.StreamService", "spiked.v1.SessionService"] {
        let request = HealthCheckRequest { service: service.into() };
        let status = health.check(request).await.unwrap().into_inner().status();
        assert_eq!(status, tonic_health::pb::health_check_response::ServingStatus::Serving);
    }
}
