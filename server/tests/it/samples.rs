//! Early stopping through the daemon: each sample is decided as soon as it is clear, and every event is
//! accounted for.

use spiked_proto::v1::{self, stream_request::Message as Request};

use crate::support::{Server, batch, open};

const NETWORK: &str = "early-stop";
/// Of the network: what is sent is seen so much later \[µs\].
const DELAY_US: u64 = 3_000;
const CHANNELS_EACH: u32 = 8;
const SAMPLE_PORT: u32 = 1;

/// All channels of a class, in each of the first `times` milliseconds from a time on.
fn evidence(class: u32, from_us: u64, times: u64) -> Vec<(u64, u32)> {
    let channels = class * CHANNELS_EACH..(class + 1) * CHANNELS_EACH;
    (0..times)
        .flat_map(|tick| channels.clone().map(move |channel| (from_us + tick * 1_000, channel)))
        .collect()
}

#[tokio::test]
async fn a_sample_stops_when_it_is_clear_and_what_is_left_of_it_is_counted() {
    let server = Server::start().await;
    // Of the first sample, ten milliseconds are sent, and two are enough; the second begins when the
    // first has long stopped; what comes between belongs to none. The third says nothing.
    let mut events = evidence(4, 0, 10);
    events.extend(evidence(7, 20_000, 1));
    events.extend(evidence(2, 40_000, 10));
    let begins = [(0, 0), (40_000, 0), (80_000, 0)];
    let begin =
        v1::EventBatch { port: SAMPLE_PORT, promise_us: Some(120_000), ..batch(2, 0, &begins) };
    let record = server.run(open(NETWORK), vec![batch(1, 0, &events), begin]).await;
    assert_eq!(record.reason(), v1::EndReason::Completed, "{record:?}");

    // 16 of one class against none: e⁸ / (e⁸ + 9) = 0.997; 8 of it, 0.86.
    let told: Vec<_> = record
        .decisions
        .iter()
        .map(|d| (d.time_us, d.class, d.votes, d.votes_total, d.confidence_ppm, d.sample_ticks))
        .collect();
    let stop_us = DELAY_US + 1_000;
    let expected = [
        (stop_us, 4, 16, 16, 996_990, 5),
        (40_000 + stop_us, 2, 16, 16, 996_990, 5),
        (80_000 + 31_000, 0, 0, 0, 100_000, 32),
    ];
    assert_eq!(told, expected);

    // Five milliseconds of either were taken; the rest, and what came between, reached nobody.
    let (last, sent) = (record.last(), 80 + 8 + 80 + 3);
    let between = 2 * 40 + 8;
    assert_eq!(last.drops, Some(v1::Drops { between_samples: between, ..v1::Drops::default() }));
    assert_eq!((last.events_accepted, last.queue_events), (sent - between, 0));
    assert_eq!(last.spikes, 32, "nothing that was under way arrives");
}

/// The half of the evidence that came before the fork counts in it.
#[tokio::test]
async fn a_fork_in_the_middle_of_a_sample_goes_on_with_it() {
    let server = Server::start().await;
    let named = |id: &str| v1::Open { session_id: id.into(), ..open(NETWORK) };
    let mut producer = server.open(named("trunk")).await.unwrap();
    let begin = v1::EventBatch { port: SAMPLE_PORT, ..batch(1, 0, &[(0, 0)]) };
    producer.send(Request::Events(begin));
    let first = v1::EventBatch { promise_us: Some(6_000), ..batch(2, 0, &evidence(4, 0, 1)) };
    producer.send(Request::Events(first));
    producer.acknowledged(|ack| ack.simulated_to_us >= 6_000).await;

    let (session_id, fork_id) = ("trunk".into(), "branch".into());
    let request = v1::ForkSessionRequest { session_id, fork_id, workers: 2 };
    server.sessions().await.fork_session(request).await.unwrap();
    let branch = server.open(v1::Open { network: String::new(), ..named("branch") }).await.unwrap();
    let second = batch(3, 9_000, &evidence(4, 9_000, 3));
    for producer in [producer, branch] {
        producer
            .send(Request::Events(v1::EventBatch { promise_us: Some(50_000), ..second.clone() }));
        producer.send(Request::End(v1::EndOfInput {}));
        let record = producer.finish().await;
        let [decision] = record.decisions.as_slice() else { panic!("one decision: {record:?}") };
        let told = (decision.time_us, decision.class, decision.votes, decision.sample_ticks);
        assert_eq!(told, (12_000, 4, 16, 13));
    }
}
