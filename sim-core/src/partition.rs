//! The neurons, the calendar and the spikes in flight of one worker.
//!
//! [`Partition::step`] is the life of a tick: what is due is added into sums, populations are
//! evaluated in rank order, and what they fire departs on its projections. The sums of a tick that
//! is over are zero. All that is state are the neurons and what is in flight: deliveries that were
//! made ahead, calls of the calendar and cursors follow from these and the tick.

mod evaluate;
mod flights;
mod rejoin;
mod short_term;

use evaluate::Evaluation;
use flights::Flights;
use short_term::Transmitters;

use crate::{
    calendar::{Arrivals, Wheel},
    connect::{
        Connect, Emission,
        rows::{Cursor, Rows},
    },
    ids::{InputId, PopulationId, ProjectionId, SourceId},
    network::{Plan, Shard, Share, Travel},
    neuron::Neurons,
    sums::{Ahead, Sums, Touched},
};

/// Rows that are fetched ahead of the one that is read.
const PREFETCHED: usize = 2;

/// A flight's next stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    pub(crate) flight: u32,
    pub(crate) step: u32,
}

/// The calendar calls a neuron that may do something of itself.
#[derive(Clone, Copy, Debug)]
struct Call {
    population: PopulationId,
    /// Within the share.
    neuron: u32,
}

/// A spike that travels alone, kept by who emitted it until its last delivery's tick is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Departed {
    pub(crate) projection: ProjectionId,
    pub(crate) emitted: u64,
    pub(crate) emission: Emission,
}

/// A share's part of the state.
#[derive(Clone, Debug)]
pub(crate) struct PopulationState {
    sums: Sums,
    touched: Touched,
    pub(crate) neurons: Neurons,
    arrivals: Arrivals,
    /// Deliveries were made ahead, in sums, for ticks below this.
    ahead_until: u64,
    stops: Vec<Stop>,
    calls: Vec<u32>,
    /// By index in the description.
    pub(crate) fired: Vec<Emission>,
}

/// All that changes in a shard while it runs.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    pub(crate) worker: usize,
    seed: u64,
    pub(crate) populations: Vec<PopulationState>,
    flights: Flights,
    stops: Wheel<Stop>,
    cursors: Wheel<Cursor>,
    calls: Wheel<Call>,
    departed: Wheel<Departed>,
    pub(crate) transmitters: Transmitters,
    pub(crate) deliveries: u64,
    pub(crate) spikes: u64,
    scratch: Scratch,
}

/// Buffers that keep their memory from tick to tick.
#[derive(Clone, Debug, Default)]
struct Scratch {
    stops: Vec<Stop>,
    cursors: Vec<Cursor>,
    calls: Vec<Call>,
    departed: Vec<Departed>,
    quads: Vec<u32>,
    /// What spikes transmit under short-term plasticity.
    transmitted: Vec<Emission>,
}

/// Who emitted what departs: neurons of this worker, others, or the world outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emitter {
    /// Its spikes in flight are counted here.
    Here,
    /// They are counted elsewhere.
    Elsewhere,
}

impl Partition {
    /// The state at the start of tick `now`, with nothing in flight yet.
    pub(crate) fn new(
        plan: &Plan,
        (worker, seed): (usize, u64),
        neurons: Vec<Neurons>,
        now: u64,
    ) -> Self {
        let shares = plan.shards[worker].populations.iter().zip(&plan.populations);
        let states = shares.zip(neurons).map(|((share, population), neurons)| PopulationState {
            sums: Sums::new(
                &share.layout,
                population.wide,
                population.model.receptors(),
                share.planes,
            ),
            touched: Touched::new(&share.layout),
            neurons: neurons.kept_by(&population.model, now),
            arrivals: Arrivals::new(),
            ahead_until: now,
            stops: Vec::new(),
            calls: Vec::new(),
            fired: Vec::new(),
        });
        let mut partition = Self {
            worker,
            seed,
            populations: states.collect(),
            flights: Flights::default(),
            stops: Wheel::new(now),
            cursors: Wheel::new(now),
            calls: Wheel::new(now),
            departed: Wheel::new(now),
            transmitters: Transmitters::new(plan),
            deliveries: 0,
            spikes: 0,
            scratch: Scratch::default(),
        };
        partition.call_all(plan, now);
        partition
    }

    /// Asks every neuron when it may do something of itself.
    pub(crate) fn call_all(&mut self, plan: &Plan, now: u64) {
        for (id, population) in (0..).zip(&plan.populations) {
            let population_id = PopulationId(id);
            let first = self.shard(plan).populations[usize::from(id)].range.start;
            let state = &mut self.populations[usize::from(id)];
            state.neurons.call_all(&population.model, first, now, |neuron, due| {
                self.calls.push(due, Call { population: population_id, neuron });
            });
        }
    }

    fn shard<'a>(&self, plan: &'a Plan) -> &'a Shard {
        &plan.shards[self.worker]
    }

    /// The first tick, not before `from`, at which something is due.
    pub(crate) fn next_due(&self, plan: &Plan, from: u64) -> Option<u64> {
        let due = [self.stops.next_due(), self.cursors.next_due(), self.calls.next_due()];
        let ahead = |state: &PopulationState| (state.ahead_until > from).then_some(from);
        let shares = self.shard(plan).populations.iter().zip(&plan.populations);
        let own = shares
            .filter(|(share, _)| !share.range.is_empty())
            .filter_map(|(_, population)| population.next_due(from));
        let states =
            self.populations.iter().flat_map(|state| [ahead(state), state.arrivals.next_due(from)]);
        due.into_iter().chain(states).flatten().chain(own).min()
    }

    /// Spikes on their way that are counted here, at the start of a tick.
    pub(crate) fn in_flight(&mut self, tick: u64) -> usize {
        self.departed.forget_before(tick, &mut self.scratch.departed);
        self.flights.spikes() + self.departed.waiting()
    }

    /// Runs one tick: `inputs` are what the ports emit in it. Afterwards `fired` of each population
    /// holds its spikes, in index order.
    pub(crate) fn step(&mut self, plan: &Plan, tick: u64, inputs: &[Vec<Emission>]) {
        self.take_due(plan, tick);
        let emitter = if self.worker == 0 { Emitter::Here } else { Emitter::Elsewhere };
        for (port, emissions) in (0..).zip(inputs) {
            self.depart(plan, SourceId::Input(InputId(port)), tick, emissions, emitter, tick);
        }
        for &population in &plan.order {
            if self.shard(plan).populations[population.0 as usize].range.is_empty() {
                continue;
            }
            self.evaluate(plan, population, tick);
            let state = &mut self.populations[population.0 as usize];
            if state.fired.is_empty() {
                continue;
            }
            let fired = std::mem::take(&mut state.fired);
            let source = SourceId::Population(population);
            self.depart(plan, source, tick, &fired, Emitter::Here, tick);
            self.populations[population.0 as usize].fired = fired;
        }
    }

    /// Hands everything due at a tick to the population that it reaches.
    fn take_due(&mut self, plan: &Plan, tick: u64) {
        let shard = self.shard(plan);
        let scratch = &mut self.scratch;
        self.departed.forget_before(tick, &mut scratch.departed);
        self.stops.take(tick, &mut scratch.stops);
        for stop in scratch.stops.drain(..) {
            let projection = self.flights.get(stop.flight).projection;
            let target = plan.projections[projection.0 as usize].target;
            self.populations[target.0 as usize].stops.push(stop);
        }
        self.cursors.take(tick, &mut scratch.cursors);
        for (position, &cursor) in scratch.cursors.iter().enumerate() {
            if let Some(&next) = scratch.cursors.get(position + PREFETCHED) {
                shard.connects[next.projection as usize].rows().expect("only rows").prefetch(next);
            }
            let id = cursor.projection as usize;
            let target = plan.projections[id].target.0 as usize;
            let rows = shard.connects[id].rows().expect("only rows send cursors");
            let share = &shard.populations[target];
            let state = &mut self.populations[target];
            send_cursor(rows, cursor, tick, share, state, &mut self.cursors);
        }
        scratch.cursors.clear();
        self.calls.take(tick, &mut scratch.calls);
        for call in scratch.calls.drain(..) {
            self.populations[call.population.0 as usize].calls.push(call.neuron);
        }
    }

    /// Sends what a source emitted in a tick on its way along every projection. Another worker may
    /// have emitted it some ticks ago: nothing of it is due before `now`.
    pub(crate) fn depart(
        &mut self,
        plan: &Plan,
        source: SourceId,
        emitted: u64,
        emissions: &[Emission],
        emitter: Emitter,
        now: u64,
    ) {
        if emissions.is_empty() {
            return;
        }
        for &id in plan.projections_of(source) {
            let Some(rule) = plan.projections[id.0 as usize].short_term else {
                self.depart_along(plan, id, emitted, emissions, emitter, now);
                continue;
            };
            let mut transmitted = std::mem::take(&mut self.scratch.transmitted);
            self.transmitters.transmit((id, rule), emitted, emissions, &mut transmitted);
            self.depart_along(plan, id, emitted, &transmitted, emitter, now);
            self.scratch.transmitted = transmitted;
        }
    }

    fn depart_along(
        &mut self,
        plan: &Plan,
        id: ProjectionId,
        emitted: u64,
        emissions: &[Emission],
        emitter: Emitter,
        now: u64,
    ) {
        let shard = self.shard(plan);
        let projection = &plan.projections[id.0 as usize];
        if emitter == Emitter::Here {
            self.count(id, &projection.travel, emitted, emissions);
        }
        match shard.connects[id.0 as usize].as_ref() {
            Connect::Rows(rows) if rows.delays_ticks().is_empty() => {
                let target = projection.target.0 as usize;
                let (share, state) = (&shard.populations[target], &mut self.populations[target]);
                for (position, &emission) in emissions.iter().enumerate() {
                    if let Some(&next) = emissions.get(position + PREFETCHED) {
                        rows.prefetch(rows.depart(next, id.0, emitted));
                    }
                    let cursor = rows.depart(emission, id.0, emitted);
                    self.deliveries += rows.row_synapses(emission.index);
                    send_cursor(rows, cursor, now, share, state, &mut self.cursors);
                }
            }
            connect => {
                let Some(&first) = connect.delays_ticks().first() else { return };
                let counted = is_counted(&projection.travel, self.worker);
                let flight = self.flights.insert(connect, id, emitted, emissions, counted);
                let (due, stop) = (emitted.saturating_add(first.into()), Stop { flight, step: 0 });
                if due == now && emitted == now {
                    self.populations[projection.target.0 as usize].stops.push(stop);
                } else {
                    self.stops.push(due, stop);
                }
            }
        }
    }

    /// Keeps spikes that travel alone until they have arrived everywhere.
    fn count(&mut self, id: ProjectionId, travel: &Travel, emitted: u64, emissions: &[Emission]) {
        for &emission in emissions {
            if let Some(end) = travel.ends(emission.index, emitted) {
                self.departed.push(end, Departed { projection: id, emitted, emission });
            }
        }
    }

    /// Adds up what reaches a population in a tick and finds out who fires.
    fn evaluate(&mut self, plan: &Plan, population: PopulationId, tick: u64) {
        let state = &mut self.populations[population.0 as usize];
        state.fired.clear();
        let id = population.0 as usize;
        let own = plan.populations[id].next_due(tick) == Some(tick);
        let idle =
            state.stops.is_empty() && state.arrivals.due(tick) == 0 && state.calls.is_empty();
        if idle && !own && state.ahead_until <= tick {
            return;
        }
        let shard = &plan.shards[self.worker];
        let mut evaluation = Evaluation {
            plan,
            shard,
            population: &plan.populations[id],
            share: &shard.populations[id],
            state,
            flights: &self.flights,
            quads: &mut self.scratch.quads,
            seed: self.seed,
            tick,
        };
        let sweeps = evaluation.sweeps();
        self.deliveries += evaluation.deliver(sweeps);
        let mut calls = |neuron, due| self.calls.push(due, Call { population, neuron });
        evaluation.fire(sweeps, &mut calls);
        let fired = &self.populations[id].fired;
        self.spikes += fired.iter().map(|each| u64::from(each.multiplicity)).sum::<u64>();
        self.move_on(plan, population);
    }

    /// Schedules the next stop of everything that stopped at a population.
    fn move_on(&mut self, plan: &Plan, population: PopulationId) {
        let shard = self.shard(plan);
        let state = &mut self.populations[population.0 as usize];
        for stop in state.stops.drain(..) {
            let flight = self.flights.get(stop.flight);
            let connect = &shard.connects[flight.projection.0 as usize];
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

/// Whether the flights of a shard stand for those of all.
fn is_counted(travel: &Travel, worker: usize) -> bool {
    matches!(travel, Travel::Together { counted_in } if *counted_in == worker)
}

/// Reads a spike's row from its stop at a tick, and makes it wait for its next stop, if any.
#[inline]
fn send_cursor(
    rows: &Rows,
    cursor: Cursor,
    tick: u64,
    share: &Share,
    state: &mut PopulationState,
    cursors: &mut Wheel<Cursor>,
) {
    let visit = if share.planes > 1 {
        let visit = match state.sums.ahead() {
            Ahead::Narrow(mut lanes) => rows.visit(cursor, tick, &mut lanes),
            Ahead::Wide(mut lanes) => rows.visit(cursor, tick, &mut lanes),
        };
        state.ahead_until = state.ahead_until.max(visit.reached + 1);
        visit
    } else {
        rows.visit(cursor, tick, &mut state.arrivals)
    };
    if let Some((onward, stop)) = visit.next {
        cursors.push(stop, onward);
    }
}
