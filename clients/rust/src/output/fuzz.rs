//! Hostile messages in the place of a daemon's stream: see `spiked-fuzz`.

use futures::FutureExt as _;
use prost::Message as _;
use spiked_fuzz::{Random, Target};
use tokio::sync::mpsc;

use super::*;
use crate::{counts, tables::Place};

/// Longest message in an input \[bytes\]: its length takes one.
const MESSAGE_BYTES_MAX: usize = 255;

/// Messages one after another, each behind its length; `None` if one is too long.
fn stream(messages: &[Message]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for message in messages {
        let answer = v1::StreamResponse { message: Some(message.clone()) }.encode_to_vec();
        bytes.push(u8::try_from(answer.len()).ok()?);
        bytes.extend(answer);
    }
    Some(bytes)
}

fn opened() -> v1::Opened {
    let range = |population: &str, first_address, shape: &[u32]| v1::AddressRange {
        population: population.into(),
        first_address,
        shape: shape.to_vec(),
    };
    let whisker = v1::Whisker { name: "RA0".into(), side: 1, row: 2, column: 3 };
    let frames = v1::FrameTable { whiskers: vec![whisker], kinds: vec!["bend".into()] };
    v1::Opened {
        session_id: "one".into(),
        tick_ns: 100_000,
        accepted: 3,
        output_position: 9,
        credit: Some(v1::Credit { events: 99, bytes: 999 }),
        inputs: vec![v1::InputTable {
            name: "skin".into(),
            shape: vec![2, 4, 5],
            filtered_shape: vec![2, 4, 5],
            frames: Some(frames),
        }],
        outputs: vec![v1::OutputTable {
            name: "out".into(),
            ranges: vec![range("a", 0, &[2, 3]), range("b", 6, &[2, 2, 2])],
            labels: vec!["yes".into()],
        }],
        ..v1::Opened::default()
    }
}

fn examples() -> Vec<Vec<u8>> {
    let position = v1::Acknowledgement {
        accepted: 4,
        durable: 3,
        simulated_to_us: 700,
        simulated_to_tick: 7,
        queue_events: 2,
        credit: Some(v1::Credit { events: 100, bytes: 1_000 }),
        ..v1::Acknowledgement::default()
    };
    let spikes = v1::SpikeBatch {
        base_time_us: 507,
        base_tick: 5,
        first_position: 9,
        layout: v1::Layout::CountedAddress.into(),
        count: 2,
        payload: vec![0, 0, 0, 0, 5, 0, 0, 1, 9, 0, 0, 0, 6, 0, 0, 3].into(),
        ..v1::SpikeBatch::default()
    };
    let decision = v1::Decision { position: 11, tick: 9, votes: 3, ..v1::Decision::default() };
    let value = v1::Value { position: 12, values: vec![0.5, -1.0], ..v1::Value::default() };
    let error = v1::Error {
        reason: v1::Reason::Late.into(),
        message: "late".into(),
        sequence: 4,
        event_number: Some(9),
        ..v1::Error::default()
    };
    let ended = v1::Ended { message: "done".into(), r#final: Some(position), ..Default::default() };
    let opened = Message::Opened(opened());
    [
        stream(&[
            opened.clone(),
            Message::Acknowledgement(position),
            Message::Spikes(spikes),
            Message::Decision(decision),
            Message::Value(value),
            Message::Ended(ended),
        ]),
        stream(&[opened.clone(), Message::Error(error.clone())]),
        stream(&[Message::Error(error)]),
        stream(&[opened.clone(), opened]),
    ]
    .map(Option::unwrap)
    .to_vec()
}

/// Gives a number of a message another value: damage to its bytes seldom leaves one that is large.
fn set_a_number(bytes: &mut Vec<u8>, random: &mut Random) {
    let messages = answers(bytes).into_iter().map(|answer| answer.message);
    let Some(mut messages) = messages.collect::<Option<Vec<_>>>() else { return };
    let (at, which) = (random.index(messages.len().max(1)), random.index(3));
    let Some(message) = messages.get_mut(at) else { return };
    let mut unused = 0;
    let number = match message {
        Message::Opened(opened) => {
            [&mut opened.accepted, &mut opened.output_position, &mut opened.tick_ns]
        }
        Message::Spikes(batch) => {
            [&mut batch.first_position, &mut batch.base_tick, &mut batch.base_time_us]
        }
        Message::Acknowledgement(position) => {
            [&mut position.simulated_to_us, &mut position.simulated_to_tick, &mut position.accepted]
        }
        Message::Decision(decision) => {
            [&mut decision.position, &mut decision.time_us, &mut decision.tick]
        }
        Message::Value(value) => [&mut value.position, &mut value.time_us, &mut unused],
        Message::Error(_) | Message::Ended(_) => return,
    };
    let border = (1_u64 << random.below(64)).wrapping_sub(random.below(2));
    let number = number.into_iter().nth(which);
    number.into_iter().for_each(|number| *number = *random.of(&[border, u64::MAX, u64::MAX - 1]));
    if let Some(changed) = stream(&messages) {
        *bytes = changed;
    }
}

/// The messages that an input stands for, as far as they are some.
fn answers(mut input: &[u8]) -> Vec<v1::StreamResponse> {
    let mut answers = Vec::new();
    while let Some((&length, rest)) = input.split_first() {
        let (message, rest) = rest.split_at(usize::from(length).min(rest.len()));
        let Ok(answer) = v1::StreamResponse::decode(message) else { break };
        answers.push(answer);
        input = rest;
    }
    answers
}

/// Every spike is at a place that its port has, or at none; coordinates lie within their shape.
fn check_places(tables: &Tables, spikes: &Spikes) {
    for spike in spikes.iter() {
        let Some(Place { population, coordinates }) = tables.place(spike.port, spike.address)
        else {
            continue;
        };
        let port = &tables.outputs[spike.port as usize];
        let is_in = |range: &&v1::AddressRange| {
            let pairs = coordinates.iter().zip(&range.shape);
            range.population == population
                && range.shape.len() == coordinates.len()
                && pairs.clone().all(|(place, extent)| place < extent)
                && pairs.fold(0, |index, (place, extent)| {
                    index * u64::from(*extent) + u64::from(*place)
                }) + u64::from(range.first_address)
                    == u64::from(spike.address)
        };
        assert!(port.ranges.iter().any(|range| is_in(&range)), "{spike:?}");
    }
}

/// Whatever a daemon says is read or refused once; what it says of output is never behind itself,
/// and the stream is over with its end.
#[test]
fn daemon_streams() {
    let longest = examples().iter().map(Vec::len).max().unwrap();
    let target = Target::new("daemon_streams", examples()).bytes_max(longest + MESSAGE_BYTES_MAX);
    target.repair(&set_a_number).run(|input| {
        let mut answers = answers(input).into_iter();
        let Ok(opened) = counts::opened(answers.next()) else { return false };
        let (said, heard) = mpsc::channel(answers.len().max(1));
        for answer in answers {
            if let Some(Ok(Some((next_output, _)))) = answer.message.as_ref().map(counts::behind) {
                let (Some(Message::Spikes(v1::SpikeBatch { first_position: position, .. }))
                | Some(Message::Decision(v1::Decision { position, .. }))
                | Some(Message::Value(v1::Value { position, .. }))) = answer.message
                else {
                    panic!("{answer:?} is no output");
                };
                assert!(next_output >= position);
            }
            let _ = said.try_send(Ok(answer));
        }
        drop(said);
        let tables = Arc::new(Tables::new(opened));
        for name in tables.inputs.iter().map(|port| &port.name) {
            assert!(tables.input(name).is_some());
        }
        let latencies = Arc::new(Latencies::new(tables.clock()));
        latencies.sent(600, Instant::now());
        let (standing, _gate) = watch::channel(Standing::default());
        let source = Source::Carried(heard);
        let mut output =
            Output::new(source, Arc::clone(&tables), standing, Some(Arc::clone(&latencies)));
        loop {
            match output.next().now_or_never().expect("all is there") {
                None => break,
                Some(Ok(Item::Spikes(spikes))) => check_places(&tables, &spikes),
                Some(Ok(Item::Decision(decision))) => {
                    let label = tables.label(decision.port, decision.class);
                    assert!(label.is_none_or(|label| {
                        tables
                            .outputs
                            .iter()
                            .any(|port| port.labels.iter().any(|known| known == label))
                    }));
                }
                Some(_) => {}
            }
        }
        assert!(output.over && latencies.histogram_ns().len() <= 1);
        true
    });
}
