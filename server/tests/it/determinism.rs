//! The determinism law through the wire: batching, order within promises, snapshots and watchers
//! change no bit of the output.

use std::sync::Arc;

use sim_core::{Budget, InputEvent, InputId, Options, Output, Plan, Simulation, Tick, network};
use spiked_proto::v1::{self, stream_request::Message as Request};
use tokio_stream::StreamExt as _;

use crate::support::{CHANNELS, Random, Record, Server, TICK_NS, batch, open, spikes};

/// Time between two promises of the made-up recording \[µs\].
const PROMISE_US: u64 = 10_000;

/// Part of a recording between two promises: its events, in time, and the promise that ends it.
type Window = (Vec<(u64, u32)>, u64);

/// Half a second of events, with bursts at one address and silences.
fn recording(events: usize) -> Vec<Window> {
    let mut random = Random(7);
    let mut windows = vec![Vec::new(); 50];
    for _ in 0..events {
        let window = random.below(50);
        let time_us = window * PROMISE_US + random.below(PROMISE_US);
        let address = u32::try_from(random.below(u64::from(CHANNELS))).unwrap();
        windows[usize::try_from(window).unwrap()].push((time_us, address));
    }
    let promises = (1..).map(|window| window * PROMISE_US);
    let sorted = windows.into_iter().map(|mut window| {
        window.sort_unstable();
        window
    });
    sorted.zip(promises).collect()
}

/// Cuts a recording into batches; each window's last batch carries its promise.
fn cut(recording: &[Window], mut size: impl FnMut() -> usize) -> Vec<v1::EventBatch> {
    let mut batches = Vec::new();
    for (events, promise_us) in recording {
        let base_us = promise_us - PROMISE_US;
        let mut rest = events.as_slice();
        loop {
            let (now, later) = rest.split_at(size().clamp(1, rest.len().max(1)).min(rest.len()));
            rest = later;
            let mut next = batch(batches.len() as u64 + 1, base_us, now);
            next.promise_us = rest.is_empty().then_some(*promise_us);
            batches.push(next);
            if rest.is_empty() {
                break;
            }
        }
    }
    batches
}

/// Spikes and decisions of a session as one sequence of words.
fn output(record: &Record) -> Vec<[u64; 6]> {
    let spikes = record.spikes.iter().map(|&(position, tick, port, address, multiplicity)| {
        [position, tick, port.into(), address.into(), multiplicity.into(), 0]
    });
    let decisions = record.decisions.iter().map(|decision| {
        let v1::Decision { position, tick, port, class, votes, votes_total, .. } = *decision;
        [position, tick, port.into(), class.into(), votes, votes_total]
    });
    let mut all: Vec<_> = spikes.chain(decisions).collect();
    all.sort_unstable();
    all
}

/// What the core alone makes of a recording, offered window by window.
fn truth(recording: &[Window]) -> Vec<[u64; 6]> {
    let plan = Arc::new(Plan::new(&touch_in_the_core(), &[]).unwrap());
    let run_on_ticks = plan.cost().longest_path_ticks;
    let mut simulation = Simulation::new(plan, Options::default());
    for (events, promise_us) in recording {
        let events: Vec<_> =
            events.iter().map(|&(time_us, address)| InputEvent::new(time_us, address)).collect();
        simulation.offer(InputId(0), &events).unwrap();
        simulation.promise(InputId(0), *promise_us).unwrap();
    }
    let last_us = recording.last().unwrap().1;
    let end_us = last_us + run_on_ticks * TICK_NS / 1_000;
    simulation.promise(InputId(0), end_us).unwrap();
    simulation.advance(Budget::UNLIMITED).unwrap();
    assert_eq!(simulation.simulated_to(), Tick(end_us * 1_000 / TICK_NS));
    let words = |(position, output): (usize, Output)| match output {
        Output::Spike(spike) => [
            position as u64,
            spike.tick.0,
            spike.port.0.into(),
            spike.address.into(),
            spike.multiplicity.into(),
            0,
        ],
        Output::Decision(decision) => [
            position as u64,
            decision.tick.0,
            decision.port.0.into(),
            decision.class.into(),
            decision.votes,
            decision.votes_total,
        ],
    };
    simulation.outputs().drain(..).enumerate().map(words).collect()
}

/// The network "touch" as the core describes it.
fn touch_in_the_core() -> network::Network {
    use network::{
        Connectivity, InputPort, InputShape, LifParameters, Network, Neuron, OutputPort,
        Population, Projection, Readout, ReadoutRule,
    };
    let population = |name: &str, threshold_mv, drive_mv| {
        let tau_ms = 10.0;
        let lif = LifParameters { tau_ms, threshold_mv, drive_mv, ..LifParameters::default() };
        Population::new(name, &[CHANNELS], Neuron::Lif(lif))
    };
    let one_to_one = |weight, delay_ticks| Connectivity::OneToOne { weight, delay_ticks };
    let mut skin = InputPort::new("skin", InputShape::Channels(vec![CHANNELS]));
    skin.multiplicity_max = 1_000;
    Network {
        name: "touch".into(),
        tick: sim_core::TickLength::from_ns(TICK_NS).unwrap(),
        inputs: vec![skin],
        populations: vec![population("first", 0.9, 0.0), population("second", 1.5, 0.5)],
        projections: vec![
            Projection::new("in", "skin", "first", one_to_one(1.0, 3)),
            Projection::new("on", "first", "second", one_to_one(0.75, 700)),
        ],
        readouts: vec![Readout {
            name: "where".into(),
            source: "second".into(),
            rule: ReadoutRule::Vote { window_ticks: 200, every_ticks: 50, labels: Vec::new() },
        }],
        outputs: vec![
            OutputPort { name: "spikes".into(), sources: vec!["first".into(), "second".into()] },
            OutputPort { name: "place".into(), sources: vec!["where".into()] },
        ],
        ..Default::default()
    }
}

/// Seen to fail with the last event of each batch dropped in `protocol::input`, and with offsets
/// one tick too long in `session::output`.
#[tokio::test]
async fn any_cutting_gives_the_core_s_own_output() {
    let server = Server::start().await;
    let recording = recording(6_000);
    let expected = truth(&recording);
    assert!(expected.len() > 1_000, "{} outputs prove little", expected.len());
    let mut random = Random(3);
    for size in [Some(1), Some(7), Some(1_024), Some(16_384), None] {
        let batches =
            cut(&recording, || size.unwrap_or_else(|| usize::try_from(random.below(300)).unwrap()));
        let sent = batches.len() as u64;
        let record = server.run(open("touch"), batches).await;
        assert_eq!(record.errors, [], "batches of {size:?}");
        assert!(output(&record) == expected, "batches of {size:?} change the output");
        assert_eq!(record.reason(), v1::EndReason::Completed);
        assert_eq!((record.last().accepted, record.last().events_accepted), (sent, 6_000));
        assert_eq!(record.ended.unwrap().output_position, expected.len() as u64);
    }
}

#[tokio::test]
async fn any_order_within_the_promises_gives_the_same_output() {
    let server = Server::start().await;
    let recording = recording(6_000);
    let expected = truth(&recording);
    let mut random = Random(11);
    let mut shuffled = recording.clone();
    for (events, _) in &mut shuffled {
        for last in (1..events.len()).rev() {
            events.swap(last, usize::try_from(random.below(last as u64 + 1)).unwrap());
        }
    }
    assert!(shuffled != recording);
    let record = server.run(open("touch"), cut(&shuffled, || 100)).await;
    assert!(output(&record) == expected);
}

/// Seen to fail with the protocol's or the encoder's position left out of the snapshot.
#[tokio::test]
async fn a_session_restored_anywhere_continues_to_the_same_output() {
    let server = Server::start().await;
    let recording = recording(3_000);
    let expected = truth(&recording);
    let batches = cut(&recording, || 20);
    for (run, at) in
        [1, 2, batches.len() / 3, batches.len() / 2, batches.len()].into_iter().enumerate()
    {
        let id = format!("first-{run}");
        let mut first =
            server.open(v1::Open { session_id: id.clone(), ..open("touch") }).await.unwrap();
        for batch in &batches[..at] {
            first.send(Request::Events(batch.clone()));
        }
        first.acknowledged(|ack| ack.accepted == at as u64).await;
        let mut sessions = server.sessions().await;
        let request = v1::SnapshotSessionRequest { session_id: id.clone() };
        let snapshot = sessions.snapshot_session(request).await.unwrap().into_inner();
        assert_eq!(snapshot.accepted, at as u64);
        // All output before the snapshot belongs to the first session's reader.
        let simulated_to = snapshot.simulated_to_tick;
        first.acknowledged(|ack| ack.simulated_to_tick >= simulated_to).await;
        let mut before = output(&first.record);
        before.retain(|output| output[0] < snapshot.output_position);
        assert_eq!(before.len() as u64, snapshot.output_position);

        let id = format!("second-{run}");
        let request = v1::RestoreSessionRequest {
            workers: 0,
            snapshot_sha256: snapshot.snapshot_sha256,
            session_id: id.clone(),
        };
        let info = sessions.restore_session(request).await.unwrap().into_inner().session.unwrap();
        assert_eq!(info.position.unwrap().accepted, at as u64);
        let second = v1::Open { session_id: id, ..v1::Open::default() };
        let second = server.run(second, batches[at..].to_vec()).await;
        let opened = second.opened.as_ref().unwrap();
        assert!(opened.rejoined);
        assert_eq!(opened.accepted, at as u64);
        assert_eq!(opened.output_position, snapshot.output_position);
        before.extend(output(&second));
        assert!(before == expected, "a snapshot after batch {at} changes the output");
    }
}

#[tokio::test]
async fn a_watcher_sees_the_output_and_changes_none_of_it() {
    let server = Server::start().await;
    let recording = recording(3_000);
    let expected = truth(&recording);
    let session_id = "watched".to_owned();
    let mut producer =
        server.open(v1::Open { session_id: session_id.clone(), ..open("touch") }).await.unwrap();
    let request = v1::WatchSessionRequest { session_id, ..v1::WatchSessionRequest::default() };
    let watching = server.sessions().await.watch_session(request).await.unwrap().into_inner();
    let watcher = tokio::spawn(watching.collect::<Vec<_>>());
    for batch in cut(&recording, || 50) {
        let sequence = batch.sequence;
        producer.send(Request::Events(batch));
        // In step, so that the watcher never falls behind.
        producer.acknowledged(|ack| ack.accepted == sequence).await;
    }
    producer.send(Request::End(v1::EndOfInput {}));
    let record = producer.finish().await;
    assert!(output(&record) == expected);

    let mut seen = Record::default();
    for message in watcher.await.unwrap() {
        use v1::watch_session_response::Message;
        match message.unwrap().message.unwrap() {
            Message::Opened(opened) => seen.opened = Some(opened),
            Message::Spikes(batch) => seen.spikes.extend(spikes(&batch)),
            Message::Decision(decision) => seen.decisions.push(decision),
            Message::Ended(ended) => seen.ended = Some(ended),
            other => panic!("{other:?}"),
        }
    }
    assert!(seen.opened.is_some());
    assert!(output(&seen) == expected);
    assert_eq!(seen.reason(), v1::EndReason::Completed);
}
