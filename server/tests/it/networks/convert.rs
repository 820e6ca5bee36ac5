//! A description from the wire: what has no meaning is refused by part and field.

use std::sync::Arc;

use bytes::Bytes;
use sim_core::TickLength;
use sim_core::network::description::{
    self as core, AccumulatorParameters, Border, Connectivity, ConvolutionKind, Extent, Filter,
    InputPort, InputShape, LifParameters, Neuron, OutputPort, Population, Projection, Readout,
    ReadoutRule, Rectify, SensorSize, WinnerTakeAll,
};
use spiked_proto::v1::{self, ElementType};
use spiked_server::networks::{Error, convert};

fn network() -> v1::Network {
    super::read(
        "name = \"n\"\n\
         input.a.channels = 2\n\
         population.b = { shape = 2, neuron.lif = {} }\n\
         readout.r = { from = \"b\", vote.window = \"1 us\" }\n\
         [projection.p]\nfrom = \"a\"\nto = \"b\"\n\
         synapses = [{ from = 0, to = 1, weight = 0.5 }]\n",
    )
    .unwrap()
    .network
}

/// Finds every hash in a blob of one f64 or two u32, by what its first byte says.
fn convert_with(network: &v1::Network, blob: &[u8]) -> Result<(), Error> {
    let blob = Bytes::copy_from_slice(blob);
    convert::network(network, &|_| Some(blob.clone())).map(|_| ())
}

fn explicit(network: &mut v1::Network) -> &mut v1::ExplicitSynapses {
    match &mut network.projections[0].connectivity {
        Some(v1::projection::Connectivity::Explicit(explicit)) => explicit,
        other => panic!("{other:?}"),
    }
}

fn array(element: ElementType, shape: &[u32]) -> Option<v1::ArrayRef> {
    let sha256 = Bytes::from(vec![7; 32]);
    Some(v1::ArrayRef {
        sha256,
        element_type: element.into(),
        shape: shape.to_vec(),
    })
}

/// All arrays in one blob of eight bytes.
fn set_arrays(network: &mut v1::Network) {
    let explicit = explicit(network);
    explicit.sources = array(ElementType::U32, &[2]);
    explicit.targets = array(ElementType::U32, &[2]);
    explicit.weights = array(ElementType::F32, &[2]);
    explicit.delays_ticks = array(ElementType::U32, &[2]);
}

type Change = fn(&mut v1::Network);

/// Each change to a network that is right is refused, with those words.
fn assert_refused(changes: &[(Change, &str)]) {
    let mut right = network();
    set_arrays(&mut right);
    convert_with(&right, &[0; 8]).unwrap();
    for (change, expected) in changes {
        let mut network = right.clone();
        change(&mut network);
        let error = convert_with(&network, &[0; 8]).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[test]
fn what_has_no_meaning_is_refused_by_part_and_field() {
    assert_refused(&[
        (|n| n.name = "a b".into(), "name: \"a b\" is no name"),
        (
            |n| n.tick_ns = 2_000_000_000,
            "tick_ns: 2000000000 ns is not between 1 ns and 1 s",
        ),
        (|n| n.inputs[0].name = String::new(), "input..name"),
        (|n| n.inputs[0].shape = None, "input.a.shape: is missing"),
        (
            |n| n.inputs[0].max_multiplicity = 65_536,
            "input.a.max_multiplicity: 65536",
        ),
        (
            |n| n.inputs[0].filters.push(v1::Filter::default()),
            "input.a.filters[0]: names no filter",
        ),
        (
            |n| {
                let half = v1::Sensor {
                    width: 3,
                    height: 0,
                };
                n.inputs[0].shape = Some(v1::input_port::Shape::Sensor(half));
            },
            "input.a.sensor: 3x0 has no pixels",
        ),
        (
            |n| n.populations[0].neuron = None,
            "population.b.neuron: is missing",
        ),
        (
            |n| n.populations[0].winner_take_all = 9,
            "population.b.winner_take_all: 9 has no meaning",
        ),
        (
            |n| n.populations[0].shape[0].extent = None,
            "population.b.shape[0]: is missing",
        ),
        (
            |n| {
                let of = v1::extent::Extent::Of("a.depth".into());
                n.populations[0].shape[0].extent = Some(of);
            },
            "population.b.shape[0]: \"a.depth\" is neither",
        ),
        (
            |n| n.projections[0].connectivity = None,
            "projection.p.connectivity: is missing",
        ),
        (
            |n| n.projections.push(n.projections[0].clone()),
            "projection.p: another part",
        ),
        (
            |n| n.outputs.push(n.outputs[0].clone()),
            "output.b: another part",
        ),
        (|n| n.readouts[0].rule = None, "readout.r.rule: is missing"),
    ]);
}

#[test]
fn arrays_that_do_not_fit_are_refused_by_part_and_field() {
    assert_refused(&[
        (
            |n| explicit(n).sources = None,
            "projection.p.synapses.sources: is missing",
        ),
        (
            |n| explicit(n).sources = array(ElementType::F32, &[2]),
            "projection.p.synapses.sources: needs elements of type u32",
        ),
        (
            |n| explicit(n).weights = array(ElementType::U32, &[2]),
            "projection.p.synapses.weights: needs elements of type f32 or f64",
        ),
        (
            |n| explicit(n).weights = array(ElementType::Unspecified, &[2]),
            "projection.p.synapses.weights: has no element type",
        ),
        (
            |n| explicit(n).weights = array(ElementType::F64, &[2]),
            "of shape [2] with 8 bytes an element does not fit its 8 bytes",
        ),
        (
            |n| explicit(n).weights = array(ElementType::F32, &[u32::MAX, u32::MAX, u32::MAX]),
            "does not fit its 8 bytes",
        ),
        (
            |n| explicit(n).weights = array(ElementType::F64, &[1]),
            "projection.p.synapses: the four arrays need one extent, the same for all",
        ),
    ]);
}

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
    let size = SensorSize {
        width: 320,
        height: 240,
    };
    let mut camera = InputPort::new("camera", InputShape::Sensor(Some(size)));
    camera.filters = vec![
        Filter::Crop {
            x: 1,
            y: 2,
            width: 30,
            height: 40,
        },
        Filter::Downsample { factor: 4 },
        Filter::Refractory { period_us: 3 },
        Filter::Flip {
            horizontal: false,
            vertical: true,
            polarity: false,
        },
    ];
    camera.multiplicity_max = 9;
    let mut line = InputPort::new("line", InputShape::Channels(vec![2]));
    line.binary = true;
    vec![camera, line]
}

fn core_populations() -> Vec<Population> {
    let accumulator = AccumulatorParameters {
        threshold: 2.0,
        rectify: Rectify::Absolute,
        strict: true,
    };
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
    };
    let camera = || "camera".to_owned();
    let seen = Population {
        name: "seen".into(),
        shape: vec![
            1.into(),
            Extent::HeightOf(camera()),
            Extent::WidthOf(camera()),
        ],
        neuron: Neuron::Accumulator(accumulator),
        winner_take_all: WinnerTakeAll::PerLocation,
    };
    let cells = Population {
        name: "cells".into(),
        shape: vec![2.into()],
        neuron: Neuron::Lif(lif),
        winner_take_all: WinnerTakeAll::None,
    };
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
    let one_to_one = Connectivity::OneToOne {
        weight: -1.5,
        delay_ticks: 6,
    };
    let touch = Projection::new("touch", "line", "cells", one_to_one);
    let synapses = Connectivity::Explicit(Arc::new(synapses));
    vec![
        look,
        touch,
        Projection::new("back", "cells", "cells", synapses),
    ]
}

/// Catches fields that are swapped on the way, and a default that is another.
#[test]
fn a_description_becomes_the_cores_own_field_by_field() {
    let described = super::read(WHOLE).unwrap();
    let blob = |sha256: &[u8; 32]| described.blobs.get(sha256).cloned();
    let converted = convert::network(&described.network, &blob).unwrap();
    let vote = ReadoutRule::Vote {
        window_ticks: 8,
        every_ticks: 2,
        labels: vec!["only".into()],
    };
    let expected = core::Network {
        name: "whole".into(),
        tick: TickLength::MILLISECOND,
        seed: 7,
        inputs: core_inputs(),
        populations: core_populations(),
        projections: core_projections(),
        readouts: vec![Readout {
            name: "choice".into(),
            source: "seen".into(),
            rule: vote,
        }],
        outputs: vec![OutputPort {
            name: "spikes".into(),
            sources: vec!["seen".into(), "cells".into()],
        }],
    };
    assert_eq!(
        format!("{:#?}", converted.network),
        format!("{expected:#?}")
    );
    assert_eq!(converted.array_bytes, 16 + 4 + 4 + 8 + 4);
}

#[test]
fn weights_are_finite_and_the_first_that_is_not_is_named() {
    let mut network = network();
    set_arrays(&mut network);
    for (bad, name) in [(f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf")] {
        let blob = super::f32s(&[1.0, bad]);
        let error = convert_with(&network, &blob).unwrap_err().to_string();
        let expected = format!("projection.p.synapses.weights: entry 1 is {name}");
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn features_of_later_versions_are_refused_by_name() {
    let changes: &[(Change, &str)] = &[
        (
            |n| n.inputs[0].shape = Some(v1::input_port::Shape::Frames(v1::FrameSource::default())),
            "input.a.frames: analogue frames",
        ),
        (
            |n| {
                let filter = v1::filter::Filter::HotPixel(v1::HotPixel::default());
                n.inputs[0].filters.push(v1::Filter {
                    filter: Some(filter),
                });
            },
            "input.a.filters[0]: the hot pixel filter",
        ),
        (
            |n| {
                let filter = v1::filter::Filter::Background(v1::Background::default());
                n.inputs[0].filters.push(v1::Filter {
                    filter: Some(filter),
                });
            },
            "the background filter",
        ),
        (
            |n| {
                let other = v1::OtherNeuron {
                    model: "adex".into(),
                };
                n.populations[0].neuron = Some(v1::population::Neuron::Other(other));
            },
            "population.b.neuron: the neuron model \"adex\"",
        ),
        (
            |n| n.projections[0].receptor = "nmda".into(),
            "projection.p.receptor",
        ),
        (
            |n| n.projections[0].plasticity = Some(v1::Plasticity::default()),
            "projection.p.plasticity",
        ),
        (
            |n| {
                let other = v1::OtherConnectivity {
                    rule: "random".into(),
                };
                n.projections[0].connectivity = Some(v1::projection::Connectivity::Other(other));
            },
            "projection.p.connectivity: the connectivity \"random\"",
        ),
        (
            |n| {
                let other = v1::OtherReadout {
                    rule: "softmax".into(),
                };
                n.readouts[0].rule = Some(v1::readout::Rule::Other(other));
            },
            "readout.r.rule: the readout rule \"softmax\"",
        ),
    ];
    for (change, expected) in changes {
        let mut network = network();
        set_arrays(&mut network);
        change(&mut network);
        let error = convert_with(&network, &[0; 8]).unwrap_err();
        assert!(matches!(error, Error::Unimplemented { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[test]
fn arrays_that_are_missing_and_parts_beyond_number_are_refused() {
    let network = network();
    let missing = convert::network(&network, &|_| None)
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(&missing, Error::Blob { .. }), "{missing}");
    assert!(
        missing
            .to_string()
            .contains("projection.p.synapses.sources"),
        "{missing}"
    );

    let mut no_hash = network.clone();
    explicit(&mut no_hash).sources.as_mut().unwrap().sha256 = Bytes::from_static(b"short");
    assert!(matches!(
        convert_with(&no_hash, &[0; 8]),
        Err(Error::Blob { .. })
    ));

    let mut many = network.clone();
    many.outputs = vec![v1::OutputPort::default(); 4_097];
    assert!(matches!(
        convert_with(&many, &[]),
        Err(Error::Limit { given: 4_097, .. })
    ));
}

/// Catches a budget that counts a blob once, however often it is used: each use is a copy.
#[test]
fn one_blob_used_many_times_counts_many_times() {
    let mut network = network();
    let blob = Bytes::from(vec![0; 64 << 20]);
    let length = 16 << 20;
    let explicit = explicit(&mut network);
    explicit.sources = array(ElementType::U32, &[length]);
    explicit.targets = array(ElementType::U32, &[length]);
    // Stops at the array that is too much, before the projection is whole.
    explicit.weights = None;
    explicit.delays_ticks = None;
    network.projections = vec![network.projections[0].clone(); 9];
    let refused = convert::network(&network, &|_| Some(blob.clone()))
        .map(|_| ())
        .unwrap_err();
    assert!(
        matches!(refused, Error::Limit { limit, .. } if limit == 1 << 30),
        "{refused}"
    );
}
