//! Order at the door of one input port (laws 8 and 9).
//!
//! Events at or above the promise wait, in any order. What a rising promise releases is sorted by
//! (time in µs, address, arrival), so that neither the order within the promise nor the way a flow
//! was cut into batches can change anything; of events of one time and address alone, a filter takes
//! the first to arrive. An event alone never moves time.

use super::forget_taken;
use crate::event::InputEvent;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Door {
    /// No event before this is still to come \[µs\].
    pub(crate) promise_us: u64,
    /// At or above the promise, in order of arrival.
    pub(crate) waiting: Vec<InputEvent>,
    /// Below the promise, sorted; those before `taken` are gone.
    pub(crate) ready: Vec<InputEvent>,
    taken: usize,
}

impl Door {
    pub(crate) fn new(promise_us: u64) -> Self {
        Self { promise_us, ..Self::default() }
    }

    pub(crate) fn offer(&mut self, events: &[InputEvent]) {
        self.waiting.extend_from_slice(events);
    }

    /// Raises the promise and sorts what it releases.
    pub(crate) fn promise(&mut self, promise_us: u64) {
        debug_assert!(promise_us >= self.promise_us, "checked by the caller");
        self.promise_us = promise_us;
        forget_taken(&mut self.ready, &mut self.taken);
        let sorted_from = self.ready.len();
        let order = Order::of(&self.waiting);
        let is_released = |event: &InputEvent| event.time_us < promise_us;
        let all_released = match order {
            Order::None => self.waiting.iter().all(is_released),
            Order::Whole | Order::OfTime => self.waiting.last().is_none_or(is_released),
        };
        if all_released {
            match sorted_from {
                0 => std::mem::swap(&mut self.ready, &mut self.waiting),
                _ => self.ready.append(&mut self.waiting),
            }
        } else {
            self.ready.extend(self.waiting.extract_if(.., |event| is_released(event)));
        }
        order.complete(&mut self.ready[sorted_from..]);
    }

    /// Time of the first event that is ready \[µs\].
    pub(crate) fn next_us(&self) -> Option<u64> {
        self.ready.get(self.taken).map(|event| event.time_us)
    }

    /// Takes the ready events before a time, in order.
    pub(crate) fn take_before(&mut self, end_us: u64) -> &[InputEvent] {
        let first = self.taken;
        let rest = &self.ready[first..];
        let count = rest.iter().position(|event| event.time_us >= end_us).unwrap_or(rest.len());
        self.taken += count;
        &rest[..count]
    }

    /// Events offered and not yet taken.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len() + self.ready.len() - self.taken
    }

    /// The ready events that are left.
    pub(crate) fn ready(&self) -> &[InputEvent] {
        &self.ready[self.taken..]
    }
}

/// How far events, and any that are left of them, are in order of time and address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Whole,
    /// Sensors send in order of time.
    OfTime,
    None,
}

impl Order {
    fn of(events: &[InputEvent]) -> Self {
        // Without a branch an event: mostly nothing is found.
        let (whole, of_time) = events.windows(2).fold((true, true), |(whole, of_time), pair| {
            let [one, next] = pair else { return (whole, of_time) };
            let (earlier, same) = (one.time_us < next.time_us, one.time_us == next.time_us);
            (whole & (earlier | (same & (one.address <= next.address))), of_time & (earlier | same))
        });
        match (whole, of_time) {
            (true, _) => Self::Whole,
            (false, true) => Self::OfTime,
            (false, false) => Self::None,
        }
    }

    /// Sorts by time and address what is in order so far; equal keys stay in order of arrival.
    fn complete(self, events: &mut [InputEvent]) {
        match self {
            Self::Whole => {}
            // The few events of each µs alone: sorting all of them anew takes a fifth of a busy daemon's
            // time.
            Self::OfTime => {
                for same in events.chunk_by_mut(|one, next| one.time_us == next.time_us) {
                    same.sort_by_key(|event| event.address);
                }
            }
            Self::None => events.sort_by_key(|event| (event.time_us, event.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As one stable sort by the whole key, whether or not times come in order.
        #[test]
        fn sorts_by_time_address_and_arrival(
            keys in prop::collection::vec((0..6_u64, 0..5_u32), 0..60),
            in_order_of_time in any::<bool>(),
        ) {
            let mut keys = keys;
            if in_order_of_time {
                keys.sort_by_key(|(time_us, _)| *time_us);
            }
            // The multiplicity tells arrivals apart.
            let event = |((time_us, address), multiplicity)| InputEvent { time_us, address, multiplicity };
            let mut events: Vec<_> = keys.into_iter().zip(1..).map(event).collect();
            let mut expected = events.clone();
            expected.sort_by_key(|event| (event.time_us, event.address, event.multiplicity));
            Order::of(&events).complete(&mut events);
            prop_assert_eq!(events, expected);
        }
    }

    /// Seen to fail: what had been taken stayed until all was taken, which on a busy stream is never.
    #[test]
    fn what_is_taken_takes_no_memory_where_some_is_always_left() {
        let mut door = Door::new(0);
        for us in 1..10_000 {
            let events: Vec<_> = (0..10).map(|address| InputEvent::new(us, address)).collect();
            door.offer(&events);
            door.promise(us + 1);
            assert_eq!(door.take_before(us).len(), if us == 1 { 0 } else { 10 });
            assert!(door.ready.len() <= 40, "{} for 10 that wait", door.ready.len());
        }
    }

    #[test]
    fn releases_what_is_promised_sorted_and_keeps_the_rest() {
        let mut door = Door::new(0);
        let event = |time_us, address, multiplicity| InputEvent { time_us, address, multiplicity };
        door.offer(&[event(5, 1, 1), event(3, 9, 1), event(8, 0, 1), event(3, 2, 7)]);
        assert_eq!((door.next_us(), door.len()), (None, 4));
        door.offer(&[event(3, 2, 8)]);
        door.promise(8);
        let expected = [event(3, 2, 7), event(3, 2, 8), event(3, 9, 1)];
        assert_eq!(door.take_before(5), expected);
        assert_eq!((door.next_us(), door.len()), (Some(5), 2));
        door.promise(9);
        assert_eq!(door.take_before(u64::MAX), [event(5, 1, 1), event(8, 0, 1)]);
        assert_eq!(door.len(), 0);
    }
}
