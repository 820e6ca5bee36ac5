//! MCAP files: messages of a camera, in chunks and without, packed and plain.

use spiked_fuzz::Target;
use spiked_recordings::{CameraEvent, Recording};

use crate::{
    Arriving, SENSOR,
    made::mcap::{Cdr, channel, chunk, file, message, schema},
    read, shared, some_events,
};

fn words() -> Vec<u8> {
    let mut words = Vec::new();
    spiked_proto::layout::evt3::Encoder::new()
        .encode(&some_events(), &mut words)
        .expect("in order");
    words
}

fn mono(events: &[CameraEvent]) -> Vec<u8> {
    let bits = events.iter().map(|CameraEvent { t_us, x, y, on }| {
        (t_us * 1_000) | (u64::from(*x) << 32) | (u64::from(*y) << 48) | (u64::from(*on) << 63)
    });
    bits.flat_map(u64::to_le_bytes).collect()
}

/// Files without checksums, so that damage is seen by what they guard.
fn examples() -> Vec<Vec<u8>> {
    let events = some_events();
    let packets = schema(1, "event_camera_msgs/msg/EventPacket", "");
    let arrays = schema(2, "dvs_msgs/msg/EventArray", "");
    let records = |kind: u16, messages: &[Vec<u8>]| {
        let mut records = vec![packets.clone(), arrays.clone(), channel(1, kind, "/eye", "cdr")];
        records.push(channel(2, 1, "/other", "cdr"));
        records.extend(messages.iter().map(|data| message(1, data)));
        records
    };
    let (first, second) = {
        let words = words();
        let (first, second) = words.split_at((words.len() / 2) | 1);
        (first.to_vec(), second.to_vec())
    };
    let evt3 = |seq, words: &[u8]| Cdr::little().packet(SENSOR, seq, "evt3", words);
    let plain = [
        records(1, &[evt3(0, &first), evt3(1, &second)]),
        records(1, &[evt3(0, &first[..80]), evt3(4, &second), evt3(2, &second)]),
        records(1, &[Cdr::little().packet(SENSOR, 0, "mono", &mono(&events[..9]))]),
        records(1, &[Cdr::big().packet(SENSOR, 9, "evt3", &first[..40])]),
        records(2, &[Cdr::little().array(SENSOR, &events[..9]), Cdr::big().array(SENSOR, &[])]),
        records(2, &[Cdr::big().array(SENSOR, &events[9..20])]),
    ];
    let mut files = vec![shared("evt3_tiny.mcap"), shared("mono_big.mcap")];
    for records in plain {
        let held = records.concat();
        files.push(file(&records));
        files.push(file(&[chunk("", &held, &held)]));
    }
    files
}

/// Any file is read or refused, as the same whether it comes whole or in portions.
#[test]
fn mcap_files() {
    let words: [&[u8]; 8] =
        [b"\x89MCAP0\r\n", b"evt3\0", b"mono\0", b"trigger\0", b"cdr", b"lz4", b"zstd", b"ros2msg"];
    let target = Target::new("mcap_files", examples()).words(&words).bytes_max(4_096);
    target.memory_bytes_max(16 << 20).run(|input| {
        let Ok(mut recording) = Recording::new(input, "file", None) else { return false };
        let gives_size = input.last().is_some_and(|byte| byte % 2 == 0);
        if gives_size && recording.set_geometry(SENSOR).is_err() {
            return true;
        }
        let geometry = recording.geometry();
        let portion = usize::from(input[input.len() / 2] % 64) + 1;
        let arriving = Recording::new(Arriving { bytes: input, portion }, "file", None);
        let mut arriving = arriving.expect("as it was whole");
        if gives_size {
            arriving.set_geometry(SENSOR).expect("as it was whole");
        }
        let (events, fault) = read(recording);
        let on_it = |event: &CameraEvent| {
            geometry.is_none_or(|geometry| geometry.contains(event.x, event.y))
        };
        assert!(events.iter().all(on_it));
        assert_eq!(read(arriving), (events, fault));
        true
    });
}
