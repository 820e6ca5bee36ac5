//! Several producers of one session.

use spiked_proto::v1::{self, stream_request::Message as Request};

use super::{batches, finish, joined, named, next_position, resuming};
use crate::{
    recorded::{Window, recording, truth},
    support::{Random, Record, Server},
};

/// Deals a recording's events to two producers, with the same promises.
fn dealt(recording: &[Window]) -> [Vec<Window>; 2] {
    let mut random = Random::new(11);
    let mut dealt = [Vec::new(), Vec::new()];
    for (events, promise_us) in recording {
        let (left, right) = events.iter().partition::<Vec<_>, _>(|_| random.below(2) == 0);
        dealt[0].push((left, *promise_us));
        dealt[1].push((right, *promise_us));
    }
    dealt
}

fn two(producer: &str) -> v1::Open {
    let producers = vec!["left".into(), "right".into()];
    v1::Open { producers, producer: producer.into(), ..named("two") }
}

/// Two producers, of which one is killed and resumes, give what one merged file gives. Seen to fail
/// with a producer's end taken for the session's.
#[tokio::test]
async fn two_producers_of_which_one_resumes_equal_one_merged_file() {
    let server = Server::start().await;
    let recording = recording(4_000);
    let expected = truth(&recording);
    let [left, right] = dealt(&recording).map(|windows| batches(&windows, 37));

    let one = server.open(two("left")).await.unwrap();
    let mut other = server.open(two("right")).await.unwrap();
    for batch in &left {
        one.send(Request::Events(batch.clone()));
    }
    one.send(Request::End(v1::EndOfInput {}));
    for batch in &right[..right.len() / 2] {
        other.send(Request::Events(batch.clone()));
    }
    other.acknowledged(|ack| ack.accepted > 3).await;
    let before = other.record.clone();
    drop(other);
    let resumed = server.open(resuming(&before, Some(next_position(&before)))).await.unwrap();
    let accepted = resumed.record.opened.as_ref().unwrap().accepted;
    let (one, after) = tokio::join!(one.finish(), finish(resumed, &right, accepted));
    for record in [&one, &after] {
        assert_eq!(record.reason(), v1::EndReason::Completed, "{record:?}");
    }
    assert!(joined(std::slice::from_ref(&one)) == expected, "what the left one reads");
    assert!(joined(&[before, after.clone()]) == expected, "what the right one reads");
    let sent = |record: &Record| record.last().events_accepted;
    assert_eq!(sent(&one) + sent(&after), 4_000, "each is told of its own");
}

#[tokio::test]
async fn a_producer_that_only_sends_is_not_sent_output_and_holds_none_up() {
    let server = Server::start().await;
    let recording = recording(4_000);
    let expected = truth(&recording);
    let [left, right] = dealt(&recording).map(|windows| batches(&windows, 37));
    let silent = v1::Open { without_output: true, ..two("left") };
    let one = server.open(silent).await.unwrap();
    let other = server.open(two("right")).await.unwrap();
    let (one, other) = tokio::join!(finish(one, &left, 0), finish(other, &right, 0));
    assert_eq!((one.spikes.len(), one.decisions.len()), (0, 0));
    assert_eq!(one.reason(), v1::EndReason::Completed);
    assert!(joined(&[other]) == expected);
}
