//! What a recording holds, in a few numbers, gathered portion by portion.

use crate::CameraEvent;

/// Counts, extremes and sums over events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events.
    pub events: u64,
    /// Events with polarity ON.
    pub on: u64,
    /// Time of the earliest and of the latest event, in µs.
    pub times_us: Option<(u64, u64)>,
    /// Largest column and largest row, which may be of two events.
    pub largest_pixel: Option<(u16, u16)>,
    /// Sum of all columns.
    pub sum_x: u64,
    /// Sum of all rows, counted from the top.
    pub sum_y: u64,
    /// Events whose time is before that of the event before them.
    pub backward_steps: u64,
    last_us: u64,
}

impl Summary {
    /// Takes in further events.
    pub fn add(&mut self, events: &[CameraEvent]) {
        let [Some(first), Some(last)] = [events.first(), events.last()] else {
            return;
        };
        let (mut earliest_us, mut latest_us) = self.times_us.unwrap_or((first.t_us, first.t_us));
        let (mut x_max, mut y_max) = self.largest_pixel.unwrap_or_default();
        let mut before_us = self.last_us;
        for &CameraEvent { t_us, x, y, on } in events {
            self.on += u64::from(on);
            self.sum_x += u64::from(x);
            self.sum_y += u64::from(y);
            self.backward_steps += u64::from(t_us < before_us);
            before_us = t_us;
            (earliest_us, latest_us) = (earliest_us.min(t_us), latest_us.max(t_us));
            (x_max, y_max) = (x_max.max(x), y_max.max(y));
        }
        self.events += events.len() as u64;
        self.times_us = Some((earliest_us, latest_us));
        self.largest_pixel = Some((x_max, y_max));
        self.last_us = last.t_us;
    }

    /// From the earliest to the latest event, in µs; 0 without events.
    #[must_use]
    pub fn span_us(&self) -> u64 {
        self.times_us.map_or(0, |(earliest_us, latest_us)| latest_us - earliest_us)
    }

    /// Events a second over the span, if time passes in it.
    #[must_use]
    pub fn rate_hz(&self) -> Option<f64> {
        let span_us = self.span_us();
        (span_us > 0).then(|| self.events as f64 * 1e6 / span_us as f64)
    }

    /// The share of ON events, 0 to 1, if there are any events.
    #[must_use]
    pub fn on_share(&self) -> Option<f64> {
        (self.events > 0).then(|| self.on as f64 / self.events as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn event(t_us: u64, x: u16, y: u16, on: bool) -> CameraEvent {
        CameraEvent { t_us, x, y, on }
    }

    const EVENTS: [CameraEvent; 4] = [
        event(10, 3, 1, true),
        event(30, 2, 9, true),
        event(20, 0, 0, false),
        event(20, 1, 0, true),
    ];

    #[test]
    fn counts_sums_and_keeps_the_extremes_however_events_are_portioned() {
        for portion in 1..=4 {
            let mut summary = Summary::default();
            for events in EVENTS.chunks(portion) {
                summary.add(events);
            }
            summary.add(&[]);
            assert_eq!((summary.events, summary.on), (4, 3));
            assert_eq!((summary.times_us, summary.span_us()), (Some((10, 30)), 20));
            assert_eq!(summary.largest_pixel, Some((3, 9)));
            assert_eq!((summary.sum_x, summary.sum_y), (6, 10));
            assert_eq!(summary.backward_steps, 1);
            assert_eq!((summary.rate_hz(), summary.on_share()), (Some(200_000.0), Some(0.75)));
        }
    }

    #[test]
    fn says_nothing_of_what_is_not_there() {
        let mut summary = Summary::default();
        assert_eq!((summary.rate_hz(), summary.on_share(), summary.span_us()), (None, None, 0));
        summary.add(&EVENTS[..1]);
        assert_eq!((summary.rate_hz(), summary.on_share()), (None, Some(1.0)));
    }
}
