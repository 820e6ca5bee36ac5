//! What is wrong with an `open`, and calls of later versions: the call fails, by name.

use spiked_proto::v1;
use tonic::Code;

use crate::support::{Server, open};

fn bad_opens() -> [(Code, &'static str, v1::Open); 13] {
    let sensor = |port: &str, width| v1::SensorSize { port: port.into(), width, height: 30 };
    let with = |change: fn(&mut v1::Open)| {
        let mut open = open("touch");
        change(&mut open);
        open
    };
    let eye = |sensors| v1::Open { sensors, ..open("eye") };
    [
        (Code::NotFound, "REASON_NETWORK_UNKNOWN", open("tuoch")),
        (Code::NotFound, "REASON_NETWORK_UNKNOWN", with(|open| open.network_version = "9".into())),
        (Code::InvalidArgument, "REASON_FIELD_INVALID", open("")),
        (Code::InvalidArgument, "open.session_id", with(|open| open.session_id = "a b".into())),
        (
            Code::NotFound,
            "REASON_SESSION_UNKNOWN",
            v1::Open { session_id: "none".into(), ..v1::Open::default() },
        ),
        (Code::InvalidArgument, "open.run_on_us", with(|open| open.run_on_us = Some(u64::MAX))),
        (Code::InvalidArgument, "open.lateness_us", with(|open| open.lateness_us = 5)),
        (Code::InvalidArgument, "open.lease_us", with(|open| open.lease_us = Some(u64::MAX))),
        (
            Code::InvalidArgument,
            "REASON_PRODUCER_UNKNOWN",
            with(|open| {
                open.producers = vec!["left".into(), "right".into()];
                open.producer = "main".into();
            }),
        ),
        (
            Code::FailedPrecondition,
            "REASON_NO_DATA",
            with(|open| open.set_durability(v1::Durability::Each)),
        ),
        (Code::InvalidArgument, "REASON_PORT_SHAPE", eye(vec![])),
        (Code::InvalidArgument, "sensors[0].width", eye(vec![sensor("camera", 0)])),
        (Code::InvalidArgument, "(REASON_", eye(vec![sensor("camera", 34), sensor("left", 34)])),
    ]
}

#[tokio::test]
async fn what_is_wrong_with_an_open_fails_the_call() {
    let server = Server::start().await;
    for (code, words, bad) in bad_opens() {
        let status = server.open(bad.clone()).await.err().expect("a refusal");
        assert_eq!(status.code(), code, "{bad:?}: {status}");
        assert!(status.message().contains(words), "{bad:?}: {status}");
    }
    server.assert_well().await;
}

#[tokio::test]
async fn a_network_that_is_not_there_cannot_be_taken_away() {
    let server = Server::start().await;
    let mut networks = server.networks().await;
    let request = |name: &str| v1::UnloadNetworkRequest { name: name.into(), ..Default::default() };
    networks.unload_network(request("touch")).await.unwrap();
    let status = networks.unload_network(request("touch")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");
    assert!(status.message().contains("REASON_NETWORK_UNKNOWN"), "{status}");
}
