//! A description becomes the core's own: every field where it belongs.

use std::sync::Arc;

use sim_core::TickLength;
use sim_core::network::{
    self as core, AccumulatorParameters, Border, Connectivity, ConvolutionKind, Extent, Filter,
    InputPort, InputShape, LifParameters, Neuron, OutputPort, Population, Projection, Readout,
    ReadoutRule, Rectify, SensorSize, WinnerTakeAll,
};
use spiked_server::networks::convert;

const WHOLE: &str = r#"
name = "whole"
tick = "1 ms"
seed = 7

[input.camera]
sensor = "320x240"
filters = [{ crop = { x = 1, y = 2, width = 30, height = 40 } }, { downsample = 4 }, { refractory = "3 us" }, { flip = "vertical" }]
max_events_per_tick = 9

[input.line]
channels = 2
binary = true

[population.seen]
shape = [1, "camera.height", "camera.width"]
neuron.accumulator = { threshold = 2, rectify = "absolute", strict = true }
winner_take_all = "per location"

[population.cells]
shape = 2
neuron.lif = { tau = "1 ms", rest = "2 mV", threshold = "9 mV", reset = "3 mV", drive = "4 mV", refractory = "5 ms" }

[projection.look]
from = "camera"
to = "seen"
axonal_delay = "1 ms"
dendritic_delay = "2 ms"
[projection.look.convolution]
kernel = { shape = [1, 2, 1, 1, 1], values = [0.25, -0.5] }
kind = "cross-correlation"
border = "wrap"
stride = 2
dilation = 3
groups = 1
delay_step = "4 ms"
keep = 0.5

[projection.touch]
from = "line"
to = "cells"
one_to_one = { weight = -1.5, delay = "6 ms" }
short_term = { utilisation = 0.5, recovery = "800 ms" }

[projection.back]
from = "cells"
to = "cells"
synapses = [{ from = 0, to = 1, weight = 0.5, delay = "7 ms" }]

[readout.choice]
from = "seen"
vote = { window = "8 ms", every = "2 ms", labels = ["only"] }

[output.spikes]
from = ["seen", "cells"]
"#;

fn core_inputs() -> Vec<InputPort> {
    let size = SensorSize { width: 320, height: 240 };
    let mut camera = InputPort::new("camera", InputShape::Sensor(Some(size)));
    camera.filters = vec![
        Filter::Crop { x: 1, y: 2, width: 30, height: 40 },
        Filter::Downsample { factor: 4 },
        Filter::Refractory { period_us: 3 },
        Filter::Flip { horizontal: false, vertical: true, polarity: false },
    ];
    camera.multiplicity_max = 9;
    let mut line = InputPort::new("line", InputShape::Channels(vec![2]));
    line.binary = true;
    vec![camera, line]
}

fn core_populations() -> Vec<Population> {
    let accumulator =
        AccumulatorParameters { threshold: 2.0, rectify: Rectify::Absolute, strict: true };
    let lif = LifParameters {
        tau_ms: 1.0,
        rest_mv: 2.0,
        threshold_mv: 9.0,
        reset_mv: 3.0,
        drive_mv: 4.0,
        refractory_ms: 5.0,
        // Where the text doesn't say: rest.
        initial_mv: 2.0,
        strict: false,
        ..LifParameters::default()
    };
    let camera = || "camera".to_owned();
    let seen = Population {
        shape: vec![1.into(), Extent::HeightOf(camera()), Extent::WidthOf(camera())],
        winner_take_all: WinnerTakeAll::PerLocation,
        ..Population::new("seen", &[], Neuron::Accumulator(accumulator))
    };
    let cells = Population::new("cells", &[2], Neuron::Lif(lif));
    vec![seen, cells]
}

fn core_projections() -> Vec<Projection> {
    let convolution = core::Convolution {
        kernel: vec![0.25, -0.5],
        shape: [1, 2, 1, 1, 1],
        kind: ConvolutionKind::CrossCorrelation,
        border: Border::Wrap,
        stride: 2,
        dilation: 3,
        groups: 1,
        delay_step_ticks: 4,
        keep: 0.5,
    };
    let synapses = core::ExplicitSynapses {
        sources: vec![0],
        targets: vec![1],
        weights: vec![0.5],
        delays_ticks: vec![7],
    };
    let convolution = Connectivity::Convolution(Arc::new(convolution));
    let mut look = Projection::new("look", "camera", "seen", convolution);
    look.axonal_delay_ticks = 1;
    look.dendritic_delay_ticks = 2;
    let one_to_one = Connectivity::OneToOne { weight: -1.5, delay_ticks: 6 };
    let mut touch = Projection::new("touch", "line", "cells", one_to_one);
    touch.short_term =
        Some(core::ShortTerm { utilisation: 0.5, recovery_ms: 800.0, facilitation_ms: 0.0 });
    let synapses = Connectivity::Explicit(Arc::new(synapses));
    vec![look, touch, Projection::new("back", "cells", "cells", synapses)]
}

/// Catches fields that are swapped on the way, and a default that is another.
#[test]
fn a_description_becomes_the_cores_own_field_by_field() {
    let described = super::read(WHOLE).unwrap();
    let blob = |sha256: &[u8; 32]| described.blobs.get(sha256).cloned();
    let converted = convert::network(&described.network, &blob).unwrap();
    let vote = ReadoutRule::Vote { window_ticks: 8, every_ticks: 2, labels: vec!["only".into()] };
    let expected = core::Network {
        name: "whole".into(),
        tick: TickLength::MILLISECOND,
        seed: 7,
        inputs: core_inputs(),
        populations: core_populations(),
        projections: core_projections(),
        readouts: vec![Readout { name: "choice".into(), source: "seen".into(), rule: vote }],
        outputs: vec![OutputPort {
            name: "spikes".into(),
            sources: vec!["seen".into(), "cells".into()],
        }],
    };
    assert_eq!(format!("{:#?}", converted.network), format!("{expected:#?}"));
    assert_eq!(converted.array_bytes, 16 + 4 + 4 + 8 + 4);
}
