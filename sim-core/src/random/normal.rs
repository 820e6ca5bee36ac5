//! The standard normal distribution, by inversion of its distribution function Φ.
//!
//! Wichura's AS 241, routine PPND16 (Applied Statistics 37, 1988): rational functions of degree 7,
//! about the median in `0.180625 - (p - 1/2)^2` and in the tails in `sqrt(-ln p)`, with a relative
//! error of about 1e-16. One draw gives one value, which rises with the draw.

use crate::math::{erfc, ln};

/// Beyond this distance of p from a half lies a tail.
const MIDDLE: f64 = 0.425;
/// `sqrt(-ln p)` at which the far tail begins.
const FAR: f64 = 5.0;

const MIDDLE_TOP: [f64; 8] = [
    3.387_132_872_796_366_6,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const MIDDLE_BOTTOM: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const NEAR_TOP: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    0.000_774_545_014_278_341_4,
];
const NEAR_BOTTOM: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    0.000_547_593_808_499_534_5,
    1.050_750_071_644_416_9e-9,
];
const FAR_TOP: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_BOTTOM: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    0.000_786_869_131_145_613_3,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

/// The standard normal value with Φ(value) = p, for p in (0, 1); finite for p = 0 and 1, too.
#[inline]
pub(crate) fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= MIDDLE {
        let r = MIDDLE * MIDDLE - q * q;
        return q * horner(&MIDDLE_TOP, r) / horner(&MIDDLE_BOTTOM, r);
    }
    let value = tail(if q < 0.0 { p } else { 1.0 - p });
    if q < 0.0 { -value } else { value }
}

/// The value that is exceeded with a probability p, for a small one.
#[inline(never)]
fn tail(p: f64) -> f64 {
    let r = (-ln(p.max(f64::MIN_POSITIVE))).sqrt();
    if r <= FAR {
        let r = r - 1.6;
        horner(&NEAR_TOP, r) / horner(&NEAR_BOTTOM, r)
    } else {
        let r = r - FAR;
        horner(&FAR_TOP, r) / horner(&FAR_BOTTOM, r)
    }
}

#[inline]
fn horner([lower @ .., highest]: &[f64; 8], x: f64) -> f64 {
    lower.iter().rev().fold(*highest, |sum, coefficient| sum * x + coefficient)
}

/// Φ: the probability of a standard normal value up to x.
pub(crate) fn distribution(x: f64) -> f64 {
    0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose, cell, chi_square_z, unit_open};

    /// Seen to fail with the last digit but three of one coefficient changed, in each table.
    #[test]
    fn inverts_the_distribution_function() {
        let tails = (1..300).map(|step| libm::exp(-f64::from(step)));
        let middle = (1..2_000).map(|step| f64::from(step) / 2_000.0);
        for p in tails.chain(middle) {
            let value = quantile(p);
            let back = libm::erfc(-value / 2.0_f64.sqrt()) / 2.0;
            // An error of the last bit in the value is one of value^2 bits in a tail's p.
            let gate = 1e-15 * (1.0 + value * value);
            assert!((back / p - 1.0).abs() < gate, "{p:e}: {value}, back {back:e}");
        }
    }

    #[test]
    fn gives_published_values_and_is_odd() {
        let published = [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_814),
            (1e-20, -9.262_340_089_798_408),
            (0.975, 1.959_963_984_540_054),
        ];
        for (p, value) in published {
            assert!((quantile(p) / value - 1.0).abs() < 1e-15, "{p}: {}", quantile(p));
        }
        for share in (1..1 << 12).map(|step| f64::from(step) / f64::from(1 << 13)) {
            assert_eq!(quantile(0.5 + share), -quantile(0.5 - share), "{share}");
        }
        assert!(quantile(0.0) < -37.0 && quantile(1.0) > 37.0 && quantile(1.0).is_finite());
    }

    #[test]
    fn gives_the_bits_that_the_dynamics_version_stands_for() {
        let key = Key::new(1, Purpose::Noise);
        let digest = (0..10_000).fold(0_u64, |digest, at| {
            digest.rotate_left(5) ^ quantile(unit_open(key.draw(at))).to_bits()
        });
        assert_eq!(digest, 0x5c44_a64b_b99a_e659, "{digest:#x}");
    }

    #[test]
    fn a_large_sample_is_normal() {
        let key = Key::new(2, Purpose::Noise);
        let n = 1_000_000_u32;
        let mut cells = [0_u64; 60];
        let mut moments = [0.0; 4];
        for at in 0..n {
            let value = quantile(unit_open(key.draw(at.into())));
            cells[cell(value, [-3.0, 3.0], 60)] += 1;
            let mut power = 1.0;
            for sum in &mut moments {
                power *= value;
                *sum += power;
            }
        }
        let upto = |cell: i32| distribution(-3.0 + f64::from(cell) / 10.0);
        let mut expected: Vec<f64> = (0..60).map(|cell| upto(cell + 1) - upto(cell)).collect();
        expected[0] = upto(1);
        expected[59] = 1.0 - upto(59);
        expected.iter_mut().for_each(|share| *share *= f64::from(n));
        let z = chi_square_z(&cells, &expected);
        assert!(z.abs() < 5.0, "{z}");
        let moments = moments.map(|sum| sum / f64::from(n));
        let gates = [0.005, 0.007, 0.02, 0.05];
        for ((moment, expected), gate) in moments.iter().zip([0.0, 1.0, 0.0, 3.0]).zip(gates) {
            assert!((moment - expected).abs() < gate, "{moments:?}");
        }
    }
}
