//! Order at the door of one input port (laws 8 and 9).
//!
//! Events at or above the promise wait, in any order. What a rising promise releases is sorted by
//! (time in µs, address, arrival), so that neither the order within the promise nor the way a flow
//! was cut into batches can change anything; of events of one time and address alone, a filter takes
//! the first to arrive. An event alone never moves time.

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
        if self.taken == self.ready.len() {
            self.ready.clear();
            self.taken = 0;
        }
        // Mostly events came in order, and all of them are released.
        if is_in_order(&self.waiting)
            && self.waiting.last().is_none_or(|last| last.time_us < promise_us)
        {
            match self.ready.len() {
                0 => std::mem::swap(&mut self.ready, &mut self.waiting),
                _ => self.ready.append(&mut self.waiting),
            }
            return;
        }
        let sorted_from = self.ready.len();
        let released = self.waiting.extract_if(.., |event| event.time_us < promise_us);
        self.ready.extend(released);
        // Stable: equal keys stay in order of arrival. Fast on what is nearly sorted.
        self.ready[sorted_from..].sort_by_key(order);
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

/// What events are sorted by.
fn order(event: &InputEvent) -> (u64, u32) {
    (event.time_us, event.address)
}

/// Whether they need no sorting; without a branch an event, for mostly they don't.
fn is_in_order(events: &[InputEvent]) -> bool {
    events.windows(2).fold(true, |in_order, pair| {
        let [one, next] = pair else { return in_order };
        let same_time = (one.time_us == next.time_us) & (one.address <= next.address);
        in_order & ((one.time_us < next.time_us) | same_time)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
