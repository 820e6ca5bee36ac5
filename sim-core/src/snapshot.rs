//! The whole state of a simulation as bytes, and back.
//!
//! Partition-free: neurons by their index in the description, spikes in flight as (projection,
//! emission tick, source, multiplicity). What follows from the rest (predicted crossings, the
//! calendar, deliveries made ahead) is not stored.
//!
//! ```text
//! magic, 8 | format, u32 | dynamics version, u32 | plan's SHA-256, 32 |
//! then sections: id, u32 | version, u32 | length, u64 | CRC-32 of the body, u32 | body
//! ```

mod bytes;
mod encoders;
mod neurons;
mod parameters;
mod readouts;
mod short_term;
mod weights;

use std::sync::Arc;

use bytes::{Reader, Writer};

use crate::{
    connect::Emission,
    crew::Crew,
    error::SnapshotError,
    event::InputEvent,
    ids::ProjectionId,
    input::door::Door,
    math::DYNAMICS_VERSION,
    network::Plan,
    simulation::{Counters, Excess, Options, Simulation},
    time::{Tick, TickLength},
};

const MAGIC: &[u8; 8] = b"spiked\0s";
const FORMAT: u32 = 2;
/// What the release before wrote.
const FORMAT_BEFORE: u32 = 1;

/// Section numbers, in the order in which they are written.
mod section {
    pub(super) const SESSION: u32 = 1;
    pub(super) const DOORS: u32 = 2;
    pub(super) const FILTERS: u32 = 3;
    pub(super) const NEURONS: u32 = 4;
    pub(super) const FLIGHTS: u32 = 5;
    pub(super) const READOUTS: u32 = 6;
    pub(super) const SHORT_TERM: u32 = 7;
    pub(super) const WEIGHTS: u32 = 8;
    pub(super) const PARAMETERS: u32 = 9;
    /// Only where there are ports of frames.
    pub(super) const ENCODERS: u32 = 10;
}

impl Simulation {
    /// The whole state between two ticks. Output that hasn't been drained is not part of it.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut to = Writer::new();
        to.raw(MAGIC);
        to.u32(FORMAT);
        to.u32(DYNAMICS_VERSION);
        to.raw(&self.own_plan.hash);
        to.section(section::SESSION, |to| self.write_session(to));
        to.section(section::DOORS, |to| self.write_doors(to));
        to.section(section::FILTERS, |to| self.write_filters(to));
        to.section(section::NEURONS, |to| neurons::write(self, to));
        to.section(section::FLIGHTS, |to| self.write_flights(to));
        to.section(section::READOUTS, |to| readouts::write(self, to));
        to.section(section::SHORT_TERM, |to| short_term::write(self, to));
        to.section(section::WEIGHTS, |to| weights::write(self, to));
        to.section(section::PARAMETERS, |to| parameters::write(self, to));
        if self.encodings.iter().any(Option::is_some) {
            to.section(section::ENCODERS, |to| encoders::write(self, to));
        }
        to.finish()
    }

    /// A simulation that continues exactly as the one that was taken.
    ///
    /// # Errors
    ///
    /// Bytes that are no snapshot of this network, by this arithmetic, whole and undamaged.
    pub fn restore(plan: Arc<Plan>, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut from = Reader::new(bytes);
        if from.raw(MAGIC.len())? != MAGIC {
            return Err(SnapshotError::Magic);
        }
        let format = from.u32()?;
        if format != FORMAT && format != FORMAT_BEFORE {
            return Err(SnapshotError::Format { found: format, known: FORMAT });
        }
        let found = from.u32()?;
        if found != DYNAMICS_VERSION {
            return Err(SnapshotError::Dynamics { found, known: DYNAMICS_VERSION });
        }
        if from.raw(plan.hash.len())? != plan.hash {
            return Err(SnapshotError::Network);
        }
        let (options, now, counters) = read_session(&mut from.section(section::SESSION)?)?;
        let mut doors = from.section(section::DOORS)?;
        let mut filters = from.section(section::FILTERS)?;
        let seed = options.seed_of(&plan);
        let neurons = neurons::read(&mut from.section(section::NEURONS)?, &plan, seed)?;
        let mut flights = from.section(section::FLIGHTS)?;
        let mut readouts = from.section(section::READOUTS)?;
        let crew = Crew::restored(&plan, seed, &neurons, now, &counters);
        let mut simulation = Self::assemble(plan, options, crew, now);
        simulation.counters = counters;
        simulation.read_doors(&mut doors, format)?;
        simulation.read_filters(&mut filters)?;
        // Format 1 had no plasticity.
        if format != FORMAT_BEFORE {
            short_term::read(&mut from.section(section::SHORT_TERM)?, &mut simulation)?;
            weights::read(&mut from.section(section::WEIGHTS)?, &mut simulation)?;
            parameters::read(&mut from.section(section::PARAMETERS)?, &mut simulation)?;
            if simulation.encodings.iter().any(Option::is_some) {
                encoders::read(&mut from.section(section::ENCODERS)?, &mut simulation)?;
            }
        }
        // Deliveries are made ahead with the weights that hold.
        simulation.read_flights(&mut flights, format)?;
        readouts::read(&mut readouts, &mut simulation)?;
        simulation.in_flight = simulation.crew.in_flight(now);
        Ok(simulation)
    }

    fn write_session(&self, to: &mut Writer) {
        to.u64(self.options.origin_us);
        to.u64(self.options.seed.is_some().into());
        to.u64(self.options.seed.unwrap_or_default());
        to.u64((self.options.excess == Excess::Drop).into());
        to.u64(self.options.in_flight_max as u64);
        to.u64(self.now);
        let counters = self.counters();
        to.u64(counters.events);
        to.u64(counters.events_filtered);
        to.u64(counters.events_excess);
        to.u64(counters.deliveries);
        to.u64(counters.spikes);
    }

    fn write_doors(&self, to: &mut Writer) {
        to.u64(self.horizon);
        for door in &self.doors {
            to.u64(door.promise_us);
            for events in [door.waiting.as_slice(), door.ready()] {
                to.u64(events.len() as u64);
                for event in events {
                    to.u64(event.time_us);
                    to.u32(event.address);
                    to.u32(event.multiplicity);
                }
            }
        }
    }

    fn read_doors(&mut self, from: &mut Reader<'_>, format: u32) -> Result<(), SnapshotError> {
        // Format 1 had no networks without ports.
        self.horizon = if format == FORMAT_BEFORE { self.now } else { from.u64()? };
        for (door, input) in self.doors.iter_mut().zip(&self.own_plan.inputs) {
            door.promise_us = from.u64()?;
            for events in [&mut door.waiting, &mut door.ready] {
                for _ in 0..from.count(16)? {
                    let time_us = from.u64()?;
                    let address = from.below(input.addresses)?;
                    let multiplicity = from.u32()?;
                    let event = InputEvent { time_us, address, multiplicity };
                    if let Some(frames) = &input.frames
                        && (event.value().is_nan() || event.value().abs() > frames.source.value_max)
                    {
                        return Err(from.value(format!("a value of {}", event.value())));
                    }
                    events.push(event);
                }
            }
            check_door(door, self.own_plan.tick, self.options.origin_us, self.now)
                .map_err(|problem| from.value(problem.into()))?;
        }
        Ok(())
    }

    fn write_filters(&self, to: &mut Writer) {
        for passed in self.memories.iter().flat_map(|memory| &memory.passed) {
            let set = || (0_u32..).zip(passed).filter(|(_, time)| **time > 0);
            to.u64(set().count() as u64);
            for (address, &time) in set() {
                to.u32(address);
                to.u64(time);
            }
        }
    }

    fn read_filters(&mut self, from: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let over_us = self.own_plan.tick.first_us(Tick(self.now), self.options.origin_us);
        for passed in self.memories.iter_mut().flat_map(|memory| &mut memory.passed) {
            let size = crate::sums::to_u32(passed.len());
            for _ in 0..from.count(12)? {
                let address = from.below(size)?;
                let time = from.u64()?;
                if time > over_us {
                    return Err(from.value(format!("an event of {time} us, which is not over")));
                }
                passed[address as usize] = time;
            }
        }
        Ok(())
    }

    fn write_flights(&self, to: &mut Writer) {
        let flights = self.crew.flights();
        to.u64(flights.len() as u64);
        for ((projection, emitted), emissions) in flights {
            to.u32(projection.0.into());
            to.u64(emitted);
            // The sample that the spikes belong to; samples come with control events.
            to.u32(0);
            to.u64(emissions.len() as u64);
            for emission in emissions {
                to.u32(emission.index);
                to.u32(emission.multiplicity);
            }
        }
    }

    fn read_flights(&mut self, from: &mut Reader<'_>, format: u32) -> Result<(), SnapshotError> {
        let plan = Arc::clone(&self.own_plan);
        // Format 1 has an entry for each spike that travels alone.
        let mut before = None;
        for _ in 0..from.count(24)? {
            let projection = from.below(crate::sums::to_u32(plan.projections.len()))?;
            let emitted = from.before(self.now)?;
            from.u32()?;
            let sources = plan.sources_of(projection as usize);
            let most = plan.emission_max(projection as usize);
            let mut emissions: Vec<Emission> = Vec::new();
            for _ in 0..from.count(8)? {
                let (index, multiplicity) = (from.below(sources)?, from.u32()?);
                let again = emissions.last().is_some_and(|last| last.index >= index);
                if again || multiplicity > most {
                    let what = format!("{multiplicity} spikes of source {index} at one moment");
                    return Err(from.value(what));
                }
                emissions.push(Emission { index, multiplicity });
            }
            if format != FORMAT_BEFORE
                && before.replace((projection, emitted)) >= Some((projection, emitted))
            {
                return Err(from.value("flights out of order".into()));
            }
            let id = ProjectionId(u16::try_from(projection).expect("below the number of parts"));
            self.crew.rejoin(&plan, id, emitted, &emissions, self.now);
        }
        Ok(())
    }
}

/// What has been simulated has left the door, and what its promise releases is in order.
fn check_door(door: &Door, tick: TickLength, origin_us: u64, now: u64) -> Result<(), &'static str> {
    if tick.closed_by(door.promise_us, origin_us).0 < now {
        return Err("a promise that closes less than has been simulated");
    }
    let over_us = tick.first_us(Tick(now), origin_us);
    let ready = |event: &InputEvent| (over_us..door.promise_us).contains(&event.time_us);
    let is_sorted = door.ready.is_sorted_by_key(|event| (event.time_us, event.address));
    if !is_sorted || !door.ready.iter().all(ready) {
        return Err("events below the promise that are out of order or over");
    }
    if door.waiting.iter().any(|event| event.time_us < door.promise_us) {
        return Err("an event that waits below the promise");
    }
    let mut events = door.ready.iter().chain(&door.waiting);
    if events.any(|event| event.multiplicity == 0) {
        return Err("an event that stands for none");
    }
    Ok(())
}

fn read_session(from: &mut Reader<'_>) -> Result<(Options, u64, Counters), SnapshotError> {
    let origin_us = from.u64()?;
    let (has_seed, seed) = (from.u64()?, from.u64()?);
    let excess = if from.u64()? == 1 { Excess::Drop } else { Excess::Fail };
    let in_flight_max = usize::try_from(from.u64()?).unwrap_or(usize::MAX);
    let options =
        Options { origin_us, seed: (has_seed == 1).then_some(seed), excess, in_flight_max };
    let now = from.u64()?;
    let counters = Counters {
        events: from.tally()?,
        events_filtered: from.tally()?,
        events_excess: from.tally()?,
        deliveries: from.tally()?,
        spikes: from.tally()?,
        ..Counters::default()
    };
    Ok((options, now, counters))
}

#[cfg(test)]
mod tests;
