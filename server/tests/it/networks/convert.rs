//! A description from the wire: what has no meaning is refused by part and field.

use bytes::Bytes;
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
    Some(v1::ArrayRef { sha256, element_type: element.into(), shape: shape.to_vec() })
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
        (|n| n.tick_ns = 2_000_000_000, "tick_ns: 2000000000 ns is not between 1 ns and 1 s"),
        (|n| n.inputs[0].name = String::new(), "input..name"),
        (|n| n.inputs[0].shape = None, "input.a.shape: is missing"),
        (|n| n.inputs[0].max_multiplicity = 65_536, "input.a.max_multiplicity: 65536"),
        (
            |n| n.inputs[0].filters.push(v1::Filter::default()),
            "input.a.filters[0]: names no filter",
        ),
        (
            |n| {
                let half = v1::Sensor { width: 3, height: 0 };
                n.inputs[0].shape = Some(v1::input_port::Shape::Sensor(half));
            },
            "input.a.sensor: 3x0 has no pixels",
        ),
        (|n| n.populations[0].neuron = None, "population.b.neuron: is missing"),
        (
            |n| n.populations[0].winner_take_all = 9,
            "population.b.winner_take_all: 9 has no meaning",
        ),
        (|n| n.populations[0].shape[0].extent = None, "population.b.shape[0]: is missing"),
        (
            |n| {
                let of = v1::extent::Extent::Of("a.depth".into());
                n.populations[0].shape[0].extent = Some(of);
            },
            "population.b.shape[0]: \"a.depth\" is neither",
        ),
        (|n| n.projections[0].connectivity = None, "projection.p.connectivity: is missing"),
        (|n| n.projections.push(n.projections[0].clone()), "projection.p: another part"),
        (|n| n.outputs.push(n.outputs[0].clone()), "output.b: another part"),
        (|n| n.readouts[0].rule = None, "readout.r.rule: is missing"),
    ]);
}

#[test]
fn arrays_that_do_not_fit_are_refused_by_part_and_field() {
    assert_refused(&[
        (|n| explicit(n).sources = None, "projection.p.synapses.sources: is missing"),
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

fn values(values: v1::values::Values) -> Option<v1::Values> {
    Some(v1::Values { values: Some(values) })
}

#[test]
fn models_without_a_meaning_are_refused_by_part_and_field() {
    use v1::population::Neuron;
    assert_refused(&[
        (
            |n| {
                let receptors = vec![v1::Receptor { name: "a b".into(), ..Default::default() }];
                let lif = v1::Lif { receptors, ..Default::default() };
                n.populations[0].neuron = Some(Neuron::Lif(lif));
            },
            "population.b.lif.receptors[0].name: \"a b\" is no name",
        ),
        (
            |n| {
                let receptors = vec![v1::Receptor { name: "x".into(), ..Default::default() }];
                let lif = v1::Lif { receptors, ..Default::default() };
                n.populations[0].neuron = Some(Neuron::Lif(lif));
            },
            "population.b.lif.receptors[0].kind: is missing: delta, exponential or alpha",
        ),
        (
            |n| {
                let izhikevich = v1::Izhikevich { scheme: 9, input: 8, ..Default::default() };
                n.populations[0].neuron = Some(Neuron::Izhikevich(izhikevich));
            },
            "population.b.izhikevich.scheme: 9 has no meaning; population.b.izhikevich.input: 8",
        ),
        (
            |n| {
                let discrete = v1::Discrete { reset_at: -1, ..Default::default() };
                n.populations[0].neuron = Some(Neuron::Discrete(discrete));
            },
            "population.b.discrete.reset_at: -1 has no meaning",
        ),
        (
            |n| n.populations[0].vary.push(v1::Vary { parameter: "tau".into(), values: None }),
            "population.b.vary[0].values: is missing: same, each, uniform, normal or log_normal",
        ),
        (
            |n| {
                let values = values(v1::values::Values::Same(1.0));
                n.populations[0].vary.push(v1::Vary { parameter: String::new(), values });
            },
            "population.b.vary[0].parameter: needs 1 to 256 characters",
        ),
        (
            |n| {
                let array = array(ElementType::U32, &[2]).unwrap();
                let values = values(v1::values::Values::Each(array));
                n.populations[0].vary.push(v1::Vary { parameter: "tau".into(), values });
            },
            "population.b.vary[0].values.each: needs elements of type f32 or f64",
        ),
        (
            |n| {
                let noise = v1::Noise { receptor: "?".into(), ..Default::default() };
                n.populations[0].noise.push(noise);
            },
            "population.b.noise[0].receptor: \"?\" is no name",
        ),
    ]);
}

#[test]
fn drawn_synapses_without_a_meaning_are_refused_by_part_and_field() {
    use v1::projection::Connectivity;
    assert_refused(&[
        (|n| n.projections[0].receptor = "?".into(), "projection.p.receptor: \"?\" is no name"),
        (
            |n| {
                let array = array(ElementType::F32, &[2]).unwrap();
                let weights = values(v1::values::Values::Each(array));
                let dense = v1::Dense { weights, delay_ticks: 0 };
                n.projections[0].connectivity = Some(Connectivity::Dense(dense));
            },
            "projection.p.dense.weights.each: needs two extents, [target, source], not [2]",
        ),
        (
            |n| {
                let random = v1::RandomSynapses {
                    delays: Some(v1::Delays::default()),
                    ..Default::default()
                };
                n.projections[0].connectivity = Some(Connectivity::Random(random));
            },
            "projection.p.random.rule: is missing: in_degree, out_degree, total or probability; \
             projection.p.random.weights: is missing: same, each, uniform, normal or log_normal; \
             projection.p.random.delays: is missing: same_ticks, uniform or rounded",
        ),
    ]);
}

#[test]
fn lists_of_a_population_are_bounded() {
    let many: [(Change, &str, u64); 4] = [
        (|n| n.populations[0].vary = vec![v1::Vary::default(); 65], "that vary", 64),
        (|n| n.populations[0].noise = vec![v1::Noise::default(); 65], "noise", 64),
        (
            |n| n.populations[0].drive_steps = vec![v1::DriveStep::default(); 65_537],
            "drive steps",
            65_536,
        ),
        (
            |n| {
                let receptors = vec![v1::Receptor::default(); 65];
                let lif = v1::Lif { receptors, ..Default::default() };
                n.populations[0].neuron = Some(v1::population::Neuron::Lif(lif));
            },
            "receptors",
            64,
        ),
    ];
    for (change, said, most) in many {
        let mut network = network();
        set_arrays(&mut network);
        change(&mut network);
        let error = convert_with(&network, &[0; 8]).unwrap_err();
        assert!(matches!(error, Error::Limit { limit, .. } if limit == most), "{error}");
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
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
            |n| {
                let filter = v1::filter::Filter::HotPixel(v1::HotPixel::default());
                n.inputs[0].filters.push(v1::Filter { filter: Some(filter) });
            },
            "input.a.filters[0]: the hot pixel filter",
        ),
        (
            |n| {
                let filter = v1::filter::Filter::Background(v1::Background::default());
                n.inputs[0].filters.push(v1::Filter { filter: Some(filter) });
            },
            "the background filter",
        ),
        (
            |n| {
                let other = v1::OtherNeuron { model: "psn".into() };
                n.populations[0].neuron = Some(v1::population::Neuron::Other(other));
            },
            "population.b.neuron: the neuron model \"psn\"",
        ),
        (
            |n| n.projections[0].plasticity = Some(v1::Plasticity::default()),
            "projection.p.plasticity",
        ),
        (
            |n| {
                let other = v1::OtherConnectivity { rule: "pool".into() };
                n.projections[0].connectivity = Some(v1::projection::Connectivity::Other(other));
            },
            "projection.p.connectivity: the connectivity \"pool\"",
        ),
        (
            |n| {
                let other = v1::OtherReadout { rule: "softmax".into() };
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
    let missing = convert::network(&network, &|_| None).map(|_| ()).unwrap_err();
    assert!(matches!(&missing, Error::Blob { .. }), "{missing}");
    assert!(missing.to_string().contains("projection.p.synapses.sources"), "{missing}");

    let mut no_hash = network.clone();
    explicit(&mut no_hash).sources.as_mut().unwrap().sha256 = Bytes::from_static(b"short");
    assert!(matches!(convert_with(&no_hash, &[0; 8]), Err(Error::Blob { .. })));

    let mut many = network.clone();
    many.outputs = vec![v1::OutputPort::default(); 4_097];
    assert!(matches!(convert_with(&many, &[]), Err(Error::Limit { given: 4_097, .. })));
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
    let refused = convert::network(&network, &|_| Some(blob.clone())).map(|_| ()).unwrap_err();
    assert!(matches!(refused, Error::Limit { limit, .. } if limit == 1 << 30), "{refused}");
}
