//! What a port's events of one tick add up to, address by address.
//!
//! A small port counts in place: a bit an address says where something lies, so that what comes out
//! is in index order without having been sorted. Where one word holds all of these bits, it stays in
//! a register while events are added. A large port would look over all of its bits for a few events,
//! and sorts these instead.

use crate::connect::Emission;

/// Addresses that are counted in place: a word of bits, a bit a word.
const COUNTED_MAX: u32 = 64 * 64;

/// Addresses whose bits are one word.
const FEW_MAX: usize = 64;

/// The events of one tick on one port, while they are gathered.
#[derive(Clone, Debug)]
pub(crate) enum Tray {
    Few(Box<Few>),
    Counted(Counted),
    Sorted(Vec<Emission>),
}

/// Counts in place, of one word's addresses.
#[derive(Clone, Debug)]
pub(crate) struct Few {
    /// Events by address; zero where no bit is set.
    events: [u64; FEW_MAX],
    /// A bit an address.
    addresses: u64,
}

/// Counts in place.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    /// Events by address; zero where no bit is set.
    events: Vec<u64>,
    /// A bit an address.
    addresses: Vec<u64>,
    /// A bit a word of them.
    words: u64,
}

impl Tray {
    /// An empty tray for the addresses behind a port's filters.
    pub(crate) fn new(addresses: u32) -> Self {
        if addresses > COUNTED_MAX {
            return Self::Sorted(Vec::new());
        }
        if addresses as usize <= FEW_MAX {
            return Self::Few(Box::new(Few { events: [0; FEW_MAX], addresses: 0 }));
        }
        Self::Counted(Counted {
            events: vec![0; addresses as usize],
            addresses: vec![0; addresses.div_ceil(64) as usize],
            words: 0,
        })
    }

    /// Size of such a tray \[bytes\].
    pub(crate) fn memory_bytes(addresses: u32) -> u64 {
        match addresses {
            _ if addresses > COUNTED_MAX => 0,
            _ if addresses as usize <= FEW_MAX => size_of::<Few>() as u64,
            _ => u64::from(addresses) * 8 + u64::from(addresses.div_ceil(64)) * 8,
        }
    }

    /// Adds events: addresses, and how many there.
    #[inline]
    pub(crate) fn put(&mut self, events: impl Iterator<Item = (u32, u32)>) {
        match self {
            Self::Few(few) => few.put(events),
            Self::Counted(counted) => events.for_each(|(index, events)| counted.put(index, events)),
            Self::Sorted(emissions) => {
                let emission = |(index, multiplicity)| Emission { index, multiplicity };
                emissions.extend(events.map(emission));
            }
        }
    }

    /// Empties it: addresses and their events, in index order.
    #[inline]
    pub(crate) fn empty(&mut self, mut each: impl FnMut(u32, u64)) {
        match self {
            Self::Few(few) => few.empty(each),
            Self::Counted(counted) => counted.empty(each),
            Self::Sorted(emissions) => {
                // As one number: a tick's few emissions are sorted without a branch an element.
                emissions.sort_unstable_by_key(|each| {
                    (u64::from(each.index) << 32) | u64::from(each.multiplicity)
                });
                for same in emissions.chunk_by(|one, next| one.index == next.index) {
                    let events = same.iter().map(|each| u64::from(each.multiplicity)).sum();
                    each(same[0].index, events);
                }
                emissions.clear();
            }
        }
    }
}

impl Few {
    #[inline]
    fn put(&mut self, events: impl Iterator<Item = (u32, u32)>) {
        let mut addresses = self.addresses;
        for (index, events) in events {
            let index = index as usize % FEW_MAX;
            self.events[index] += u64::from(events);
            addresses |= 1 << index;
        }
        self.addresses = addresses;
    }

    #[inline]
    fn empty(&mut self, mut each: impl FnMut(u32, u64)) {
        let mut addresses = std::mem::take(&mut self.addresses);
        while addresses != 0 {
            let index = addresses.trailing_zeros();
            addresses &= addresses - 1;
            each(index, std::mem::take(&mut self.events[index as usize % FEW_MAX]));
        }
    }
}

impl Counted {
    #[inline]
    fn put(&mut self, index: u32, events: u32) {
        let word = index as usize / 64;
        self.events[index as usize] += u64::from(events);
        self.addresses[word] |= 1 << (index % 64);
        self.words |= 1 << word;
    }

    #[inline]
    fn empty(&mut self, mut each: impl FnMut(u32, u64)) {
        let mut words = std::mem::take(&mut self.words);
        while words != 0 {
            let word = words.trailing_zeros();
            words &= words - 1;
            let mut bits = std::mem::take(&mut self.addresses[word as usize]);
            while bits != 0 {
                let index = word * 64 + bits.trailing_zeros();
                bits &= bits - 1;
                each(index, std::mem::take(&mut self.events[index as usize]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ways_add_up_alike(
            events in prop::collection::vec((0..COUNTED_MAX, 1_u32..=u32::MAX), 0..100),
            near in prop::collection::vec((0_u32..70, 1_u32..4), 0..100),
            few in prop::collection::vec((0_u32..64, 1_u32..=u32::MAX), 0..100),
        ) {
            for (addresses, events) in [(COUNTED_MAX, events), (COUNTED_MAX, near), (64, few)] {
                let mut ways = [Tray::new(addresses), Tray::Sorted(Vec::new())];
                let found = ways.each_mut().map(|tray| {
                    tray.put(events.iter().copied());
                    let mut found = Vec::new();
                    tray.empty(|index, events| found.push((index, events)));
                    found
                });
                let sum: u64 = events.iter().map(|&(_, multiplicity)| u64::from(multiplicity)).sum();
                prop_assert_eq!(&found[0], &found[1]);
                prop_assert!(found[0].is_sorted_by(|one, next| one.0 < next.0));
                prop_assert_eq!(found[0].iter().map(|&(_, events)| events).sum::<u64>(), sum);
            }
        }
    }
}
