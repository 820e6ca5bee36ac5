//! A network's identity: SHA-256 of a canonical encoding of what determines its output.
//!
//! Names of parts, file formats and text play no part; sizes, parameters, weights and delays do,
//! after sensor sizes are known, and so does the version of the arithmetic.

use sha2::{Digest, Sha256};

use super::{
    Adaptation, AdexParameters, Afferent, Afferents, BadValue, Border, ConductanceParameters,
    Connectivity, ConvolutionKind, DiscreteParameters, DriveStep, Filter, FrameEncoder,
    FrameSource, InputShape, IzhikevichParameters, LevelCrossing, LifParameters, Network, Neuron,
    Noise, Population, Receptor, ReceptorKind, Rectify, Reset, ShortTerm, Vary, Whisker,
    WinnerTakeAll, check::Draft, readout::Reads, resolve::ResolvedInput,
};
use crate::{ids::SourceId, math::DYNAMICS_VERSION, readout::Rule};

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

    fn ints64(&mut self, values: &[u64]) {
        values.iter().for_each(|&value| self.int(value));
    }

    fn text(&mut self, text: &str) {
        self.int(text.len() as u64);
        self.0.update(text);
    }

    /// Parameters of a neuron by name.
    fn fields(&mut self, neuron: &Neuron, names: &[&str]) {
        let mut neuron = neuron.clone();
        let value = |name: &&str| *neuron.field_mut(name).expect("a field of the model");
        let values: Vec<f64> = names.iter().map(value).collect();
        self.reals(&values);
    }

    fn reals(&mut self, values: &[f64]) {
        self.int(values.len() as u64);
        values.iter().for_each(|value| self.0.update(value.to_bits().to_le_bytes()));
    }
}

/// A network and what has been found out about its parts.
pub(crate) struct Resolved<'a> {
    pub(crate) network: &'a Network,
    pub(crate) inputs: &'a [ResolvedInput],
    pub(crate) shapes: &'a [Vec<u32>],
    /// By population, whether it is re-based at every tick.
    pub(crate) swept: &'a [bool],
}

/// The hash of a network whose parts have been resolved.
pub(crate) fn hash(
    &Resolved { network, inputs, shapes, swept }: &Resolved<'_>,
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
        if let InputShape::Frames(source) = &port.shape {
            frames(&mut to, source);
        }
    }
    for ((population, shape), &swept) in network.populations.iter().zip(shapes).zip(swept) {
        to.ints(shape);
        to.int(u8::from(population.winner_take_all == WinnerTakeAll::PerLocation));
        neuron(&mut to, &population.neuron);
        more_of_population(&mut to, population);
        if swept {
            to.ints64(&[MORE, 20]);
        }
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
        if draft.receptor > 0 {
            to.ints64(&[MORE, 8, draft.receptor.into()]);
        }
        if let Some(ShortTerm { utilisation, recovery_ms, facilitation_ms }) = draft.short_term {
            to.ints64(&[MORE, 9]);
            to.reals(&[utilisation, recovery_ms, facilitation_ms]);
        }
    }
    for readout in readouts {
        to.int(readout.source.0);
        rule(&mut to, &readout.rule);
    }
    outputs.iter().for_each(|sources| to.ints(sources));
    to.0.finalize().into()
}

fn rule(to: &mut Encoder, rule: &Rule) {
    match rule {
        Rule::Vote(vote) => {
            to.int(vote.window_ticks);
            to.int(vote.every_ticks);
        }
        Rule::Confidence(confidence) => {
            to.ints64(&[MORE, 22, confidence.begins.0.into()]);
            to.reals(&[confidence.threshold, confidence.scale]);
            to.ints64(&[confidence.after_ticks, confidence.within_ticks]);
        }
    }
}

fn frames(to: &mut Encoder, source: &FrameSource) {
    to.ints64(&[MORE, 21, source.whiskers.len() as u64, source.gap_us]);
    for Whisker { side, row, column, .. } in &source.whiskers {
        to.ints(&[*side, *row, *column]);
    }
    let holds = u32::from(source.bad_value == BadValue::Hold);
    to.ints(&[source.value_max.to_bits(), holds]);
    match &source.encoder {
        FrameEncoder::Afferents(Afferents { kinds, refractory_us, leak_ms }) => {
            to.ints64(&[1, kinds.len() as u64, *refractory_us]);
            for Afferent { direction_deg, slow_hz, rapid } in kinds {
                to.reals(&[*direction_deg, *slow_hz, *rapid]);
            }
            to.reals(&[leak_ms.unwrap_or(0.0)]);
        }
        FrameEncoder::LevelCrossing(LevelCrossing { force_mn, moment_unm }) => {
            to.ints64(&[2]);
            to.reals(&[*force_mn, *moment_unm]);
        }
    }
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

/// In place of a length: what follows is there only where it says something.
const MORE: u64 = u64::MAX;

/// What a population says beyond shape and model.
fn more_of_population(to: &mut Encoder, population: &Population) {
    let Population { vary, noise, drive_steps, clock_ticks, .. } = population;
    if !vary.is_empty() {
        to.ints64(&[MORE, 1, vary.len() as u64]);
        for Vary { parameter, values } in vary {
            to.text(parameter);
            let mut fields = Vec::new();
            values.fields(&mut fields);
            to.ints64(&fields);
        }
    }
    if !noise.is_empty() {
        to.ints64(&[MORE, 2, noise.len() as u64]);
        for Noise { rate_hz, weight, receptor } in noise {
            to.reals(&[*rate_hz, *weight]);
            to.text(receptor);
        }
    }
    if !drive_steps.is_empty() {
        to.ints64(&[MORE, 3, drive_steps.len() as u64]);
        for DriveStep { at_tick, drive_mv } in drive_steps {
            to.ints64(&[*at_tick, drive_mv.to_bits()]);
        }
    }
    if *clock_ticks != 1 {
        to.ints64(&[MORE, 4, (*clock_ticks).into()]);
    }
}

fn neuron(to: &mut Encoder, neuron: &Neuron) {
    match neuron {
        Neuron::Lif(parameters) => lif(to, parameters),
        Neuron::Accumulator(accumulator) => {
            let absolute = accumulator.rectify == Rectify::Absolute;
            to.ints(&[2, accumulator.strict.into(), absolute.into()]);
            to.reals(&[accumulator.threshold]);
        }
        Neuron::Izhikevich(parameters) => {
            let IzhikevichParameters { scheme, input, substeps, .. } = *parameters;
            to.ints(&[3, scheme as u32, input as u32, substeps]);
            to.fields(neuron, IzhikevichParameters::FIELDS);
        }
        Neuron::Adex(parameters) => {
            to.ints(&[4, parameters.substeps]);
            to.fields(neuron, AdexParameters::FIELDS);
        }
        Neuron::Conductance(parameters) => {
            to.ints(&[5, parameters.substeps]);
            to.fields(neuron, ConductanceParameters::FIELDS);
        }
        Neuron::Discrete(parameters) => {
            let DiscreteParameters { synapse, feeds, membrane, reset, reset_at, .. } = *parameters;
            to.ints(&[6, synapse as u32, feeds as u32, membrane as u32]);
            to.ints(&[reset as u32, reset_at as u32, parameters.fires.into()]);
            to.ints(&[parameters.strict.into(), parameters.multiplicity_max]);
            to.fields(neuron, DiscreteParameters::FIELDS);
        }
        Neuron::Poisson(_) => {
            to.ints(&[7]);
            to.fields(neuron, &["rate"]);
        }
        Neuron::Regular(_) => {
            to.ints(&[8]);
            to.fields(neuron, &["interval", "first"]);
        }
    }
}

fn lif(to: &mut Encoder, lif: &LifParameters) {
    let LifParameters { reset, receptors, adaptation, .. } = lif;
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
    if let Reset::Subtract { amount_mv } = reset {
        to.ints64(&[MORE, 5, amount_mv.to_bits()]);
    }
    if let Some(Adaptation { tau_ms, step_mv }) = adaptation {
        to.ints64(&[MORE, 6, tau_ms.to_bits(), step_mv.to_bits()]);
    }
    if !receptors.is_empty() {
        to.ints64(&[MORE, 7, receptors.len() as u64]);
        for Receptor { kind, gain, .. } in receptors {
            let (kind, tau_ms) = match kind {
                ReceptorKind::Delta => (1, 0.0),
                ReceptorKind::Exponential { tau_ms } => (2, *tau_ms),
                ReceptorKind::Alpha { tau_ms } => (3, *tau_ms),
            };
            to.ints64(&[kind, tau_ms.to_bits(), gain.to_bits()]);
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
        Connectivity::Dense { weights, delay_ticks } => {
            to.ints(&[4, *delay_ticks]);
            let mut fields = Vec::new();
            weights.fields(&mut fields);
            to.ints64(&fields);
        }
        Connectivity::Random(random) => {
            to.int(5_u8);
            to.ints64(&random.fields());
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
        let population =
            |name: &str| Population::new(name, &[2], Neuron::Lif(LifParameters::default()));
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
        let depressing = ShortTerm { utilisation: 0.5, recovery_ms: 800.0, facilitation_ms: 0.0 };
        let changed = [
            hash(|_| ()),
            hash(|network| network.readouts[0].source = "b".into()),
            hash(|network| network.projections[0].target = "b".into()),
            hash(|network| network.projections[0].dendritic_delay_ticks = 1),
            hash(|network| network.projections[0].axonal_delay_ticks = 1),
            hash(|network| network.projections[0].short_term = Some(depressing)),
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
