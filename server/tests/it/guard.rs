//! Silent, greedy and late clients.

use std::time::Duration;

use spiked_proto::v1::{self, stream_service_client::StreamServiceClient};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

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
