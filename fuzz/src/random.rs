//! A seeded stream of numbers for tests (splitmix64): a failing case is one seed.

use std::ops::Range;

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// The stream.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Stream `number` of a seed, unlike its neighbours.
    #[must_use]
    pub fn stream(seed: u64, number: u64) -> Self {
        let mut key = Self(seed);
        let key = key.next();
        Self(key ^ Self(number).next())
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "the stream has no end to ask about")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, or 0 where there is none.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The high half of a product is even enough for tests.
        let product = u128::from(self.next()) * u128::from(limit);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// An index below `length`, or 0 where there is none.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    /// A piece of something so long, at most `longest` long.
    pub fn piece(&mut self, length: usize, longest: usize) -> Range<usize> {
        let taken = self.index(longest.min(length) + 1);
        let start = self.index(length - taken + 1);
        start..start + taken
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// From 0 up to, but not including, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of some, which may not be none.
    pub fn of<'a, T>(&mut self, some: &'a [T]) -> &'a T {
        &some[self.index(some.len())]
    }

    /// Bytes of any value.
    #[expect(clippy::cast_possible_truncation, reason = "the low byte is meant")]
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published first outputs from state 1234567.
    #[test]
    fn is_splitmix64() {
        let mut random = Random::new(1_234_567);
        let first = [(); 3].map(|()| random.next());
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(first, published);
    }

    #[test]
    fn stays_within_what_was_asked_for() {
        let mut random = Random::new(1);
        for length in [0, 1, 2, 7, 1_000] {
            for _ in 0..1_000 {
                assert!(random.index(length) < length.max(1));
                let piece = random.piece(length, 5);
                assert!(piece.end <= length && piece.len() <= 5);
                assert!((0.0..1.0).contains(&random.share()));
            }
        }
    }
}
