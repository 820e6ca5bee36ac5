//! The neurons, the calendar and the spikes in flight of one worker.
//!
//! [`Partition::step`] is the life of a tick: what is due is added into sums, populations are
//! evaluated in rank order, and what they fire departs on its projections. Between ticks all sums
//! are zero; everything else that changes is the membranes and what is in flight.

mod evaluate;
mod flights;

use evaluate::Evaluation;
pub(crate) use flights::Flights;

use crate::{
    calendar::Wheel,
    connect::{Connect, Emission, rows::Cursor},
    ids::{PopulationId, ProjectionId, SourceId},
    network::Plan,
    neuron::{Model, lif::Membranes},
    sums::{Quads, Touched},
};

/// A flight's next stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    pub(crate) flight: u32,
    pub(crate) step: u32,
}

/// The calendar calls a neuron whose crossing was predicted.
#[derive(Clone, Copy, Debug)]
struct Call {
    population: PopulationId,
    neuron: u32,
}

/// A population's part of the state.
#[derive(Clone, Debug)]
pub(crate) struct PopulationState {
    sums: Quads,
    touched: Touched,
    pub(crate) membranes: Membranes,
    stops: Vec<Stop>,
    cursors: Vec<Cursor>,
    calls: Vec<u32>,
    pub(crate) fired: Vec<Emission>,
}

/// All that changes in the network while it runs, but for doors and readouts.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    pub(crate) populations: Vec<PopulationState>,
    pub(crate) flights: Flights,
    pub(crate) stops: Wheel<Stop>,
    pub(crate) cursors: Wheel<Cursor>,
    calls: Wheel<Call>,
    pub(crate) deliveries: u64,
    scratch: Scratch,
}

/// Buffers that keep their memory from tick to tick.
#[derive(Clone, Debug, Default)]
struct Scratch {
    stops: Vec<Stop>,
    cursors: Vec<Cursor>,
    calls: Vec<Call>,
    quads: Vec<u32>,
    /// Cursors that have not reached the end of their row, and the ticks to their next stop.
    onward: Vec<(Cursor, u64)>,
}

impl Partition {
    /// The state before tick 0.
    pub(crate) fn new(plan: &Plan) -> Self {
        let membranes = plan.populations.iter().map(|population| match &population.model {
            Model::Lif(lif) => Membranes::new(lif, population.size as usize),
            Model::Accumulator(..) => Membranes::default(),
        });
        Self::with_membranes(plan, membranes.collect(), 0)
    }

    /// The state at the start of tick `now`, with nothing in flight yet.
    pub(crate) fn with_membranes(plan: &Plan, membranes: Vec<Membranes>, now: u64) -> Self {
        let state = |(population, membranes): (&crate::network::PopulationPlan, Membranes)| {
            PopulationState {
                sums: Quads::new(&population.layout, population.wide),
                touched: Touched::new(&population.layout),
                membranes,
                stops: Vec::new(),
                cursors: Vec::new(),
                calls: Vec::new(),
                fired: Vec::new(),
            }
        };
        let mut partition = Self {
            populations: plan.populations.iter().zip(membranes).map(state).collect(),
            flights: Flights::default(),
            stops: Wheel::new(now),
            cursors: Wheel::new(now),
            calls: Wheel::new(now),
            deliveries: 0,
            scratch: Scratch::default(),
        };
        partition.predict_all(plan, now);
        partition
    }

    fn predict_all(&mut self, plan: &Plan, now: u64) {
        for (id, population) in (0..).zip(&plan.populations) {
            let Model::Lif(lif) = &population.model else { continue };
            let membranes = &mut self.populations[usize::from(id)].membranes;
            for neuron in 0..population.size {
                if let Some(tick) = membranes.predict(lif, neuron as usize, now) {
                    self.calls.push(tick, Call { population: PopulationId(id), neuron });
                }
            }
        }
    }

    /// The first tick at which something is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let due = [self.stops.next_due(), self.cursors.next_due(), self.calls.next_due()];
        due.into_iter().flatten().min()
    }

    /// Spikes on their way.
    pub(crate) fn in_flight(&self) -> usize {
        self.flights.spikes() + self.cursors.waiting()
    }

    /// Runs one tick: `inputs` are what the ports emit in it. Afterwards `fired` of each population
    /// holds its spikes, in index order.
    pub(crate) fn step(&mut self, plan: &Plan, tick: u64, inputs: &[Vec<Emission>]) {
        self.take_due(plan, tick);
        for (port, emissions) in (0..).zip(inputs) {
            self.depart(plan, SourceId::Input(crate::ids::InputId(port)), tick, emissions);
        }
        for &population in &plan.order {
            self.evaluate(plan, population, tick);
            let state = &mut self.populations[population.0 as usize];
            let fired = std::mem::take(&mut state.fired);
            self.depart(plan, SourceId::Population(population), tick, &fired);
            self.populations[population.0 as usize].fired = fired;
        }
    }

    /// Hands everything due at a tick to the population that it reaches.
    fn take_due(&mut self, plan: &Plan, tick: u64) {
        let scratch = &mut self.scratch;
        self.stops.take(tick, &mut scratch.stops);
        for stop in scratch.stops.drain(..) {
            let projection = self.flights.get(stop.flight).projection;
            let target = plan.projections[projection.0 as usize].target;
            self.populations[target.0 as usize].stops.push(stop);
        }
        self.cursors.take(tick, &mut scratch.cursors);
        for cursor in scratch.cursors.drain(..) {
            let target = plan.projections[cursor.projection as usize].target;
            self.populations[target.0 as usize].cursors.push(cursor);
        }
        self.calls.take(tick, &mut scratch.calls);
        for call in scratch.calls.drain(..) {
            self.populations[call.population.0 as usize].calls.push(call.neuron);
        }
    }

    /// Sends what a source emitted in a tick on its way along every projection.
    fn depart(&mut self, plan: &Plan, source: SourceId, tick: u64, emissions: &[Emission]) {
        if emissions.is_empty() {
            return;
        }
        for &id in plan.projections_of(source) {
            let projection = &plan.projections[id.0 as usize];
            match &projection.connect {
                Connect::Rows(rows) => {
                    for &emission in emissions {
                        if let Some((cursor, ticks)) = rows.depart(emission, id.0, tick) {
                            self.send_cursor(plan, cursor, tick, ticks);
                        }
                    }
                }
                connect => {
                    let Some(&first) = connect.delays_ticks().first() else { continue };
                    let flight = self.flights.insert(connect, id, tick, emissions);
                    self.send(plan, Stop { flight, step: 0 }, tick, first.into());
                }
            }
        }
    }

    fn send_cursor(&mut self, plan: &Plan, cursor: Cursor, tick: u64, ticks: u64) {
        if ticks == 0 {
            let target = plan.projections[cursor.projection as usize].target;
            self.populations[target.0 as usize].cursors.push(cursor);
        } else {
            self.cursors.push(tick.saturating_add(ticks), cursor);
        }
    }

    fn send(&mut self, plan: &Plan, stop: Stop, tick: u64, ticks: u64) {
        if ticks == 0 {
            let projection = self.flights.get(stop.flight).projection;
            let target = plan.projections[projection.0 as usize].target;
            self.populations[target.0 as usize].stops.push(stop);
        } else {
            self.stops.push(tick.saturating_add(ticks), stop);
        }
    }

    /// Puts a flight that a snapshot found back on its way, from the first stop not before `now`.
    pub(crate) fn rejoin(
        &mut self,
        plan: &Plan,
        projection: ProjectionId,
        emitted: u64,
        emissions: &[Emission],
        now: u64,
    ) {
        let connect = &plan.projections[projection.0 as usize].connect;
        let waited = now.saturating_sub(emitted);
        if let Connect::Rows(rows) = connect {
            for &emission in emissions {
                let rejoined = rows.rejoin(emission, projection.0, emitted, waited);
                if let Some((cursor, delay)) = rejoined {
                    self.cursors.push(emitted.saturating_add(delay), cursor);
                }
            }
            return;
        }
        let delays = connect.delays_ticks();
        let step = delays.partition_point(|&delay| u64::from(delay) < waited);
        if let Some(&delay) = delays.get(step) {
            let flight = self.flights.insert(connect, projection, emitted, emissions);
            let stop = Stop { flight, step: crate::sums::to_u32(step) };
            self.stops.push(emitted.saturating_add(delay.into()), stop);
        }
    }

    /// Adds up what reaches a population in a tick and finds out who fires.
    fn evaluate(&mut self, plan: &Plan, population: PopulationId, tick: u64) {
        let state = &mut self.populations[population.0 as usize];
        state.fired.clear();
        if state.stops.is_empty() && state.cursors.is_empty() && state.calls.is_empty() {
            return;
        }
        let mut evaluation = Evaluation {
            plan,
            population: &plan.populations[population.0 as usize],
            state,
            flights: &self.flights,
            quads: &mut self.scratch.quads,
            onward: &mut self.scratch.onward,
            tick,
        };
        let sweeps = evaluation.sweeps();
        self.deliveries += evaluation.deliver(sweeps);
        let mut calls = |neuron, due| self.calls.push(due, Call { population, neuron });
        evaluation.fire(sweeps, &mut calls);
        self.move_on(plan, population, tick);
    }

    /// Schedules the next stop of everything that stopped at a population.
    fn move_on(&mut self, plan: &Plan, population: PopulationId, tick: u64) {
        let state = &mut self.populations[population.0 as usize];
        for stop in state.stops.drain(..) {
            let flight = self.flights.get(stop.flight);
            let connect = &plan.projections[flight.projection.0 as usize].connect;
            match connect.delays_ticks().get(stop.step as usize + 1) {
                Some(&delay) => {
                    let due = flight.emitted.saturating_add(delay.into());
                    self.stops.push(due, Stop { step: stop.step + 1, ..stop });
                }
                None => self.flights.remove(stop.flight),
            }
        }
        for (cursor, ticks) in self.scratch.onward.drain(..) {
            self.cursors.push(tick.saturating_add(ticks), cursor);
        }
        state.cursors.clear();
        state.calls.clear();
    }
}
