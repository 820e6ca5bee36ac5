//! A ring of buckets, one a tick: what is due within the next [`SLOTS`] ticks.
//!
//! Bucket `t % SLOTS` holds exactly what is due at tick `t`, for `from <= t < from + SLOTS`, where
//! `from` is the first tick that isn't over. Memory of emptied buckets serves the next ones, the
//! latest first, so that a ring in use stays in the cache.

/// Ticks that a ring reaches ahead. Bucket numbers are taken by masking.
pub(crate) const SLOTS: u64 = 1_024;
const WORDS: usize = (SLOTS / 64) as usize;
const _: () = assert!(SLOTS.is_power_of_two() && WORDS >= 1 && WORDS <= 64);

#[derive(Clone, Debug)]
pub(crate) struct Near<T> {
    /// Empty until the first item comes, so that an idle ring costs nothing.
    slots: Vec<Vec<T>>,
    /// A bit a bucket: something lies there.
    occupied: [u64; WORDS],
    /// A bit a word of `occupied` that isn't zero: most rings are asked far more often than they
    /// have something.
    words: u64,
    spare: Vec<Vec<T>>,
}

impl<T> Near<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), occupied: [0; WORDS], words: 0, spare: Vec::new() }
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
        self.words |= 1 << (slot / 64);
        self.slots[slot] = self.spare.pop().unwrap_or_default();
        &mut self.slots[slot]
    }

    /// The first tick, not before `from`, at which something is due.
    #[inline]
    pub(crate) fn next_due(&self, from: u64) -> Option<u64> {
        if self.words == 0 {
            return None;
        }
        let first = slot(from);
        let ahead = self.occupied[first / 64] >> (first % 64);
        if ahead != 0 {
            return Some(from + u64::from(ahead.trailing_zeros()));
        }
        // The words after this one in the order of time; this one's early buckets come last.
        let next_word = first / 64 + 1;
        let later = self.words & !below(next_word);
        let word = if later == 0 { self.words } else { later }.trailing_zeros() as usize;
        let bucket = word * 64 + self.occupied[word].trailing_zeros() as usize;
        Some(from + ((bucket as u64).wrapping_sub(from) & (SLOTS - 1)))
    }

    /// How much is due at a tick.
    #[inline]
    pub(crate) fn due(&self, tick: u64) -> usize {
        self.slots.get(slot(tick)).map_or(0, Vec::len)
    }

    /// Takes what is due at a tick; [`Self::recycle`] takes back its memory.
    pub(crate) fn take(&mut self, tick: u64) -> Vec<T> {
        let slot = slot(tick);
        let word = &mut self.occupied[slot / 64];
        *word &= !(1 << (slot % 64));
        if *word == 0 {
            self.words &= !(1 << (slot / 64));
        }
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

/// Bits for all words before one.
const fn below(word: usize) -> u64 {
    if word < 64 { (1 << word) - 1 } else { u64::MAX }
}

const fn slot(tick: u64) -> usize {
    (tick & (SLOTS - 1)) as usize
}
