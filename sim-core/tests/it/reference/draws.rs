//! The core's random numbers, anew from their documentation: SplitMix64 as a function of a counter,
//! keys mixed by the finaliser of MurmurHash3.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const BETWEEN_KEYS: u64 = 0xbb67_ae85_84ca_a73b;

pub(super) const CONNECTIVITY: u64 = 1;
pub(super) const DELAY: u64 = 3;
pub(super) const PARAMETER: u64 = 4;
pub(super) const SOURCE: u64 = 6;

#[derive(Clone, Copy)]
pub(super) struct Key(u64);

impl Key {
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        Self(seed).with(0).with(purpose)
    }

    pub(super) fn with(self, index: u64) -> Self {
        let mut z = self.0.wrapping_add((index + 1).wrapping_mul(BETWEEN_KEYS));
        z = (z ^ (z >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        z = (z ^ (z >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        Self(z ^ (z >> 33))
    }

    pub(super) fn draw(self, counter: u64) -> u64 {
        let mut z = self.0.wrapping_add((counter + 1).wrapping_mul(GOLDEN));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Uniform in [0, 1), from the upper 53 bits.
pub(super) fn unit(draw: u64) -> f64 {
    (draw >> 11) as f64 / (1_u64 << 53) as f64
}

/// Uniform in (0, 1), from the upper 52 bits.
pub(super) fn unit_open(draw: u64) -> f64 {
    ((draw >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

/// Uniform in 0..n.
pub(super) fn below(draw: u64, n: u32) -> u32 {
    u32::try_from((u128::from(draw) * u128::from(n)) >> 64).expect("below n")
}
