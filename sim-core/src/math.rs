//! The transcendental functions on a result's path, all of them.
//!
//! Pure Rust from one pinned crate, so that every machine gives the same bits. The platform's own
//! functions and fused multiply-add are forbidden by lint: `f64::exp` alone differs between
//! machines in about one value of 1 500. Changing anything here changes [`DYNAMICS_VERSION`].

/// Version of the core's arithmetic. Equal versions give equal bits; it stands in every snapshot.
pub const DYNAMICS_VERSION: u32 = 1;

/// e to the `x`.
pub(crate) fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// e to the `x`, less one; exact where `x` is small.
pub(crate) fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// The natural logarithm of `x`.
pub(crate) fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// The natural logarithm of `1 + x`, also for an x close to zero.
pub(crate) fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// The sine of `x` \[rad\].
pub(crate) fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// The cosine of `x` \[rad\].
pub(crate) fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// The complementary error function.
pub(crate) fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// The smallest n with `x <= 2^n`, for a finite x above zero.
pub(crate) fn ceil_log2(x: f64) -> i32 {
    let (fraction, exponent) = libm::frexp(x);
    if fraction == 0.5 { exponent - 1 } else { exponent }
}

/// 2 to the `n`, exactly.
pub(crate) fn power_of_two(n: i32) -> f64 {
    libm::ldexp(1.0, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_bits_that_dynamics_version_1_stands_for() {
        let digest = (0..10_000).fold(0_u64, |digest, step| {
            let x = -20.0 + f64::from(step) * 0.003_7;
            let bits = exp(x).to_bits() ^ ln(x.abs() + 1e-3).to_bits().rotate_left(17);
            digest.rotate_left(5) ^ bits
        });
        assert_eq!(digest, 0x568c_19ac_7ba7_4818, "{digest:#x}");
    }

    #[test]
    fn gives_the_bits_of_the_functions_beside_them() {
        let digest = (0..10_000).fold(0_u64, |digest, step| {
            let x = -6.0 + f64::from(step) * 0.001_3;
            let bits = erfc(x).to_bits() ^ ln_1p(x.abs() * 0.15).to_bits().rotate_left(17);
            digest.rotate_left(5) ^ bits ^ exp_m1(x).to_bits().rotate_left(31)
        });
        assert_eq!(digest, 0xaf21_8533_4fd3_fea4, "{digest:#x}");
    }

    #[test]
    fn finds_the_power_of_two_above() {
        for (x, expected) in [(1.0, 0), (1.5, 1), (2.0, 1), (0.25, -2), (0.3, -1), (3e-9, -28)] {
            assert_eq!(ceil_log2(x), expected, "{x}");
            assert!(x <= power_of_two(expected) && x > power_of_two(expected - 1));
        }
    }
}
