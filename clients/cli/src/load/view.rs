//! What a person sees while a load runs: a bar over its time with a line for each figure below it, or,
//! where nobody watches, a line now and then.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use spiked_load::{Load, Look, Phase};

use crate::{
    numbers::{duration, grouped, short},
    terminal,
};

/// Where nobody watches: so many lines in a load, and none sooner than this after another.
const LINES: u32 = 10;
const LINE_AFTER: Duration = Duration::from_secs(1);
/// A rate is that of at least so long.
const RATE_OVER: Duration = Duration::from_millis(500);

/// Shows how a load goes.
pub(super) struct View {
    shown: Shown,
    rate: Rate,
}

enum Shown {
    /// Drawn over itself.
    Live(ProgressBar),
    /// One line after the other.
    Lines { period: Duration, next: Cell<Duration>, phase: RefCell<Option<Phase>> },
}

impl View {
    pub(super) fn new(load: &Load) -> Self {
        let shown = if terminal::is_watched() {
            Shown::Live(bar(load))
        } else {
            let period = (load.length / LINES).max(LINE_AFTER);
            Shown::Lines { period, next: Cell::new(period), phase: RefCell::default() }
        };
        Self { shown, rate: Rate::default() }
    }

    pub(super) fn show(&self, look: &Look) {
        let rate = self.rate.at(look);
        match &self.shown {
            Shown::Live(bar) => {
                bar.set_position(millis(look.passed.min(look.length)));
                bar.set_prefix(place(look));
                bar.set_message(lines(look, rate));
            }
            Shown::Lines { period, next, phase } => {
                let is_other = phase.replace(Some(look.phase)).is_some_and(|was| was != look.phase);
                if look.passed >= next.get() || is_other {
                    terminal::say(line(look, rate));
                    next.set(look.passed + *period);
                }
            }
        }
    }

    pub(super) fn finish(&self) {
        if let Shown::Live(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar(load: &Load) -> ProgressBar {
    let bar = terminal::live_line();
    bar.set_length(millis(load.length));
    let style = ProgressStyle::with_template("{bar:32} {prefix}\n{msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Events simulated a second, of late.
#[derive(Default)]
struct Rate(Cell<(Duration, u64, f64)>);

impl Rate {
    fn at(&self, look: &Look) -> f64 {
        let (before, events, rate) = self.0.get();
        let passed = look.passed.saturating_sub(before);
        if passed < RATE_OVER {
            return rate;
        }
        let more = look.counts.events_simulated.saturating_sub(events);
        let rate = more as f64 / passed.as_secs_f64();
        self.0.set((look.passed, look.counts.events_simulated, rate));
        rate
    }
}

/// What a load is at, and how far.
fn place(look: &Look) -> String {
    let (passed, length) = (look.passed.as_secs_f64(), look.length.as_secs_f64());
    match look.phase {
        Phase::WarmingUp => format!("warming up, {passed:.0} of {length:.0} s"),
        Phase::Loading => format!("{passed:.0} of {length:.0} s"),
        Phase::Draining => format!("draining, {:.0} s behind the end", (passed - length).max(0.0)),
        Phase::Comparing => "comparing the output with that without load".into(),
    }
}

/// A line for each figure.
fn lines(look: &Look, rate: f64) -> String {
    let counts = &look.counts;
    let events = grouped(counts.events_simulated);
    let rows = [
        ("rate", format!("{} events/s, {events} simulated in all", short(rate))),
        ("backlog", format!("{} events", grouped(look.backlog_events))),
        ("latency", percentiles(look.latency_us)),
        ("own lateness", percentiles(look.own_lateness_us)),
        ("dropped", format!("{} events", grouped(counts.events_dropped))),
        (
            "output",
            format!("{} spikes, {} decisions", grouped(counts.spikes), grouped(counts.decisions)),
        ),
    ];
    let table = terminal::table(rows.map(|(name, value)| (name, value.into())));
    table.trim_end().to_owned()
}

/// The same in one line.
fn line(look: &Look, rate: f64) -> String {
    format!(
        "{}: {} events/s, backlog {}, latency {}, own lateness {}, {} dropped",
        place(look),
        short(rate),
        grouped(look.backlog_events),
        percentiles(look.latency_us),
        percentiles(look.own_lateness_us),
        grouped(look.counts.events_dropped),
    )
}

fn percentiles(us: Option<(f64, f64)>) -> String {
    let shown = |us: f64| duration(Duration::from_secs_f64(us / 1e6));
    match us {
        Some((p50, p99)) => format!("p50 {} p99 {}", shown(p50), shown(p99)),
        None => "not measured yet".into(),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use spiked_load::measure::Counts;

    use super::*;

    fn look(phase: Phase, passed_s: u64) -> Look {
        Look {
            phase,
            passed: Duration::from_secs(passed_s),
            length: Duration::from_secs(30),
            counts: Counts {
                events_simulated: 1_000_000 * passed_s,
                events_dropped: 4,
                ..Counts::default()
            },
            backlog_events: 1_234,
            latency_us: (phase != Phase::WarmingUp).then_some((187.0, 412.0)),
            own_lateness_us: (phase != Phase::WarmingUp).then_some((9.0, 51.0)),
        }
    }

    #[test]
    fn a_figure_has_a_line_and_fits_a_small_terminal() {
        let told = lines(&look(Phase::Loading, 12), 1e6);
        for (line, expected) in told.lines().zip([
            "rate          1.00 M events/s, 12 000 000 simulated in all",
            "backlog       1 234 events",
            "latency       p50 187 µs p99 412 µs",
            "own lateness  p50 9.00 µs p99 51.0 µs",
            "dropped       4 events",
            "output        0 spikes, 0 decisions",
        ]) {
            assert_eq!(line, expected);
        }
        assert_eq!(told.lines().count(), 6);
    }

    #[test]
    fn each_phase_is_named() {
        let told = [
            (
                Phase::WarmingUp,
                1,
                "warming up, 1 of 30 s: 1.00 M events/s, backlog 1 234, latency not measured yet",
            ),
            (
                Phase::Loading,
                12,
                "12 of 30 s: 1.00 M events/s, backlog 1 234, latency p50 187 µs p99 412 µs",
            ),
            (Phase::Draining, 33, "draining, 3 s behind the end: "),
            (Phase::Comparing, 33, "comparing the output with that without load: "),
        ];
        for (phase, passed_s, expected) in told {
            let line = line(&look(phase, passed_s), 1e6);
            assert!(line.starts_with(expected), "{line}");
        }
    }

    #[test]
    fn a_rate_is_that_of_the_last_while() {
        let rate = Rate::default();
        assert_eq!(rate.at(&look(Phase::Loading, 2)), 1e6);
        let soon = Look { passed: Duration::from_millis(2_100), ..look(Phase::Loading, 9) };
        assert_eq!(rate.at(&soon), 1e6);
        assert_eq!(rate.at(&look(Phase::Loading, 4)), 1e6);
        let stalled = Look { passed: Duration::from_secs(6), ..look(Phase::Loading, 4) };
        assert_eq!(rate.at(&stalled), 0.0);
    }
}
