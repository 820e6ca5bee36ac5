//! What the demo shows: true and seen direction in one moving line, or a line a change where
//! nobody looks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use spiked_client::{Latencies, v1::Acknowledgement};
use spiked_sensors::{Motion, truth::Switch};

use super::score::{Score, is_right};
use crate::{failure::Failure, numbers::duration, run::Rates, terminal};

/// Arrows by eighths of a turn, clockwise from east.
const ARROWS: [char; 8] = ['→', '↘', '↓', '↙', '←', '↖', '↑', '↗'];

/// What is shown.
pub(super) struct View {
    line: Option<ProgressBar>,
    latencies: Option<Arc<Latencies>>,
    rates: Rates,
    rates_line: String,
    held: Option<Held>,
}

/// What is known of the motion that is being played.
struct Held {
    since: Switch,
    seen_after_steps: Option<u64>,
    score: Score,
}

impl View {
    pub(super) fn new(latencies: Option<Arc<Latencies>>) -> Self {
        let line = terminal::is_watched().then(terminal::live_line);
        let rates = Rates::new(Instant::now());
        Self { line, latencies, rates, rates_line: String::new(), held: None }
    }

    /// A step is over, and this is what was seen in it.
    pub(super) fn step(
        &mut self,
        step: u64,
        played: Switch,
        seen: Option<Motion>,
        total: &Score,
    ) -> Result<(), Failure> {
        if self.held.as_ref().is_none_or(|held| held.since.step != played.step) {
            self.close()?;
            let (seen_after_steps, score) = (None, Score::default());
            self.held = Some(Held { since: played, seen_after_steps, score });
        }
        if let Some(held) = &mut self.held {
            held.score.add(step, played, seen);
            if held.seen_after_steps.is_none() && is_right(played.motion, seen) {
                held.seen_after_steps = Some(step - played.step);
            }
        }
        if let Some(line) = &self.line {
            let seen = seen.map_or_else(|| "-".into(), |motion| shown(&motion));
            line.set_message(format!(
                "{:6.3} s  moves {:<5}  seen {seen:<5}  right {:.2}  {}",
                step as f64 / 1e3,
                shown(&played.motion),
                total.share(),
                self.rates_line,
            ));
            line.tick();
        }
        Ok(())
    }

    /// The daemon has come so far.
    pub(super) fn position(&mut self, position: &Acknowledgement) {
        if let Some([events, ..]) = self.rates.look(position, Instant::now()) {
            let last_ns = self.latencies.as_ref().map_or(0, |latencies| latencies.last_ns());
            let latency = duration(Duration::from_nanos(last_ns));
            self.rates_line = format!("{events}  latency {latency}");
        }
    }

    /// Shows what became of the motion that ends here.
    pub(super) fn close(&mut self) -> Result<(), Failure> {
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        if self.line.is_some() {
            return Ok(());
        }
        let seen = match held.seen_after_steps {
            Some(steps) => format!("seen after {steps} ms"),
            None => "never seen".into(),
        };
        terminal::print(&format!(
            "{:6.3} s  moves {:<5}  {seen}, right in {} of {} ms\n",
            held.since.step as f64 / 1e3,
            shown(&held.since.motion),
            held.score.right,
            held.score.scored,
        ))
    }

    pub(super) fn finish(&self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}

/// An arrow and a name: `↗ NNE`.
fn shown(motion: &Motion) -> String {
    let eighths = motion.direction_rad / std::f64::consts::FRAC_PI_4;
    #[expect(clippy::cast_possible_truncation, reason = "0 to 8")]
    #[expect(clippy::cast_sign_loss, reason = "a remainder")]
    let nearest = eighths.rem_euclid(8.0).round() as usize % ARROWS.len();
    format!("{} {}", ARROWS[nearest], motion.compass())
}

#[cfg(test)]
mod tests {
    use spiked_sensors::motion::twelve_directions;

    use super::*;

    #[test]
    fn arrows_point_where_the_names_say() {
        let shown = twelve_directions(1.0).map(|motion| shown(&motion));
        let expected = [
            "→ E", "↘ ESE", "↘ SSE", "↓ S", "↙ SSW", "↙ WSW", "← W", "↖ WNW", "↖ NNW", "↑ N",
            "↗ NNE", "↗ ENE",
        ];
        assert_eq!(shown, expected);
    }
}
