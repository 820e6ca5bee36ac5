//! Hidden motifs: spikes whose only pattern is when each input fires after another.
//!
//! A motif raises, for a few ticks after its onset, the odds with which inputs fire, each at delays
//! of its own: `p(a, t) = sigmoid(logit p_A + sum over b, d of B(b, t - d) K(b, a, d))` (companion of
//! Grimaldi and Perrinet 2023, ICANN). The onsets B are the ground truth. A neuron whose delays
//! undo the motif's finds it at the exact tick; one tick off, and it finds nothing.

use crate::random::{Purpose, Stream};

/// Inputs that fire.
pub const INPUTS: usize = 128;
/// Motifs hidden in them.
pub const MOTIFS: usize = 144;
/// Delays of a motif \[ticks\].
pub const DELAYS: usize = 31;
/// Probability that an input fires, or a motif begins, in a tick.
const BASE_RATE: f64 = 1e-3;
/// One weight in twenty is kept: those above the 95th percentile of the standard normal.
const PERCENTILE_95: f64 = 1.644_85;
/// Weights are whole multiples of this inverse, so that sums of them are exact.
const WEIGHT_STEPS: f64 = 4_096.0;

/// A set of motifs.
#[derive(Clone, Debug)]
pub struct Motifs {
    kernel: Vec<f64>,
}

/// Spikes with motifs hidden in them, and where.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// (motif, tick of its onset), sorted.
    pub planted: Vec<(usize, usize)>,
    /// (tick, input), by input.
    pub spikes: Vec<(u64, u32)>,
    /// Ticks in which motifs begin; the last spikes come [`DELAYS`] later.
    pub ticks: usize,
}

impl Motifs {
    /// Motifs drawn from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let numbers = Stream::new(seed, Purpose::Motifs);
        let mut kernel = Vec::with_capacity(MOTIFS * INPUTS * DELAYS);
        for row in 0..MOTIFS * INPUTS {
            let raw: Vec<f64> = (0..DELAYS)
                .map(|d| {
                    let weight = numbers.normal((row * DELAYS + d) as u64);
                    if weight > PERCENTILE_95 { 4.0 * weight * envelope(d) } else { 0.0 }
                })
                .collect();
            kernel.extend((0..DELAYS).map(|d| refractory(&raw, d)));
        }
        Self { kernel }
    }

    /// K(b, a, d): how much motif b raises the log odds of input a, d ticks after its onset;
    /// [`MOTIFS`] x [`INPUTS`] x [`DELAYS`], row-major, in steps of 2^-12.
    #[must_use]
    pub fn kernel(&self) -> &[f64] {
        &self.kernel
    }

    /// The synapses of a detector: delay d of a motif becomes `DELAYS - 1 - d`, so that all that
    /// belongs to a motif arrives together, `DELAYS - 1` ticks after its onset.
    #[must_use]
    pub fn detector_kernel(&self) -> Vec<f64> {
        self.kernel.chunks_exact(DELAYS).flat_map(|row| row.iter().rev().copied()).collect()
    }

    /// A trial of so many ticks, drawn from a seed of its own.
    #[must_use]
    pub fn trial(&self, seed: u64, ticks: usize) -> Trial {
        let mut trial = Trial { ticks, ..Trial::default() };
        let last = ticks + DELAYS;
        let base = libm::log(BASE_RATE / (1.0 - BASE_RATE));
        let mut log_odds = vec![base; INPUTS * last];
        let onsets = Stream::new(seed, Purpose::MotifOnsets);
        for motif in 0..MOTIFS {
            for onset in 0..ticks {
                if onsets.unit((motif * ticks + onset) as u64) < BASE_RATE {
                    trial.planted.push((motif, onset));
                    self.raise(&mut log_odds, last, motif, onset);
                }
            }
        }
        let fires = Stream::new(seed, Purpose::MotifSpikes);
        for (input, row) in (0_u32..).zip(log_odds.chunks_exact(last)) {
            for (tick, odds) in (0_u64..).zip(row) {
                let number = fires.unit(u64::from(input) * last as u64 + tick);
                if number < 1.0 / (1.0 + libm::exp(-odds)) {
                    trial.spikes.push((tick, input));
                }
            }
        }
        trial
    }

    fn raise(&self, log_odds: &mut [f64], last: usize, motif: usize, onset: usize) {
        let inputs = self.kernel[motif * INPUTS * DELAYS..].chunks_exact(DELAYS);
        for (row, weights) in log_odds.chunks_exact_mut(last).zip(inputs) {
            for (odds, weight) in row[onset..].iter_mut().zip(weights) {
                *odds += weight;
            }
        }
    }
}

/// How strong a motif is d ticks after its onset.
fn envelope(d: usize) -> f64 {
    let s = d as f64 / (DELAYS - 1) as f64;
    libm::exp(-s / 0.4) * (1.0 - libm::exp(-s / 0.05))
}

/// An input that has just fired for a motif is less likely to do so again.
fn refractory(raw: &[f64], d: usize) -> f64 {
    let shape = [1.0, -0.8, -0.2];
    let weight: f64 = (0..=d.min(2)).map(|lag| shape[lag] * raw[d - lag]).sum();
    (weight * WEIGHT_STEPS).round() / WEIGHT_STEPS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As published: about 11 spikes in 1 000 ticks of an input, about 147 motifs in 1 024 ticks.
    #[test]
    fn has_the_load_of_the_paper() {
        let motifs = Motifs::new(0);
        let trials: Vec<Trial> = (0..8).map(|seed| motifs.trial(seed, 1_024)).collect();
        let spikes: usize = trials.iter().map(|trial| trial.spikes.len()).sum();
        let planted: usize = trials.iter().map(|trial| trial.planted.len()).sum();
        let (spikes, planted) = (spikes as f64 / 8.0, planted as f64 / 8.0);
        assert!((1_200.0..1_700.0).contains(&spikes), "{spikes} spikes a trial");
        assert!((135.0..160.0).contains(&planted), "{planted} motifs a trial");
    }

    #[test]
    fn a_detector_undoes_each_delay() {
        let motifs = Motifs::new(1);
        let mirrored = motifs.detector_kernel();
        for (d, weight) in motifs.kernel()[..DELAYS].iter().enumerate() {
            assert_eq!(mirrored[DELAYS - 1 - d].to_bits(), weight.to_bits());
        }
    }
}
