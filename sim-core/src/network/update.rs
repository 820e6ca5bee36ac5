//! When the state of a population's neurons is re-based: at what arrives, or at every tick.
//!
//! Part of the plan and of a network's identity, for it decides where a closed form is rounded.
//! Sweeping every neuron at every tick costs a nanosecond or less each; an arrival on its own costs
//! tens of them, but silence costs nothing.

use super::{
    LifParameters, Network, Neuron, Population, ReceptorKind, WinnerTakeAll,
    check::{Draft, DraftKind},
    problem::Problems,
};
use crate::neuron::linear::swept::MODES_MAX;

/// A source's rate, for what nothing better is known \[Hz\].
const EXPECTED_HZ: f64 = 10.0;
/// From so many arrivals a neuron and tick on, a sweep is expected to pay.
const DENSE: f64 = 1.0 / 32.0;

/// When neurons are re-based.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// At every tick where much arrives in most ticks and the network has no input ports, whose
    /// silence should cost nothing; else at arrivals.
    #[default]
    Auto,
    /// At each neuron's own arrivals and crossings.
    OnArrival,
    /// All at every tick: for leaky neurons with exponential currents or jumps and one parameter set.
    EveryTick,
}

/// By population, whether it is swept at every tick.
pub(crate) fn swept(
    network: &Network,
    shapes: &[Vec<u32>],
    drafts: &[Draft],
    problems: &mut Problems,
) -> Vec<bool> {
    let of = |(id, population): (usize, &Population)| {
        let can = can_be_swept(population, id, drafts);
        if let (Update::EveryTick, Err(hindrance)) = (population.update, can) {
            let message = format!("every tick is not possible with {hindrance}");
            problems.note(format!("population.{}.update", population.name), message);
        }
        let neurons: u64 = shapes[id].iter().map(|&extent| u64::from(extent)).product();
        can.is_ok()
            && match population.update {
                Update::EveryTick => true,
                Update::OnArrival => false,
                Update::Auto => {
                    network.inputs.is_empty() && arrivals(network, id, neurons, drafts) >= DENSE
                }
            }
    };
    network.populations.iter().enumerate().map(of).collect()
}

/// What stands in the way of a sweep.
fn can_be_swept(population: &Population, id: usize, drafts: &[Draft]) -> Result<(), &'static str> {
    let Neuron::Lif(lif) = &population.neuron else { return Err("this neuron model") };
    let by_place = |draft: &Draft| {
        usize::from(draft.target.0) == id && matches!(draft.kind, DraftKind::Convolution(..))
    };
    if population.winner_take_all != WinnerTakeAll::None || drafts.iter().any(by_place) {
        return Err("a population that lies by place");
    }
    if population.vary.iter().any(|vary| !vary.parameter.starts_with("initial")) {
        return Err("parameters that vary");
    }
    can_be(lif)
}

fn can_be(lif: &LifParameters) -> Result<(), &'static str> {
    let is_delta = |kind: &ReceptorKind| matches!(kind, ReceptorKind::Delta);
    let is_alpha = |kind: &ReceptorKind| matches!(kind, ReceptorKind::Alpha { .. });
    let kinds = || lif.receptors.iter().map(|receptor| &receptor.kind);
    if lif.tau_ms.is_infinite() {
        return Err("neurons without a leak");
    }
    if lif.adaptation.is_some() {
        return Err("an adaptive threshold");
    }
    if kinds().any(is_alpha) {
        return Err("alpha currents");
    }
    let deltas = kinds().filter(|kind| is_delta(kind)).count();
    if deltas > 1 || lif.receptors.len() - deltas > MODES_MAX {
        return Err("so many receptors");
    }
    Ok(())
}

/// Arrivals to expect at one neuron in one tick.
fn arrivals(network: &Network, id: usize, neurons: u64, drafts: &[Draft]) -> f64 {
    let onto = drafts.iter().filter(|draft| usize::from(draft.target.0) == id);
    let synapses: u64 = onto.map(|draft| draft.kind.synapses()).sum();
    let noise_hz: f64 = network.populations[id].noise.iter().map(|noise| noise.rate_hz).sum();
    let tick_s = network.tick.ms() / 1e3;
    (noise_hz + synapses as f64 * EXPECTED_HZ / neurons.max(1) as f64) * tick_s
}
