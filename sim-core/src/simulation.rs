//! One running instance of a network: doors, partitions, readouts, output.
//!
//! A simulation is a value. It has no clock and does no I/O: events are offered, promises move
//! time, [`Simulation::advance`] runs what is closed, and the caller drains the output.

mod gather;
mod parameters;
mod probes;
mod running;
mod samples;
mod weights;

use std::sync::Arc;

pub(crate) use parameters::Parameters;
pub(crate) use weights::places;
pub use weights::{Synapse, WeightChange};

use crate::{
    connect::Emission,
    crew::Crew,
    error::{OfferError, SimulationError},
    event::{InputEvent, Output, Spike},
    ids::InputId,
    input::{door::Door, encode::Encoding, filter::Memory, offer::check_offer, tray::Tray},
    network::{InputPlan, Plan},
    readout::Tally,
    time::Tick,
};

/// What a session chooses when it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Tick 0 on the sender's clock, in µs.
    pub origin_us: u64,
    /// Replaces the network's seed.
    pub seed: Option<u64>,
    /// What more events at one address in one tick than the port allows do.
    pub excess: Excess,
    /// The most spikes in flight.
    pub in_flight_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { origin_us: 0, seed: None, excess: Excess::Fail, in_flight_max: 1 << 24 }
    }
}

impl Options {
    /// The session's own seed, or the network's.
    pub(crate) fn seed_of(&self, plan: &Plan) -> u64 {
        self.seed.unwrap_or(plan.seed)
    }
}

/// What more events at one address in one tick than the port allows do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Excess {
    /// The simulation ends before that tick.
    #[default]
    Fail,
    /// Those beyond are dropped and counted.
    Drop,
}

/// How much [`Simulation::advance`] may do before it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// It stops after the tick in which as many deliveries have been made.
    pub deliveries: u64,
}

impl Budget {
    /// Until nothing is left to do.
    pub const UNLIMITED: Self = Self { deliveries: u64::MAX };
}

/// Whether anything is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every closed tick has been run.
    Idle,
    /// The budget was used up.
    More,
}

/// What a simulation has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events taken into ticks, before the filters.
    pub events: u64,
    /// Of those, how many the filters removed.
    pub events_filtered: u64,
    /// Of those, how many were above a port's multiplicity.
    pub events_excess: u64,
    /// Of those, how many came between samples.
    pub events_outside_samples: u64,
    /// Events offered and not yet taken into a tick.
    pub events_waiting: u64,
    /// Synaptic events.
    pub deliveries: u64,
    /// Spikes of all populations, each crossing counted.
    pub spikes: u64,
    /// Spikes on their way.
    pub in_flight: u64,
}

/// One running instance of a network.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// What it was given.
    plan: Arc<Plan>,
    /// What it runs: the same, with what the session has set.
    pub(crate) own_plan: Arc<Plan>,
    pub(crate) options: Options,
    pub(crate) doors: Vec<Door>,
    /// Behind the doors of ports of frames.
    pub(crate) encodings: Vec<Option<Encoding>>,
    pub(crate) memories: Vec<Memory>,
    pub(crate) crew: Crew,
    pub(crate) tallies: Vec<Tally>,
    pub(crate) counters: Counters,
    /// Every tick below has been run.
    pub(crate) now: u64,
    /// For networks without inputs: ticks below may be run.
    pub(crate) horizon: u64,
    /// Spikes on their way.
    pub(crate) in_flight: usize,
    /// Parameters that were set.
    pub(crate) parameters: Parameters,
    /// By population and neuron, once weights onto it have been set: by how much the magnitudes of
    /// all that reaches it in a tick have grown beyond the plan's \[quanta\].
    grown: Vec<Vec<i64>>,
    /// Deliveries that were made ahead have weights that no longer hold.
    pub(crate) is_ahead_outdated: bool,
    failed: Option<SimulationError>,
    outputs: Vec<Output>,
    /// By port: where a tick's events are added up, and what it emits.
    trays: Vec<Tray>,
    emissions: Vec<Vec<Emission>>,
}

impl Simulation {
    /// A network at rest, before tick 0.
    #[must_use]
    pub fn new(plan: Arc<Plan>, options: Options) -> Self {
        let crew = Crew::at_start(&plan, options.seed_of(&plan));
        Self::assemble(plan, options, crew, 0)
    }

    pub(crate) fn assemble(plan: Arc<Plan>, options: Options, crew: Crew, now: u64) -> Self {
        Self {
            doors: plan.inputs.iter().map(|_| Door::new(options.origin_us)).collect(),
            encodings: plan.inputs.iter().map(at_start).collect(),
            memories: plan.inputs.iter().map(|input| input.chain.memory()).collect(),
            tallies: plan.readouts.iter().map(|readout| readout.rule.tally()).collect(),
            trays: plan.inputs.iter().map(|input| Tray::new(input.emitters())).collect(),
            emissions: vec![Vec::new(); plan.inputs.len()],
            counters: Counters::default(),
            horizon: now,
            in_flight: 0,
            grown: vec![Vec::new(); plan.populations.len()],
            is_ahead_outdated: false,
            parameters: Parameters::new(),
            failed: None,
            outputs: Vec::new(),
            own_plan: Arc::clone(&plan),
            plan,
            options,
            crew,
            now,
        }
    }

    /// Says where tick 0 lies on the senders' clock, for a simulation that was made before this was
    /// known: it has taken neither events nor promises, and no tick has run.
    pub fn begin_at(&mut self, origin_us: u64) {
        debug_assert!(self.now == 0 && self.doors.iter().all(|door| door.len() == 0), "untouched");
        self.options.origin_us = origin_us;
        for door in &mut self.doors {
            *door = Door::new(origin_us);
        }
    }

    /// Takes events at or above the port's promise, in any order. On a port of frames they are
    /// [samples](InputEvent::sample); all of one time are one frame, and a value that a frame leaves
    /// out stays as it was.
    ///
    /// # Errors
    ///
    /// Names the first event that cannot be taken; then none of them is.
    pub fn offer(&mut self, port: InputId, events: &[InputEvent]) -> Result<(), OfferError> {
        let input = self.input(port)?;
        check_offer(input, self.doors[port.0 as usize].promise_us, events)?;
        self.doors[port.0 as usize].offer(events);
        Ok(())
    }

    /// Promises that no event before a time is still to come on a port.
    ///
    /// # Errors
    ///
    /// A promise below one already given.
    pub fn promise(&mut self, port: InputId, time_us: u64) -> Result<(), OfferError> {
        self.input(port)?;
        let door = &mut self.doors[port.0 as usize];
        if time_us < door.promise_us {
            let given_us = door.promise_us;
            return Err(OfferError::Backwards { promise_us: time_us, given_us });
        }
        door.promise(time_us);
        Ok(())
    }

    /// Says that no frame will come on any port: the last values are held for the length of a gap,
    /// and time no longer waits for a next frame.
    pub fn end_frames(&mut self) {
        for encoding in self.encodings.iter_mut().flatten() {
            encoding.is_over = true;
        }
    }

    fn input(&self, port: InputId) -> Result<&InputPlan, OfferError> {
        let ports = self.own_plan.inputs.len();
        self.own_plan.inputs.get(port.0 as usize).ok_or(OfferError::Port { port: port.0, ports })
    }

    /// Lets a network without input ports run every tick below this one.
    pub fn close_until(&mut self, tick: Tick) {
        self.horizon = self.horizon.max(tick.0);
    }

    /// Promises every port that nothing below a tick is still to come, and runs up to it.
    ///
    /// # Errors
    ///
    /// As [`Self::advance`].
    pub fn run_until(&mut self, tick: Tick) -> Result<(), SimulationError> {
        let promise_us = self.own_plan.tick.first_us(tick, self.options.origin_us);
        for door in &mut self.doors {
            door.promise(promise_us.max(door.promise_us));
        }
        self.close_until(tick);
        self.advance(Budget::UNLIMITED).map(|_| ())
    }

    /// Offers one event at the beginning of a tick.
    ///
    /// # Errors
    ///
    /// As [`Self::offer`].
    pub fn inject(&mut self, port: InputId, tick: Tick, address: u32) -> Result<(), OfferError> {
        let time_us = self.own_plan.tick.first_us(tick, self.options.origin_us);
        self.offer(port, &[InputEvent::new(time_us, address)])
    }

    /// Every tick below it is closed, and its output has been collected.
    #[must_use]
    pub const fn simulated_to(&self) -> Tick {
        Tick(self.now)
    }

    /// What came out since the caller last drained it, in (tick, rank, port, index) order.
    pub fn outputs(&mut self) -> &mut Vec<Output> {
        &mut self.outputs
    }

    /// Takes the spikes that came out since the caller last drained; decisions are dropped.
    pub fn drain_spikes(&mut self) -> impl Iterator<Item = Spike> + '_ {
        self.outputs.drain(..).filter_map(|output| match output {
            Output::Spike(spike) => Some(spike),
            Output::Decision(_) => None,
        })
    }

    /// What has been done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            events_waiting: self.doors.iter().map(|door| door.len() as u64).sum(),
            deliveries: self.crew.deliveries(),
            spikes: self.crew.spikes(),
            in_flight: self.in_flight as u64,
            ..self.counters
        }
    }

    /// Tick 0 on the sender's clock, in µs.
    #[must_use]
    pub const fn origin_us(&self) -> u64 {
        self.options.origin_us
    }

    /// The plan that it was given.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }
}

fn at_start(input: &InputPlan) -> Option<Encoding> {
    input.frames.as_ref().map(|frames| frames.at_start())
}
