//! What a session is fed with: a recording or a synthetic source, in memory, played in laps.
//!
//! A source is finite, and all sessions read one copy, each as an endless stream of its own. Times
//! begin at 0 with the first event.

mod spec;
mod synthetic;

use std::path::Path;

use spiked_client::{AddressEvent, CameraEvent, Geometry};

pub use spec::{Kind, Spec};

use crate::Error;

/// Events of a source that are kept; of a longer recording the first so many are played.
pub const EVENTS_MAX: usize = 32_000_000;

/// What an input port must be like for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A sensor of this size.
    Camera(Geometry),
    /// So many addresses.
    Channels(u32),
}

/// Events, as they are sent.
#[derive(Clone, Debug)]
pub(crate) enum Events {
    Camera(Vec<CameraEvent>),
    Addresses(Vec<AddressEvent>),
}

/// A finite piece of input, in order of time.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    shape: Shape,
    pub(crate) events: Events,
    /// From the first event of a lap to the first of the next \[µs\].
    lap_us: u64,
    is_cut: bool,
}

impl Source {
    /// Makes what a text describes.
    ///
    /// # Errors
    ///
    /// A recording that cannot be read or holds nothing, or a sensor that cannot be.
    pub fn make(spec: &Spec, geometry: Option<Geometry>, seed: u64) -> Result<Self, Error> {
        match spec {
            Spec::Recording(path) => Self::read(path, geometry),
            Spec::Synthetic { kind, shape, rate } => {
                synthetic::make(&spec.to_string(), *kind, *shape, *rate, seed)
            }
        }
    }

    /// Reads a recording.
    fn read(path: &Path, geometry: Option<Geometry>) -> Result<Self, Error> {
        let name = path.display().to_string();
        let mut recording = spiked_recordings::open(path)?;
        if let Some(geometry) = geometry {
            recording.set_geometry(geometry)?;
        }
        let geometry = recording.geometry().ok_or(Error::NoGeometry { name: name.clone() })?;
        let mut events = Vec::new();
        while events.len() < EVENTS_MAX && recording.next_events(&mut events)? > 0 {}
        let is_cut = events.len() >= EVENTS_MAX;
        events.truncate(EVENTS_MAX);
        let source = Self::of(name, Shape::Camera(geometry), Events::Camera(events))?;
        Ok(Self { is_cut, ..source })
    }

    /// Sorts by time, which begins at 0.
    pub(crate) fn of(name: String, shape: Shape, mut events: Events) -> Result<Self, Error> {
        match &mut events {
            Events::Camera(events) => events.sort_by_key(|event| event.t_us),
            Events::Addresses(events) => events.sort_by_key(|event| event.time),
        }
        let mut source = Self { name, shape, events, lap_us: 0, is_cut: false };
        let Some(last) = source.len().checked_sub(1) else {
            return Err(Error::Empty { name: source.name });
        };
        let first_us = source.time_us(0);
        match &mut source.events {
            Events::Camera(events) => events.iter_mut().for_each(|event| event.t_us -= first_us),
            Events::Addresses(events) => events.iter_mut().for_each(|event| event.time -= first_us),
        }
        let span_us = source.time_us(last);
        // As if one more event came at the mean distance.
        source.lap_us = span_us + (span_us / source.len() as u64).max(1);
        Ok(source)
    }

    /// What it is called: a path, or a description.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What an input port must be like for it.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Events of a lap.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        match &self.events {
            Events::Camera(events) => events.len(),
            Events::Addresses(events) => events.len(),
        }
    }

    /// Length of a lap \[µs\].
    #[must_use]
    pub const fn lap_us(&self) -> u64 {
        self.lap_us
    }

    /// The recording is longer than what is played of it.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Events a second, as recorded.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.len() as f64 * 1e6 / self.lap_us as f64
    }

    /// Events of a lap before a time.
    pub(crate) fn count_before(&self, time_us: u64) -> u64 {
        let count = match &self.events {
            Events::Camera(events) => events.partition_point(|event| event.t_us < time_us),
            Events::Addresses(events) => events.partition_point(|event| event.time < time_us),
        };
        count as u64
    }

    pub(crate) fn time_us(&self, at: usize) -> u64 {
        match &self.events {
            Events::Camera(events) => events[at].t_us,
            Events::Addresses(events) => events[at].time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_begin_at_zero_in_order_and_a_lap_ends_a_mean_distance_later() {
        let event = |time| AddressEvent { time, index: 0 };
        let events = Events::Addresses(vec![event(130), event(100), event(110)]);
        let source = Source::of("x".into(), Shape::Channels(1), events).expect("events");
        let times: Vec<_> = (0..source.len()).map(|at| source.time_us(at)).collect();
        assert_eq!((times, source.lap_us()), (vec![0, 10, 30], 40));
    }

    #[test]
    fn a_source_of_nothing_is_refused_by_name() {
        let none = Source::of("dark.es".into(), Shape::Channels(1), Events::Addresses(vec![]));
        assert_eq!(none.expect_err("nothing").to_string(), "dark.es holds no events");
    }
}
