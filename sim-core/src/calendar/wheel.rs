//! Timing wheel: what waits for its tick, and an overflow for what is far off.
//!
//! What is due in the tick after this one, as most is where delays are short, lies in a bucket that is
//! handed over whole. The next [`SLOTS`] ticks lie in a ring of buckets. Later items wait in the
//! overflow, which refills the ring as they come into range. Insert and take cost the same however
//! much waits; empty time is skipped in one step.

use std::collections::BTreeMap;

use super::near::{Near, SLOTS};

#[derive(Clone, Debug)]
pub(crate) struct Wheel<T> {
    /// Nothing is due before this tick.
    now: u64,
    /// What was put in while the tick before it was `now`.
    next: Vec<T>,
    /// When that is due, if there is any.
    next_tick: u64,
    near: Near<T>,
    overflow: BTreeMap<u64, Vec<T>>,
    waiting: usize,
}

impl<T> Wheel<T> {
    pub(crate) fn new(now: u64) -> Self {
        Self {
            now,
            next: Vec::new(),
            next_tick: now,
            near: Near::new(),
            overflow: BTreeMap::new(),
            waiting: 0,
        }
    }

    /// Number of items that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Makes an item wait for a tick that isn't over.
    #[inline]
    pub(crate) fn push(&mut self, due: u64, item: T) {
        debug_assert!(due >= self.now, "nothing is scheduled into a tick that is over");
        self.waiting += 1;
        if due - self.now == 1 && (due == self.next_tick || self.next.is_empty()) {
            self.next_tick = due;
            self.next.push(item);
        } else if due - self.now < SLOTS {
            self.near.push(due, item);
        } else {
            self.overflow.entry(due).or_default().push(item);
        }
    }

    /// The first tick at which something is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        if self.waiting == 0 {
            return None;
        }
        let next = (!self.next.is_empty()).then_some(self.next_tick);
        let near = self.near.next_due(self.now);
        let sooner = next.into_iter().chain(near).min();
        sooner.or_else(|| self.overflow.keys().next().copied())
    }

    /// Takes what is due at a tick, appending to `due`. Ticks before it must have nothing due.
    #[inline]
    pub(crate) fn take(&mut self, tick: u64, due: &mut Vec<T>) {
        self.advance(tick);
        if self.waiting == 0 {
            return;
        }
        if self.next_tick == tick {
            self.waiting -= self.next.len();
            match due.is_empty() {
                // The two buckets take turns.
                true => std::mem::swap(due, &mut self.next),
                false => due.append(&mut self.next),
            }
        }
        if self.near.due(tick) == 0 {
            return;
        }
        let mut bucket = self.near.take(tick);
        self.waiting -= bucket.len();
        due.append(&mut bucket);
        self.near.recycle(bucket);
    }

    /// Drops what was due before a tick.
    #[inline]
    pub(crate) fn forget_before(&mut self, tick: u64, scratch: &mut Vec<T>) {
        if self.waiting == 0 {
            self.now = tick.max(self.now);
            return;
        }
        self.forget_waiting(tick, scratch);
    }

    fn forget_waiting(&mut self, tick: u64, scratch: &mut Vec<T>) {
        while let Some(due) = self.next_due().filter(|&due| due < tick) {
            self.take(due, scratch);
            scratch.clear();
        }
        self.advance(tick.max(self.now));
    }

    /// Moves time up; everything due before `tick` must have been taken.
    #[inline]
    fn advance(&mut self, tick: u64) {
        debug_assert!(tick >= self.now, "time moves up");
        debug_assert!(self.next_due().is_none_or(|due| due >= tick), "nothing due is skipped");
        self.now = tick;
        if !self.overflow.is_empty() {
            self.refill(tick);
        }
    }

    /// Takes what has come into range out of the overflow.
    fn refill(&mut self, tick: u64) {
        while let Some(entry) = self.overflow.first_entry() {
            if *entry.key() - tick >= SLOTS {
                break;
            }
            let due = *entry.key();
            for item in entry.remove() {
                self.near.push(due, item);
            }
        }
    }

    /// Everything that waits, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.next.iter().chain(self.near.iter()).chain(self.overflow.values().flatten())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn delivers_exactly_at_the_delay_and_only_once() {
        for start in [0, 63, 64, 1_000, 1_023, 1_024, u64::from(u32::MAX)] {
            for delay in [0, 1, 2, 63, 64, SLOTS - 1, SLOTS, SLOTS + 1, u64::from(u32::MAX)] {
                let mut wheel = Wheel::new(start);
                wheel.push(start + delay, 'x');
                assert_eq!(wheel.next_due(), Some(start + delay), "{delay} ticks from {start}");
                let mut due = Vec::new();
                wheel.take(start + delay, &mut due);
                assert_eq!((due, wheel.next_due(), wheel.waiting()), (vec!['x'], None, 0));
            }
        }
    }

    proptest! {
        /// The wheel agrees with a plain sorted list, for any mix of delays.
        #[test]
        fn agrees_with_a_sorted_list(
            delays in prop::collection::vec(
                (prop_oneof![0_u64..3, 0_u64..3_000], prop_oneof![0_u64..3, 0_u64..200]),
                1..200,
            ),
        ) {
            let mut wheel = Wheel::new(0);
            let mut list: Vec<(u64, usize)> = Vec::new();
            let mut now = 0;
            for (item, (delay, pause)) in delays.into_iter().enumerate() {
                wheel.push(now + delay, item);
                list.push((now + delay, item));
                let until = now + pause;
                while let Some(tick) = wheel.next_due().filter(|&due| due <= until) {
                    let mut due = Vec::new();
                    wheel.take(tick, &mut due);
                    due.sort_unstable();
                    let mut expected: Vec<_> =
                        list.extract_if(.., |(due, _)| *due == tick).map(|(_, item)| item).collect();
                    expected.sort_unstable();
                    prop_assert_eq!(due, expected);
                    now = tick;
                }
                prop_assert!(list.iter().all(|(due, _)| *due > until));
            }
            prop_assert_eq!(wheel.waiting(), list.len());
        }
    }
}
