//! Numbers as people read them: grouped counts, rates with a prefix, times with a fitting unit.

use std::time::Duration;

/// A count in groups of three digits: `473 225`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A figure with three digits and a prefix: `1.23 M`, or none: `12.0`.
pub(crate) fn short(figure: f64) -> String {
    let steps = [(1e9, " G"), (1e6, " M"), (1e3, " k")];
    let (scale, prefix) =
        steps.into_iter().find(|(scale, _)| figure.abs() >= 0.9995 * scale).unwrap_or((1.0, ""));
    let scaled = figure / scale;
    let decimals = match scaled.abs() {
        above if above >= 99.95 => 0,
        above if above >= 9.995 => 1,
        _ => 2,
    };
    format!("{scaled:.decimals$}{prefix}")
}

/// A rate, or a dash where no time has passed: `1.23 M events/s`.
pub(crate) fn rate(count: u64, time: Duration, unit: &str) -> String {
    if time.is_zero() {
        return format!("- {unit}/s");
    }
    format!("{} {unit}/s", short(count as f64 / time.as_secs_f64()))
}

/// A time in the unit that fits: `412 µs`, `1.52 ms`, `3.40 s`.
pub(crate) fn duration(time: Duration) -> String {
    let ns = time.as_nanos() as f64;
    let (scaled, unit) = match ns {
        below if below < 999.5 => return format!("{ns:.0} ns"),
        below if below < 999.5e3 => (ns / 1e3, "µs"),
        below if below < 999.5e6 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    let decimals = match scaled {
        above if above >= 99.95 => 0,
        above if above >= 9.995 => 1,
        _ => 2,
    };
    format!("{scaled:.decimals$} {unit}")
}

/// A span of sensor time, to the microsecond: `913.716224 s`.
pub(crate) fn seconds(us: u64) -> String {
    format!("{}.{:06} s", us / 1_000_000, us % 1_000_000)
}

/// A part of a whole: `12.3 %`.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "- %".into() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_in_groups_of_three() {
        let texts = [0, 12, 999, 1_000, 473_225, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "999", "1 000", "473 225", "1 234 567"]);
    }

    #[test]
    fn figures_keep_three_digits() {
        let texts = [0.5, 12.0, 999.6, 1_234.0, 99_960.0, 1.5e9].map(short);
        assert_eq!(texts, ["0.50", "12.0", "1.00 k", "1.23 k", "100 k", "1.50 G"]);
        assert_eq!(rate(10, Duration::ZERO, "ev"), "- ev/s");
        assert_eq!(rate(3_000_000, Duration::from_secs(2), "ev"), "1.50 M ev/s");
    }

    #[test]
    fn times_find_their_unit() {
        let texts = [7, 1_500, 999_600, 12_345_678, 3_400_000_000]
            .map(|ns| duration(Duration::from_nanos(ns)));
        assert_eq!(texts, ["7 ns", "1.50 µs", "1.00 ms", "12.3 ms", "3.40 s"]);
        assert_eq!(seconds(913_716_224), "913.716224 s");
    }

    #[test]
    fn a_share_of_nothing_is_no_number() {
        assert_eq!((share(1, 8), share(0, 0)), ("12.5 %".to_owned(), "- %".to_owned()));
    }
}
