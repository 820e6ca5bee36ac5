//! The neurons, the calendar and the spikes in flight of one worker.
//!
//! [`Partition::step`] is the life of a tick: what is due is added into sums, populations are
//! evaluated in rank order, and what they fire departs on its projections. Between ticks all sums
//! are zero; everything else that changes is the membranes and what is in flight. The deliveries
//! that cursors made ahead follow from the spikes in flight and the tick.

mod evaluate;
mod flights;

use evaluate::Evaluation;
pub(crate) use flights::Flights;

use crate::{
    calendar::{Arrivals, Wheel},
    connect::{
        Connect, Emission,
        rows::{Cursor, Rows},
    },
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
    arrivals: Arrivals,
    stops: Vec<Stop>,
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
                arrivals: Arrivals::new(),
                stops: Vec::new(),
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

    /// The first tick, not before `from`, at which something is due.
    pub(crate) fn next_due(&self, from: u64) -> Option<u64> {
        let due = [self.stops.next_due(), self.cursors.next_due(), self.calls.next_due()];
        let arrivals = self.populations.iter().filter_map(|state| state.arrivals.next_due(from));
        due.into_iter().flatten().chain(arrivals).min()
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
            let projection = &plan.projections[cursor.projection as usize];
            let Connect::Rows(rows) = &projection.connect else {
                unreachable!("only rows send cursors")
            };
            let arrivals = &mut self.populations[projection.target.0 as usize].arrivals;
            send_cursor(rows, cursor, tick, arrivals, &mut self.cursors);
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
                    let arrivals = &mut self.populations[projection.target.0 as usize].arrivals;
                    for &emission in emissions {
                        let cursor = rows.depart(emission, id.0, tick);
                        send_cursor(rows, cursor, tick, arrivals, &mut self.cursors);
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
        if let Connect::Rows(rows) = connect {
            for &emission in emissions {
                let start = rows.depart(emission, projection.0, emitted);
                let (cursor, due) = rows.skip(start, now);
                if due >= now {
                    self.cursors.push(due, cursor);
                }
            }
            return;
        }
        let waited = now.saturating_sub(emitted);
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
        if state.stops.is_empty() && state.arrivals.due(tick) == 0 && state.calls.is_empty() {
            return;
        }
        let mut evaluation = Evaluation {
            plan,
            population: &plan.populations[population.0 as usize],
            state,
            flights: &self.flights,
            quads: &mut self.scratch.quads,
            tick,
        };
        let sweeps = evaluation.sweeps();
        self.deliveries += evaluation.deliver(sweeps);
        let mut calls = |neuron, due| self.calls.push(due, Call { population, neuron });
        evaluation.fire(sweeps, &mut calls);
        self.move_on(plan, population);
    }

    /// Schedules the next stop of everything that stopped at a population.
    fn move_on(&mut self, plan: &Plan, population: PopulationId) {
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
        state.calls.clear();
    }
}

/// Reads a spike's row from its stop at a tick, and makes it wait for its next stop, if any.
fn send_cursor(
    rows: &Rows,
    cursor: Cursor,
    tick: u64,
    arrivals: &mut Arrivals,
    cursors: &mut Wheel<Cursor>,
) {
    let (onward, stop) = rows.visit(cursor, tick, arrivals);
    if stop > tick {
        cursors.push(stop, onward);
    }
}
