//! Numbers of about 32 digits (double-double, after Dekker 1971), enough for a test.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// `high + low`, the low part below half a unit of the high one's last place.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Precise {
    high: f64,
    low: f64,
}

const LN_2: Precise = Precise { high: std::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17 };

/// The sum, and what rounding took from it.
fn two_sum(a: f64, b: f64) -> Precise {
    let high = a + b;
    let b_rounded = high - a;
    Precise { high, low: (a - (high - b_rounded)) + (b - b_rounded) }
}

fn two_product(a: f64, b: f64) -> Precise {
    let split = |x: f64| {
        let scaled = x * 134_217_729.0;
        let high = scaled - (scaled - x);
        (high, x - high)
    };
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let high = a * b;
    let rest = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low;
    Precise { high, low: rest }
}

impl Precise {
    pub(super) const ZERO: Self = Self { high: 0.0, low: 0.0 };

    pub(super) fn rounded(self) -> f64 {
        self.high + self.low
    }

    /// e to the power of this.
    pub(super) fn exp(self) -> Self {
        const HALVINGS: i32 = 9;
        if self.high < -690.0 {
            return Self::ZERO;
        }
        let twos = (self.high / LN_2.high).round();
        let small = (self - LN_2 * twos.into()) * crate::math::power_of_two(-HALVINGS).into();
        let (mut sum, mut term) = (Self::from(1.0), Self::from(1.0));
        for n in 1..14 {
            term = term * small / f64::from(n).into();
            sum = sum + term;
        }
        for _ in 0..HALVINGS {
            sum = sum * sum;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 1 024")]
        let twos = twos as i32;
        sum * crate::math::power_of_two(twos).into()
    }
}

impl From<f64> for Precise {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl Neg for Precise {
    type Output = Self;

    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

impl Add for Precise {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (high, low) = (two_sum(self.high, other.high), two_sum(self.low, other.low));
        let sum = two_sum(high.high, high.low + low.high);
        two_sum(sum.high, sum.low + low.low)
    }
}

impl Sub for Precise {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Precise {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = two_product(self.high, other.high);
        let crossed = self.high * other.low + self.low * other.high;
        two_sum(product.high, product.low + crossed)
    }
}

impl Div for Precise {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * first.into();
        let second = rest.high / other.high;
        let rest = rest - other * second.into();
        two_sum(first, second) + (rest.high / other.high).into()
    }
}

#[test]
fn has_thirty_digits() {
    let third = Precise::from(1.0) / 3.0.into();
    let back = third * 3.0.into() - 1.0.into();
    assert!(back.rounded().abs() < 1e-31, "{back:?}");
    let one = Precise::from(-1.25).exp() * Precise::from(1.25).exp() - 1.0.into();
    assert!(one.rounded().abs() < 1e-28, "{one:?}");
    // e = 2.718281828459045 2353602874713527
    let rest = Precise::from(1.0).exp() - Precise::from(std::f64::consts::E);
    assert!((rest.rounded() - 1.445_646_891_729_250_2e-16).abs() < 1e-28, "{rest:?}");
}
