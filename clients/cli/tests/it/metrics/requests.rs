//! Requests that never come whole.

use spiked_client::Client;

use super::{daemon, scrape::Scrape, trouble::wait};
use crate::attack::{
    frames::{LIST, STREAM, request, wrapped_as},
    peer::Peer,
};

const MEBIBYTE: usize = 1 << 20;

/// Each is counted once, by what ended it; what comes whole is not counted.
#[tokio::test]
async fn those_that_the_daemon_ended_are_counted_by_their_cause() {
    let limits = ["request_deadline=1 s", "open_deadline=1 s", "request_bytes=2 MiB"];
    let limits = limits.map(|limit| format!("limits.{limit}"));
    let daemon = daemon(&limits.each_ref().map(|limit| ["--set", limit]).concat());
    let counted = || {
        let scrape = Scrape::of(&daemon);
        ["late", "unopened", "budget"]
            .map(|cause| scrape.sum_where("spiked_requests_ended_total", &[("cause", cause)]))
    };
    assert_eq!(counted(), [0, 0, 0]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let mut peer = Peer::polite(&daemon.address);

    // There is room for two of these, whose last bytes never come.
    let unfinished = wrapped_as(MEBIBYTE, &vec![0; MEBIBYTE - 16]);
    for stream in [1, 3, 5] {
        assert!(peer.say(&request(stream, LIST)));
        for piece in unfinished.chunks(16 << 10) {
            if !peer.tally(|tally| tally.answers.contains_key(&stream)) {
                peer.send(stream, [piece], super::trouble::PATIENCE);
            }
        }
    }
    wait("the third is not refused", || counted()[2] == 1);
    client.list_sessions().await.expect("small calls go on");
    wait("the other two are not late", || counted() == [2, 0, 1]);
    assert!(peer.say(&request(7, STREAM)));
    wait("a stream that says nothing is not counted", || counted() == [2, 1, 1]);
    client.list_sessions().await.expect("it goes on");
    assert_eq!(counted(), [2, 1, 1]);
}
