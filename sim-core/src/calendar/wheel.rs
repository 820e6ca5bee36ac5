//! Timing wheel: what waits for its tick, and an overflow for what is far off.
//!
//! Slot `t % SLOTS` holds exactly what is due at tick `t`, for `now <= t < now + SLOTS`. Later
//! items wait in the overflow, which refills the slots as they come into range. Insert and take
//! cost the same however much waits; empty time is skipped in one step.

use std::collections::BTreeMap;

/// Slot numbers are taken by masking.
const SLOTS: u64 = 1_024;
const WORDS: usize = (SLOTS / 64) as usize;
const _: () = assert!(SLOTS.is_power_of_two() && SLOTS >= 64);

#[derive(Clone, Debug)]
pub(crate) struct Wheel<T> {
    /// Nothing is due before this tick.
    now: u64,
    /// Empty until the first item comes, so that an idle wheel costs nothing.
    slots: Vec<Vec<T>>,
    occupied: [u64; WORDS],
    overflow: BTreeMap<u64, Vec<T>>,
    waiting: usize,
}

impl<T> Wheel<T> {
    pub(crate) fn new(now: u64) -> Self {
        let overflow = BTreeMap::new();
        Self { now, slots: Vec::new(), occupied: [0; WORDS], overflow, waiting: 0 }
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
        if due - self.now < SLOTS {
            self.push_near(due, item);
        } else {
            self.overflow.entry(due).or_default().push(item);
        }
    }

    #[inline]
    fn push_near(&mut self, due: u64, item: T) {
        if self.slots.is_empty() {
            self.slots.resize_with(slot(SLOTS - 1) + 1, Vec::new);
        }
        let slot = slot(due);
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.slots[slot].push(item);
    }

    /// The first tick at which something is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.next_near().or_else(|| self.overflow.keys().next().copied())
    }

    fn next_near(&self) -> Option<u64> {
        let from = slot(self.now);
        let ahead = self.occupied[from / 64] >> (from % 64);
        if ahead != 0 {
            return Some(self.now + u64::from(ahead.trailing_zeros()));
        }
        let to_next_word = 64 - (self.now % 64);
        (0..WORDS as u64).find_map(|step| {
            let tick = self.now + to_next_word + step * 64;
            let word = self.occupied[slot(tick) / 64];
            let found = tick + u64::from(word.trailing_zeros());
            (word != 0 && found - self.now < SLOTS).then_some(found)
        })
    }

    /// Takes what is due at a tick, appending to `due`. Ticks before it must have nothing due.
    pub(crate) fn take(&mut self, tick: u64, due: &mut Vec<T>) {
        self.advance(tick);
        let slot = slot(tick);
        if self.occupied[slot / 64] & 1 << (slot % 64) != 0 {
            self.occupied[slot / 64] &= !(1 << (slot % 64));
            self.waiting -= self.slots[slot].len();
            due.append(&mut self.slots[slot]);
        }
    }

    /// Moves time up; everything due before `tick` must have been taken.
    fn advance(&mut self, tick: u64) {
        debug_assert!(tick >= self.now, "time moves up");
        debug_assert!(self.next_due().is_none_or(|due| due >= tick), "nothing due is skipped");
        self.now = tick;
        while let Some(entry) = self.overflow.first_entry() {
            if *entry.key() - tick >= SLOTS {
                break;
            }
            let due = *entry.key();
            for item in entry.remove() {
                self.push_near(due, item);
            }
        }
    }

    /// Everything that waits, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten().chain(self.overflow.values().flatten())
    }
}

const fn slot(tick: u64) -> usize {
    (tick & (SLOTS - 1)) as usize
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
            delays in prop::collection::vec((0_u64..3_000, 0_u64..200), 1..200),
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
