//! One population in one tick: add up, decide who fires.
//!
//! Two ways with the same result: where few neurons received something, the quads that were
//! touched are looked at; where many did, the population is swept in memory order. A sum of zero
//! is no arrival in either.

mod linear;

use super::{Flights, PopulationState};
use crate::{
    connect::{Connect, Emission},
    network::{Plan, PopulationPlan, Shard, Share, WinnerTakeAll},
    neuron::{
        Model, Neurons,
        accumulator::Accumulator,
        each_clock,
        linear::{
            population::{LinearModel, LinearNeurons, each_kind},
            swept,
        },
    },
    sums::{Block, Grid, LANES, Layout, Plane, Sums, Touched, in_index_order, to_u32},
};

/// A sweep looks at a quad in a fraction of the time that a touched quad of a grid takes, or a
/// touched neuron where they lie flat.
const SWEEP_FACTOR_GRID: u64 = 4;
const SWEEP_FACTOR_FLAT: u64 = 2;

/// So few quads are swept sooner than it is worked out whether that pays.
const SWEPT_QUADS: usize = 16;

pub(super) struct Evaluation<'a> {
    pub(super) plan: &'a Plan,
    pub(super) shard: &'a Shard,
    pub(super) population: &'a PopulationPlan,
    pub(super) share: &'a Share,
    pub(super) state: &'a mut PopulationState,
    pub(super) flights: &'a Flights,
    pub(super) quads: &'a mut Vec<u32>,
    pub(super) seed: u64,
    pub(super) tick: u64,
}

impl Evaluation<'_> {
    /// Whether so much is due that a sweep costs less.
    pub(super) fn sweeps(&self) -> bool {
        if !self.population.noise.is_empty() || matches!(self.state.neurons, Neurons::Swept(_)) {
            return true;
        }
        if let Some(sweeps) = self.share.sweeps {
            return sweeps || self.share.planes > 1;
        }
        if self.share.layout.quads() <= SWEPT_QUADS {
            return true;
        }
        let due = self.state.stops.iter().map(|stop| {
            let flight = self.flights.get(stop.flight);
            let connect = &self.shard.connects[flight.projection.0 as usize];
            connect.expected(stop.step as usize, flight.emissions.len())
        });
        let due = due.sum::<u64>() + self.state.arrivals.due(self.tick) as u64;
        let factor = match self.share.layout {
            Layout::Grid(_) => SWEEP_FACTOR_GRID,
            Layout::Flat { .. } => SWEEP_FACTOR_FLAT,
        };
        due.saturating_mul(factor) > self.share.layout.quads() as u64
    }

    /// Adds everything due into the sums; returns the number of deliveries.
    pub(super) fn deliver(&mut self, sweeps: bool) -> u64 {
        let mut delivered = 0;
        let PopulationState { sums, touched, arrivals, stops, .. } = &mut *self.state;
        for stop in stops.iter() {
            let flight = self.flights.get(stop.flight);
            let id = flight.projection.0 as usize;
            let (connect, receptor) =
                (&self.shard.connects[id], self.plan.projections[id].receptor);
            let (step, emissions) = (stop.step as usize, flight.emissions.as_slice());
            // Rows name receptors themselves.
            let plane = match connect.as_ref() {
                Connect::Rows(_) => sums.plane(self.tick),
                _ => sums.receptor(self.tick, receptor),
            };
            delivered += connect.deliver(step, emissions, &flight.places, plane);
            if !sweeps {
                connect.touch(step, emissions, &flight.places, touched);
            }
        }
        if arrivals.due(self.tick) == 0 {
            return delivered;
        }
        let (plain, graded) = (arrivals.plain.take(self.tick), arrivals.graded.take(self.tick));
        sums.plane(self.tick).receive(&plain, &graded);
        if !sweeps {
            plain.iter().for_each(|delivery| touched.slot(delivery.slot));
            graded.iter().for_each(|delivery| touched.slot(delivery.slot));
        }
        arrivals.plain.recycle(plain);
        arrivals.graded.recycle(graded);
        delivered
    }

    /// Finds out who fires, leaves all sums zero, and names the calls that the calendar must make
    /// as (neuron, tick).
    pub(super) fn fire(&mut self, sweeps: bool, calls: &mut impl FnMut(u32, u64)) {
        self.make_noise();
        let (tick, first) = (self.tick, self.share.range.start);
        match (&self.population.model, &self.share.layout) {
            (Model::Linear(model), _) if model.is_swept() => self.sweep_linear(model),
            (Model::Linear(model), _) => self.fire_linear(model, sweeps, calls),
            (Model::Source(source), _) => {
                let PopulationState { neurons, calls: called, fired, .. } = &mut *self.state;
                let Neurons::Sources(neurons) = neurons else { unreachable!("of this model") };
                source.fire(neurons, called, tick, first, fired, calls);
            }
            (Model::Accumulator(model, WinnerTakeAll::PerLocation), Layout::Grid(grid)) => {
                if sweeps {
                    self.sweep_winners(model, grid);
                } else {
                    self.touched_winners(model, grid);
                }
            }
            (Model::Accumulator(model, _), _) if sweeps => self.sweep_accumulators(model),
            (Model::Accumulator(model, _), _) => self.touched_accumulators(model),
            (clocked, layout) => {
                let PopulationState { sums, touched, neurons, fired, .. } = &mut *self.state;
                let Neurons::Clocked(neurons) = neurons else { unreachable!("of this model") };
                touched.take(self.quads);
                each_clock!(
                    clocked,
                    clock => clock.tick(neurons, sums, tick, (layout, first), fired),
                    unreachable!("all others are above")
                );
            }
        }
        in_index_order(&mut self.state.fired);
    }

    fn fire_linear(&mut self, model: &LinearModel, sweeps: bool, calls: &mut impl FnMut(u32, u64)) {
        let changes = model.next_change(self.tick) == Some(self.tick);
        let PopulationState { sums, touched, neurons, calls: called, fired, .. } = &mut *self.state;
        let Neurons::Linear(LinearNeurons { cells, watches }) = neurons else {
            unreachable!("of this model")
        };
        let (tick, share, sets) = (self.tick, self.share, model.until(self.tick));
        each_kind!(cells, cells => {
            let mut linear = linear::Tick {
                model, sets, cells, watches, tick, share, fired, calls,
            };
            linear.answer(called, sums);
            take_each(sums, touched, self.quads, tick, sweeps, |block| linear.receive(&block));
            if changes {
                linear.change();
            }
        });
    }

    fn sweep_linear(&mut self, model: &LinearModel) {
        let PopulationState { sums, neurons, fired, .. } = &mut *self.state;
        let Neurons::Swept(neurons) = neurons else { unreachable!("of this model") };
        let (tick, sets) = (self.tick, model.until(self.tick));
        let (first, vectors) = (self.share.range.start, self.share.vectors);
        neurons.run(&swept::Tick { sets, tick, first, vectors }, sums, fired);
    }

    /// Adds what arrives from outside at random.
    fn make_noise(&mut self) {
        let (range, layout) = (self.share.range.clone(), &self.share.layout);
        for (number, noise) in (0..).zip(&self.population.noise) {
            let key = noise.key(self.seed, number, self.tick);
            let mut plane = self.state.sums.receptor(self.tick, noise.receptor);
            match &mut plane {
                Plane::Narrow(quads) => noise.add(key, &range, layout, quads.as_flattened_mut()),
                Plane::Wide(quads) => noise.add(key, &range, layout, quads.as_flattened_mut()),
            }
        }
    }

    fn touched_accumulators(&mut self, model: &Accumulator) {
        let (layout, first) = (&self.share.layout, self.share.range.start);
        let PopulationState { sums, touched, fired, .. } = &mut *self.state;
        take_each(sums, touched, self.quads, self.tick, false, |block| {
            for (&slot, &sum) in block.slots.iter().zip(block.sums) {
                if model.fires(sum)
                    && let Some(neuron) = layout.neuron(slot)
                {
                    fired.push(Emission { index: first + neuron, multiplicity: 1 });
                }
            }
        });
    }

    fn sweep_accumulators(&mut self, model: &Accumulator) {
        let (layout, first) = (&self.share.layout, self.share.range.start);
        let PopulationState { sums, fired, .. } = &mut *self.state;
        let mut fires = |neuron| fired.push(Emission { index: first + neuron, multiplicity: 1 });
        match sums.plane(self.tick) {
            Plane::Narrow(quads) => sweep_alone(quads, model, layout, &mut fires),
            Plane::Wide(quads) => sweep_alone(quads, model, layout, &mut fires),
        }
    }

    fn touched_winners(&mut self, model: &Accumulator, grid: &Grid) {
        let PopulationState { sums, touched, fired, .. } = &mut *self.state;
        touched.take(self.quads);
        match sums.plane(self.tick) {
            Plane::Narrow(quads) => look(quads, self.quads, model, grid, fired),
            Plane::Wide(quads) => look(quads, self.quads, model, grid, fired),
        }
    }

    fn sweep_winners(&mut self, model: &Accumulator, grid: &Grid) {
        let fired = &mut self.state.fired;
        match self.state.sums.plane(self.tick) {
            Plane::Narrow(quads) => sweep(quads, model, grid, fired),
            Plane::Wide(quads) => sweep(quads, model, grid, fired),
        }
    }
}

/// Takes every neuron with a sum that isn't zero.
#[inline]
fn take_each(
    sums: &mut Sums,
    touched: &mut Touched,
    quads: &mut Vec<u32>,
    tick: u64,
    sweeps: bool,
    each: impl FnMut(Block<'_>),
) {
    if sweeps {
        sums.take_each(tick, 0..to_u32(sums.quads()), each);
        return;
    }
    touched.take(quads);
    if touched.is_by_quad() {
        sums.take_each(tick, quads.iter().copied(), each);
    } else {
        sums.take_slots(tick, quads, each);
    }
}

/// The places of the quads that were touched; leaves zeros. A place that was touched in several
/// quads is decided at the first; the others find zeros.
fn look<S: Lane>(
    sums: &mut [[S; LANES]],
    touched: &[u32],
    model: &Accumulator,
    grid: &Grid,
    fired: &mut Vec<Emission>,
) {
    let per_place = grid.quads_per_place();
    for &quad in touched {
        let first = quad as usize / per_place * per_place;
        let place = &mut sums[first..first + per_place];
        let winner = winner_at(place, model);
        place.fill([S::default(); LANES]);
        if let Some(channel) = winner
            && let Some((y, x)) = grid.place_of_quad(first)
        {
            fired.push(Emission { index: grid.index(channel, y, x), multiplicity: 1 });
        }
    }
}

/// Every accumulator by itself, in memory order; leaves zeros.
fn sweep_alone<S: Lane>(
    sums: &mut [[S; LANES]],
    model: &Accumulator,
    layout: &Layout,
    fires: &mut impl FnMut(u32),
) {
    let silent_below = model.silent_below();
    for (first, quad) in (0..).step_by(LANES).zip(&*sums) {
        if !S::may_fire(quad, silent_below) {
            continue;
        }
        for (slot, &sum) in (first..).zip(quad) {
            if model.fires(sum.into())
                && let Some(neuron) = layout.neuron(slot)
            {
                fires(neuron);
            }
        }
    }
    sums.fill([S::default(); LANES]);
}

/// Every place in memory order; leaves zeros, in the margin too.
fn sweep<S: Lane>(
    sums: &mut [[S; LANES]],
    model: &Accumulator,
    grid: &Grid,
    fired: &mut Vec<Emission>,
) {
    let (per_place, pitch) = (grid.quads_per_place(), grid.pitch());
    let (top, left) = (grid.margin.top as usize, grid.margin.left as usize);
    let rows = sums.chunks_exact_mut(pitch * per_place).skip(top).take(grid.height as usize);
    for (y, row) in rows.enumerate() {
        let places = row.chunks_exact(per_place).skip(left).take(grid.width as usize);
        for (x, place) in places.enumerate() {
            if let Some(channel) = winner_at(place, model) {
                let index = grid.index(channel, to_u32(y), to_u32(x));
                fired.push(Emission { index, multiplicity: 1 });
            }
        }
    }
    sums.fill([S::default(); LANES]);
}

/// The channel that wins a place; most places are turned down at a glance.
#[inline]
fn winner_at<S: Lane>(place: &[[S; LANES]], model: &Accumulator) -> Option<u32> {
    let silent_below = model.silent_below();
    if !place.iter().any(|quad| S::may_fire(quad, silent_below)) {
        return None;
    }
    model.winner(place.iter().map(|quad| quad.map(Into::into)))
}

/// A sum's type, as a sweep sees it.
trait Lane: Copy + Default + Into<i64> {
    /// False only if no lane can fire, whatever the sign counts for.
    fn may_fire(quad: &[Self; LANES], silent_below: i64) -> bool;
}

impl Lane for i32 {
    #[inline]
    fn may_fire(quad: &[Self; LANES], silent_below: i64) -> bool {
        let Ok(threshold) = Self::try_from(silent_below) else { return false };
        quad.iter().fold(false, |any, &sum| any | (sum >= threshold) | (sum <= -threshold))
    }
}

impl Lane for i64 {
    #[inline]
    fn may_fire(quad: &[Self; LANES], silent_below: i64) -> bool {
        quad.iter().fold(false, |any, &sum| any | (sum >= silent_below) | (sum <= -silent_below))
    }
}
