//! EVT3 against a slow reading of its table, cut anywhere.

use proptest::prelude::*;

use super::*;
use crate::layout::{Geometry, StateError, camera::CameraEvent, words::WordEncodeError};

const SENSOR: Geometry = Geometry { width: 1280, height: 720 };

const ROW: u16 = 0;
const EVENT: u16 = 2 << 12;
const BASE: u16 = 3 << 12;
const VECTOR_12: u16 = 4 << 12;
const VECTOR_8: u16 = 5 << 12;
const LOW: u16 = 6 << 12;
const HIGH: u16 = 8 << 12;

fn bytes(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn decoded(mut decoder: Decoder, bytes: &[u8]) -> (Vec<CameraEvent>, Decoder) {
    let mut events = Vec::new();
    decoder.decode(bytes, &mut events);
    (events, decoder)
}

/// Reads the table of formats literally: every candidate is made, then judged.
fn slow(words: &[u16], sensor: Option<Geometry>) -> (Vec<CameraEvent>, [u64; 3]) {
    let sensor = sensor.unwrap_or(Geometry { width: 2048, height: 2048 });
    let (mut high, mut low, mut loops) = (None, 0, 0);
    let (mut row, mut base, mut base_on) = (None, None, false);
    let (mut events, mut unplaced, mut outside) = (Vec::new(), 0, 0);
    for &word in words {
        let fields = u64::from(word % 4096);
        let (place, on) = (u32::from(word % 2048), word & 2048 != 0);
        let mut candidates = Vec::new();
        let mut columns = 0;
        match word >> 12 {
            0x0 => row = Some(place),
            0x2 => candidates.push((Some(place), on)),
            0x3 => (base, base_on) = (Some(place), on),
            0x4 => columns = 12,
            0x5 => columns = 8,
            0x6 => low = fields,
            0x8 if high == Some(fields) => {}
            0x8 => {
                loops += u64::from(high.is_some_and(|old| old >= fields + 2048));
                (high, low) = (Some(fields), 0);
            }
            _ => {}
        }
        for column in 0..columns {
            if word >> column & 1 == 1 {
                candidates.push((base.map(|base| base + column), base_on));
            }
        }
        base = base.map(|base| base + columns);
        for (x, on) in candidates {
            let (Some(high), Some(y)) = (high, row) else {
                unplaced += 1;
                continue;
            };
            match x {
                Some(x) if x < sensor.width.into() && y < sensor.height.into() => {
                    let t_us = loops << 24 | high << 12 | low;
                    events.push(CameraEvent {
                        t_us,
                        x: x.try_into().unwrap(),
                        y: y.try_into().unwrap(),
                        on,
                    });
                }
                _ => outside += 1,
            }
        }
    }
    let count = events.len() as u64;
    (events, [count, unplaced, outside])
}

/// Words of all kinds; rows and columns mostly on the sensor, vectors often in series.
fn words() -> impl Strategy<Value = Vec<u16>> {
    let word = prop_oneof![
        2 => (0..730_u16).prop_map(|y| ROW | y),
        2 => (0..1300_u16, any::<bool>()).prop_map(|(x, on)| EVENT | u16::from(on) << 11 | x),
        2 => (0..1290_u16, any::<bool>()).prop_map(|(x, on)| BASE | u16::from(on) << 11 | x),
        3 => (0..4096_u16).prop_map(|mask| VECTOR_12 | mask),
        2 => (0..4096_u16).prop_map(|mask| VECTOR_8 | mask),
        2 => (0..4096_u16).prop_map(|low| LOW | low),
        2 => (0..4096_u16).prop_map(|high| HIGH | high),
        2 => any::<u16>(),
    ];
    prop::collection::vec(word, 0..60)
}

fn ordered_events() -> impl Strategy<Value = Vec<CameraEvent>> {
    let step = prop_oneof![Just(0), 0..5000_u64, 0..1_u64 << 30];
    let rows = prop_oneof![Just(3), 0..2048_u16];
    prop::collection::vec((step, 0..2048_u16, rows, any::<bool>()), 0..40).prop_map(|steps| {
        let mut t_us = 0;
        let event = |(step, x, y, on)| {
            t_us += step;
            CameraEvent { t_us, x, y, on }
        };
        steps.into_iter().map(event).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Caught: a vector whose base stays, a vector's bit off by one, clipping one column late,
    /// TIME_LOW kept over a TIME_HIGH, and a wrap on TIME_LOW.
    #[test]
    fn agrees_with_the_table(words in words(), clipped: bool) {
        let sensor = clipped.then_some(SENSOR);
        let decoder = sensor.map_or(Decoder::new(), |sensor| Decoder::new().clipped_to(sensor));
        let (events, decoder) = decoded(decoder, &bytes(&words));
        let (expected, expected_counts) = slow(&words, sensor);
        prop_assert_eq!(events, expected);
        let counts = decoder.counts();
        prop_assert_eq!([counts.events, counts.unplaced, counts.outside], expected_counts);
    }

    /// Caught: a remainder that is forgotten, or a field that isn't saved.
    #[test]
    fn a_cut_at_any_byte_with_a_snapshot_changes_nothing(
        words in words(),
        tail in prop::collection::vec(any::<u8>(), 0..2),
        clipped: bool,
    ) {
        let start = if clipped { Decoder::new().clipped_to(SENSOR) } else { Decoder::new() };
        let bytes = [bytes(&words), tail].concat();
        let whole = decoded(start.clone(), &bytes);
        for cut in 0..=bytes.len() {
            let (mut events, decoder) = decoded(start.clone(), &bytes[..cut]);
            let restored = Decoder::from_bytes(&decoder.to_bytes()).unwrap();
            prop_assert_eq!(&restored, &decoder);
            let (more, decoder) = decoded(restored, &bytes[cut..]);
            events.extend(more);
            prop_assert_eq!(&(events, decoder), &whole, "cut at byte {}", cut);
        }
    }

    #[test]
    fn never_panics_on_any_bytes_in_any_portions(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        portion in 1..5_usize,
        width: u16,
        height: u16,
    ) {
        let start = Decoder::new().clipped_to(Geometry { width, height });
        let whole = decoded(start.clone(), &bytes);
        let (mut decoder, mut events) = (start, Vec::new());
        for bytes in bytes.chunks(portion) {
            decoder.decode(bytes, &mut events);
        }
        prop_assert_eq!((events, decoder), whole);
    }

    #[test]
    fn decodes_what_it_encoded(events in ordered_events(), portion in 1..10_usize) {
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        for events in events.chunks(portion) {
            encoder.encode(events, &mut bytes).unwrap();
        }
        prop_assert_eq!(decoded(Decoder::new(), &bytes).0, events);
    }

    #[test]
    fn any_bytes_are_a_state_or_an_error(bytes in prop::collection::vec(any::<u8>(), STATE_BYTES)) {
        let mut lowered = bytes.clone();
        for place in [0, 3, 14, 25] {
            lowered[place] %= 2;
        }
        for bytes in [bytes, lowered] {
            if let Ok(mut decoder) = Decoder::from_bytes(&bytes) {
                prop_assert_eq!(&decoder.to_bytes()[..], &bytes[..]);
                decoder.decode(&[0x4F; 9], &mut Vec::new());
            }
        }
    }
}

/// Readers differ in what time is between the two. Caught: a TIME_LOW of 0 that is left out.
#[test]
fn each_time_high_is_followed_by_a_time_low() {
    let at = |t_us| CameraEvent { t_us, x: 3, y: 4, on: true };
    let times = [0, 1, 4_095, 4_096, 4_096, 8_195, 12_288 + 3, 1 << 20, 3 << 24];
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    encoder.encode(&times.map(at), &mut bytes).unwrap();
    let kinds: Vec<u8> = bytes.chunks(2).map(|word| word[1] >> 4).collect();
    let behind: Vec<u8> =
        kinds.windows(2).filter(|pair| pair[0] == 0x8).map(|pair| pair[1]).collect();
    assert!(behind.len() >= 6 && behind.iter().all(|kind| [0x6, 0x8].contains(kind)), "{kinds:x?}");
}

#[test]
fn a_triplet_of_vectors_covers_32_columns() {
    let words =
        [HIGH, ROW | 5, BASE | ON | 64, VECTOR_12 | 1, VECTOR_12 | 1 << 11, VECTOR_8 | 0x80];
    let (events, _) = decoded(Decoder::new(), &bytes(&words));
    let columns: Vec<_> = events.iter().map(|event| event.x).collect();
    assert_eq!(columns, [64, 64 + 12 + 11, 64 + 24 + 7]);
    assert!(events.iter().all(|event| event.on && event.y == 5));
}

#[test]
fn time_wraps_with_its_high_part_only() {
    let words =
        [ROW, HIGH | 4095, LOW | 9, EVENT, LOW | 3, EVENT, HIGH, EVENT, HIGH, LOW | 7, EVENT];
    let (events, decoder) = decoded(Decoder::new(), &bytes(&words));
    let times: Vec<_> = events.iter().map(|event| event.t_us).collect();
    let wrap = 1 << 24;
    assert_eq!(times, [wrap - 4096 + 9, wrap - 4096 + 3, wrap, wrap + 7]);
    assert_eq!(decoder.counts().backward, 0);
}

#[test]
fn counts_whatever_leaves_no_event() {
    let reserved = [0x1, 0x9, 0xB, 0xC, 0xD].map(|kind: u16| kind << 12 | 0x999);
    let known = [0xA, 0x7, 0xE, 0xF].map(|kind: u16| kind << 12);
    let start = [EVENT, HIGH | 9, EVENT, ROW, VECTOR_8 | 3, HIGH | 8];
    let words = [&start[..], &reserved, &known, &[EVENT]].concat();
    let (events, decoder) = decoded(Decoder::new(), &bytes(&words));
    let counts = decoder.counts();
    assert_eq!(events.len(), 1);
    assert_eq!((counts.events, counts.unplaced, counts.outside), (1, 2, 2));
    assert_eq!((counts.triggers, counts.other, counts.unknown), (1, 3, 5));
    assert_eq!(counts.backward, 1);
}

#[test]
fn refuses_to_encode_what_the_words_cannot_carry() {
    let at = |t_us| CameraEvent { t_us, ..CameraEvent::default() };
    let tall = CameraEvent { y: 2048, ..at(0) };
    let encode = |events: &[CameraEvent]| Encoder::new().encode(events, &mut Vec::new());
    assert_eq!(
        encode(&[at(0), tall]),
        Err(WordEncodeError::PixelTooLarge { position: 1, x: 0, y: 2048 })
    );
    let last_us = 1 << 24;
    assert_eq!(
        encode(&[at(last_us), at(0)]),
        Err(WordEncodeError::Backward { position: 1, t_us: 0, last_us })
    );
    let t_us = 1 << 50;
    assert_eq!(encode(&[at(t_us)]), Err(WordEncodeError::Gap { position: 0, t_us, last_us: 0 }));
}

#[test]
fn refuses_a_state_with_a_field_that_no_decoder_reaches() {
    let mut bytes = Decoder::new().to_bytes();
    let row = 3 + 9 + 2;
    bytes[row..row + 3].copy_from_slice(&[1, 0, 8]);
    let error = Err(StateError::Field { field: "row", value: 2048 });
    assert_eq!(Decoder::from_bytes(&bytes), error);
}

/// A count at its end would pass it with the next word. Found by hostile states.
#[test]
fn refuses_a_state_whose_counts_leave_no_room() {
    let mut bytes = Decoder::new().to_bytes();
    bytes[STATE_BYTES - 8..].fill(0xFF);
    let error = Err(StateError::Field { field: "a count of", value: u64::MAX });
    assert_eq!(Decoder::from_bytes(&bytes), error);
}
