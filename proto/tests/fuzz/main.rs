//! Hostile bytes in every layout of events: see `spiked-fuzz`.

use spiked_fuzz::{Counting, Random, Target};
use spiked_proto::layout::{
    Geometry,
    address::{self, AddressEvent, CountedAddressEvent},
    camera::{self, CameraEvent},
    frames::{Frames, Sampling},
};

mod words;

#[global_allocator]
static MEMORY: Counting = Counting;

/// Base time and count come first in an input.
const HEAD: usize = 16;

fn head(input: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (base, rest) = input.split_first_chunk()?;
    let (count, payload) = rest.split_first_chunk()?;
    Some((u64::from_le_bytes(*base), u64::from_le_bytes(*count), payload))
}

fn with_head(base: u64, count: usize, payload: &[u8]) -> Vec<u8> {
    [&base.to_le_bytes(), &(count as u64).to_le_bytes(), payload].concat()
}

/// A count that is right, of whole events.
fn count_what_is_there(input: &mut Vec<u8>, _: &mut Random) {
    let whole = input.len().saturating_sub(HEAD) / 8;
    input.resize(HEAD + 8 * whole, 0);
    input[8..HEAD].copy_from_slice(&(whole as u64).to_le_bytes());
}

/// What is taken apart is put together as it was.
#[test]
fn camera_events() {
    let events: Vec<CameraEvent> = (0..9)
        .map(|n| CameraEvent { t_us: 100 + 7 * u64::from(n), x: 3 * n, y: 2 * n, on: n % 2 == 0 })
        .collect();
    let mut payload = Vec::new();
    camera::encode(&events, 100, &mut payload).expect("within reach");
    let examples = vec![with_head(100, 9, &payload), with_head(0, 0, &[])];
    Target::new("camera_events", examples).bytes_max(256).repair(&count_what_is_there).run(
        |input| {
            let Some((base, count, payload)) = head(input) else { return false };
            let Ok(events) = camera::decode(payload, base, count) else { return false };
            let events: Vec<_> = events.collect();
            let mut again = Vec::new();
            camera::encode(&events, base, &mut again).expect("it came from there");
            assert_eq!(again, payload);
            true
        },
    );
}

#[test]
fn address_events() {
    let plain: Vec<AddressEvent> =
        (0..9).map(|n| AddressEvent { time: 50 + u64::from(n), index: n * 1_000 }).collect();
    let counted =
        |n: u32| CountedAddressEvent { time: u64::from(n), index: n << 10, multiplicity: 3 };
    let counted: Vec<CountedAddressEvent> = (0..9).map(counted).collect();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    address::encode(&plain, 50, &mut first).expect("within reach");
    address::encode_counted(&counted, 0, &mut second).expect("within reach");
    let examples = vec![with_head(50, 9, &first), with_head(0, 9, &second)];
    Target::new("address_events", examples).bytes_max(256).repair(&count_what_is_there).run(
        |input| {
            let Some((base, count, payload)) = head(input) else { return false };
            let counted = address::decode_counted(payload, base, count).map(Iterator::collect);
            let counted: Option<Result<Vec<_>, _>> = counted.ok();
            let Ok(events) = address::decode(payload, base, count) else {
                assert_eq!(counted, None, "both look at the same");
                return false;
            };
            let events: Vec<_> = events.collect();
            let mut again = Vec::new();
            address::encode(&events, base, &mut again).expect("it came from there");
            assert_eq!(again, payload);
            if let Some(Ok(events)) = counted {
                let mut again = Vec::new();
                address::encode_counted(&events, base, &mut again).expect("it came from there");
                assert_eq!(again, payload);
            }
            true
        },
    );
}

/// A period that several frames may have, and a count that is right.
fn frames_that_are_there(input: &mut Vec<u8>, _: &mut Random) {
    const HEADER: usize = 16;
    input.resize(input.len().max(HEAD + HEADER), 0);
    let channels = 1 + u32::from(input[HEAD + 12] % 8);
    input[HEAD + 12..HEAD + HEADER].copy_from_slice(&channels.to_le_bytes());
    input[HEAD + 5..HEAD + 8].fill(0);
    input[HEAD + 1] |= 8;
    input[HEAD + 9..HEAD + 12].fill(0);
    let whole = (input.len() - HEAD - HEADER) / (4 * channels as usize);
    input.resize(HEAD + HEADER + 4 * channels as usize * whole, 0);
    input[8..HEAD].copy_from_slice(&(whole as u64).to_le_bytes());
}

#[test]
fn frame_batches() {
    let example = |base: u64, channels: u32, count: u16| {
        let sampling = Sampling { period_ns: 9_090_909, base_ns: 250 };
        let values: Vec<f32> = (0..count).map(|n| f32::from(n) * 0.7 - 3.0).collect();
        let mut payload = Vec::new();
        Frames::encode(sampling, channels, &values, &mut payload);
        with_head(base, usize::from(count) / channels as usize, &payload)
    };
    let examples = vec![example(100, 6, 24), example(u64::MAX >> 1, 3, 3), example(0, 1, 0)];
    Target::new("frame_batches", examples).bytes_max(256).repair(&frames_that_are_there).run(
        |input| {
            let Some((base, count, payload)) = head(input) else { return false };
            let Ok(frames) = Frames::decode(payload, base, count) else { return false };
            let read: Vec<(u64, Vec<f32>)> =
                frames.iter().map(|(time_us, values)| (time_us, values.collect())).collect();
            assert_eq!(read.len() as u64, count);
            assert!(read.is_sorted_by(|one, next| one.0 < next.0), "times rise");
            assert!(read.iter().all(|(time_us, _)| *time_us >= base));
            let values: u64 = read.iter().map(|(_, values)| values.len() as u64).sum();
            assert_eq!(values, frames.values());
            true
        },
    );
}

/// The sides of a sensor in a header or a flag.
#[test]
fn geometries() {
    let examples = ["320x240", "1x65535", "0x1", "12 x 3"].map(|text| text.as_bytes().to_vec());
    Target::new("geometries", examples.to_vec()).text().bytes_max(64).run(|input| {
        let Ok(text) = str::from_utf8(input) else { return false };
        let Ok(geometry) = text.parse::<Geometry>() else { return false };
        assert_eq!(geometry.to_string().parse(), Ok(geometry));
        true
    });
}
