//! Without extra states a cell has the bits of the membrane with delta synapses.

use super::*;
use crate::{
    network,
    neuron::lif::{Lif, Membranes},
};

/// Every spike and every bit of the state at the end.
///
/// Seen to fail with `drive + (v - drive) * P` written as `drive * (1 - P) + v * P`, and with a
/// crossing found by search.
#[expect(clippy::too_many_arguments, reason = "the parameters of a neuron")]
fn check(
    tau_ms: f64,
    drive_mv: f64,
    refractory_ms: f64,
    strict: bool,
    arrivals: &[(u64, i64)],
    until: u64,
    tick: TickLength,
    rest_mv: f64,
) {
    let [threshold_mv, reset_mv, initial_mv] = [1.0, 0.0, 0.25].map(|mv| rest_mv + mv);
    let parameters = LifParameters {
        tau_ms,
        rest_mv,
        threshold_mv,
        reset_mv,
        drive_mv,
        refractory_ms,
        initial_mv,
        strict,
        ..Default::default()
    };
    let old = network::LifParameters {
        tau_ms,
        rest_mv,
        threshold_mv,
        reset_mv,
        drive_mv,
        refractory_ms,
        initial_mv,
        strict,
    };
    let lif = Lif::new(&old, tick, QUANTUM);
    let mut membranes = Membranes::new(&lif, 1);
    let mut call = membranes.predict(&lif, 0, 0);
    let linear = linear(&parameters, tick);
    assert_eq!(linear.period_ticks().to_bits(), lif.period_ticks().to_bits());
    assert_eq!(linear.multiplicity_max(), lif.multiplicity_max());
    let mut driven = Driven::<0>::new(&linear, initial_mv);
    let mut arrivals = arrivals.iter().copied().peekable();
    for tick in 0..until {
        let sum = arrivals.next_if(|(at, _)| *at == tick).map_or(0, |(_, sum)| sum);
        let (mut expected, mut due) = (0, sum != 0);
        if call == Some(tick) {
            let (crosses, again) = membranes.answer(0, tick);
            due |= crosses;
            call = again;
        }
        if due {
            let (fired, next) = membranes.advance(&lif, 0, tick, sum);
            (expected, call) = (fired, next.or(call));
        }
        assert_eq!(driven.step(tick, &[sum]), expected, "at tick {tick}");
        let membrane = membranes.as_slice()[0];
        let (cell, since) = (driven.cell, membrane.since);
        assert_eq!(cell.v_mv.to_bits(), membrane.v_mv.to_bits(), "v at tick {tick}");
        let bits = (since.tick, since.fraction.to_bits());
        assert_eq!((cell.since.tick, cell.since.fraction.to_bits()), bits, "since at tick {tick}");
    }
}

proptest! {
    #[test]
    fn has_the_bits_of_the_membrane_with_delta_synapses(
        tau_ms in 0.3..40.0,
        drive_mv in prop_oneof![-1.0..0.9, 0.9..3.0, Just(1.0), Just(0.0)],
        refractory_ms in prop_oneof![Just(0.0), 0.0..5.0],
        strict in any::<bool>(),
        rest_mv in prop_oneof![Just(0.0), Just(-65.0)],
        short in any::<bool>(),
        arrivals in prop::collection::btree_map(0_u64..2_000, -600_i64..1_200, 0..40),
    ) {
        let tick = TickLength::from_ns(if short { 70_000 } else { 1_000_000 }).unwrap();
        let arrivals = Vec::from_iter(arrivals);
        check(tau_ms, drive_mv, refractory_ms, strict, &arrivals, 3_000, tick, rest_mv);
    }
}
