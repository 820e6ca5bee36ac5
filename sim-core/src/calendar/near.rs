//! A ring of buckets, one a tick: what is due within the next [`SLOTS`] ticks.
//!
//! Bucket `t % SLOTS` holds exactly what is due at tick `t`, for `from <= t < from + SLOTS`, where
//! `from` is the first tick that isn't over. Memory of emptied buckets serves the next ones, the
//! latest first, so that a ring in use stays in the cache.

/// Ticks that a ring reaches ahead. Bucket numbers are taken by masking.
pub(crate) const SLOTS: u64 = 1_024;
const WORDS: usize = (SLOTS / 64) as usize;
const _: () = assert!(SLOTS.is_power_of_two() && SLOTS >= 64);

#[derive(Clone, Debug)]
pub(crate) struct Near<T> {
    /// Empty until the first item comes, so that an idle ring costs nothing.
    slots: Vec<Vec<T>>,
    occupied: [u64; WORDS],
    spare: Vec<Vec<T>>,
}

impl<T> Near<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), occupied: [0; WORDS], spare: Vec::new() }
    }

    /// Makes an item wait for a tick within the ring's reach.
    #[inline]
    pub(crate) fn push(&mut self, due: u64, item: T) {
        let slot = slot(due);
        match self.slots.get_mut(slot) {
            Some(bucket) if !bucket.is_empty() => bucket.push(item),
            _ => self.open(slot).push(item),
        }
    }

    fn open(&mut self, slot: usize) -> &mut Vec<T> {
        if self.slots.is_empty() {
            self.slots.resize_with(self::slot(SLOTS - 1) + 1, Vec::new);
        }
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.slots[slot] = self.spare.pop().unwrap_or_default();
        &mut self.slots[slot]
    }

    /// The first tick, not before `from`, at which something is due.
    pub(crate) fn next_due(&self, from: u64) -> Option<u64> {
        if self.occupied == [0; WORDS] {
            return None;
        }
        let first = slot(from);
        let ahead = self.occupied[first / 64] >> (first % 64);
        if ahead != 0 {
            return Some(from + u64::from(ahead.trailing_zeros()));
        }
        let next_word = first / 64 + 1;
        let after = |step: usize| (step, self.occupied[(next_word + step) % WORDS]);
        let (step, word) = (0..WORDS).map(after).find(|(_, word)| *word != 0)?;
        let to_next_word = 64 - from % 64;
        Some(from + to_next_word + step as u64 * 64 + u64::from(word.trailing_zeros()))
    }

    /// How much is due at a tick.
    #[inline]
    pub(crate) fn due(&self, tick: u64) -> usize {
        self.slots.get(slot(tick)).map_or(0, Vec::len)
    }

    /// Takes what is due at a tick; [`Self::recycle`] takes back its memory.
    pub(crate) fn take(&mut self, tick: u64) -> Vec<T> {
        let slot = slot(tick);
        self.occupied[slot / 64] &= !(1 << (slot % 64));
        self.slots.get_mut(slot).map(std::mem::take).unwrap_or_default()
    }

    /// Keeps a bucket's memory for another.
    pub(crate) fn recycle(&mut self, mut bucket: Vec<T>) {
        if bucket.capacity() > 0 {
            bucket.clear();
            self.spare.push(bucket);
        }
    }

    /// Everything that waits, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }
}

const fn slot(tick: u64) -> usize {
    (tick & (SLOTS - 1)) as usize
}
