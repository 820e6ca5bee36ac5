//! How long a network runs by itself, as users write it: a number and a unit.

use std::{str::FromStr, time::Duration};

/// Ten years; nobody waits for longer \[µs\].
const LONGEST_US: f64 = 315_360_000e6;
const UNITS_US: [(&str, f64); 6] =
    [("us", 1.0), ("µs", 1.0), ("ms", 1e3), ("s", 1e6), ("min", 60e6), ("h", 3_600e6)];

/// A span of the network's own time \[µs\].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) u64);

impl Span {
    pub(crate) const fn duration(self) -> Duration {
        Duration::from_micros(self.0)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = (text[..split].parse::<f64>(), text[split..].trim());
        let unit_us = UNITS_US.iter().find(|(known, _)| *known == unit).map(|(_, us)| *us);
        let expected = || "expected a number and a unit, like 200ms or 10s".to_owned();
        let (number, unit_us) = number.ok().zip(unit_us).ok_or_else(expected)?;
        let us = (number * unit_us).round();
        if !(1.0..=LONGEST_US).contains(&us) {
            return Err("expected 1us to ten years".into());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        Ok(Self(us as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        for (text, us) in
            [("200ms", 200_000), ("10s", 10_000_000), ("1.5 s", 1_500_000), ("2min", 120_000_000)]
        {
            assert_eq!(text.parse(), Ok(Span(us)), "{text}");
        }
        for text in ["", "10", "s", "0s", "-1s", "1e3s", "1parsec", "1.2.3s", "9999999h", "0.1us"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
