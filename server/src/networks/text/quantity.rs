//! Quantities: a decimal number and a unit in one text, as "20 ms".
//!
//! Times are kept exactly, as a fraction of nanoseconds, so that whether they are a whole number
//! of ticks is a fact and not a matter of rounding. A number without its unit is refused.

use super::node::Node;

/// Digits of a number that are read; enough for an hour in femtoseconds.
const DIGITS_MAX: usize = 24;

const DURATIONS_NS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    // The Greek letter looks the same.
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
/// What each unit is in mV, as a numerator and a denominator.
const VOLTAGES_MV: &[(&str, (f64, f64))] = &[
    ("uV", (1.0, 1_000.0)),
    ("µV", (1.0, 1_000.0)),
    ("μV", (1.0, 1_000.0)),
    ("mV", (1.0, 1.0)),
    ("V", (1_000.0, 1.0)),
];
/// What each unit is in mV/ms.
const SLOPES_MV_MS: &[(&str, (f64, f64))] =
    &[("mV/s", (1.0, 1_000.0)), ("mV/ms", (1.0, 1.0)), ("V/s", (1.0, 1.0))];
/// What each unit is in Hz.
const FREQUENCIES_HZ: &[(&str, (f64, f64))] = &[
    ("mHz", (1.0, 1_000.0)),
    ("Hz", (1.0, 1.0)),
    ("kHz", (1_000.0, 1.0)),
    ("MHz", (1_000_000.0, 1.0)),
];
/// What each unit is in pF.
const CAPACITANCES_PF: &[(&str, (f64, f64))] = &[("pF", (1.0, 1.0)), ("nF", (1_000.0, 1.0))];
/// What each unit is in nS.
const CONDUCTANCES_NS: &[(&str, (f64, f64))] =
    &[("pS", (1.0, 1_000.0)), ("nS", (1.0, 1.0)), ("uS", (1_000.0, 1.0))];
/// What each unit is in pA.
const CURRENTS_PA: &[(&str, (f64, f64))] = &[("pA", (1.0, 1.0)), ("nA", (1_000.0, 1.0))];
/// What each unit is in mN.
const FORCES_MN: &[(&str, (f64, f64))] =
    &[("uN", (1.0, 1_000.0)), ("µN", (1.0, 1_000.0)), ("mN", (1.0, 1.0)), ("N", (1_000.0, 1.0))];
/// What each unit is in µN·m.
const MOMENTS_UNM: &[(&str, (f64, f64))] = &[
    ("uNm", (1.0, 1.0)),
    ("µNm", (1.0, 1.0)),
    ("µN·m", (1.0, 1.0)),
    ("nNm", (1.0, 1_000.0)),
    ("mNm", (1_000.0, 1.0)),
];
/// What each unit is in Hz/µN·m.
const RATES_UNM: &[(&str, (f64, f64))] =
    &[("Hz/uNm", (1.0, 1.0)), ("Hz/µNm", (1.0, 1.0)), ("Hz/µN·m", (1.0, 1.0))];
/// What each unit is in 1/µN·m.
const SPIKES_UNM: &[(&str, (f64, f64))] =
    &[("spikes/uNm", (1.0, 1.0)), ("spikes/µNm", (1.0, 1.0)), ("spikes/µN·m", (1.0, 1.0))];
const ANGLES_DEG: &[(&str, (f64, f64))] = &[("deg", (1.0, 1.0)), ("°", (1.0, 1.0))];
const SPEEDS_NS: &[(&str, f64)] =
    &[("px/us", 1e3), ("px/µs", 1e3), ("px/μs", 1e3), ("px/ms", 1e6), ("px/s", 1e9)];
const PIXELS: &[(&str, ())] = &[("px", ())];

/// In what a parameter is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nothing: a bare number.
    Bare,
    /// \[ms\]
    Time,
    /// \[ticks\], of a network whose ticks have so many ns.
    Ticks(u64),
    /// \[mV\]
    Voltage,
    /// \[mV/ms\]
    Slope,
    /// \[Hz\]
    Frequency,
    /// \[pF\]
    Capacitance,
    /// \[nS\]
    Conductance,
    /// \[pA\]
    Current,
    /// \[mN\]
    Force,
    /// \[µN·m\]
    Moment,
    /// \[Hz/µN·m\]
    RateOfMoment,
    /// \[1/µN·m\]
    SpikesOfMoment,
    /// \[degrees\]
    Angle,
}

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duration {
    /// A numerator \[ns\].
    ns: u128,
    /// A power of ten.
    over: u128,
}

/// Reads a time, as "20 ms".
pub(super) fn duration_of(text: &str) -> Result<Duration, String> {
    let (number, unit_ns) = quantity_of(text, "20 ms", DURATIONS_NS)?;
    if number.negative {
        return Err(format!("{text:?} is negative, which times are not"));
    }
    Ok(Duration { ns: number.digits * u128::from(unit_ns), over: number.over })
}

impl Duration {
    /// The time \[ms\], rounded once.
    pub(super) fn ms(self) -> f64 {
        self.ns as f64 / (self.over as f64 * 1e6)
    }

    /// The time \[ticks\], rounded once.
    fn in_ticks(self, tick_ns: u64) -> f64 {
        self.ns as f64 / (self.over as f64 * tick_ns as f64)
    }

    /// The time in whole ticks, from `min` to what `T` holds.
    pub(super) fn ticks<T: TryFrom<u128>>(self, tick_ns: u64, min: u128) -> Result<T, String> {
        self.whole_units(tick_ns, min, &format!("ticks of {}", shown_ns(u128::from(tick_ns))))
    }

    /// The time in whole units of `unit_ns`.
    fn whole_units<T: TryFrom<u128>>(
        self,
        unit_ns: u64,
        min: u128,
        units: &str,
    ) -> Result<T, String> {
        let shown = |count: u128| shown_ns(count * u128::from(unit_ns));
        match self.in_units(unit_ns) {
            Err((below, above)) if below < min => {
                Err(format!("is no whole number of {units}: the nearest is {:?}", shown(above)))
            }
            Err((below, above)) => Err(format!(
                "is no whole number of {units}: the nearest are {:?} and {:?}",
                shown(below),
                shown(above)
            )),
            Ok(count) if count < min => Err(format!("is too short: at least {:?}", shown(min))),
            Ok(count) => T::try_from(count).map_err(|_| format!("is too long: {count} {units}")),
        }
    }

    /// The count of units, or its neighbours.
    fn in_units(self, unit_ns: u64) -> Result<u128, (u128, u128)> {
        let unit = u128::from(unit_ns) * self.over;
        let whole = self.ns / unit;
        if self.ns.is_multiple_of(unit) { Ok(whole) } else { Err((whole, whole + 1)) }
    }
}

impl Node<'_> {
    /// A time, as "20 ms".
    pub(super) fn duration(&self) -> Option<Duration> {
        if self.as_text().is_none() {
            return self.needs_unit("20 ms");
        }
        self.or_refuse(duration_of(self.text()?))
    }

    /// A time in whole ticks, from `min` to what `T` holds.
    pub(super) fn ticks<T: TryFrom<u128>>(&self, tick_ns: u64, min: u128) -> Option<T> {
        let ticks = self.duration()?.ticks(tick_ns, min);
        self.or_refuse(ticks.map_err(|message| format!("{} {message}", self.shown())))
    }

    /// A time in whole microseconds.
    pub(super) fn microseconds(&self) -> Option<u64> {
        let us = self.duration()?.whole_units(1_000, 0, "microseconds");
        self.or_refuse(us.map_err(|message| format!("{} {message}", self.shown())))
    }

    /// A time in whole nanoseconds.
    pub(super) fn nanoseconds(&self) -> Option<u64> {
        let ns = self.duration()?.whole_units(1, 0, "nanoseconds");
        self.or_refuse(ns.map_err(|message| format!("{} {message}", self.shown())))
    }

    /// A voltage \[mV\], as "20 mV".
    pub(super) fn millivolts(&self) -> Option<f64> {
        let (number, (over, under)) = self.quantity("20 mV", VOLTAGES_MV)?;
        self.finite(number.value() * over / under)
    }

    /// A quantity in the unit that belongs here; a bare number where none does.
    pub(super) fn in_unit(&self, unit: Unit) -> Option<f64> {
        let (example, units) = match unit {
            Unit::Bare => return self.number(),
            Unit::Time => return Some(self.duration()?.ms()),
            Unit::Ticks(tick_ns) => return Some(self.duration()?.in_ticks(tick_ns)),
            Unit::Voltage => return self.millivolts(),
            Unit::Slope => ("10 mV/ms", SLOPES_MV_MS),
            Unit::Frequency => ("5 Hz", FREQUENCIES_HZ),
            Unit::Capacitance => ("250 pF", CAPACITANCES_PF),
            Unit::Conductance => ("10 nS", CONDUCTANCES_NS),
            Unit::Current => ("100 pA", CURRENTS_PA),
            Unit::Force => ("0.1 mN", FORCES_MN),
            Unit::Moment => ("0.5 uNm", MOMENTS_UNM),
            Unit::RateOfMoment => ("20 Hz/uNm", RATES_UNM),
            Unit::SpikesOfMoment => ("2 spikes/uNm", SPIKES_UNM),
            Unit::Angle => ("45 deg", ANGLES_DEG),
        };
        let (number, (over, under)) = self.quantity(example, units)?;
        self.finite(number.value() * over / under)
    }

    /// A speed [px per `step_ns`], as "0.4 px/ms".
    pub(super) fn pixels_per_step(&self, step_ns: u64) -> Option<f64> {
        let (number, unit_ns) = self.quantity("0.4 px/ms", SPEEDS_NS)?;
        self.finite(number.value() * (step_ns as f64 / unit_ns))
    }

    /// A length in pixels, as "2.5 px".
    pub(super) fn pixels(&self) -> Option<f64> {
        let (number, ()) = self.quantity("2.5 px", PIXELS)?;
        self.finite(number.value())
    }

    fn finite(&self, value: f64) -> Option<f64> {
        if value.is_finite() { Some(value) } else { self.refuse("is not finite") }
    }

    fn quantity<U: Copy>(&self, example: &str, units: &[(&str, U)]) -> Option<(Number, U)> {
        match self.as_text() {
            Some(text) => self.or_refuse(quantity_of(text, example, units)),
            None => self.needs_unit(example),
        }
    }

    fn needs_unit<T>(&self, example: &str) -> Option<T> {
        let shown = self.shown();
        if self.as_number().is_none() {
            return self.refuse(format!("{shown} where {example:?} belongs"));
        }
        self.refuse(format!("{shown} needs a unit: write \"{shown} {}\"", unit_in(example)))
    }

    fn or_refuse<T>(&self, read: Result<T, String>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(message) => self.refuse(message),
        }
    }
}

fn unit_in(example: &str) -> &str {
    example.split_once(' ').map_or(example, |(_, unit)| unit)
}

/// Number and unit of a text like `example`.
fn quantity_of<U: Copy>(
    text: &str,
    example: &str,
    units: &[(&str, U)],
) -> Result<(Number, U), String> {
    let is_numeric = |c: char| c.is_ascii_digit() || "+-._".contains(c);
    let shown: String = text.trim().chars().take(40).collect();
    let split = text.find(|c| !is_numeric(c)).unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let number = Number::read(number)
        .ok_or_else(|| format!("{shown:?} is no quantity: write it as {example:?}"))?;
    if unit.is_empty() {
        return Err(format!("{shown:?} needs a unit: write \"{shown} {}\"", unit_in(example)));
    }
    if let Some((_, meaning)) = units.iter().find(|(word, _)| *word == unit) {
        return Ok((number, *meaning));
    }
    // One spelling of micro is enough to tell.
    let typed = units.iter().map(|(word, _)| *word).filter(|word| word.is_ascii());
    let known: Vec<&str> = typed.collect();
    Err(format!("{shown:?} has no unit that fits here: {}", known.join(", ")))
}

/// A decimal number, exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number {
    negative: bool,
    digits: u128,
    /// A power of ten.
    over: u128,
}

impl Number {
    fn read(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{}{fraction}", whole.replace('_', ""));
        let places = u32::try_from(fraction.len()).ok()?;
        let is_number = digits.len() <= DIGITS_MAX
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        let read =
            Self { negative, digits: digits.parse().ok()?, over: 10_u128.checked_pow(places)? };
        is_number.then_some(read)
    }

    fn value(self) -> f64 {
        let value = self.digits as f64 / self.over as f64;
        if self.negative { -value } else { value }
    }
}

/// A time as a person would write it: in the largest unit that leaves it whole.
pub(super) fn shown_ns(ns: u128) -> String {
    let mut typed = DURATIONS_NS.iter().rev().filter(|(unit, _)| unit.is_ascii());
    let fits = typed.find(|(_, factor)| ns.is_multiple_of(u128::from(*factor)));
    match fits {
        Some((unit, factor)) if ns > 0 => format!("{} {unit}", ns / u128::from(*factor)),
        _ => format!("{ns} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_are_exact() {
        let number = |negative, digits, over| Some(Number { negative, digits, over });
        assert_eq!(Number::read("0.1"), number(false, 1, 10));
        assert_eq!(Number::read("-65"), number(true, 65, 1));
        assert_eq!(Number::read("+1_000.50"), number(false, 100_050, 100));
        for bad in ["", "-", ".", "1.2.3", "--1", "1e3", &"9".repeat(DIGITS_MAX + 1)] {
            assert_eq!(Number::read(bad), None, "{bad}");
        }
    }

    /// Catches a tick count that went through a float: 0.3 ms is 3 ticks of 0.1 ms, exactly.
    #[test]
    fn a_time_is_a_whole_number_of_ticks_or_between_two() {
        let tenth = Duration { ns: 3 * 1_000_000, over: 10 };
        assert_eq!(tenth.in_units(100_000), Ok(3));
        assert_eq!(tenth.in_units(1_000_000), Err((0, 1)));
        assert_eq!(tenth.in_units(200_000), Err((1, 2)));
        let long = Duration { ns: 3_600_000_000_000, over: 1 };
        assert_eq!(long.in_units(1_000), Ok(3_600_000_000));
    }

    #[test]
    fn times_are_shown_as_people_write_them() {
        for (ns, shown) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_500_000, "1500 us"),
            (2_000_000, "2 ms"),
            (60_000_000_000, "1 min"),
            (90_000_000_000, "90 s"),
        ] {
            assert_eq!(shown_ns(ns), shown);
        }
    }
}
