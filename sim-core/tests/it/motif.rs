//! The motif benchmark (companion of Grimaldi and Perrinet 2023): hidden motifs of precisely timed
//! spikes are found by neurons whose delays undo the motif's own. Exact neuron, exact tick.
//!
//! A network has 144 motifs over 128 inputs and 31 delays; a trial plants about 147 of them in
//! 1 024 ticks. The threshold is fixed on networks and trials kept apart.

use std::{ops::Range, sync::Arc};

use sim_core::{network::*, *};
use spiked_sensors::motif::{DELAYS, INPUTS, MOTIFS, Motifs, Trial};

use crate::support::{accumulator, output, plan, population, run, spikes};

const TICKS: usize = 1_024;
const NETWORKS: Range<u64> = 0..10;
const TRIALS: u64 = 8;
/// Networks on which thresholds are fixed.
const APART: Range<u64> = 100..104;

fn events(trial: &Trial) -> Vec<InputEvent> {
    trial.spikes.iter().map(|&(tick, input)| InputEvent::new(tick, input)).collect()
}

/// One accumulator a motif; what belongs to one arrives DELAYS - 1 ticks after its onset.
fn detector(motifs: &Motifs, keep: f64, threshold: f64, extra_delay: u32) -> Network {
    let kernel = motifs.detector_kernel();
    let [motifs, inputs, delays] =
        [MOTIFS, INPUTS, DELAYS].map(|size| u32::try_from(size).expect("small"));
    let convolution = Convolution {
        kernel,
        shape: [motifs, inputs, delays, 1, 1],
        kind: ConvolutionKind::Convolution,
        border: Border::Zero,
        stride: 1,
        dilation: 1,
        groups: 1,
        delay_step_ticks: 1,
        keep,
    };
    let connectivity = Connectivity::Convolution(Arc::new(convolution));
    let mut detect = Projection::new("detect", "inputs", "motifs", connectivity);
    detect.axonal_delay_ticks = extra_delay;
    let motifs = population("motifs", &[motifs, 1, 1], accumulator(threshold, Rectify::None));
    Network {
        inputs: vec![InputPort::new("inputs", InputShape::Channels(vec![inputs, 1, 1]))],
        populations: vec![motifs],
        projections: vec![detect],
        outputs: vec![output("found", &["motifs"])],
        ..Network::default()
    }
}

/// The evidence for every motif at every onset, summed plainly.
fn evidence(kernel: &[f64], kept: &[bool], trial: &Trial) -> Vec<f64> {
    let mut evidence = vec![0.0; MOTIFS * TICKS];
    for &(tick, input) in &trial.spikes {
        let tick = usize::try_from(tick).expect("few ticks");
        for motif in 0..MOTIFS {
            let first = (motif * INPUTS + input as usize) * DELAYS;
            for d in 0..DELAYS.min(tick + 1) {
                if kept[first + d] && tick - d < TICKS {
                    evidence[motif * TICKS + tick - d] += kernel[first + d];
                }
            }
        }
    }
    evidence
}

/// The largest weights of each motif, the same number in each; of equals, the one whose synapse
/// comes first in the detector's own kernel, which runs backwards in d.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a size")]
fn kept(kernel: &[f64], keep: f64) -> Vec<bool> {
    let size = INPUTS * DELAYS;
    let count = (size as f64 * keep).round() as usize;
    let mut kept = vec![false; kernel.len()];
    for motif in 0..MOTIFS {
        let mirrored = |at: usize| at / DELAYS * DELAYS + DELAYS - 1 - at % DELAYS;
        let mut order: Vec<usize> = (0..size).map(mirrored).collect();
        let weight = |at: &usize| kernel[motif * size + at].abs();
        order.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        order[..count].iter().for_each(|at| kept[motif * size + at] = true);
    }
    kept
}

/// Share of the planted motifs that were found, and false finds per planted motif.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    planted: usize,
    found: usize,
    false_finds: usize,
}

impl Score {
    fn add(&mut self, trial: &Trial, finds: &[(usize, usize)]) {
        let is_planted = |find: &&(usize, usize)| trial.planted.binary_search(find).is_ok();
        let found = finds.iter().filter(is_planted).count();
        self.planted += trial.planted.len();
        self.found += found;
        self.false_finds += finds.len() - found;
    }

    fn true_share(self) -> f64 {
        self.found as f64 / self.planted as f64
    }

    fn false_share(self) -> f64 {
        self.false_finds as f64 / self.planted as f64
    }
}

/// The threshold that, on networks kept apart, finds as many motifs as were planted (the paper
/// keeps the n largest values).
fn threshold(keep: f64) -> f64 {
    let mut values: Vec<f64> = Vec::new();
    let mut planted = 0;
    for network in APART {
        let motifs = Motifs::new(network);
        let kept = kept(motifs.kernel(), keep);
        let trial = motifs.trial(network, TICKS);
        values.extend(evidence(motifs.kernel(), &kept, &trial));
        planted += trial.planted.len();
    }
    values.sort_by(|a, b| b.total_cmp(a));
    values[planted - 1]
}

/// (motif, onset) of every spike of the detector.
fn finds(detector: &Arc<Plan>, trial: &Trial) -> Vec<(usize, usize)> {
    let until = (TICKS + 2 * DELAYS) as u64;
    let fired = spikes(&run(detector, &[events(trial)], until));
    let find = |(tick, motif, _): (u64, u32, u32)| {
        let onset = usize::try_from(tick).expect("few ticks").checked_sub(DELAYS - 1)?;
        (onset < TICKS).then_some((motif as usize, onset))
    };
    let mut finds: Vec<_> = fired.into_iter().filter_map(find).collect();
    finds.sort_unstable();
    finds
}

fn score(keep: f64, threshold: f64, extra_delay: u32, networks: Range<u64>) -> Score {
    let mut score = Score::default();
    for network in networks {
        let motifs = Motifs::new(network);
        let detector = plan(&detector(&motifs, keep, threshold, extra_delay));
        for number in 0..TRIALS {
            let trial = motifs.trial(1_000 * (network + 1) + number, TICKS);
            score.add(&trial, &finds(&detector, &trial));
        }
    }
    score
}

/// Seen to fail with one event in four dropped and, as the test below keeps showing, with every
/// delay off by one.
#[test]
fn finds_planted_motifs_at_the_exact_tick() {
    let score = score(1.0, threshold(1.0), 0, NETWORKS);
    assert!(score.true_share() >= 0.93 && score.false_share() <= 0.12, "{score:?}");
}

#[test]
fn finds_them_with_one_weight_in_a_hundred() {
    let score = score(0.01, threshold(0.01), 0, NETWORKS);
    assert!(score.true_share() >= 0.85 && score.false_share() <= 0.22, "{score:?}");
}

/// The gate can fail: one tick more in every delay, and hardly a motif is found.
#[test]
fn one_tick_off_finds_next_to_nothing() {
    let score = score(1.0, threshold(1.0), 1, 0..2);
    assert!(score.true_share() < 0.2, "{score:?}");
}

#[test]
fn equals_a_dense_sum_spike_for_spike() {
    for (network, keep) in [(0, 1.0), (1, 0.01)] {
        let motifs = Motifs::new(network);
        let threshold = 6.0;
        let detector = plan(&detector(&motifs, keep, threshold, 0));
        let kept = kept(motifs.kernel(), keep);
        for number in 0..TRIALS {
            let trial = motifs.trial(number, TICKS);
            let evidence = evidence(motifs.kernel(), &kept, &trial);
            let reached = evidence.into_iter().enumerate().filter(|(_, value)| *value >= threshold);
            let expected: Vec<_> = reached.map(|(at, _)| (at / TICKS, at % TICKS)).collect();
            assert_eq!(finds(&detector, &trial), expected, "network {network}, trial {number}");
        }
    }
}
