//! Random numbers that are the same bits on every machine and at every call order.
//!
//! Counter-based: number `n` of a stream is splitmix64's output at state `key + (n + 1) * GAMMA`,
//! so any pixel of any frame has its number without those before it, and a run can be replayed.
//! Streams of one seed with different purposes are independent. Integer arithmetic only, up to
//! one exact scaling.

/// Splitmix64's increment, the odd integer nearest to 2^64 divided by the golden ratio.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// What a stream is drawn for; each purpose of a seed has a stream of its own.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// White noise that a texture is filtered from.
    Texture = 1,
    /// Noise on each pixel of each frame.
    Noise = 2,
    /// Where in its step an event falls.
    EventTime = 3,
    /// When motions switch, and to which.
    Trajectory = 4,
    /// Weights of hidden motifs.
    Motifs = 5,
    /// When motifs begin.
    MotifOnsets = 6,
    /// Which inputs fire.
    MotifSpikes = 7,
    /// How whiskers differ.
    Whiskers = 8,
    /// Events of the background.
    Background = 9,
    /// Which pixels are hot.
    HotPixels = 10,
    /// When events of a load's noise come, and where.
    Load = 11,
    /// Which intervals of a load a comparison draws.
    Draws = 12,
}

/// One endless sequence of numbers, addressed by counter.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    key: u64,
}

impl Stream {
    /// The stream of a purpose.
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        // Hashing the seed keeps the streams of neighbouring seeds from being shifted copies of
        // one another, which they would be if the seed were splitmix64's state itself.
        Self { key: mix(mix(seed).wrapping_add(purpose as u64)) }
    }

    /// Number `counter`, uniform over all 64-bit values.
    #[must_use]
    pub fn bits(self, counter: u64) -> u64 {
        mix(self.key.wrapping_add(counter.wrapping_add(1).wrapping_mul(GAMMA)))
    }

    /// A number below `bound`, from number `counter`: the high word of the product, whose bias of
    /// `bound / 2^64` is far below anything that can be observed.
    #[must_use]
    pub fn below(self, counter: u64, bound: u64) -> u64 {
        debug_assert!(bound > 0, "there is no number below zero");
        let product = u128::from(self.bits(counter)) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(u64::MAX)
    }

    /// Number `counter`, uniform in \[0, 1).
    #[must_use]
    pub fn unit(self, counter: u64) -> f64 {
        (self.bits(counter) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A normal number of mean 0 and deviation 1, from numbers `3 * counter ..= 3 * counter + 2`.
    ///
    /// The sum of twelve uniform 16-bit numbers (Irwin and Hall): it needs no logarithm, so it is
    /// exact everywhere, and ends at six deviations.
    #[must_use]
    pub fn normal(self, counter: u64) -> f64 {
        const MEAN: i64 = 12 * 65_535 / 2;
        let first = counter.wrapping_mul(3);
        let sum: u64 = (0..3).map(|word| lanes(self.bits(first.wrapping_add(word)))).sum();
        // The sum stays below 2^20, and its deviation is the root of 2^32 - 1.
        (sum.cast_signed() - MEAN) as f64 / 65_536.0
    }
}

/// Splitmix64's output function.
const fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Sum of the four 16-bit lanes of a word.
const fn lanes(word: u64) -> u64 {
    const EVEN: u64 = 0x0000_FFFF_0000_FFFF;
    let pairs = (word & EVEN) + ((word >> 16) & EVEN);
    (pairs & 0xFFFF_FFFF) + (pairs >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published first outputs of splitmix64 from state 1234567.
    #[test]
    fn is_splitmix64() {
        let stream = Stream { key: 1_234_567 };
        let first: Vec<u64> = (0..3).map(|counter| stream.bits(counter)).collect();
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let stream = Stream::new(7, Purpose::Noise);
        let numbers: Vec<f64> = (0..100_000).map(|counter| stream.normal(counter)).collect();
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / count;
        let beyond_two = numbers.iter().filter(|number| number.abs() > 2.0).count() as f64 / count;
        assert!(mean.abs() < 0.01, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.02, "variance {variance}");
        assert!((beyond_two - 0.0455).abs() < 0.003, "share beyond two deviations {beyond_two}");
    }

    #[test]
    fn numbers_below_a_bound_reach_each_value_equally_often() {
        let stream = Stream::new(3, Purpose::Trajectory);
        let mut counts = [0_u32; 12];
        for counter in 0..120_000 {
            counts[usize::try_from(stream.below(counter, 12)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 400), "{counts:?}");
    }

    #[test]
    fn purposes_and_neighbouring_seeds_do_not_share_numbers() {
        let noise = Stream::new(1, Purpose::Noise);
        let numbers: Vec<u64> = (0..1_000).map(|counter| noise.bits(counter)).collect();
        for other in [Stream::new(1, Purpose::EventTime), Stream::new(2, Purpose::Noise)] {
            assert!((0..1_000).all(|counter| !numbers.contains(&other.bits(counter))));
        }
    }
}
