//! One neuron driven as a partition would, and what its tests share.

mod behaviour;
mod brute_force;
mod determinism;
mod precise;
mod reference;

use proptest::prelude::*;

use super::{Cell, Linear, Watch};
use crate::{
    network::neurons::lif::{Adaptation, LifParameters, Receptor, ReceptorKind},
    time::TickLength,
};

/// What a unit of a sum stands for.
const QUANTUM: f64 = 1.0 / 1024.0;

/// Sums that arrive at a tick, in ascending order of ticks.
type Arrivals = [(u64, Vec<i64>)];

fn linear(parameters: &LifParameters, tick: TickLength) -> Linear {
    assert_eq!(parameters.check(tick), []);
    Linear::new(parameters, tick, &vec![QUANTUM; parameters.receptors.len().max(1)]).with_tables()
}

/// A neuron and the tick at which the calendar calls.
struct Driven<'a, const N: usize> {
    linear: &'a Linear,
    cell: Cell<N>,
    watch: Watch,
    /// Calls that found nothing.
    in_vain: u32,
}

impl<'a, const N: usize> Driven<'a, N> {
    fn new(linear: &'a Linear, initial_mv: f64) -> Self {
        assert_eq!(linear.all_states().len(), N);
        let cell = Cell::at_start(linear, initial_mv, 0);
        Self { linear, cell, watch: cell.watch(linear, 0, Watch::NEVER), in_vain: 0 }
    }

    /// Answers a call, if there is one, and takes what arrives; how often it fired.
    fn step(&mut self, tick: u64, sums: &[i64]) -> u32 {
        let called = self.watch.due == tick;
        let mut fired = if called { self.cell.cross(self.linear, tick) } else { 0 };
        self.in_vain += u32::from(called && fired == 0);
        fired += u32::from(self.cell.arrive(self.linear, tick, sums));
        if self.watch.is_used_up(self.linear.lift_mv(sums)) || called || fired > 0 {
            self.look(tick);
        }
        fired
    }

    /// Asks anew when it must be called; a call that was promised stands.
    fn look(&mut self, tick: u64) {
        let promised = if self.watch.due > tick { self.watch.due } else { Watch::NEVER };
        self.watch = self.cell.watch(self.linear, tick + 1, promised);
        self.watch.due = self.watch.due.min(promised);
        assert!(self.watch.due > tick, "a call in the past");
    }

    fn run(&mut self, arrivals: &Arrivals, until: u64) -> Vec<(u64, u32)> {
        let mut arrivals = arrivals.iter().peekable();
        let mut spikes = Vec::new();
        let next = |due: u64, arrival: Option<&&(u64, Vec<i64>)>| {
            arrival.map_or(due, |(at, _)| due.min(*at))
        };
        loop {
            let tick = next(self.watch.due, arrivals.peek());
            if tick >= until {
                return spikes;
            }
            let arrival = arrivals.next_if(|(at, _)| *at == tick);
            let fired = self.step(tick, arrival.map_or(&[], |(_, sums)| sums.as_slice()));
            if fired > 0 {
                spikes.push((tick, fired));
            }
        }
    }
}

/// Runs a neuron of any number of extra states.
fn run(
    parameters: &LifParameters,
    tick: TickLength,
    arrivals: &Arrivals,
    until: u64,
) -> Vec<(u64, u32)> {
    let linear = &linear(parameters, tick);
    let initial_mv = parameters.initial_mv;
    match linear.all_states().len() {
        0 => Driven::<0>::new(linear, initial_mv).run(arrivals, until),
        1 => Driven::<1>::new(linear, initial_mv).run(arrivals, until),
        2 => Driven::<2>::new(linear, initial_mv).run(arrivals, until),
        3 => Driven::<3>::new(linear, initial_mv).run(arrivals, until),
        4 => Driven::<4>::new(linear, initial_mv).run(arrivals, until),
        5 => Driven::<5>::new(linear, initial_mv).run(arrivals, until),
        modes => panic!("{modes} extra states"),
    }
}

fn in_ms(parameters: &LifParameters, arrivals: &Arrivals, until: u64) -> Vec<(u64, u32)> {
    run(parameters, TickLength::MILLISECOND, arrivals, until)
}

/// Arrivals at a neuron's only receptor \[mV\].
fn only(arrivals: &[(u64, f64)]) -> Vec<(u64, Vec<i64>)> {
    arrivals.iter().map(|&(tick, mv)| (tick, vec![quanta(mv)])).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "small numbers in a test")]
fn quanta(mv: f64) -> i64 {
    (mv / QUANTUM).round() as i64
}

fn exponential(name: &str, tau_ms: f64) -> Receptor {
    Receptor::new(name, ReceptorKind::Exponential { tau_ms })
}

fn alpha(name: &str, tau_ms: f64) -> Receptor {
    Receptor::new(name, ReceptorKind::Alpha { tau_ms })
}

prop_compose! {
    /// Time constants of one or two currents, as they relate to the membrane's.
    fn currents(tau_ms: f64)(
        first in receptor(tau_ms),
        second in prop::option::of(receptor(tau_ms)),
    ) -> Vec<Receptor> {
        let mut receptors = vec![first];
        receptors.extend(second.map(|second| Receptor { name: "second".into(), ..second }));
        receptors
    }
}

fn receptor(tau_ms: f64) -> impl Strategy<Value = Receptor> {
    let ratio =
        prop_oneof![Just(1.0), Just(1.0 + 3e-6), Just(1.0 - 2e-6), Just(0.5), 0.05..0.9, 1.1..5.0,];
    (ratio, any::<bool>()).prop_map(move |(ratio, rises)| {
        let tau_ms = ratio * if tau_ms.is_finite() { tau_ms } else { 7.0 };
        if rises { alpha("first", tau_ms) } else { exponential("first", tau_ms) }
    })
}

prop_compose! {
    /// A neuron with currents, near its threshold of 1 mV.
    fn neurons()(
        tau_ms in prop_oneof![4 => 1.0..30.0, 1 => Just(f64::INFINITY)],
    )(
        receptors in currents(tau_ms),
        drive_mv in if tau_ms.is_finite() { -0.5..1.3 } else { -0.02..0.05 },
        refractory_ms in prop_oneof![Just(0.0), Just(2.0), 0.1..5.0],
        adaptation in prop::option::of((3.0..50.0, 0.05..0.5)),
        strict in any::<bool>(),
        tau_ms in Just(tau_ms),
    ) -> LifParameters {
        // Without leak a current is a rate.
        let gain = if tau_ms.is_finite() { 1.0 } else { 0.1 };
        let receptors = receptors.into_iter().map(|known| Receptor { gain, ..known }).collect();
        let adaptation = adaptation.map(|(tau_ms, step_mv)| Adaptation { tau_ms, step_mv });
        LifParameters {
            tau_ms, receptors, drive_mv, refractory_ms, adaptation, strict, ..Default::default()
        }
    }
}

/// Arrivals at up to two receptors, the first mostly excited and the second mostly inhibited.
fn arrivals(receptors: usize, until: u64) -> impl Strategy<Value = Vec<(u64, Vec<i64>)>> {
    let sums = (-400_i64..2_500, -2_500_i64..400);
    prop::collection::btree_map(0..until, sums, 0..20).prop_map(move |arrivals| {
        let cut = |(tick, (first, second)): (u64, (i64, i64))| {
            (tick, [first, second][..receptors].to_vec())
        };
        arrivals.into_iter().map(cut).collect()
    })
}
