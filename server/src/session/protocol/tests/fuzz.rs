//! Hostile producers, and hostile bytes in the place of the protocol's state: see `spiked-fuzz`.

use prost::Message as _;
use spiked_fuzz::Target;
use spiked_proto::layout::evt2;

use super::{super::Status, *};

fn each_settings() -> Vec<Settings> {
    let plain = settings(Policy::Drop);
    let live = Pace::Live { lateness_us: 1_000, lag_max_us: 50_000 };
    vec![
        plain.clone(),
        settings(Policy::Fail),
        Settings { overload: Overload::DropOldest, pace: live, ..plain.clone() },
        Settings { overload: Overload::DropNewest, ..plain.clone() },
        Settings { overload: Overload::Fail, origin: Origin::FirstBatch, ..plain.clone() },
        Settings { producers: vec!["left".into(), "right".into()], ..plain },
    ]
}

fn words(sequence: u64, layout: Layout, payload: Vec<u8>) -> v1::EventBatch {
    let count = u32::try_from(payload.len()).unwrap();
    let (layout, payload) = (layout.into(), payload.into());
    v1::EventBatch { sequence, layout, count, payload, port: 1, ..v1::EventBatch::default() }
}

/// Batches that are in order and sound, of every layout.
fn batches() -> Vec<v1::EventBatch> {
    let events: Vec<CameraEvent> =
        (0..6).map(|n| CameraEvent { t_us: u64::from(n), x: 4 * n, y: n, on: true }).collect();
    let (mut two, mut three, mut packed) = (Vec::new(), Vec::new(), Vec::new());
    evt2::Encoder::new().encode(&events, &mut two).unwrap();
    evt3::Encoder::new().encode(&events, &mut three).unwrap();
    spiked_proto::layout::camera::encode(&events, 0, &mut packed).unwrap();
    let camera = v1::EventBatch { count: 6, ..words(3, Layout::Camera, packed) };
    vec![
        batch(1, &[(3, 1), (4, 2), (4, 9)], Some(5)),
        batch(2, &[(5, 1), (70, 7)], None),
        camera,
        words(4, Layout::Evt3, three),
        counted(5),
        words(6, Layout::Evt2, two),
    ]
}

fn counted(sequence: u64) -> v1::EventBatch {
    v1::EventBatch {
        layout: Layout::CountedAddress.into(),
        count: 1,
        payload: vec![60, 0, 0, 0, 3, 0, 0, 2].into(),
        ..batch(sequence, &[], Some(9_000))
    }
}

/// The same of the layouts whose events can be counted without decoding them.
fn countable() -> Vec<v1::EventBatch> {
    let mut batches = batches();
    batches.truncate(3);
    batches.extend([counted(4), batch(5, &[(9_000, 3), (9_001, 4)], Some(9_500))]);
    batches
}

/// Messages one after another: what it is, then its length and bytes.
fn packed(batches: &[v1::EventBatch]) -> Vec<u8> {
    let message = |batch: &v1::EventBatch| {
        let bytes = batch.encode_to_vec();
        [&[0, u8::try_from(bytes.len()).unwrap()], bytes.as_slice()].concat()
    };
    batches.iter().flat_map(message).collect()
}

/// The events of a batch, where that is plain: words hold what their decoder makes of them.
fn events_of(batch: &v1::EventBatch) -> Option<u64> {
    match batch.layout() {
        Layout::Address | Layout::Camera => Some(batch.count.into()),
        Layout::CountedAddress => {
            let (words, _) = batch.payload.as_chunks::<8>();
            Some(words.iter().map(|word| u64::from(word[7].max(1))).sum())
        }
        _ => None,
    }
}

/// Gives a protocol an input's messages; says how many events the accepted batches held.
fn act(protocol: &mut Protocol, mut input: &[u8], out: &mut Actions) -> Option<u64> {
    let (mut level, mut given) = (BUSY, Some(0));
    while let Some((&[kind, length], rest)) = input.split_first_chunk() {
        let (bytes, rest) = rest.split_at(usize::from(length).min(rest.len()));
        input = rest;
        let producer = usize::from(kind >> 4) % protocol.producers();
        let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        level.now_us = level.now_us.saturating_add(number % 5_000);
        match kind % 16 {
            1 => protocol.heartbeat(producer, number, &level, out),
            2 => protocol.tick(&level, out),
            3 => {
                level.closed_us = level.closed_us.max(number.min(protocol.closed_us()));
                level.idle = number % 2 == 0;
                protocol.look_after(&level, out);
            }
            4 => protocol.end(producer, &level, out),
            _ => {
                if let Ok(batch) = v1::EventBatch::decode(bytes) {
                    let before = protocol.status(producer).accepted;
                    protocol.batch(producer, &batch, &level, out);
                    if protocol.status(producer).accepted > before {
                        given = given.zip(events_of(&batch)).map(|(sum, events)| sum + events);
                    }
                }
            }
        }
    }
    given
}

/// Every event handed on lies on its port, and the chunk's counts are right.
fn check(protocol: &Protocol, out: &Actions) {
    assert_eq!(applied(out).events.len(), out.chunk.events.len());
    assert!(out.chunk.events.iter().all(|event| event.address < 2 * 34 * 30));
    let fatal = out.errors.iter().filter(|(_, error)| error.fatal).count();
    assert!(fatal <= 1, "one fatal error ends all");
    let applied: u64 =
        (0..protocol.producers()).map(|producer| protocol.status(producer).events_applied).sum();
    assert!(out.chunk.events.len() as u64 <= applied);
}

/// P5 and P3, whatever a producer says: events are applied, waiting or counted as dropped.
#[test]
fn producer_messages() {
    let plan = plan();
    let all_settings = each_settings();
    let mut examples = Vec::new();
    // Each with room for all that is given, and with so little that something is lost.
    for which in 0..24 {
        let all = packed(&if which % 2 == 0 { batches() } else { countable() });
        let heartbeat = [1, 2, 30, 0, 3, 1, 20, 2, 0, 0x11, 2, 40, 0, 4, 0];
        examples.push([&[which], all.as_slice(), &heartbeat].concat());
        examples.push([&[which], &heartbeat[..9], all.as_slice()].concat());
    }
    Target::new("producer_messages", examples).bytes_max(512).run(|input| {
        let Some((&which, messages)) = input.split_first() else { return false };
        let settings = all_settings[usize::from(which / 2) % all_settings.len()].clone();
        let room = room(if which < 12 { 40 } else { 8 });
        let mut protocol = Protocol::new(settings, &plan, room);
        let mut out = Actions::default();
        let given = act(&mut protocol, messages, &mut out);
        check(&protocol, &out);
        let accounted = (0..protocol.producers()).map(|producer| {
            let Status { events_counted, drops, .. } = protocol.status(producer);
            events_counted + drops.late + drops.outside + drops.multiplicity + drops.overload
        });
        let accounted: u64 = accounted.sum();
        // Where an event ended the input, those before it in its batch are applied.
        let failed = out.errors.iter().any(|(_, error)| error.fatal);
        if let Some(given) = given.filter(|_| !failed) {
            assert_eq!(accounted, given, "applied, waiting or dropped");
        }
        let saved = protocol.save();
        let again = Protocol::load(&saved, &plan, room).unwrap();
        assert_eq!(again.save(), saved);
        protocol.status(0).accepted > 0
    });
}

/// A state from anywhere is refused or is one: it is saved as it was and goes on.
#[test]
fn protocol_states() {
    let plan = plan();
    let mut examples = Vec::new();
    for settings in each_settings() {
        let mut protocol = Protocol::new(settings, &plan, room(40));
        examples.push(protocol.save());
        for batch in batches() {
            protocol.batch(0, &batch, &BUSY, &mut Actions::default());
        }
        examples.push(protocol.save());
    }
    for example in &examples {
        assert_eq!(&Protocol::load(example, &plan, room(40)).unwrap().save(), example);
    }
    let then = [packed(&batches()), vec![1, 2, 30, 0, 2, 0, 3, 1, 20, 4, 0]].concat();
    Target::new("protocol_states", examples).bytes_max(8_192).run(|input| {
        let Ok(mut protocol) = Protocol::load(input, &plan, room(40)) else { return false };
        let saved = protocol.save();
        assert_eq!(Protocol::load(&saved, &plan, room(40)).unwrap().save(), saved);
        act(&mut protocol, &then, &mut Actions::default());
        true
    });
}
