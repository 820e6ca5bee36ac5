//! Events become batches: one port, one layout, one base time each.
//!
//! Stands between whoever has events and the numbering ([`crate::sending`]); no clock, no
//! waiting. A batch is cut when it is full, when the port or the layout changes, and when an
//! event lies outside the 32 bits that follow the base time.

use bytes::Bytes;
use spiked_proto::layout::{EVENT_BYTES, PackedError};

use crate::{Layout, event::sealed::Packed, v1};

/// The most events that fit into one message: with its other fields it stays below 1 MiB.
pub const BATCH_EVENTS_MAX: usize = 130_000;

/// How far before its first event a batch's base time may lie, so that events may come out of
/// order within a promise without a batch for each step back \[µs\].
const REORDER_ROOM_US: u64 = 1 << 31;

/// A batch that is ready to be numbered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) port: u32,
    pub(crate) layout: Layout,
    pub(crate) base_us: u64,
    pub(crate) count: u32,
    pub(crate) payload: Bytes,
    pub(crate) promise_us: Option<u64>,
}

impl Batch {
    /// As the message with this number.
    pub(crate) fn numbered(self, sequence: u64) -> v1::EventBatch {
        v1::EventBatch {
            sequence,
            port: self.port,
            base_time_us: self.base_us,
            layout: self.layout.into(),
            count: self.count,
            payload: self.payload,
            promise_us: self.promise_us,
            payload_sha256: Bytes::new(),
        }
    }
}

/// The batch that is being gathered.
#[derive(Debug)]
pub(crate) struct Gather {
    events_max: usize,
    port: u32,
    layout: Layout,
    base_us: u64,
    payload: Vec<u8>,
}

impl Gather {
    /// Batches of at most `events_max` events.
    pub(crate) fn new(events_max: usize) -> Self {
        let events_max = events_max.clamp(1, BATCH_EVENTS_MAX);
        Self { events_max, port: 0, layout: Layout::Unspecified, base_us: 0, payload: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.events_max
    }

    fn len(&self) -> usize {
        self.payload.len() / EVENT_BYTES
    }

    /// Takes as many of the events as belong into the batch, and says how many; less than all
    /// means that the batch is to be cut. No event before `promise_us` will come.
    pub(crate) fn take<E: Packed>(
        &mut self,
        port: u32,
        events: &[E],
        promise_us: Option<u64>,
    ) -> Result<usize, PackedError> {
        let Some(first) = events.first() else {
            return Ok(0);
        };
        if self.is_empty() {
            (self.port, self.layout) = (port, E::LAYOUT);
            self.base_us = base_before(first.time_us(), promise_us);
            self.payload.reserve(self.events_max.min(events.len().max(1_024)) * EVENT_BYTES);
        } else if (self.port, self.layout) != (port, E::LAYOUT) {
            return Ok(0);
        }
        let room = self.events_max - self.len();
        let fitting = &events[..room.min(events.len())];
        let held = self.len();
        match E::pack(fitting, self.base_us, &mut self.payload) {
            Ok(()) => Ok(fitting.len()),
            // Of an empty batch the first event is never out of reach.
            Err(PackedError::TimeOutOfReach { position, .. }) if held + position > 0 => {
                Ok(position)
            }
            Err(error) => Err(error),
        }
    }

    /// The batch so far, if it holds anything.
    pub(crate) fn cut(&mut self, promise_us: Option<u64>) -> Option<Batch> {
        if self.is_empty() {
            return None;
        }
        let count = u32::try_from(self.len()).expect("a batch holds at most BATCH_EVENTS_MAX");
        Some(Batch {
            port: self.port,
            layout: self.layout,
            base_us: self.base_us,
            count,
            payload: std::mem::take(&mut self.payload).into(),
            promise_us,
        })
    }
}

/// A base time for a batch that starts with an event at `first_us`.
fn base_before(first_us: u64, promise_us: Option<u64>) -> u64 {
    match promise_us {
        // The first batch's base time may be the session's origin: it is the first event's.
        None => first_us,
        Some(promise_us) => promise_us.max(first_us.saturating_sub(REORDER_ROOM_US)).min(first_us),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spiked_proto::layout::{address::AddressEvent, camera, camera::CameraEvent};

    use super::*;

    fn at(t_us: u64) -> CameraEvent {
        CameraEvent { t_us, x: 1, y: 2, on: true }
    }

    /// Gathers everything, cutting where the gatherer asks for it.
    fn batches(gather: &mut Gather, events: &[CameraEvent], promise_us: Option<u64>) -> Vec<Batch> {
        let (mut batches, mut rest) = (Vec::new(), events);
        while !rest.is_empty() {
            let taken = gather.take(0, rest, promise_us).unwrap();
            rest = &rest[taken..];
            if !rest.is_empty() || gather.is_full() {
                batches.extend(gather.cut(None));
            }
        }
        batches.extend(gather.cut(None));
        batches
    }

    fn decoded(batch: &Batch) -> Vec<CameraEvent> {
        camera::decode(&batch.payload, batch.base_us, batch.count.into()).unwrap().collect()
    }

    proptest! {
        /// Catches an event lost or repeated where a batch is cut.
        #[test]
        fn batches_hold_the_events_in_order_whatever_their_times(
            times in prop::collection::vec(0..1_u64 << 40, 0..40),
            events_max in 1..9_usize,
            promise_us in prop::option::of(0..1_u64 << 40),
        ) {
            let events: Vec<_> = times.into_iter().map(at).collect();
            let batches = batches(&mut Gather::new(events_max), &events, promise_us);
            prop_assert!(batches.iter().all(|batch| (1..=events_max).contains(&(batch.count as usize))));
            let back: Vec<_> = batches.iter().flat_map(decoded).collect();
            prop_assert_eq!(back, events);
        }
    }

    #[test]
    fn cuts_only_where_it_must() {
        let ordered: Vec<_> = (0..10).map(|step| at(step * 1_000)).collect();
        assert_eq!(batches(&mut Gather::new(4), &ordered, None).len(), 3);
        let shuffled = [at(500), at(100), at(300)];
        assert_eq!(batches(&mut Gather::new(9), &shuffled, Some(50)).len(), 1);
        let apart = [at(0), at(1 << 33)];
        assert_eq!(batches(&mut Gather::new(9), &apart, None).len(), 2);
    }

    #[test]
    fn another_port_or_layout_is_another_batch() {
        let mut gather = Gather::new(9);
        assert_eq!(gather.take(0, &[at(5)], None), Ok(1));
        assert_eq!(gather.take(1, &[at(6)], None), Ok(0));
        assert_eq!(gather.take(0, &[AddressEvent { time: 6, index: 0 }], None), Ok(0));
        let batch = gather.cut(Some(5)).unwrap();
        assert_eq!((batch.port, batch.layout, batch.base_us), (0, Layout::Camera, 5));
        assert_eq!(batch.promise_us, Some(5));
    }

    #[test]
    fn an_event_that_no_batch_can_carry_is_an_error() {
        let tall = CameraEvent { y: 1 << 15, ..at(0) };
        let error = Gather::new(9).take(0, &[at(0), tall], None);
        assert_eq!(error, Err(PackedError::RowTooLarge { position: 1, y: 1 << 15 }));
    }
}
