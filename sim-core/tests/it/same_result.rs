//! The determinism law, and equality with the reference simulator.

use std::{cell::Cell, sync::Arc};

use proptest::{prelude::*, test_runner::TestRunner};
use sim_core::{
    network::{Deliveries, OutputPort, Plan, Spread, Vectors},
    *,
};

use crate::{
    random::{Case, case, for_reference, sensing, size},
    reference,
    support::{Numbers, plan},
};

/// Spikes of the port that has them all, as the reference names them.
fn fired(case: &Case, plan: &Plan, outputs: &[Output]) -> Vec<reference::Fired> {
    let OutputKind::Spikes { ranges } = &plan.outputs()[0].kind else { panic!("spikes") };
    let population = |address: u32| {
        ranges.iter().rposition(|range| range.first_address <= address).expect("a range")
    };
    let mut fired: Vec<reference::Fired> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Spike(spike) => {
                let id = population(spike.address);
                let index = spike.address - ranges[id].first_address;
                Some((spike.tick.0, id, index, spike.multiplicity))
            }
            Output::Decision(_) => None,
        })
        .collect();
    assert_eq!(case.network.populations.len(), ranges.len());
    fired.sort_unstable();
    fired
}

/// The first spike in which two runs differ: (ours, the reference's).
fn first_difference(
    ours: &[reference::Fired],
    expected: &[reference::Fired],
) -> Option<(Option<reference::Fired>, Option<reference::Fired>)> {
    let at = |run: &[reference::Fired], position| run.get(position).copied();
    let longest = ours.len().max(expected.len());
    let mut pairs = (0..longest).map(|position| (at(ours, position), at(expected, position)));
    pairs.find(|(ours, expected)| ours != expected)
}

/// Decisions of the first population counted anew from the reference's spikes.
fn decisions(case: &Case, fired: &[reference::Fired]) -> Vec<(u64, u32, u64, u64)> {
    let Some(readout) = case.network.readouts.first() else { return Vec::new() };
    let network::ReadoutRule::Vote { window_ticks, every_ticks, .. } = &readout.rule else {
        panic!("a vote");
    };
    let shape = &case.network.populations[0].shape;
    let (classes, members) = (size(&shape[..1]), size(&shape[1..]));
    let mut decisions = Vec::new();
    for tick in (0..case.ticks).filter(|tick| (tick + 1) % every_ticks == 0) {
        let mut votes = vec![0_u64; classes as usize];
        for (at, id, index, times) in fired {
            if *id == 0 && *at <= tick && tick - at < *window_ticks {
                votes[(index / members) as usize] += u64::from(*times);
            }
        }
        let most = votes.iter().copied().max().expect("a class");
        let class = votes.iter().position(|&count| count == most).expect("the most");
        if most > 0 {
            let class = u32::try_from(class).expect("few classes");
            decisions.push((tick, class, most, votes.iter().sum()));
        }
    }
    decisions
}

/// So many cases, or more if the environment asks for them.
pub(crate) fn at_least(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(cases), ..asked }
}

/// How a case differs from the reference, if it does; an error if the reference declines.
fn difference(case: &Case) -> Result<Option<String>, reference::TooClose> {
    let plan = plan(&case.network);
    let (outputs, taken) = case.run_and_note(&plan);
    let quanta: Vec<f64> = plan.cost().populations.iter().map(|each| each.quantum).collect();
    let expected = reference::simulate(case, &quanta, &taken)?;
    if let Some(difference) = first_difference(&fired(case, &plan, &outputs), &expected) {
        return Ok(Some(format!("spikes: {difference:?}")));
    }
    let decision = |output: &Output| match output {
        Output::Decision(d) => Some((d.tick.0, d.class, d.votes, d.votes_total)),
        Output::Spike(_) => None,
    };
    let decided: Vec<_> = outputs.iter().filter_map(decision).collect();
    let expected = decisions(case, &expected);
    let differs = decided != expected;
    Ok(differs.then(|| format!("decisions: {decided:?}, not {expected:?}")))
}

/// Seen to fail with a delay off by one, with a weight's sign turned, with an event dropped, and
/// with a margin not cleared; of short-term plasticity, with x worked out from the new u, and with
/// parts of weights rounded down; of weights that are set, with deliveries made ahead left as they
/// were; of parameters that are set, with neurons not re-based, with a potential that a new
/// rest moves, and with the parameters of clocked neurons left as they were.
#[test]
fn equals_the_reference_spike_for_spike() {
    let (cases, declined) = (Cell::new(0), Cell::new(0));
    let tested = TestRunner::new(at_least(1_000)).run(&any::<u64>(), |seed| {
        let case = for_reference(seed);
        cases.set(cases.get() + 1);
        match difference(&case) {
            Ok(difference) => prop_assert_eq!(difference, None),
            Err(reference::TooClose) => declined.set(declined.get() + 1),
        }
        Ok(())
    });
    tested.unwrap_or_else(|error| panic!("{error}"));
    assert!(declined.get() * 50 <= cases.get(), "{declined:?} of {cases:?} were too close to call");
}

proptest! {
    #![proptest_config(at_least(1_000))]

    /// However the flow is cut, shuffled within its promises, paused, snapshot and restored, over
    /// however many workers the network is spread, wherever populations are cut, and whether their
    /// deliveries wait in sums or in the calendar.
    /// Seen to fail with the state restored one tick late, with every fourth event dropped, which
    /// depends on what was counted before, and with the state of short-term plasticity left out of
    /// the snapshot, or advanced by emissions of the worker's own neurons alone, and with weights
    /// or parameters that were set left out of it.
    #[test]
    fn is_the_same_however_the_input_is_cut_and_the_state_restored(seed: u64, cuts: u64) {
        let case = case(seed);
        let whole = case.run(&plan(&case.network));
        prop_assert!(whole.is_sorted_by_key(Output::order), "output is in order");
        let disturbed = disturbed(&case, &mut Numbers(cuts));
        let differs = disturbed.iter().zip(&whole).find(|(a, b)| a != b);
        prop_assert!(disturbed == whole, "{:?}", differs);
    }
}

/// A network spread at random.
fn spread_at_random(case: &Case, numbers: &mut Numbers) -> Arc<Plan> {
    let vectors = [Vectors::Detected, Vectors::AtMost256Bits, Vectors::Portable];
    let deliveries = [Deliveries::Expected, Deliveries::Sweep, Deliveries::Calendar];
    let neurons = plan(&case.network).cost().neurons;
    let most = u32::try_from(neurons.min(8)).expect("8 at most");
    let spread = Spread {
        memory_bytes_max: 1 << 30,
        workers: 1 + numbers.below(most),
        seed: (numbers.below(2) == 0).then(|| numbers.next()),
        deliveries: deliveries[numbers.below(3) as usize],
        vectors: vectors[numbers.below(3) as usize],
    };
    Arc::new(Plan::spread(&case.network, &[], spread).unwrap_or_else(|error| panic!("{error}")))
}

/// The same state, spread otherwise.
fn restored(simulation: &Simulation, case: &Case, numbers: &mut Numbers) -> Simulation {
    let bytes = simulation.snapshot();
    let plan = spread_at_random(case, numbers);
    let restored = Simulation::restore(plan, &bytes).expect("whole");
    assert_eq!(restored.snapshot(), bytes, "a snapshot of the same state");
    restored
}

/// Offers each port's events in small batches, as their promises allow, in random order within
/// them; advances by random budgets; replaces the simulation by its restored snapshot, spread
/// otherwise. Weights are set when their tick has come.
pub(crate) fn disturbed(case: &Case, numbers: &mut Numbers) -> Vec<Output> {
    let mut rest: Vec<Vec<InputEvent>> = case.events.clone();
    let mut simulation = Simulation::new(spread_at_random(case, numbers), Options::default());
    let mut outputs = Vec::new();
    let mut promise_us = 0;
    let mut changes = case.changes.iter().peekable();
    let end_us = case.ticks * case.tick_us;
    let step_us = u32::try_from(20 * case.tick_us).expect("short ticks");
    while promise_us < end_us {
        promise_us = (promise_us + 1 + u64::from(numbers.below(step_us))).min(end_us);
        let change_us = changes.peek().map_or(end_us, |change| change.tick * case.tick_us);
        promise_us = promise_us.min(change_us);
        // Without an input port, nobody promises.
        simulation.close_until(Tick(promise_us / case.tick_us));
        for (port, rest) in (0_u16..).zip(&mut rest) {
            // Everything that the promise closes, and some of what may come later.
            let later = numbers.below(2) == 0;
            let due = |event: &mut InputEvent| {
                event.time_us < promise_us || (later && event.time_us.is_multiple_of(3))
            };
            let mut batch: Vec<_> = rest.extract_if(.., due).collect();
            numbers.shuffle(&mut batch);
            for cut in batch.chunks(1 + numbers.below(40) as usize) {
                simulation.offer(InputId(port), cut).expect("above the promise");
            }
            simulation.promise(InputId(port), promise_us).expect("rising");
        }
        loop {
            let budget = Budget { deliveries: numbers.below(200).into() };
            let progress = simulation.advance(budget).expect("no excess");
            outputs.append(simulation.outputs());
            if numbers.below(4) == 0 {
                simulation = restored(&simulation, case, numbers);
            }
            if progress == Progress::Idle {
                break;
            }
        }
        let reached = simulation.simulated_to();
        while let Some(change) = changes.next_if(|change| Tick(change.tick) == reached) {
            change.make(&mut simulation);
            if numbers.below(2) == 0 {
                simulation = restored(&simulation, case, numbers);
            }
        }
    }
    outputs
}

/// Cases that have failed: a kernel wider than its torus, and a strict threshold that an arrival
/// reached but did not exceed.
#[test]
fn equals_the_reference_where_it_once_did_not() {
    for seed in [14_892_265_195_944_994_403, 556_669_326_148_789_858] {
        let difference = difference(&sensing(seed)).expect("nothing is close");
        assert_eq!(difference, None, "{seed}");
    }
}

/// What is watched changes nothing: a port more, and the others say the same.
#[test]
fn an_output_port_more_changes_no_bit_of_the_others() {
    for seed in 0..60 {
        let mut case = case(seed);
        let plain = case.run(&plan(&case.network));
        let watched = case.network.populations[1].name.clone();
        let extra = OutputPort { name: "extra".into(), sources: vec![watched] };
        let added = OutputId(u16::try_from(case.network.outputs.len()).expect("few ports"));
        case.network.outputs.push(extra);
        let mut watched = case.run(&plan(&case.network));
        watched.retain(|output| output.order().2 != added);
        assert_eq!(watched, plain);
    }
}
