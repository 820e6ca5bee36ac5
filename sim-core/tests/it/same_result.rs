//! The determinism law, and equality with the reference simulator.

use std::sync::Arc;

use proptest::prelude::*;
use sim_core::{
    network::{Deliveries, OutputPort, Plan, Spread},
    *,
};

use crate::{
    random::{Case, case},
    reference,
    support::{Numbers, plan, run},
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

/// Decisions counted anew from the reference's spikes.
fn decisions(case: &Case, fired: &[reference::Fired], ticks: u64) -> Vec<(u64, u32, u64, u64)> {
    let network::ReadoutRule::Vote { window_ticks, every_ticks, .. } =
        &case.network.readouts[0].rule;
    let sizes: Vec<u32> = case.network.populations[0]
        .shape
        .iter()
        .map(|extent| match extent {
            network::Extent::Size(size) => *size,
            _ => panic!("fixed sizes"),
        })
        .collect();
    let mut decisions = Vec::new();
    for tick in (0..ticks).filter(|tick| (tick + 1) % every_ticks == 0) {
        let mut votes = vec![0_u64; sizes[0] as usize];
        for (at, id, index, times) in fired {
            if *id == 0 && *at <= tick && tick - at < *window_ticks {
                votes[(index / (sizes[1] * sizes[2])) as usize] += u64::from(*times);
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
fn at_least(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(cases), ..asked }
}

proptest! {
    #![proptest_config(at_least(1_000))]

    /// Seen to fail with a delay off by one, with a weight's sign turned, with an event dropped, and
    /// with a margin not cleared.
    #[test]
    fn equals_the_reference_spike_for_spike(seed: u64) {
        let case = case(seed);
        let plan = plan(&case.network);
        let outputs = run(&plan, &case.events, case.ticks);
        let expected = reference::simulate(&case.network, &case.events, case.ticks);
        prop_assert_eq!(first_difference(&fired(&case, &plan, &outputs), &expected), None);
        let decided: Vec<_> = outputs.iter().filter_map(|output| match output {
            Output::Decision(d) => Some((d.tick.0, d.class, d.votes, d.votes_total)),
            Output::Spike(_) => None,
        }).collect();
        prop_assert_eq!(decided, decisions(&case, &expected, case.ticks));
        prop_assert!(outputs.is_sorted_by_key(Output::order), "output is in order");
    }

    /// However the flow is cut, shuffled within its promises, paused, snapshot and restored, over
    /// however many workers the network is spread, wherever populations are cut, and whether their
    /// deliveries wait in sums or in the calendar.
    /// Seen to fail with the state restored one tick late, and with every fourth event dropped, which
    /// depends on what was counted before.
    #[test]
    fn is_the_same_however_the_input_is_cut_and_the_state_restored(seed: u64, cuts: u64) {
        let case = case(seed);
        let plan = plan(&case.network);
        let whole = run(&plan, &case.events, case.ticks);
        let disturbed = disturbed(&case, &mut Numbers(cuts));
        prop_assert!(disturbed == whole, "{:?}", disturbed.iter().zip(&whole).find(|(a, b)| a != b));
    }
}

/// A network spread at random.
fn spread_at_random(case: &Case, numbers: &mut Numbers) -> Arc<Plan> {
    let deliveries = [Deliveries::Expected, Deliveries::Sweep, Deliveries::Calendar];
    let neurons = plan(&case.network).cost().neurons;
    let most = u32::try_from(neurons.min(8)).expect("8 at most");
    let spread = Spread {
        workers: 1 + numbers.below(most),
        seed: (numbers.below(2) == 0).then(|| numbers.next()),
        deliveries: deliveries[numbers.below(3) as usize],
    };
    Arc::new(Plan::spread(&case.network, &[], spread).unwrap_or_else(|error| panic!("{error}")))
}

/// Offers each port's events in small batches, as their promises allow, in random order within
/// them; advances by random budgets; replaces the simulation by its restored snapshot, spread
/// otherwise.
fn disturbed(case: &Case, numbers: &mut Numbers) -> Vec<Output> {
    let mut rest: Vec<Vec<InputEvent>> = case.events.clone();
    let mut simulation = Simulation::new(spread_at_random(case, numbers), Options::default());
    let mut outputs = Vec::new();
    let mut promise_us = 0;
    while promise_us < case.ticks {
        promise_us = (promise_us + 1 + u64::from(numbers.below(20))).min(case.ticks);
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
                let bytes = simulation.snapshot();
                let plan = spread_at_random(case, numbers);
                simulation = Simulation::restore(plan, &bytes).expect("whole");
                assert_eq!(simulation.snapshot(), bytes, "a snapshot of the same state");
            }
            if progress == Progress::Idle {
                break;
            }
        }
    }
    outputs
}

/// What is watched changes nothing: a port more, and the others say the same.
/// Cases that have failed: a kernel wider than its torus, and a strict threshold that an arrival
/// reached but did not exceed.
#[test]
fn equals_the_reference_where_it_once_did_not() {
    for seed in [14_892_265_195_944_994_403, 556_669_326_148_789_858] {
        let case = case(seed);
        let plan = plan(&case.network);
        let outputs = run(&plan, &case.events, case.ticks);
        let expected = reference::simulate(&case.network, &case.events, case.ticks);
        assert_eq!(first_difference(&fired(&case, &plan, &outputs), &expected), None, "{seed}");
    }
}

#[test]
fn an_output_port_more_changes_no_bit_of_the_others() {
    for seed in 0..20 {
        let mut case = case(seed);
        let plain = run(&plan(&case.network), &case.events, case.ticks);
        let extra = OutputPort { name: "extra".into(), sources: vec!["cells".into()] };
        case.network.outputs.push(extra);
        let mut watched = run(&plan(&case.network), &case.events, case.ticks);
        watched.retain(|output| output.order().2 != OutputId(2));
        assert_eq!(watched, plain);
    }
}
