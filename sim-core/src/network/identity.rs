//! A network's identity: SHA-256 of a canonical encoding of what determines its output.
//!
//! Names of parts, file formats and text play no part; sizes, parameters, weights and delays do,
//! after sensor sizes are known, and so does the version of the arithmetic.

use sha2::{Digest, Sha256};

use super::{
    Border, Connectivity, ConvolutionKind, Filter, Network, Neuron, Rectify, WinnerTakeAll,
    check::Draft, compile::Reads, resolve::ResolvedInput,
};
use crate::{ids::SourceId, math::DYNAMICS_VERSION};

/// Feeds numbers to the hash, each with a fixed width.
struct Encoder(Sha256);

impl Encoder {
    fn int(&mut self, value: impl Into<u64>) {
        self.0.update(value.into().to_le_bytes());
    }

    fn ints(&mut self, values: &[u32]) {
        self.int(values.len() as u64);
        values.iter().for_each(|&value| self.0.update(value.to_le_bytes()));
    }

    fn reals(&mut self, values: &[f64]) {
        self.int(values.len() as u64);
        values.iter().for_each(|value| self.0.update(value.to_bits().to_le_bytes()));
    }
}

/// The hash of a network whose parts have been resolved.
pub(crate) fn hash(
    network: &Network,
    inputs: &[ResolvedInput],
    shapes: &[Vec<u32>],
    drafts: &[Draft],
    readouts: &[Reads],
    outputs: &[Vec<u32>],
) -> [u8; 32] {
    let mut to = Encoder(Sha256::new());
    to.int(DYNAMICS_VERSION);
    to.int(network.tick.ns());
    to.int(network.seed);
    let parts = [inputs.len(), shapes.len(), drafts.len(), readouts.len(), outputs.len()];
    parts.into_iter().for_each(|count| to.int(count as u64));
    for (port, resolved) in network.inputs.iter().zip(inputs) {
        to.ints(&resolved.shape);
        to.ints(&[port.multiplicity_max, port.binary.into()]);
        to.int(port.filters.len() as u64);
        port.filters.iter().for_each(|each| filter(&mut to, each));
    }
    for (population, shape) in network.populations.iter().zip(shapes) {
        to.ints(shape);
        to.int(u8::from(population.winner_take_all == WinnerTakeAll::PerLocation));
        neuron(&mut to, &population.neuron);
    }
    for (projection, draft) in network.projections.iter().zip(drafts) {
        let source = match draft.source {
            SourceId::Input(id) => [0, id.0.into()],
            SourceId::Population(id) => [1, id.0.into()],
        };
        to.ints(&source);
        let delays = [projection.axonal_delay_ticks, projection.dendritic_delay_ticks];
        to.ints(&[draft.target.0.into(), delays[0], delays[1]]);
        connectivity(&mut to, &projection.connectivity);
    }
    for readout in readouts {
        to.int(readout.source.0);
        to.int(readout.vote.window_ticks);
        to.int(readout.vote.every_ticks);
    }
    outputs.iter().for_each(|sources| to.ints(sources));
    to.0.finalize().into()
}

fn filter(to: &mut Encoder, filter: &Filter) {
    match *filter {
        Filter::Crop { x, y, width, height } => to.ints(&[1, x, y, width, height]),
        Filter::Downsample { factor } => to.ints(&[2, factor]),
        Filter::Refractory { period_us } => {
            to.int(3_u8);
            to.int(period_us);
        }
        Filter::Flip { horizontal, vertical, polarity } => {
            to.ints(&[4, horizontal.into(), vertical.into(), polarity.into()]);
        }
    }
}

fn neuron(to: &mut Encoder, neuron: &Neuron) {
    match neuron {
        Neuron::Lif(lif) => {
            to.ints(&[1, lif.strict.into()]);
            to.reals(&[
                lif.tau_ms,
                lif.rest_mv,
                lif.threshold_mv,
                lif.reset_mv,
                lif.drive_mv,
                lif.refractory_ms,
                lif.initial_mv,
            ]);
        }
        Neuron::Accumulator(accumulator) => {
            let absolute = accumulator.rectify == Rectify::Absolute;
            to.ints(&[2, accumulator.strict.into(), absolute.into()]);
            to.reals(&[accumulator.threshold]);
        }
    }
}

fn connectivity(to: &mut Encoder, connectivity: &Connectivity) {
    match connectivity {
        Connectivity::OneToOne { weight, delay_ticks } => {
            to.ints(&[1, *delay_ticks]);
            to.reals(&[*weight]);
        }
        Connectivity::Explicit(synapses) => {
            to.int(2_u8);
            to.ints(&synapses.sources);
            to.ints(&synapses.targets);
            to.reals(&synapses.weights);
            to.ints(&synapses.delays_ticks);
        }
        Connectivity::Convolution(kernel) => {
            let kind = match kernel.kind {
                ConvolutionKind::Convolution => 1,
                ConvolutionKind::CrossCorrelation => 2,
            };
            let border = match kernel.border {
                Border::Zero => 1,
                Border::Valid => 2,
                Border::Wrap => 3,
            };
            let laid = [kernel.stride, kernel.dilation, kernel.groups, kernel.delay_step_ticks];
            to.ints(&[3, kind, border]);
            to.ints(&laid);
            to.ints(&kernel.shape);
            to.reals(&[kernel.keep]);
            to.reals(&kernel.kernel);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{network::*, time::TickLength};

    fn network() -> Network {
        let population = |name: &str| Population {
            name: name.into(),
            shape: vec![2.into()],
            neuron: Neuron::Lif(LifParameters::default()),
            winner_take_all: WinnerTakeAll::None,
        };
        let connectivity = Connectivity::OneToOne { weight: 0.5, delay_ticks: 3 };
        let rule = ReadoutRule::Vote { window_ticks: 5, every_ticks: 1, labels: Vec::new() };
        Network {
            inputs: vec![InputPort::new("in", InputShape::Channels(vec![2]))],
            populations: vec![population("a"), population("b")],
            projections: vec![Projection::new("feed", "in", "a", connectivity)],
            readouts: vec![Readout { name: "vote".into(), source: "a".into(), rule }],
            outputs: vec![OutputPort { name: "spikes".into(), sources: vec!["a".into()] }],
            ..Network::default()
        }
    }

    fn hash(change: impl FnOnce(&mut Network)) -> [u8; 32] {
        let mut network = network();
        change(&mut network);
        Plan::new(&network, &[]).expect("a valid network").hash()
    }

    #[test]
    fn whatever_determines_output_changes_the_hash_and_names_do_not() {
        let changed = [
            hash(|_| ()),
            hash(|network| network.readouts[0].source = "b".into()),
            hash(|network| network.projections[0].target = "b".into()),
            hash(|network| network.projections[0].dendritic_delay_ticks = 1),
            hash(|network| network.projections[0].axonal_delay_ticks = 1),
            hash(|network| network.inputs[0].binary = true),
            hash(|network| network.outputs[0].sources = vec!["b".into()]),
            hash(|network| network.outputs.clear()),
            hash(|network| network.seed = 1),
            hash(|network| network.tick = TickLength::MILLISECOND),
        ];
        for (position, hash) in changed.iter().enumerate() {
            assert!(!changed[..position].contains(hash), "change {position}");
        }
        assert_eq!(hash(|network| network.projections[0].name = "other".into()), changed[0]);
    }
}
