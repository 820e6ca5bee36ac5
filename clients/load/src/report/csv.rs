//! Intervals as comma-separated text.

use std::fmt::Write as _;

use crate::measure::Interval;

pub(super) fn written(intervals: &[Interval]) -> String {
    let mut text = "end_s,length_s,events_due,events_sent,events_simulated,events_dropped,spikes,\
                    backlog_events,batches,p50_us,p99_us,max_us,own_p50_us,own_p99_us,\
                    generator_cpu_s,daemon_cpu_s,daemon_resident_bytes\n"
        .to_owned();
    for each in intervals {
        writeln!(
            text,
            "{:.3},{:.3},{},{},{},{},{},{},{},{:.1},{:.1},{:.1},{:.1},{:.1},{:.2},{:.2},{}",
            each.end_s,
            each.length_s,
            each.events_due,
            each.events_sent,
            each.events_simulated,
            each.events_dropped,
            each.spikes,
            each.backlog_events,
            each.batches,
            each.p50_us,
            each.p99_us,
            each.max_us,
            each.own_p50_us,
            each.own_p99_us,
            each.generator_cpu_s,
            each.daemon_cpu_s,
            each.daemon_resident_bytes,
        )
        .expect("memory takes it");
    }
    text
}
