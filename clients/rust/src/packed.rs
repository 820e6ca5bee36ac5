//! A batch that is packed before its moment: when that comes, there is nothing to do but to send it.

use crate::{Error, Event, gather::BATCH_EVENTS_MAX, gather::Batch, sending::latest_us};
use spiked_proto::layout::EVENT_BYTES;

/// Events of one input port, packed, with a promise if one is given.
///
/// [`Producer::send_batch`](crate::Producer::send_batch) packs and sends at once; who has a schedule to
/// keep packs ahead and [sends](crate::Producer::send_packed) when the moment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedBatch {
    pub(crate) batch: Batch,
    /// Its latest event \[µs\].
    pub(crate) latest_us: Option<u64>,
}

impl PackedBatch {
    /// Packs events of an input port (an index into [`Tables::inputs`](crate::Tables::inputs)).
    ///
    /// # Errors
    ///
    /// Too many events for one message, an event before the first, or one more than 71 minutes behind
    /// it.
    pub fn pack<E: Event>(port: u32, events: &[E], promise_us: Option<u64>) -> Result<Self, Error> {
        let base_us = events.first().map_or(0, E::time_us);
        Self::pack_from(port, events, base_us, promise_us)
    }

    /// The same with a base time that no event lies before.
    pub(crate) fn pack_from<E: Event>(
        port: u32,
        events: &[E],
        base_us: u64,
        promise_us: Option<u64>,
    ) -> Result<Self, Error> {
        if events.len() > BATCH_EVENTS_MAX {
            return Err(Error::BatchTooLarge { given: events.len(), max: BATCH_EVENTS_MAX });
        }
        let mut payload = Vec::with_capacity(events.len() * EVENT_BYTES);
        E::pack(events, base_us, &mut payload)?;
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let (layout, payload) = (E::LAYOUT, payload.into());
        let batch = Batch { port, layout, base_us, count, payload, promise_us };
        Ok(Self { batch, latest_us: latest_us(events) })
    }

    /// How many events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.count as usize
    }

    /// Whether it holds a promise at most.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use spiked_proto::layout::{PackedError, camera::CameraEvent};

    use super::*;

    fn at(t_us: u64) -> CameraEvent {
        CameraEvent { t_us, x: 1, y: 2, on: true }
    }

    #[test]
    fn begins_with_its_first_event_and_refuses_one_before_it() {
        let packed = PackedBatch::pack(3, &[at(500), at(700), at(600)], Some(800)).expect("packed");
        let Batch { port, base_us, count, promise_us, .. } = packed.batch;
        assert_eq!((port, base_us, count, promise_us), (3, 500, 3, Some(800)));
        assert_eq!((packed.latest_us, packed.len()), (Some(700), 3));
        let refused = PackedBatch::pack(0, &[at(500), at(499)], None);
        let expected = PackedError::TimeOutOfReach { position: 1, time: 499, base: 500 };
        assert!(matches!(&refused, Err(Error::Packed(error)) if *error == expected), "{refused:?}");
    }

    #[test]
    fn no_more_than_a_message_holds() {
        let events = vec![at(0); BATCH_EVENTS_MAX + 1];
        let refused = PackedBatch::pack(0, &events, None);
        assert!(matches!(refused, Err(Error::BatchTooLarge { given: 130_001, max: 130_000 })));
        assert!(PackedBatch::pack(0, &events[1..], None).is_ok());
        assert!(PackedBatch::pack(0, &events[..0], Some(7)).expect("a promise").is_empty());
    }
}
