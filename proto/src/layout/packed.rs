//! What the packed layouts share: eight bytes an event, a stated count, and what can be wrong.
//!
//! Positions count events from the start of the batch. Whoever knows the batch's number and the
//! session's event number adds them.

use thiserror::Error;

/// Size of an event in every packed layout, in bytes.
pub const EVENT_BYTES: usize = 8;

/// Why a batch in a packed layout could not be encoded or decoded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PackedError {
    /// The payload ends in the middle of an event.
    #[error("a payload of {bytes} bytes is not a whole number of 8-byte events")]
    Ragged {
        /// Length of the payload.
        bytes: usize,
    },
    /// The stated count is not the number of events in the payload.
    #[error("the batch states {stated} events but its payload holds {held}")]
    Count {
        /// What the batch says.
        stated: u64,
        /// What the payload's length says.
        held: u64,
    },
    /// A base time so late that an offset could pass the end of time.
    #[error("base time {base} is too late: offsets would pass the end of 64-bit time")]
    BaseTooLate {
        /// The batch's base time.
        base: u64,
    },
    /// A time outside the 32 bits that follow the base time. Start another batch with this event.
    #[error("event {position}: time {time} is not within 32 bits after base time {base}")]
    TimeOutOfReach {
        /// The event's place in the batch.
        position: usize,
        /// The event's time.
        time: u64,
        /// The batch's base time.
        base: u64,
    },
    /// A row that needs more than 15 bits.
    #[error("event {position}: row {y} needs more than 15 bits")]
    RowTooLarge {
        /// The event's place in the batch.
        position: usize,
        /// The row.
        y: u16,
    },
    /// An index that needs more than 24 bits, in the counted address layout.
    #[error("event {position}: index {index} needs more than 24 bits")]
    IndexTooLarge {
        /// The event's place in the batch.
        position: usize,
        /// The index.
        index: u32,
    },
    /// A counted address that stands for no event at all.
    #[error("event {position}: index {index} has multiplicity 0")]
    MultiplicityZero {
        /// The event's place in the batch.
        position: usize,
        /// The index.
        index: u32,
    },
}

/// Checks a batch's length, count and base time, and cuts the payload into events.
pub(super) fn cut(
    payload: &[u8],
    base: u64,
    count: u64,
) -> Result<&[[u8; EVENT_BYTES]], PackedError> {
    check_base(base)?;
    let (events, []) = payload.as_chunks() else {
        return Err(PackedError::Ragged { bytes: payload.len() });
    };
    let held = events.len() as u64;
    if held != count {
        return Err(PackedError::Count { stated: count, held });
    }
    Ok(events)
}

/// Appends one packed event after another; at the first that cannot be packed it stops, and
/// `out` ends with the event before.
pub(super) fn pack<T: Copy>(
    events: &[T],
    base: u64,
    out: &mut Vec<u8>,
    mut packed: impl FnMut(usize, T) -> Result<[u8; EVENT_BYTES], PackedError>,
) -> Result<(), PackedError> {
    check_base(base)?;
    let start = out.len();
    out.resize(start + events.len() * EVENT_BYTES, 0);
    let (slots, _) = out[start..].as_chunks_mut();
    for (position, (slot, &event)) in slots.iter_mut().zip(events).enumerate() {
        match packed(position, event) {
            Ok(bytes) => *slot = bytes,
            Err(error) => {
                out.truncate(start + position * EVENT_BYTES);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The offset of a time from the batch's base.
pub(super) fn offset(position: usize, time: u64, base: u64) -> Result<u32, PackedError> {
    time.checked_sub(base)
        .and_then(|offset| u32::try_from(offset).ok())
        .ok_or(PackedError::TimeOutOfReach { position, time, base })
}

/// Joins the two little-endian words of an event.
pub(super) fn join(low: u32, high: u32) -> [u8; EVENT_BYTES] {
    (u64::from(low) | u64::from(high) << 32).to_le_bytes()
}

/// Splits an event into its two little-endian words.
#[expect(clippy::cast_possible_truncation, reason = "each word is half of the event")]
pub(super) fn split(event: [u8; EVENT_BYTES]) -> (u32, u32) {
    let bits = u64::from_le_bytes(event);
    (bits as u32, (bits >> 32) as u32)
}

/// Once the base leaves room for the largest offset, no event can pass the end of time.
fn check_base(base: u64) -> Result<(), PackedError> {
    match base.checked_add(u64::from(u32::MAX)) {
        Some(_) => Ok(()),
        None => Err(PackedError::BaseTooLate { base }),
    }
}
