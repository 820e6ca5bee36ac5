//! EVT2 against a slow reading of its table, cut anywhere.

use proptest::prelude::*;

use super::*;
use crate::layout::{Geometry, StateError, camera::CameraEvent, words::WordEncodeError};

const TIME_HIGH: u32 = 8 << 28;
const TRIGGER: u32 = 0xA << 28;

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn decoded(mut decoder: Decoder, bytes: &[u8]) -> (Vec<CameraEvent>, Decoder) {
    let mut events = Vec::new();
    decoder.decode(bytes, &mut events);
    (events, decoder)
}

/// Reads the table of formats literally, one field after another.
fn slow(words: &[u32]) -> Vec<CameraEvent> {
    let field = |word: u32, high: u32, low: u32| u64::from(word >> low) % (1 << (high - low + 1));
    let (mut time_high, mut loops, mut events) = (None, 0, Vec::new());
    for &word in words {
        let kind = field(word, 31, 28);
        if kind == 8 {
            let value = field(word, 27, 0);
            if time_high.is_some_and(|old| old >= value + (1 << 27)) {
                loops += 1;
            }
            time_high = Some(value);
        } else if let (0 | 1, Some(high)) = (kind, time_high) {
            events.push(CameraEvent {
                t_us: loops * (1 << 34) + high * 64 + field(word, 27, 22),
                x: field(word, 21, 11).try_into().unwrap(),
                y: field(word, 10, 0).try_into().unwrap(),
                on: kind == 1,
            });
        }
    }
    events
}

/// Words of all kinds, events and TIME_HIGH most often.
fn words() -> impl Strategy<Value = Vec<u32>> {
    let kind = prop_oneof![3 => 0..2_u32, 1 => Just(8_u32), 1 => 0..16_u32];
    let word = (kind, 0..1_u32 << 28).prop_map(|(kind, fields)| kind << 28 | fields);
    prop::collection::vec(word, 0..40)
}

fn ordered_events() -> impl Strategy<Value = Vec<CameraEvent>> {
    let step = prop_oneof![Just(0), 0..100_u64, 0..1_u64 << 40];
    prop::collection::vec((step, 0..2048_u16, 0..2048_u16, any::<bool>()), 0..40).prop_map(
        |steps| {
            let mut t_us = 0;
            let event = |(step, x, y, on)| {
                t_us += step;
                CameraEvent { t_us, x, y, on }
            };
            steps.into_iter().map(event).collect()
        },
    )
}

proptest! {
    /// Caught: x and y swapped, five bits of low time for six, a wrap only past half the range.
    #[test]
    fn agrees_with_the_table(words in words()) {
        let (events, decoder) = decoded(Decoder::new(), &bytes(&words));
        let expected = slow(&words);
        prop_assert_eq!(decoder.counts().events, expected.len() as u64);
        prop_assert_eq!(events, expected);
    }

    /// Caught: a remainder that is forgotten, or not saved.
    #[test]
    fn a_cut_at_any_byte_with_a_snapshot_changes_nothing(
        words in words(),
        tail in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let bytes = [bytes(&words), tail].concat();
        let whole = decoded(Decoder::new(), &bytes);
        for cut in 0..=bytes.len() {
            let (mut events, decoder) = decoded(Decoder::new(), &bytes[..cut]);
            let restored = Decoder::from_bytes(&decoder.to_bytes()).unwrap();
            prop_assert_eq!(&restored, &decoder);
            let (more, decoder) = decoded(restored, &bytes[cut..]);
            events.extend(more);
            prop_assert_eq!(&(events, decoder), &whole, "cut at byte {}", cut);
        }
    }

    #[test]
    fn byte_by_byte_is_the_same_too(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let whole = decoded(Decoder::new(), &bytes);
        let (mut decoder, mut events) = (Decoder::new(), Vec::new());
        for byte in bytes {
            decoder.decode(&[byte], &mut events);
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
        for place in [0, 5, 14] {
            lowered[place] %= 2;
        }
        for bytes in [bytes, lowered] {
            if let Ok(mut decoder) = Decoder::from_bytes(&bytes) {
                prop_assert_eq!(&decoder.to_bytes()[..], &bytes[..]);
                decoder.decode(&[0x80; 9], &mut Vec::new());
            }
        }
    }
}

#[test]
fn takes_time_and_place_from_their_bits() {
    let word = 1 << 28 | 5 << 22 | 640 << 11 | 479;
    let (events, _) = decoded(Decoder::new(), &bytes(&[TIME_HIGH | 3, word]));
    assert_eq!(events, [CameraEvent { t_us: 3 * 64 + 5, x: 640, y: 479, on: true }]);
}

#[test]
fn counts_whatever_leaves_no_event() {
    let (cd, known) = (7 << 11 | 9, [TRIGGER, 0xD << 28, 0xE << 28, 0xF << 28]);
    let reserved = [2, 3, 4, 5, 6, 7, 9, 0xB, 0xC].map(|kind: u32| kind << 28);
    let words = [&[cd, TIME_HIGH | 9, TIME_HIGH | 8], &known[..], &reserved, &[cd]].concat();
    let (events, decoder) = decoded(Decoder::new(), &bytes(&words));
    let counts = decoder.counts();
    assert_eq!(events.len(), 1);
    assert_eq!((counts.events, counts.unplaced, counts.outside), (1, 1, 0));
    assert_eq!((counts.triggers, counts.other, counts.unknown), (1, 3, 9));
    assert_eq!(counts.backward, 1);
}

#[test]
fn drops_and_counts_what_is_off_the_sensor() {
    let geometry = Geometry { width: 8, height: 10 };
    let words = [TIME_HIGH, 7 << 11 | 9, 8 << 11 | 9, 7 << 11 | 10];
    let (events, decoder) = decoded(Decoder::new().clipped_to(geometry), &bytes(&words));
    assert_eq!(events, [CameraEvent { t_us: 0, x: 7, y: 9, on: false }]);
    assert_eq!((decoder.counts().events, decoder.counts().outside), (1, 2));
    assert_eq!(Decoder::from_bytes(&decoder.to_bytes()), Ok(decoder));
}

#[test]
fn time_goes_on_when_it_wraps_and_back_when_a_word_is_late() {
    let last = (1 << 28) - 1;
    let words = [TIME_HIGH | last, 0, TIME_HIGH, 0, TIME_HIGH | 5, 0, TIME_HIGH | 3, 0];
    let (events, decoder) = decoded(Decoder::new(), &bytes(&words));
    let times: Vec<_> = events.iter().map(|event| event.t_us).collect();
    let wrap = 1 << 34;
    assert_eq!(times, [wrap - 64, wrap, wrap + 5 * 64, wrap + 3 * 64]);
    assert_eq!(decoder.counts().backward, 1);
}

#[test]
fn refuses_to_encode_what_the_words_cannot_carry() {
    let at = |t_us| CameraEvent { t_us, ..CameraEvent::default() };
    let wide = CameraEvent { x: 2048, ..at(0) };
    let mut bytes = Vec::new();
    assert_eq!(
        Encoder::new().encode(&[at(0), wide], &mut bytes),
        Err(WordEncodeError::PixelTooLarge { position: 1, x: 2048, y: 0 })
    );
    assert_eq!(bytes.len(), 8, "the event before is written");
    assert_eq!(
        Encoder::new().encode(&[at(1 << 34), at(0)], &mut bytes),
        Err(WordEncodeError::Backward { position: 1, t_us: 0, last_us: 1 << 34 })
    );
    assert_eq!(
        Encoder::new().encode(&[at(u64::MAX)], &mut bytes),
        Err(WordEncodeError::Gap { position: 0, t_us: u64::MAX, last_us: 0 })
    );
}

#[test]
fn refuses_a_state_of_another_length() {
    let error = Err(StateError::Length { expected: STATE_BYTES, given: 3 });
    assert_eq!(Decoder::from_bytes(&[0; 3]), error);
}

/// A count at its end would pass it with the next word. Found by hostile states.
#[test]
fn refuses_a_state_whose_counts_leave_no_room() {
    let mut bytes = Decoder::new().to_bytes();
    bytes[STATE_BYTES - 8..].fill(0xFF);
    let error = Err(StateError::Field { field: "a count of", value: u64::MAX });
    assert_eq!(Decoder::from_bytes(&bytes), error);
}
