//! Tests of drawn connectivity.

use proptest::prelude::*;

use super::*;
use crate::{
    network::{Delays, Values},
    random::chi_square_z,
};

fn random(rule: RandomRule) -> RandomConnectivity {
    let values = Values::Normal { mean: 15.0, sd: 7.5, min: Some(0.5), max: None };
    let delays = Delays::Rounded { values, min: 1 };
    RandomConnectivity { delays_ticks: delays, ..RandomConnectivity::new(rule, 1.0, 1) }
}

fn draw(rule: RandomRule, sizes: [u32; 2]) -> Draw {
    Draw::new(&random(rule), 7, 2, sizes, false)
}

fn all(draw: &Draw, targets: Range<u32>) -> Vec<Drawn> {
    let mut all = Vec::new();
    draw.synapses(targets, |drawn| all.push(drawn));
    all
}

fn degrees(draw: &Draw) -> (Vec<u64>, Vec<u64>) {
    let mut degrees = (vec![0; draw.sources as usize], vec![0; draw.targets as usize]);
    draw.pairs(0..draw.targets, |source, target| {
        degrees.0[source as usize] += 1;
        degrees.1[target as usize] += 1;
    });
    degrees
}

fn rules(of: u32) -> [RandomRule; 4] {
    [
        RandomRule::FixedInDegree(of),
        RandomRule::FixedOutDegree(of),
        RandomRule::FixedTotal(u64::from(of) * 50),
        RandomRule::Pairwise { probability: f64::from(of % 101) / 100.0 },
    ]
}

proptest! {
    /// Seen to fail with numbers counted from the start of the range.
    #[test]
    fn ranges_give_what_the_whole_gives(
        of in 0_u32..130,
        sources in 2_u32..60,
        targets in 2_u32..60,
        cuts in prop::collection::vec(0_u32..60, 0..5),
        with_itself in any::<bool>(),
    ) {
        for rule in rules(of) {
            let connectivity = RandomConnectivity { allow_self: with_itself, ..random(rule) };
            for (sizes, recurrent) in [([sources, targets], false), ([targets; 2], true)] {
                let draw = Draw::new(&connectivity, 1, 0, sizes, recurrent);
                let whole = all(&draw, 0..targets);
                let mut ends: Vec<u32> = cuts.iter().map(|&cut| cut.min(targets)).collect();
                ends.extend([0, targets]);
                ends.sort_unstable();
                for range in ends.windows(2).map(|ends| ends[0]..ends[1]) {
                    let within = whole.iter().filter(|drawn| range.contains(&drawn.target));
                    let part = all(&draw, range.clone());
                    prop_assert!(within.eq(&part));
                    prop_assert_eq!(draw.count(range), part.len() as u64);
                }
                let mut pairs = Vec::new();
                draw.pairs(0..targets, |source, target| pairs.push((source, target)));
                prop_assert!(pairs.into_iter().eq(whole.iter().map(|d| (d.source, d.target))));
            }
        }
    }
}

#[test]
fn degrees_and_totals_are_exact() {
    let (_, into) = degrees(&draw(RandomRule::FixedInDegree(70), [300, 200]));
    assert_eq!(into, [70; 200]);
    let (from, _) = degrees(&draw(RandomRule::FixedOutDegree(70), [300, 200]));
    assert_eq!(from, [70; 300]);
    let total = draw(RandomRule::FixedTotal(12_345), [300, 200]);
    assert_eq!([all(&total, 0..200).len() as u64, total.count(0..200)], [12_345; 2]);
}

#[test]
fn in_degree_max_is_the_largest_of_the_in_degrees() {
    for rule in rules(70) {
        let draw = draw(rule, [300, 200]);
        let expected = degrees(&draw).1.into_iter().max();
        assert_eq!(Some(u64::from(draw.in_degree_max())), expected, "{rule:?}");
    }
}

/// Ends that the rule leaves open are uniform, without a neuron itself as well.
///
/// Seen to fail with the neuron itself replaced by the last, and with the same half of a draw for
/// both ends.
#[test]
fn open_ends_are_uniform() {
    for (rule, size) in rules(80).map(|rule| (rule, 40)) {
        let rule = match rule {
            RandomRule::FixedInDegree(_) => RandomRule::FixedInDegree(4_000),
            RandomRule::FixedOutDegree(_) => RandomRule::FixedOutDegree(4_000),
            _ => RandomRule::FixedTotal(160_000),
        };
        for recurrent in [false, true] {
            let draw = Draw::new(&random(rule), 3, 1, [size; 2], recurrent);
            let mut cells = vec![0; (size * size) as usize];
            draw.pairs(0..size, |source, target| cells[(source * size + target) as usize] += 1);
            if recurrent {
                let own = (0..size).map(|neuron| (neuron * size + neuron) as usize);
                own.rev().for_each(|own| assert_eq!(cells.remove(own), 0, "{rule:?}"));
            }
            let expected = vec![160_000.0 / cells.len() as f64; cells.len()];
            let z = chi_square_z(&cells, &expected);
            assert!(z.abs() < 5.0, "{rule:?}: {z}");
        }
    }
}

/// Seen to fail with a gap that is rounded instead of floored, and with the first source of each
/// target left out.
#[test]
fn pairs_are_connected_once_with_their_probability() {
    for (probability, targets) in [(0.001, 1_000_000), (0.3, 10_000), (0.95, 10_000)] {
        let draw = draw(RandomRule::Pairwise { probability }, [50, targets]);
        let mut last = None;
        draw.pairs(0..targets, |source, target| {
            assert!(Some((target, source)) > last, "rising, so never twice");
            last = Some((target, source));
        });
        let (from, into) = degrees(&draw);
        let mean = f64::from(targets) * probability;
        let deviation = (mean * (1.0 - probability)).sqrt();
        for count in &from {
            assert!((*count as f64 - mean).abs() < 5.0 * deviation, "{probability}: {count}");
        }
        let count: u64 = into.iter().sum();
        let gate = 5.0 * deviation * 50.0_f64.sqrt();
        assert!((count as f64 - 50.0 * mean).abs() < gate, "{probability}: {count}");
    }
}

#[test]
fn extreme_probabilities_connect_all_pairs_none_or_few() {
    let count = |probability, size, recurrent| {
        let connectivity = random(RandomRule::Pairwise { probability });
        Draw::new(&connectivity, 1, 1, [size; 2], recurrent).count(0..size)
    };
    assert_eq!([count(1.0, 90, false), count(1.0, 90, true)], [8_100, 8_010]);
    for probability in [0.0, f64::MIN_POSITIVE / 4.0, 1e-300, 1e-17] {
        assert_eq!(count(probability, 10_000, false), 0, "{probability:e}");
    }
    // 100 of 10^10 pairs on average.
    assert!((50..150).contains(&count(1e-8, 100_000, false)));
}

/// Seen to fail with one key for weights and delays.
#[test]
fn weights_and_delays_have_their_distributions_and_are_independent() {
    let weights = Values::normal(0.15, 0.015);
    let delays_ticks = Delays::Uniform { min: 3, max: 12 };
    let rule = RandomRule::FixedInDegree(1_000);
    let connectivity = RandomConnectivity { weights, delays_ticks, ..random(rule) };
    let draw = Draw::new(&connectivity, 5, 0, [500; 2], false);
    let mut cells = [0; 20];
    draw.synapses(0..500, |drawn| {
        assert!((0.075..=0.225).contains(&drawn.weight));
        assert!((3..=12).contains(&drawn.delay_ticks));
        let heavy = usize::from(drawn.weight > 0.15);
        cells[(drawn.delay_ticks - 3) as usize * 2 + heavy] += 1;
    });
    let z = chi_square_z(&cells, &[500_000.0 / 20.0; 20]);
    assert!(z.abs() < 5.0, "{z}");
}

/// With a smallest value of half a tick, a delay of one tick is as likely as the density says.
#[test]
fn rounded_delays_keep_to_their_shortest() {
    let mut counts = [0_u64; 60];
    let draw = draw(RandomRule::FixedTotal(1_000_000), [500; 2]);
    draw.synapses(0..500, |drawn| counts[drawn.delay_ticks as usize] += 1);
    assert_eq!(counts[0], 0);
    assert!(counts[53..].iter().all(|&count| count == 0), "{counts:?}");
    // Φ((1.5 - 15) / 7.5) - Φ((0.5 - 15) / 7.5) and half a tick on either side of 15, of what is
    // above Φ((0.5 - 15) / 7.5).
    for (ticks, share) in [(1, 0.009_72), (15, 0.054_594)] {
        let expected = 1e6 * share;
        let error = counts[ticks] as f64 - expected;
        assert!(error.abs() < 5.0 * expected.sqrt(), "{ticks}: {}", counts[ticks]);
    }
}

#[test]
fn synapses_follow_from_seed_and_projection_and_a_seed_of_their_own_replaces_both() {
    let pairs = |own: Option<u64>, seed, projection| {
        let connectivity = RandomConnectivity { seed: own, ..random(RandomRule::FixedTotal(99)) };
        let draw = Draw::new(&connectivity, seed, projection, [40, 30], false);
        all(&draw, 0..30).iter().map(|drawn| (drawn.source, drawn.target)).collect::<Vec<_>>()
    };
    let base = pairs(None, 1, 0);
    assert_eq!(base, pairs(None, 1, 0));
    for other in [pairs(None, 2, 0), pairs(None, 1, 1), pairs(Some(1), 1, 0)] {
        assert_ne!(base, other);
    }
    assert_eq!(pairs(Some(5), 1, 0), pairs(Some(5), 2, 3));
}

#[test]
fn gives_the_bits_that_the_dynamics_version_stands_for() {
    let mut digest = 0_u64;
    for rule in rules(30) {
        let weights = Values::log_normal(-1.0, 0.5);
        let connectivity = RandomConnectivity { weights, ..random(rule) };
        Draw::new(&connectivity, 11, 3, [70, 90], false).synapses(0..90, |drawn| {
            let ends = u64::from(drawn.source) << 32 | u64::from(drawn.target);
            let bits = drawn.weight.to_bits() ^ u64::from(drawn.delay_ticks).rotate_left(40);
            digest = digest.rotate_left(5) ^ ends ^ bits;
        });
    }
    assert_eq!(digest, 0xcb74_2cfc_0767_ce82, "{digest:#x}");
}
