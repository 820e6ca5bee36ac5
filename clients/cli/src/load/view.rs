//! What a person sees while a load runs.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use spiked_load::{Load, Look};

use crate::{
    numbers::{duration, grouped, short},
    terminal,
};

/// A bar over the load's time, with lines of figures below.
pub(super) struct View {
    bar: ProgressBar,
    rate: std::cell::Cell<(Duration, u64, f64)>,
}

impl View {
    pub(super) fn new(load: &Load) -> Self {
        let bar = terminal::live_line();
        bar.set_length(millis(load.length));
        let style = ProgressStyle::with_template("{bar:32} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, rate: std::cell::Cell::default() }
    }

    pub(super) fn show(&self, look: &Look) {
        let (before, events, mut rate) = self.rate.get();
        let passed = look.passed.saturating_sub(before);
        if passed >= Duration::from_millis(500) {
            let more = look.counts.events_simulated - events;
            rate = more as f64 / passed.as_secs_f64();
            self.rate.set((look.passed, look.counts.events_simulated, rate));
        }
        let latency = match look.p50_p99_us {
            Some((p50, p99)) => {
                let shown = |us: f64| duration(Duration::from_secs_f64(us / 1e6));
                format!("p50 {}  p99 {}", shown(p50), shown(p99))
            }
            None => "warming up".into(),
        };
        self.bar.set_position(millis(look.passed.min(look.length)));
        self.bar.set_message(format!(
            "{:.0} of {:.0} s  {} events/s  {latency}  backlog {}  dropped {}",
            look.passed.as_secs_f64(),
            look.length.as_secs_f64(),
            short(rate),
            grouped(look.backlog_events),
            grouped(look.counts.events_dropped),
        ));
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
