//! Live input that comes faster than the machine simulates: the lag is told, and beyond its bound the
//! overload policy decides.

use std::time::{Duration, Instant};

use spiked_proto::v1::{self, Reason, stream_request::Message as Request};
use tokio::time::sleep;

use super::live::live;
use crate::support::{CHANNELS, Producer, Server, batch, touch};

/// Neurons that each event reaches, so that each costs the core far more than it takes to send.
const CROWD: u32 = 125_000;
/// More than a busy machine holds the sender up: what is late would not meet the policy.
const LATENESS: Duration = Duration::from_millis(25);
const LAG_MAX_US: u64 = 20_000;
const WINDOW_US: u64 = 2_000;
const WINDOW_EVENTS: u64 = 40;
const WINDOWS: u64 = 100;
/// Of it, the simulation is given a quarter at a time, under `drop_oldest`.
const QUEUE_EVENTS: u64 = 4_000;

/// Each event gives one spike of "first", for one channel's events are further apart than their effects.
fn crowded() -> v1::Network {
    let shape = vec![v1::Extent { extent: Some(v1::extent::Extent::Size(CROWD)) }];
    let accumulator = v1::Accumulator { threshold: 1e9, ..v1::Accumulator::default() };
    let crowd = v1::Population {
        name: "crowd".into(),
        shape,
        neuron: Some(v1::population::Neuron::Accumulator(accumulator)),
        ..v1::Population::default()
    };
    let weights = Some(v1::Values { values: Some(v1::values::Values::Same(0.5)) });
    let all = v1::Projection {
        name: "all".into(),
        source: "skin".into(),
        target: "crowd".into(),
        connectivity: Some(v1::projection::Connectivity::Dense(v1::Dense {
            weights,
            delay_ticks: 1,
        })),
        ..v1::Projection::default()
    };
    let mut network = touch();
    network.name = "crowded".into();
    network.populations.truncate(1);
    network.populations.push(crowd);
    network.projections.truncate(1);
    network.projections.push(all);
    network.readouts.clear();
    let sources = vec!["first".into()];
    network.outputs = vec![v1::OutputPort { name: "spikes".into(), sources }];
    network
}

async fn server() -> Server {
    let server = Server::with(|limits| limits.queue_events = QUEUE_EVENTS).await;
    let request = v1::LoadNetworkRequest { network: Some(crowded()), ..Default::default() };
    server.networks().await.load_network(request).await.unwrap();
    server
}

async fn open(server: &Server, overload: v1::Overload, lag_max_us: u64) -> Producer {
    let id = format!("{}-{lag_max_us}", overload.as_str_name());
    let (network, overload) = ("crowded".into(), overload.into());
    let open = v1::Open { network, overload, lag_max_us, ..live(&id, LATENESS) };
    server.open(open).await.unwrap()
}

/// A sensor that sends in its own time, whatever becomes of it.
async fn stream(producer: &Producer) {
    let began = Instant::now();
    for window in 0..WINDOWS {
        let base_us = window * WINDOW_US;
        let number = |at| (window * WINDOW_EVENTS + at) % u64::from(CHANNELS);
        let event = |at| (base_us + at * 20, u32::try_from(number(at)).unwrap());
        let events: Vec<_> = (0..WINDOW_EVENTS).map(event).collect();
        let due = Duration::from_micros(base_us + WINDOW_US);
        sleep(due.saturating_sub(began.elapsed())).await;
        producer.send(Request::Events(batch(window + 1, base_us, &events)));
    }
    producer.send(Request::End(v1::EndOfInput {}));
}

/// The largest lag and the fullest queue that were told, while everything that was sent was accepted or
/// dropped at every acknowledgement.
async fn read(producer: &mut Producer) -> (u64, u64) {
    let (mut lag_us, mut queue_events) = (0, 0);
    while producer.next().await.is_some() {
        let Some(ack) = &producer.record.acknowledgement else { continue };
        let drops = ack.drops.unwrap();
        let settled = ack.events_accepted + drops.overload + drops.late;
        assert_eq!(settled, ack.accepted * WINDOW_EVENTS, "{ack:?}");
        lag_us = lag_us.max(ack.lag_us);
        queue_events = queue_events.max(ack.queue_events);
    }
    (lag_us, queue_events)
}

/// Input that finds the session too far behind is dropped, the newest or the oldest of it, though the
/// queue has room; what was accepted is simulated, each event at its own time.
#[tokio::test]
async fn input_beyond_the_lag_meets_the_overload_policy() {
    let server = server().await;
    for overload in [v1::Overload::DropNewest, v1::Overload::DropOldest] {
        let mut producer = open(&server, overload, LAG_MAX_US).await;
        stream(&producer).await;
        let (lag_us, queue_events) = read(&mut producer).await;
        let record = producer.record;
        assert_eq!(record.reason(), v1::EndReason::Completed, "{record:?}");
        let last = record.last();
        let dropped = last.drops.unwrap().overload;
        assert!(lag_us > LAG_MAX_US, "{overload:?}: never more than {lag_us} us behind");
        assert!(dropped > 0, "{overload:?}: {last:?}");
        assert!(queue_events < QUEUE_EVENTS / 2, "{overload:?}: {queue_events} in the queue");
        assert_eq!(record.spikes.len() as u64, last.events_accepted, "{overload:?}");
        assert!(last.events_accepted > 0, "{overload:?}");
    }
}

/// Without a bound the lag is told, and nothing is dropped while the queue has room.
#[tokio::test]
async fn a_lag_without_a_bound_is_told_and_drops_nothing() {
    let server = server().await;
    let mut producer = open(&server, v1::Overload::DropNewest, 0).await;
    let few = |at| (at * 20, u32::try_from(at % u64::from(CHANNELS)).unwrap());
    let events: Vec<_> = (0..WINDOW_EVENTS).map(few).collect();
    producer.send(Request::Events(batch(1, 0, &events)));
    // The clock goes on meanwhile.
    producer.acknowledged(|ack| ack.simulated_to_us > 10_000).await;
    producer.send(Request::End(v1::EndOfInput {}));
    let (lag_us, _) = read(&mut producer).await;
    let record = producer.record;
    let last = record.last();
    assert!(lag_us > 0);
    assert_eq!((last.events_accepted, last.drops.unwrap()), (WINDOW_EVENTS, <_>::default()));
    assert_eq!(record.spikes.len() as u64, WINDOW_EVENTS);
}

/// A session that was opened to end then says how far behind it was.
#[tokio::test]
async fn a_lag_beyond_its_bound_ends_a_session_that_was_opened_to_end_then() {
    let server = server().await;
    let mut producer = open(&server, v1::Overload::Fail, LAG_MAX_US).await;
    stream(&producer).await;
    let (lag_us, _) = read(&mut producer).await;
    let record = producer.record;
    assert_eq!(record.reason(), v1::EndReason::Failed);
    let [error] = record.errors.as_slice() else { panic!("{:?}", record.errors) };
    assert_eq!(error.reason(), Reason::Overload);
    assert_eq!(error.sequence, record.last().accepted + 1, "the first that is not accepted");
    let figures = error.message.split(' ').filter_map(|word| word.parse().ok());
    let [_, waiting, lag_told_us] = figures.collect::<Vec<u64>>()[..] else {
        panic!("{}", error.message)
    };
    assert!(lag_told_us > LAG_MAX_US && waiting < QUEUE_EVENTS / 2, "{}", error.message);
    assert!(lag_us > 0);
    assert_eq!(record.spikes.len() as u64, record.last().events_accepted);
    server.assert_well().await;
}
