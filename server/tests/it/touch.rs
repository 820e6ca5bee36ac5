//! Frames over the stream: the laws of event batches hold for them, whatever comes.

use std::collections::BTreeSet;

use sim_core::{InputEvent, InputId, Options, Output, Simulation, Tick};
use spiked_proto::{
    layout::frames::{Frames, Sampling},
    v1::{self, Reason, stream_request::Message as Request, watch_session_response::Message},
};
use spiked_sensors::whiskers::{Moving, Settings, Shape, play};
use spiked_server::networks::Repository;

use crate::support::{Producer, Random, Record, Server, open, spikes};

const NETWORK: &str = "swept-edge";
const CHANNELS: usize = 35 * 6;
const PERIOD_NS: u64 = 1_000_000;
const FRAMES: u64 = 600;

/// An edge that sweeps over the array of the network.
fn sweep() -> Vec<f32> {
    let shape = Shape::Edge { direction_rad: 0.8, lead_mm: 9.0 };
    let scene = vec![Moving { shape, speed_mm_s: 45.0, heading_rad: 0.0 }];
    let settings = Settings {
        rows: 5,
        columns: 7,
        period_ns: PERIOD_NS,
        frames: FRAMES,
        whisking: false,
        scene,
        seed: 5,
    };
    play(&settings).unwrap().values
}

fn bytes_of(values: &[f32]) -> bytes::Bytes {
    values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
}

/// Frames `first` and so on, as one message.
fn frames(sequence: u64, first: u64, values: &[f32]) -> v1::FrameBatch {
    v1::FrameBatch {
        sequence,
        port: 0,
        base_time_us: first * PERIOD_NS / 1_000,
        sample_period_ns: PERIOD_NS,
        channels: u32::try_from(CHANNELS).unwrap(),
        payload: bytes_of(values),
        promise_us: None,
        base_time_ns: 0,
    }
}

/// The same, packed into a batch.
fn packed(batch: &v1::FrameBatch) -> v1::EventBatch {
    let values: Vec<f32> =
        batch.payload.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    let mut payload = Vec::new();
    let sampling = Sampling { period_ns: batch.sample_period_ns, base_ns: batch.base_time_ns };
    Frames::encode(sampling, batch.channels, &values, &mut payload);
    v1::EventBatch {
        sequence: batch.sequence,
        port: batch.port,
        base_time_us: batch.base_time_us,
        layout: v1::Layout::Frames.into(),
        count: u32::try_from(values.len() / CHANNELS).unwrap(),
        payload: payload.into(),
        promise_us: batch.promise_us,
        ..v1::EventBatch::default()
    }
}

/// What the core by itself makes of the frames: (tick, port, address, multiplicity).
fn truth(values: &[f32], until: u64) -> Vec<(u64, u32, u32, u32)> {
    let plan = Repository::open(None).unwrap().plan(NETWORK, "", &[]).unwrap().plan;
    let mut simulation = Simulation::new(plan, Options::default());
    for (index, frame) in (0_u64..).zip(values.chunks_exact(CHANNELS)) {
        let time_us = index * PERIOD_NS / 1_000;
        let sample = |(address, &value)| InputEvent::sample(time_us, address, value);
        let samples: Vec<_> = (0..).zip(frame).map(sample).collect();
        simulation.offer(InputId(0), &samples).unwrap();
    }
    simulation.end_frames();
    simulation.run_until(Tick(until)).unwrap();
    let spike = |output: Output| match output {
        Output::Spike(spike) => {
            Some((spike.tick.0, spike.port.0.into(), spike.address, spike.multiplicity))
        }
        Output::Decision(_) => None,
    };
    simulation.outputs().drain(..).filter_map(spike).collect()
}

fn shown(record: &Record) -> Vec<(u64, u32, u32, u32)> {
    record.spikes.iter().map(|&(_, tick, port, index, count)| (tick, port, index, count)).collect()
}

async fn end(producer: Producer) -> Record {
    producer.send(Request::End(v1::EndOfInput {}));
    producer.finish().await
}

/// Cut anywhere, sent in either form, some of it twice, with promises and without.
#[tokio::test]
async fn frames_come_to_what_the_core_makes_of_them_however_they_are_cut() {
    let server = Server::start().await;
    let values = sweep();
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let producer = server.open(open(NETWORK)).await.unwrap();
        let (mut first, mut sequence) = (0, 0);
        while first < FRAMES {
            let count = (1 + random.below(90)).min(FRAMES - first);
            let range = |frame: u64| usize::try_from(frame).unwrap() * CHANNELS;
            sequence += 1;
            let mut batch = frames(sequence, first, &values[range(first)..range(first + count)]);
            first += count;
            let next_us = first * PERIOD_NS / 1_000;
            batch.promise_us = (random.below(3) > 0).then(|| next_us - random.below(1_000));
            let request = match random.below(2) {
                0 => Request::Frames(batch.clone()),
                _ => Request::Events(packed(&batch)),
            };
            producer.send(request.clone());
            if random.below(4) == 0 {
                producer.send(request);
            }
        }
        let record = end(producer).await;
        assert_eq!(record.errors, [], "seed {seed}");
        let last = record.last();
        assert_eq!(last.events_accepted, FRAMES * CHANNELS as u64);
        let expected = truth(&values, last.simulated_to_tick);
        assert!(expected.len() > 20, "{} spikes prove little", expected.len());
        assert_eq!(shown(&record), expected, "seed {seed}");
        assert!(!record.decisions.is_empty());
    }
}

#[tokio::test]
async fn the_opening_names_whiskers_and_kinds() {
    let server = Server::start().await;
    let producer = server.open(open(NETWORK)).await.unwrap();
    let opened = producer.record.opened.clone().unwrap();
    let port = &opened.inputs[0];
    assert_eq!(
        (port.shape.as_slice(), port.filtered_shape.as_slice()),
        (&[35, 6][..], &[16, 5, 7][..])
    );
    let table = port.frames.as_ref().unwrap();
    assert_eq!((table.whiskers[34].name.as_str(), table.kinds[15].as_str()), ("RE6", "RA 315°"));
}

/// A batch that makes no sense is refused with its reason, and changes nothing.
#[tokio::test]
async fn batches_that_make_no_sense_are_refused_by_their_reasons() {
    let server = Server::start().await;
    let good = || frames(1, 10, &[0.0; 2 * CHANNELS]);
    let count = v1::EventBatch { count: 3, ..packed(&good()) };
    let header = v1::EventBatch { payload: packed(&good()).payload.slice(..9), ..packed(&good()) };
    let addresses = v1::EventBatch { layout: v1::Layout::Address.into(), ..packed(&good()) };
    for (request, reason) in [
        (Request::Frames(v1::FrameBatch { port: 1, ..good() }), Reason::PortUnknown),
        (Request::Frames(v1::FrameBatch { channels: 209, ..good() }), Reason::PayloadLength),
        (Request::Frames(v1::FrameBatch { channels: 105, ..good() }), Reason::LayoutMismatch),
        (Request::Frames(v1::FrameBatch { channels: 0, ..good() }), Reason::LayoutMismatch),
        (
            Request::Frames(v1::FrameBatch { payload: good().payload.slice(1..), ..good() }),
            Reason::PayloadLength,
        ),
        (Request::Frames(v1::FrameBatch { sample_period_ns: 0, ..good() }), Reason::FieldInvalid),
        (
            Request::Frames(v1::FrameBatch { sample_period_ns: u64::MAX, ..good() }),
            Reason::FieldInvalid,
        ),
        (Request::Frames(v1::FrameBatch { base_time_ns: 1_000, ..good() }), Reason::FieldInvalid),
        (
            Request::Frames(v1::FrameBatch { base_time_us: u64::MAX, ..good() }),
            Reason::FieldInvalid,
        ),
        (Request::Events(count), Reason::PayloadCount),
        (Request::Events(header), Reason::PayloadLength),
        (Request::Events(addresses), Reason::LayoutMismatch),
        (Request::Frames(v1::FrameBatch { sequence: 2, ..good() }), Reason::SequenceGap),
    ] {
        let open = v1::Open { bad_event: v1::EventPolicy::Drop.into(), ..open(NETWORK) };
        let producer = server.open(open).await.unwrap();
        producer.send(request);
        producer.send(Request::Frames(good()));
        let record = end(producer).await;
        let reasons: Vec<_> = record.errors.iter().map(v1::Error::reason).collect();
        assert_eq!(reasons, [reason], "{:?}", record.errors);
        assert_eq!(record.last().accepted, 1);
        assert_eq!(record.reason(), v1::EndReason::Completed);
    }
}

#[tokio::test]
async fn frames_that_come_late_end_the_input_or_are_dropped_and_counted() {
    let server = Server::start().await;
    for (policy, reason) in [
        (v1::EventPolicy::Drop, v1::EndReason::Completed),
        (v1::EventPolicy::Fail, v1::EndReason::Failed),
    ] {
        let open = v1::Open { late_event: policy.into(), ..open(NETWORK) };
        let producer = server.open(open).await.unwrap();
        producer.send(Request::Frames(frames(1, 10, &[0.0; 2 * CHANNELS])));
        // Frame 11 again, then one that is new.
        producer.send(Request::Frames(frames(2, 11, &[0.0; 2 * CHANNELS])));
        let record = end(producer).await;
        let late: Vec<_> = record.errors.iter().map(v1::Error::reason).collect();
        assert_eq!(late, [Reason::Late], "{:?}", record.errors);
        assert_eq!(record.errors[0].position_in_batch, Some(0));
        assert_eq!(record.reason(), reason);
        if policy == v1::EventPolicy::Drop {
            let drops = record.last().drops.unwrap();
            assert_eq!((drops.late, record.last().accepted), (CHANNELS as u64, 2));
        }
    }
}

/// The network holds bad values; another of the same refuses them.
#[tokio::test]
async fn bad_values_are_held_or_refused_as_the_network_says_and_counted() {
    let server = Server::start().await;
    let mut values = sweep();
    let producer = server.open(open(NETWORK)).await.unwrap();
    for (index, bad) in [f32::NAN, f32::INFINITY, -1e9, f32::MAX].into_iter().enumerate() {
        values[CHANNELS * 100 * (index + 1) + index] = bad;
    }
    producer.send(Request::Frames(frames(1, 0, &values)));
    let record = end(producer).await;
    assert_eq!(record.errors, []);
    assert_eq!(record.last().drops.unwrap().values, 4);

    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("strict")).unwrap();
    let text = r#"
        name = "strict"
        [input.whiskers]
        frames = { whiskers = ["LA0", "RA0"], limit = 50.0 }
        encoder = { levels = { force = "0.1 mN", moment = "0.5 uNm" } }
        [population.cells]
        shape = [24, "whiskers.height", "whiskers.width"]
        neuron = { accumulator = { threshold = 1.0 } }
        [projection.in]
        from = "whiskers"
        to = "cells"
        one_to_one = { weight = 1.0, delay = "1 ms" }
    "#;
    std::fs::write(folder.path().join("strict/network.toml"), text).unwrap();
    let server = Server::beside(folder.path()).await;
    for (policy, reason, accepted) in [
        (v1::EventPolicy::Fail, v1::EndReason::Failed, 0),
        (v1::EventPolicy::Drop, v1::EndReason::Completed, 1),
    ] {
        let open = v1::Open { bad_event: policy.into(), ..open("strict") };
        let producer = server.open(open).await.unwrap();
        let mut values = [0.0; 36];
        (values[14], values[16], values[30]) = (50.0, 50.5, f32::NAN);
        producer.send(Request::Frames(v1::FrameBatch { channels: 12, ..frames(1, 0, &values) }));
        let record = end(producer).await;
        assert_eq!(record.errors.len(), 1, "{:?}", record.errors);
        assert_eq!(record.errors[0].reason(), Reason::ValueInvalid);
        assert_eq!(record.errors[0].position_in_batch, Some(16));
        assert_eq!((record.reason(), record.last().accepted), (reason, accepted));
    }
}

#[tokio::test]
async fn frames_of_a_port_come_from_one_producer() {
    let server = Server::start().await;
    let named = |producer: &str| v1::Open {
        session_id: "shared".into(),
        producer: producer.into(),
        producers: vec!["left".into(), "right".into()],
        ..open(NETWORK)
    };
    let mut left = server.open(named("left")).await.unwrap();
    left.send(Request::Frames(frames(1, 0, &[0.0; CHANNELS])));
    left.acknowledged(|position| position.accepted == 1).await;
    let right = server.open(named("right")).await.unwrap();
    right.send(Request::Frames(frames(1, 1, &[0.0; CHANNELS])));
    let record = right.finish().await;
    assert_eq!(record.errors[0].reason(), Reason::SessionConflict, "{:?}", record.errors);
    assert!(record.errors[0].message.contains("left"), "{:?}", record.errors);
}

#[tokio::test]
async fn who_watches_the_input_sees_the_frames() {
    let server = Server::start().await;
    let mut sessions = server.sessions().await;
    let open = v1::Open { session_id: "seen".into(), ..open(NETWORK) };
    let request = v1::OpenSessionRequest { open: Some(open.clone()) };
    sessions.open_session(request).await.unwrap();
    let request = v1::WatchSessionRequest {
        session_id: "seen".into(),
        watched: v1::Watched::Input.into(),
        ..v1::WatchSessionRequest::default()
    };
    let mut watching = sessions.watch_session(request).await.unwrap().into_inner();
    let producer = server.open(open).await.unwrap();
    let values: Vec<f32> = sweep()[CHANNELS * 150..CHANNELS * 160].to_vec();
    producer.send(Request::Frames(frames(1, 150, &values)));
    end(producer).await;
    let (mut seen, mut times) = (Vec::new(), BTreeSet::new());
    while let Some(response) = watching.message().await.unwrap() {
        if let Some(Message::Events(batch)) = response.message
            && batch.count > 0
        {
            assert_eq!(batch.layout(), v1::Layout::Frames);
            let frames = Frames::decode(&batch.payload, batch.base_time_us, batch.count.into());
            for (time_us, frame) in frames.unwrap().iter() {
                times.insert(time_us);
                seen.extend(frame);
            }
        }
    }
    assert_eq!(seen, values);
    assert_eq!(
        times.into_iter().collect::<Vec<_>>(),
        (150..160).map(|ms| ms * 1_000).collect::<Vec<_>>()
    );
}

/// A closed loop over frames: each step ends at its last frame.
#[tokio::test]
async fn steps_take_frames_and_end_at_the_last_of_them() {
    let server = Server::start().await;
    let mut sessions = server.sessions().await;
    let request = v1::OpenSessionRequest {
        open: Some(v1::Open { session_id: "loop".into(), ..open(NETWORK) }),
    };
    sessions.open_session(request).await.unwrap();
    let values = sweep();
    let mut record = Record::default();
    for (sequence, values) in (1..).zip(values.chunks_exact(100 * CHANNELS)) {
        let batch = packed(&frames(sequence, 100 * (sequence - 1), values));
        let last_us = (100 * sequence - 1) * PERIOD_NS / 1_000;
        let step = |until_us| v1::StepSessionRequest {
            session_id: "loop".into(),
            events: vec![batch.clone()],
            until_us,
            output_from: None,
        };
        let refused = sessions.step_session(step(last_us + 500)).await.unwrap_err();
        assert!(refused.message().contains(&(last_us + 1).to_string()), "{refused}");
        // Seen to wait for ever.
        let refused = sessions.step_session(step(last_us)).await.unwrap_err();
        assert!(refused.message().contains("must lie behind the last frame"), "{refused}");
        let answer = sessions.step_session(step(last_us + 1)).await.unwrap().into_inner();
        answer.spikes.iter().for_each(|batch| record.spikes.extend(spikes(batch)));
    }
    let made = shown(&record);
    let expected = truth(&values, made.last().unwrap().0 + 1);
    assert_eq!(made, expected);
}
