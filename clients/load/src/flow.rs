//! An endless stream of a source: lap after lap from a phase on, cut into batches that are due at
//! moments of an absolute schedule.
//!
//! Pure: what is sent is a function of source, phase and pace alone, so that another session can be
//! given the very same input. Being late once makes nothing else late.

use std::{sync::Arc, time::Duration};

use spiked_client::{AddressEvent, CameraEvent, PackedBatch};

use crate::source::{Events, Source};

/// When events are due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many times as fast as their times say.
    Speed(f64),
    /// So many events a second of each session, whatever their times.
    Rate(f64),
}

/// How a flow is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cut {
    pub(crate) pace: Pace,
    /// How long a batch's first event may wait for the last.
    pub(crate) gather: Duration,
    pub(crate) events_max: usize,
    /// What is due within so long is held back and due at its end, all of it.
    pub(crate) burst: Option<Duration>,
}

impl Cut {
    /// When an event is due, from the start \[ns\].
    fn due_ns(&self, number: u64, time_us: u64) -> u64 {
        let ns = match self.pace {
            Pace::Speed(times) => time_us as f64 * 1e3 / times,
            Pace::Rate(events_per_s) => number as f64 * 1e9 / events_per_s,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let ns = ns as u64;
        match self.burst.map(|burst| nanos(burst).max(1)) {
            None => ns,
            Some(burst_ns) => (ns / burst_ns).saturating_add(1).saturating_mul(burst_ns),
        }
    }

    fn gather_ns(&self) -> u64 {
        nanos(self.gather).max(1)
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Where in the laps of a source an event stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    /// When the lap began, with the phase taken off: below zero in the first lap, so it wraps.
    base_us: u64,
}

impl Place {
    fn time_us(self, source: &Source) -> u64 {
        self.base_us.wrapping_add(source.time_us(self.at))
    }

    /// Goes on to the next event; gives where this one stands in the source, and its time.
    fn step(&mut self, source: &Source) -> (usize, u64) {
        let here = (self.at, self.time_us(source));
        self.at += 1;
        if self.at == source.len() {
            (self.at, self.base_us) = (0, self.base_us.wrapping_add(source.lap_us()));
        }
        here
    }
}

/// What is sent at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Batch {
    /// Events before it.
    pub(crate) from: u64,
    pub(crate) count: usize,
    /// When it should leave, from the start of the schedule: when its last event is due.
    pub(crate) due: Duration,
    /// The next event's time: none before it is still to come \[µs\].
    pub(crate) promise_us: u64,
}

/// The stream of one session.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    source: Arc<Source>,
    /// Where in the source it begins.
    phase: usize,
    /// Events given so far.
    given: u64,
    /// Events of the largest batch that was sent of it.
    batch_events: usize,
}

impl Flow {
    /// One of several flows of a source, as far from one another as can be.
    pub(crate) fn phased(source: Arc<Source>, number: usize, of: usize) -> Self {
        let phase = source.len() * number / of.max(1) % source.len();
        Self { source, phase, given: 0, batch_events: 0 }
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    /// The same stream from its beginning.
    pub(crate) fn restarted(&self) -> Self {
        Self { given: 0, ..self.clone() }
    }

    /// Where an event stands.
    fn place(&self, number: u64) -> Place {
        let length = self.source.len() as u64;
        let place = self.phase as u64 + number;
        let base_us = (place / length) * self.source.lap_us();
        #[expect(clippy::cast_possible_truncation, reason = "below a length in memory")]
        let at = (place % length) as usize;
        Place { at, base_us: base_us.wrapping_sub(self.source.time_us(self.phase)) }
    }

    /// The next batch.
    pub(crate) fn next(&mut self, cut: &Cut) -> Batch {
        let from = self.given;
        let mut place = self.place(from);
        let mut due_ns = cut.due_ns(from, place.time_us(&self.source));
        let until_ns = due_ns.saturating_add(cut.gather_ns());
        let mut count = 0;
        loop {
            count += 1;
            place.step(&self.source);
            let next_ns = cut.due_ns(from + count as u64, place.time_us(&self.source));
            if count >= cut.events_max || next_ns >= until_ns {
                break;
            }
            due_ns = next_ns;
        }
        self.given += count as u64;
        let due = Duration::from_nanos(due_ns);
        Batch { from, count, due, promise_us: place.time_us(&self.source) }
    }

    /// How many events of the stream are due when so much has passed.
    pub(crate) fn due_by(&self, passed: Duration, cut: &Cut) -> u64 {
        let mut passed_ns = nanos(passed);
        if let Some(burst) = cut.burst {
            passed_ns -= passed_ns % nanos(burst).max(1);
        }
        let passed_s = passed_ns as f64 / 1e9;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let by_rate = |events_per_s: f64| (passed_s * events_per_s) as u64;
        match cut.pace {
            Pace::Rate(events_per_s) => by_rate(events_per_s),
            Pace::Speed(times) => {
                // The time of the stream that is due, and in which lap of the source that lies.
                let time_us = by_rate(times * 1e6).saturating_add(self.source.time_us(self.phase));
                let (laps, rest_us) =
                    (time_us / self.source.lap_us(), time_us % self.source.lap_us());
                let before = self.source.count_before(rest_us);
                (laps * self.source.len() as u64 + before).saturating_sub(self.phase as u64)
            }
        }
    }

    /// The next batch of so many events, due at once.
    pub(crate) fn next_of(&mut self, count: usize) -> Batch {
        let from = self.given;
        self.given += count as u64;
        let promise_us = self.place(self.given).time_us(&self.source);
        Batch { from, count, due: Duration::ZERO, promise_us }
    }

    /// The next batch of so many events at most, due at once. It ends with a tick if it can: only then is
    /// it simulated to its last event, and leaves a queue that may be too short for another.
    pub(crate) fn next_of_ticks(&mut self, count_max: usize, tick_ns: u64) -> Batch {
        let tick = |number| ticks(self.place(number).time_us(&self.source), tick_ns);
        let ends = |count: &usize| {
            let next = self.given + *count as u64;
            tick(next - 1) < tick(next)
        };
        let count = (1..=count_max).rev().find(ends).unwrap_or(count_max);
        self.next_of(count)
    }

    /// Goes on behind a batch of this flow that was sent.
    pub(crate) fn pass(&mut self, batch: &Batch) {
        self.given = batch.from + batch.count as u64;
        self.batch_events = self.batch_events.max(batch.count);
    }

    /// See the field.
    pub(crate) fn batch_events(&self) -> usize {
        self.batch_events
    }

    /// Takes the events of a batch, with their times in the stream.
    pub(crate) fn fill(&self, batch: &Batch, events: &mut Filled) {
        let mut place = self.place(batch.from);
        let places = (0..batch.count).map(|_| place.step(&self.source));
        match (&self.source.events, events) {
            (Events::Camera(all), Filled::Camera(out)) => {
                out.clear();
                out.extend(places.map(|(at, t_us)| CameraEvent { t_us, ..all[at] }));
            }
            (Events::Addresses(all), Filled::Addresses(out)) => {
                out.clear();
                out.extend(places.map(|(at, time)| AddressEvent { time, ..all[at] }));
            }
            _ => unreachable!("made for this flow"),
        }
    }

    /// Room for events of this flow.
    pub(crate) fn room(&self) -> Filled {
        match self.source.events {
            Events::Camera(_) => Filled::Camera(Vec::new()),
            Events::Addresses(_) => Filled::Addresses(Vec::new()),
        }
    }
}

/// How many ticks are over at a time of the stream.
pub(crate) fn ticks(time_us: u64, tick_ns: u64) -> u64 {
    u64::try_from(u128::from(time_us) * 1_000 / u128::from(tick_ns)).unwrap_or(u64::MAX)
}

/// A batch's events.
#[derive(Debug)]
pub(crate) enum Filled {
    Camera(Vec<CameraEvent>),
    Addresses(Vec<AddressEvent>),
}

impl Filled {
    /// Packs them for an input port.
    pub(crate) fn pack(
        &self,
        port: u32,
        promise_us: u64,
    ) -> Result<PackedBatch, spiked_client::Error> {
        match self {
            Self::Camera(events) => PackedBatch::pack(port, events, Some(promise_us)),
            Self::Addresses(events) => PackedBatch::pack(port, events, Some(promise_us)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::Shape;

    fn source(times: &[u64]) -> Arc<Source> {
        let event = |(index, &time)| AddressEvent { time, index };
        let events = Events::Addresses((0..).zip(times).map(event).collect());
        Arc::new(Source::of("x".into(), Shape::Channels(99), events).expect("events"))
    }

    fn cut(pace: Pace) -> Cut {
        Cut { pace, gather: Duration::from_micros(1_000), events_max: 4, burst: None }
    }

    fn taken(flow: &Flow, batch: &Batch) -> Vec<(u64, u32)> {
        let mut room = flow.room();
        flow.fill(batch, &mut room);
        let Filled::Addresses(events) = room else { panic!("addresses") };
        events.iter().map(|event| (event.time, event.index)).collect()
    }

    #[test]
    fn laps_follow_one_another_from_a_phase_on() {
        // A lap of 40 µs.
        let mut flow = Flow::phased(source(&[0, 10, 30]), 1, 3);
        let batch = flow.next_of(7);
        let expected = [(0, 1), (20, 2), (30, 0), (40, 1), (60, 2), (70, 0), (80, 1)];
        assert_eq!(taken(&flow, &batch), expected);
        assert_eq!(batch.promise_us, 100);
    }

    #[test]
    fn a_batch_is_due_with_its_last_event() {
        let flow = || Flow::phased(source(&[0, 400, 900, 1_500, 9_000]), 0, 1);
        let batches = |pace| {
            let mut flow = flow();
            [0; 2].map(|_| flow.next(&cut(pace))).map(|batch| (batch.count, batch.due))
        };
        let us = Duration::from_micros;
        assert_eq!(batches(Pace::Speed(1.0)), [(3, us(900)), (1, us(1_500))]);
        assert_eq!(batches(Pace::Speed(2.0)), [(4, us(750)), (2, us(5_400))]);
        assert_eq!(batches(Pace::Rate(2_000.0)), [(2, us(500)), (2, us(1_500))]);
    }

    #[test]
    fn bursts_hold_back_what_is_due_within_them() {
        let mut flow = Flow::phased(source(&[0, 400, 900, 1_500, 9_000]), 0, 1);
        let cut = Cut { burst: Some(Duration::from_millis(5)), ..cut(Pace::Speed(1.0)) };
        let batch = flow.next(&cut);
        assert_eq!((batch.count, batch.due), (4, Duration::from_millis(5)));
        assert_eq!(flow.next(&cut).due, Duration::from_millis(10));
    }

    #[test]
    fn batches_end_with_a_tick_where_one_ends_in_them() {
        let mut flow = Flow::phased(source(&[0, 10, 20, 110, 120, 130, 140, 390]), 0, 1);
        let mut next = |count_max| {
            let batch = flow.next_of_ticks(count_max, 100_000);
            (batch.count, batch.promise_us)
        };
        assert_eq!(next(5), (3, 110));
        // No tick ends within two events, nor within one.
        assert_eq!((next(2), next(1)), ((2, 130), (1, 140)));
        assert_eq!(next(4), (2, 438));
    }

    proptest! {
        /// Counting what is due agrees with asking each event when it is.
        #[test]
        fn what_is_due_is_counted(
            times in prop::collection::vec(0..5_000_u64, 1..20),
            number in 0..5_usize,
            speed in 0.1..10.0_f64,
            passed_us in 0..50_000_u64,
            bursts in any::<bool>(),
        ) {
            let flow = Flow::phased(source(&times), number, 5);
            let burst = bursts.then_some(Duration::from_millis(2));
            for pace in [Pace::Speed(speed), Pace::Rate(speed * 1e4)] {
                let cut = Cut { burst, ..cut(pace) };
                let (mut all, mut count) = (flow.clone(), 0);
                let passed = Duration::from_micros(passed_us);
                while all.next(&Cut { events_max: 1, ..cut }).due <= passed {
                    count += 1;
                }
                // Where an event lies at that very moment, either is right.
                let told = flow.due_by(passed, &cut);
                let at_once = times.len() as u64;
                prop_assert!(told.abs_diff(count) <= at_once, "{} is not {}", told, count);
            }
        }

        /// However it is cut, the stream is the same: nothing twice, nothing left out, times rising,
        /// and no event below the promise before it.
        #[test]
        fn the_stream_does_not_depend_on_how_it_is_cut(
            times in prop::collection::vec(0..100_000_u64, 1..40),
            number in 0..5_usize,
            speed in 0.1..100.0_f64,
            events_max in 1..50_usize,
        ) {
            let start = Flow::phased(source(&times), number, 5);
            let mut flow = start.clone();
            let cut = Cut { events_max, ..cut(Pace::Speed(speed)) };
            let (mut streamed, mut promise_us, mut due) = (Vec::new(), 0, Duration::ZERO);
            while streamed.len() < 200 {
                let batch = flow.next(&cut);
                let events = taken(&flow, &batch);
                prop_assert!(events.iter().all(|(time, _)| *time >= promise_us));
                prop_assert!(batch.due >= due);
                (promise_us, due) = (batch.promise_us, batch.due);
                streamed.extend(events);
            }
            prop_assert!(streamed.is_sorted_by_key(|(time, _)| *time));
            let mut again = start.restarted();
            let whole = again.next_of(streamed.len());
            prop_assert_eq!(taken(&again, &whole), streamed);
            prop_assert_eq!(whole.promise_us, promise_us);
        }
    }
}
