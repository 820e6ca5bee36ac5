//! What servers of DV send: bytes that a real one sent (`tests/data/make_dv.py`), and bytes that lie.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use spiked_recordings::{CameraEvent, Error, Fault, Format, Geometry, Recording};

use crate::support::{Portions, SENSOR, read_to_end, some_events};

const NAMES: [&str; 3] = ["dv_none.tcp", "dv_lz4.tcp", "dv_zstd.tcp"];
const EPOCH_US: u64 = 1_700_000_000_000_000;
/// Stream and size in front of a packet.
const HEAD_BYTES: usize = 8;

fn bytes(name: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect();
    fs::read(path).expect("it lies beside the tests")
}

fn number(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at..].first_chunk().expect("four bytes");
    u32::from_le_bytes(*word).try_into().expect("a small number")
}

/// The bytes of a server's header.
fn header(bytes: &[u8]) -> usize {
    4 + number(bytes, 0)
}

fn sent() -> Vec<CameraEvent> {
    let later = |event: CameraEvent| CameraEvent { t_us: event.t_us + EPOCH_US, ..event };
    some_events(40).into_iter().map(later).collect()
}

fn received(bytes: &[u8], portion: usize) -> Result<Recording<Portions<'_>>, Error> {
    Recording::of_dv_server(Portions { bytes, portion }, "server")
}

#[test]
fn what_a_real_server_sent_is_read_however_it_arrives() {
    for name in NAMES {
        for portion in [1, 7, usize::MAX] {
            let bytes = bytes(name);
            let mut recording = received(&bytes, portion).unwrap();
            assert_eq!(recording.format(), Format::Aedat4);
            assert_eq!(recording.geometry(), Some(SENSOR));
            let (events, fault) = read_to_end(&mut recording);
            assert!(fault.is_none(), "{name}: {fault:?}");
            assert!(events == sent(), "{name} in portions of {portion}");
            assert_eq!(recording.bytes_read(), bytes.len() as u64);
            assert_eq!(recording.notes().lost[0].0, 0);
        }
    }
}

/// Caught: a header or packet that waits for a buffer to fill.
#[test]
fn nothing_waits_for_bytes_that_have_not_come() {
    struct Live<'a>(std::slice::Iter<'a, &'a [u8]>);
    impl std::io::Read for Live<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let bytes = self.0.next().expect("nobody reads before it is needed");
            buffer[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        }
    }
    let bytes = bytes("dv_none.tcp");
    let (size, rest) = bytes.split_at(4);
    let (header, packets) = rest.split_at(header(&bytes) - 4);
    let first = &packets[..HEAD_BYTES + number(packets, 4)];
    let pieces = [size, header, first];
    let mut recording = Recording::of_dv_server(Live(pieces.iter()), "server").unwrap();
    let mut events = Vec::new();
    assert_eq!(recording.next_events(&mut events).unwrap(), 15);
    assert!(events == sent()[..15]);
}

/// Whether bytes are whole packets.
fn are_packets(mut bytes: &[u8]) -> bool {
    while bytes.len() >= HEAD_BYTES {
        let Some(rest) = bytes.get(HEAD_BYTES + number(bytes, 4)..) else { return false };
        bytes = rest;
    }
    bytes.is_empty()
}

/// Caught: a packet that is not all there, given out or forgotten in silence.
#[test]
fn a_connection_that_ends_anywhere_gives_whole_packets_and_counts_the_rest() {
    for name in NAMES {
        let whole = bytes(name);
        let header = header(&whole);
        let mut given = 0;
        for cut in 0..whole.len() {
            match received(&whole[..cut], usize::MAX) {
                Err(Error { fault: Fault::HeaderCut { length }, .. }) => {
                    assert!(cut < header && length == cut as u64, "{name}: {cut}");
                }
                Err(error) => panic!("{name}: {cut}: {error}"),
                Ok(mut recording) => {
                    let (events, fault) = read_to_end(&mut recording);
                    assert!(cut >= header && fault.is_none(), "{name}: {cut}: {fault:?}");
                    assert!(sent().starts_with(&events) && events.len() >= given, "{name}: {cut}");
                    assert!(events.len().is_multiple_of(15) && events.len() < 40);
                    given = events.len();
                    let (left_over, _) = recording.notes().lost[0];
                    assert_eq!(left_over > 0, !are_packets(&whole[header..cut]), "{name}: {cut}");
                }
            }
        }
        assert_eq!(given, 30, "{name}");
    }
}

#[test]
fn sizes_that_lie_are_refused() {
    let refusal = |bytes: &[u8]| match received(bytes, usize::MAX) {
        Ok(mut recording) => read_to_end(&mut recording).1.map(|fault| fault.to_string()),
        Err(error) => Some(error.fault.to_string()),
    };
    let whole = bytes("dv_none.tcp");
    let size_at = header(&whole) + 4;
    let with = |at: usize, value: u32| {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let told = refusal(&with(0, u32::MAX)).unwrap();
    assert_eq!(told, "has a header of more than 65536 bytes");
    for size in [u32::MAX, (1 << 26) + 1, i32::MAX.cast_unsigned()] {
        let told = refusal(&with(size_at, size)).unwrap();
        let expected = format!("has {} as size of a packet at byte {size_at}", size.cast_signed());
        assert_eq!(told, format!("{expected}, expected 0 to 67108864"));
    }
    // A header that is none; what another program sends first.
    let told = refusal(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    assert_eq!(told, "has a header of more than 65536 bytes");
    let told = refusal(&with(4, 70_000)).unwrap();
    assert!(told.contains("as offset of the header at byte 4"), "{told}");
}

/// A packet that unpacks to more than a server's may have.
#[test]
fn a_packet_that_grows_without_end_is_refused() {
    use std::io::Write as _;
    let whole = bytes("dv_lz4.tcp");
    let mut packer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    let zeros = vec![0; 1 << 20];
    (0..65).for_each(|_| packer.write_all(&zeros).unwrap());
    let packed = packer.finish().unwrap();
    let size = i32::try_from(packed.len()).unwrap();
    let head = [0_i32.to_le_bytes(), size.to_le_bytes()].concat();
    let bytes = [&whole[..header(&whole)], &head, &packed].concat();
    let (_, fault) = read_to_end(&mut received(&bytes, usize::MAX).unwrap());
    let told = fault.unwrap().to_string();
    assert!(told.ends_with("cannot be decompressed: it grows beyond 67108864 bytes"), "{told}");
}

#[test]
fn a_size_that_the_server_does_not_tell_can_be_given() {
    let mut whole = bytes("dv_none.tcp");
    let at = whole.windows(5).position(|word| word == b"sizeX").expect("it is told");
    whole[at] = b'w';
    let mut recording = received(&whole, usize::MAX).unwrap();
    assert_eq!(recording.geometry(), None);
    recording.set_geometry(Geometry { width: 640, height: 480 }).unwrap();
    assert_eq!(read_to_end(&mut recording).0.len(), 40);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn wrong_bytes_do_no_harm_however_they_arrive(
        name in prop::sample::select(&NAMES[..]),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        portion in 1..50_usize,
    ) {
        let mut bytes = bytes(name);
        for (place, value) in wrong {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let read = |portion| match received(&bytes, portion) {
            Ok(mut recording) => {
                let (events, fault) = read_to_end(&mut recording);
                (events, fault.map(|fault| fault.to_string()))
            }
            Err(error) => (Vec::new(), Some(error.fault.to_string())),
        };
        prop_assert_eq!(read(portion), read(usize::MAX));
    }
}
