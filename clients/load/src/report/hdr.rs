//! What tools for HDR histograms read: a percentile distribution and an interval log.

use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};

use hdrhistogram::{
    Histogram,
    serialization::{V2Serializer, interval_log::IntervalLogWriterBuilder},
};

use crate::measure::Interval;

/// Values in the files are in milliseconds, as those tools expect.
const NS_PER_MS: f64 = 1e6;
/// Lines in each halving of the distance to 100 %.
const TICKS_PER_HALF: u32 = 5;

/// The percentile distribution \[ms\].
pub(super) fn distribution(histogram_ns: &Histogram<u64>) -> String {
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut count = 0;
    for step in histogram_ns.iter_quantiles(TICKS_PER_HALF) {
        count += step.count_since_last_iteration();
        let value = step.value_iterated_to() as f64 / NS_PER_MS;
        let quantile = step.quantile_iterated_to();
        let inverse = if quantile < 1.0 {
            format!("{:>14.2}", 1.0 / (1.0 - quantile))
        } else {
            format!("{:>14}", "inf")
        };
        writeln!(text, "{value:>12.3} {quantile:>14.12} {count:>10} {inverse}")
            .expect("memory takes it");
    }
    writeln!(
        text,
        "#[Mean    = {:>12.3}, StdDeviation   = {:>12.3}]\n\
         #[Max     = {:>12.3}, Total count    = {:>12}]\n\
         #[Buckets = {:>12}, SubBuckets     = {:>12}]",
        histogram_ns.mean() / NS_PER_MS,
        histogram_ns.stdev() / NS_PER_MS,
        histogram_ns.max() as f64 / NS_PER_MS,
        histogram_ns.len(),
        histogram_ns.buckets(),
        histogram_ns.distinct_values(),
    )
    .expect("memory takes it");
    text
}

/// The log of all intervals; values are nanoseconds, and the largest is written in milliseconds.
pub(super) fn log(started_s: u64, intervals: &[Interval]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = V2Serializer::new();
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("spiked load: batches, from the intended moment to simulated, in nanoseconds")
        .with_start_time(UNIX_EPOCH + Duration::from_secs(started_s))
        .with_base_time(UNIX_EPOCH + Duration::from_secs(started_s))
        .with_max_value_divisor(NS_PER_MS)
        .begin_log_with(&mut bytes, &mut serializer)
        .expect("memory takes it");
    for interval in intervals {
        let measured = interval.histogram_ns().filter(|histogram| !histogram.is_empty());
        let Some(histogram) = measured else { continue };
        let begin = Duration::from_secs_f64((interval.end_s - interval.length_s).max(0.0));
        let length = Duration::from_secs_f64(interval.length_s);
        writer.write_histogram(&histogram, begin, length, None).expect("memory takes it");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_ends_at_all_of_them() {
        let mut histogram = crate::measure::histogram_ns();
        (1..=1_000_u64).for_each(|ms| histogram.record(ms * 1_000_000).expect("in range"));
        let text = distribution(&histogram);
        let line = |quantile: &str| {
            let mut lines = text.lines().filter(|line| line.contains(quantile));
            lines.next().unwrap_or_else(|| panic!("no {quantile} in {text}")).to_owned()
        };
        let value = |line: String| -> f64 {
            line.split_whitespace().next().expect("a value").parse().expect("a number")
        };
        assert!((value(line("0.5000")) - 500.0).abs() < 1.0);
        assert!((value(line(" 1.0000")) - 1_000.0).abs() < 1.0);
        assert!(line(" 1.0000").contains("1000 "), "{text}");
    }
}
