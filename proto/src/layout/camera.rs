//! One event of an event camera, and its packed 8-byte layout.
//!
//! | bits | 63 | 62..48 | 47..32 | 31..0 |
//! |------|----|--------|--------|-------|
//! |      | ON | y      | x      | offset from the batch's base time, in µs |
//!
//! little-endian, so the offset comes first. Whether a pixel lies on the sensor is for the port
//! to judge; the layout carries any x, and any y below 2^15.

use super::packed::{self, PackedError};

const ON: u32 = 1 << 31;
const ROW_MAX: u16 = (1 << 15) - 1;

/// A change of brightness at one pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CameraEvent {
    /// Sensor time, in µs.
    pub t_us: u64,
    /// Column, from the left.
    pub x: u16,
    /// Row, from the top.
    pub y: u16,
    /// Brighter (ON, polarity 1) or darker (OFF, polarity 0).
    pub on: bool,
}

/// Appends events to a payload whose base time is `base_us`.
///
/// # Errors
///
/// The first event that doesn't fit, by position; the payload then ends with the event before it.
/// After [`PackedError::TimeOutOfReach`] the rest belongs into another batch.
pub fn encode(
    events: &[CameraEvent],
    base_us: u64,
    payload: &mut Vec<u8>,
) -> Result<(), PackedError> {
    packed::pack(events, base_us, payload, |position, CameraEvent { t_us, x, y, on }| {
        let offset = packed::offset(position, t_us, base_us)?;
        if y > ROW_MAX {
            return Err(PackedError::RowTooLarge { position, y });
        }
        let place = u32::from(x) | u32::from(y) << 16 | if on { ON } else { 0 };
        Ok(packed::join(offset, place))
    })
}

/// Walks over the events of a payload.
///
/// # Errors
///
/// A length that is no multiple of 8, a count that isn't the payload's, or a base time from which
/// offsets could pass the end of time. Past these checks every bit pattern is an event.
pub fn decode(
    payload: &[u8],
    base_us: u64,
    count: u64,
) -> Result<impl ExactSizeIterator<Item = CameraEvent> + Clone, PackedError> {
    Ok(packed::cut(payload, base_us, count)?.iter().map(move |&event| unpacked(event, base_us)))
}

#[expect(clippy::cast_possible_truncation, reason = "x is the low half of the word")]
fn unpacked(event: [u8; packed::EVENT_BYTES], base_us: u64) -> CameraEvent {
    let (offset, place) = packed::split(event);
    CameraEvent {
        t_us: base_us + u64::from(offset),
        x: place as u16,
        y: (place >> 16) as u16 & ROW_MAX,
        on: place & ON != 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event() -> impl Strategy<Value = CameraEvent> {
        (any::<u32>(), any::<u16>(), 0..=ROW_MAX, any::<bool>())
            .prop_map(|(offset, x, y, on)| CameraEvent { t_us: offset.into(), x, y, on })
    }

    proptest! {
        #[test]
        fn decodes_what_it_encoded(
            mut events in prop::collection::vec(event(), 0..50),
            base_us in 0..=u64::MAX - u64::from(u32::MAX),
        ) {
            for event in &mut events {
                event.t_us += base_us;
            }
            let mut payload = vec![7];
            encode(&events, base_us, &mut payload).unwrap();
            let decoded = decode(&payload[1..], base_us, events.len() as u64).unwrap();
            prop_assert_eq!(decoded.collect::<Vec<_>>(), events);
        }

        #[test]
        fn never_panics_on_any_bytes(
            payload in prop::collection::vec(any::<u8>(), 0..100),
            base_us: u64,
            count in 0..15_u64,
        ) {
            let whole = payload.len() % 8 == 0
                && payload.len() as u64 / 8 == count
                && base_us <= u64::MAX - u64::from(u32::MAX);
            let decoded = decode(&payload, base_us, count).map(Iterator::collect::<Vec<_>>);
            prop_assert_eq!(decoded.is_ok(), whole);
            if let Ok(events) = decoded {
                let mut again = Vec::new();
                encode(&events, base_us, &mut again).unwrap();
                prop_assert_eq!(again, payload);
            }
        }
    }

    /// Catches a swap of the fields, which encoding and decoding alike would hide.
    #[test]
    fn lies_in_memory_as_documented() {
        let mut payload = Vec::new();
        let event = CameraEvent { t_us: 0x1_0403_0201, x: 0x0605, y: 0x0807, on: true };
        encode(&[event], 0x1_0000_0000, &mut payload).unwrap();
        assert_eq!(payload, [1, 2, 3, 4, 5, 6, 7, 0x88]);
    }

    #[test]
    fn names_the_first_event_that_does_not_fit_and_keeps_those_before() {
        let at = |t_us| CameraEvent { t_us, ..CameraEvent::default() };
        let late = 100 + u64::from(u32::MAX);
        for (times, position) in [([100, late, late + 1], 2), ([100, 99, 100], 1)] {
            let mut payload = Vec::new();
            let time = times[position];
            assert_eq!(
                encode(&times.map(at), 100, &mut payload),
                Err(PackedError::TimeOutOfReach { position, time, base: 100 })
            );
            assert_eq!(payload.len(), position * 8);
        }
        let tall = CameraEvent { y: 1 << 15, ..CameraEvent::default() };
        assert_eq!(
            encode(&[tall], 0, &mut Vec::new()),
            Err(PackedError::RowTooLarge { position: 0, y: 1 << 15 })
        );
    }

    #[test]
    fn refuses_lengths_counts_and_bases_that_lie() {
        let error = |bytes: &[u8], base, count| decode(bytes, base, count).err();
        assert_eq!(error(&[0; 9], 0, 1), Some(PackedError::Ragged { bytes: 9 }));
        assert_eq!(error(&[0; 16], 0, 3), Some(PackedError::Count { stated: 3, held: 2 }));
        assert_eq!(error(&[0; 8], u64::MAX, 1), Some(PackedError::BaseTooLate { base: u64::MAX }));
    }
}
