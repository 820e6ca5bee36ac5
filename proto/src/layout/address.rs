//! Events that name a neuron or a channel by number, packed in 8 bytes; alone or counted.
//!
//! | bits            | 63..56       | 55..32 | 31..0 |
//! |-----------------|--------------|--------|-------|
//! | address         | index        | index  | offset from the batch's base time |
//! | counted address | multiplicity | index  | offset from the batch's base time |
//!
//! little-endian, so the offset comes first; it is in the port's unit of time, ticks or µs.
//! A counted address stands for 1 to 255 equal events; for none it is an error.

use super::packed::{self, PackedError};

const INDEX_COUNTED_BITS: u32 = 24;
const INDEX_COUNTED_MAX: u32 = (1 << INDEX_COUNTED_BITS) - 1;

/// An event at a numbered place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressEvent {
    /// Time, in the port's unit: ticks or µs.
    pub time: u64,
    /// Which of the port's addresses.
    pub index: u32,
}

/// Several equal events at a numbered place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CountedAddressEvent {
    /// Time, in the port's unit: ticks or µs.
    pub time: u64,
    /// Which of the port's addresses; at most 24 bits.
    pub index: u32,
    /// How many events, 1 to 255.
    pub multiplicity: u8,
}

/// Appends events to a payload of the address layout whose base time is `base`.
///
/// # Errors
///
/// The first event whose time is out of reach, by position; the payload then ends with the event
/// before it, and the rest belongs into another batch.
pub fn encode(
    events: &[AddressEvent],
    base: u64,
    payload: &mut Vec<u8>,
) -> Result<(), PackedError> {
    packed::pack(events, base, payload, |position, AddressEvent { time, index }| {
        Ok(packed::join(packed::offset(position, time, base)?, index))
    })
}

/// Walks over the events of a payload of the address layout.
///
/// # Errors
///
/// A length that is no multiple of 8, a count that isn't the payload's, or a base time from which
/// offsets could pass the end of time. Past these checks every bit pattern is an event.
pub fn decode(
    payload: &[u8],
    base: u64,
    count: u64,
) -> Result<impl ExactSizeIterator<Item = AddressEvent> + Clone, PackedError> {
    Ok(packed::cut(payload, base, count)?.iter().map(move |&event| {
        let (offset, index) = packed::split(event);
        AddressEvent { time: base + u64::from(offset), index }
    }))
}

/// Appends events to a payload of the counted address layout whose base time is `base`.
///
/// # Errors
///
/// The first event that doesn't fit, by position; the payload then ends with the event before it.
pub fn encode_counted(
    events: &[CountedAddressEvent],
    base: u64,
    payload: &mut Vec<u8>,
) -> Result<(), PackedError> {
    packed::pack(events, base, payload, |position, event| {
        let CountedAddressEvent { time, index, multiplicity } = event;
        let offset = packed::offset(position, time, base)?;
        if index > INDEX_COUNTED_MAX {
            return Err(PackedError::IndexTooLarge { position, index });
        }
        if multiplicity == 0 {
            return Err(PackedError::MultiplicityZero { position, index });
        }
        Ok(packed::join(offset, index | u32::from(multiplicity) << INDEX_COUNTED_BITS))
    })
}

/// Walks over the events of a payload of the counted address layout. An event of multiplicity 0
/// is an error in its place, and the walk goes on behind it: the session's policy says what a bad
/// event does.
///
/// # Errors
///
/// A length that is no multiple of 8, a count that isn't the payload's, or a base time from which
/// offsets could pass the end of time.
pub fn decode_counted(
    payload: &[u8],
    base: u64,
    count: u64,
) -> Result<
    impl ExactSizeIterator<Item = Result<CountedAddressEvent, PackedError>> + Clone,
    PackedError,
> {
    let events = packed::cut(payload, base, count)?.iter().enumerate();
    Ok(events.map(move |(position, &event)| {
        let (offset, place) = packed::split(event);
        let index = place & INDEX_COUNTED_MAX;
        match place.to_le_bytes()[3] {
            0 => Err(PackedError::MultiplicityZero { position, index }),
            multiplicity => {
                Ok(CountedAddressEvent { time: base + u64::from(offset), index, multiplicity })
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decodes_what_it_encoded(
            places in prop::collection::vec(any::<(u32, u32)>(), 0..50),
            base in 0..=u64::MAX - u64::from(u32::MAX),
        ) {
            let events: Vec<_> = places
                .iter()
                .map(|&(offset, index)| AddressEvent { time: base + u64::from(offset), index })
                .collect();
            let mut payload = Vec::new();
            encode(&events, base, &mut payload).unwrap();
            let decoded = decode(&payload, base, events.len() as u64).unwrap();
            prop_assert_eq!(decoded.collect::<Vec<_>>(), events);
        }

        #[test]
        fn decodes_the_counted_that_it_encoded(
            places in prop::collection::vec((any::<u32>(), 0..1_u32 << 24, 1..=u8::MAX), 0..50),
            base in 0..=u64::MAX - u64::from(u32::MAX),
        ) {
            let event = |&(offset, index, multiplicity)| {
                CountedAddressEvent { time: base + u64::from(offset), index, multiplicity }
            };
            let events: Vec<_> = places.iter().map(event).collect();
            let mut payload = Vec::new();
            encode_counted(&events, base, &mut payload).unwrap();
            let decoded = decode_counted(&payload, base, events.len() as u64).unwrap();
            prop_assert_eq!(decoded.collect::<Result<Vec<_>, _>>(), Ok(events));
        }

        #[test]
        fn never_panics_on_any_bytes(
            payload in prop::collection::vec(any::<u8>(), 0..100),
            base: u64,
            count in 0..15_u64,
        ) {
            let plain = decode(&payload, base, count).map(Iterator::count);
            let counted = decode_counted(&payload, base, count).map(Iterator::count);
            prop_assert_eq!(plain, counted);
        }
    }

    /// Catches a swap of the fields, which encoding and decoding alike would hide.
    #[test]
    fn lies_in_memory_as_documented() {
        let (time, mut payload) = (0x1_0403_0201, Vec::new());
        encode(&[AddressEvent { time, index: 0x0807_0605 }], 1 << 32, &mut payload).unwrap();
        let counted = CountedAddressEvent { time, index: 0x07_0605, multiplicity: 8 };
        encode_counted(&[counted], 1 << 32, &mut payload).unwrap();
        assert_eq!(payload, [1, 2, 3, 4, 5, 6, 7, 8].repeat(2));
    }

    #[test]
    fn refuses_an_event_that_stands_for_none_and_goes_on_behind_it() {
        let payload = [[0, 0, 0, 0, 5, 0, 0, 0], [9, 0, 0, 0, 6, 0, 0, 3]].concat();
        let decoded: Vec<_> = decode_counted(&payload, 100, 2).unwrap().collect();
        let error = PackedError::MultiplicityZero { position: 0, index: 5 };
        let event = CountedAddressEvent { time: 109, index: 6, multiplicity: 3 };
        assert_eq!(decoded, [Err(error.clone()), Ok(event)]);

        let none = CountedAddressEvent { time: 0, index: 5, multiplicity: 0 };
        assert_eq!(encode_counted(&[none], 0, &mut Vec::new()), Err(error));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let index = 1 << 24;
        let large = CountedAddressEvent { time: 0, index, multiplicity: 1 };
        assert_eq!(
            encode_counted(&[large], 0, &mut Vec::new()),
            Err(PackedError::IndexTooLarge { position: 0, index })
        );
        let (time, base) = (99, 100);
        assert_eq!(
            encode(&[AddressEvent { time, index: 0 }], base, &mut Vec::new()),
            Err(PackedError::TimeOutOfReach { position: 0, time, base })
        );
    }
}
