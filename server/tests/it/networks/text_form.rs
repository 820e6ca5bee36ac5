//! What a text says is what the description says.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use spiked_proto::v1::{self, ElementType};

use super::{f32s, npy, npz, read, read_beside, u32s};

/// Everything that the text form has, but for synapses and motion kernels.
const WHOLE: &str = r#"
name = "whole"
description = "all of it"
tick = "250 us"
seed = 18446744073709551615

[population.second]           # Before the first: the order of the file is kept.
shape = [2, "camera.height", "camera.width"]
neuron = { accumulator = { threshold = 3, rectify = "absolute", strict = true } }
winner_take_all = "per location"

[input.camera]
sensor = "320 x 240"
filters = [
    { crop = { x = 8, width = 300, height = 0x64 } },
    { downsample = 4 },
    { refractory = "1.5 ms" },
    { flip = ["horizontal", "polarity"] },
]
max_events_per_tick = 7

[input.whiskers]
shape = [5, 7]
binary = true

[population.first]
shape = 35

[population.first.neuron.lif]
tau = "0.02 s"
rest = "-65 mV"
threshold = "-50 mV"
reset = "-0.07 V"
drive = "500 µV"
refractory = "2 ms"

[projection.touch]
from = "whiskers"
to = "first"
one_to_one = { weight = "1.5 mV", delay = "1 h" }
axonal_delay = "1 ms"
dendritic_delay = "0.5 ms"
short_term = { utilisation = 0.25, recovery = "0.8 s", facilitation = "20 ms" }

[projection.look]
from = "camera"
to = "second"
convolution = { kernel = "kernel.npy", kind = "cross-correlation", border = "wrap", stride = 2, dilation = 3, groups = 2, delay_step = "1 ms", keep = 0.5 }

[readout.decide]
from = "second"
vote = { window = "1 min", every = "20 ms", labels = ["a", "b"] }

[output.all]
from = ["first", "second"]

[output.decisions]
from = "decide"
"#;

fn lif() -> v1::Lif {
    v1::Lif {
        tau_ms: 20.0,
        rest_mv: -65.0,
        threshold_mv: -50.0,
        reset_mv: -70.0,
        drive_mv: 0.5,
        refractory_ms: 2.0,
        initial_mv: None,
        strict: false,
        ..v1::Lif::default()
    }
}

fn filters() -> Vec<v1::Filter> {
    use v1::filter::Filter;
    let flip = v1::Flip { horizontal: true, vertical: false, polarity: true };
    [
        Filter::Crop(v1::Crop { x: 8, y: 0, width: 300, height: 100 }),
        Filter::Downsample(v1::Downsample { factor: 4 }),
        Filter::Refractory(v1::Refractory { period_us: 1_500 }),
        Filter::Flip(flip),
    ]
    .map(|filter| v1::Filter { filter: Some(filter) })
    .to_vec()
}

fn inputs() -> Vec<v1::InputPort> {
    use v1::input_port::Shape;
    let camera = v1::InputPort {
        name: "camera".into(),
        shape: Some(Shape::Sensor(v1::Sensor { width: 320, height: 240 })),
        filters: filters(),
        max_multiplicity: 7,
        binary: false,
    };
    let whiskers = v1::InputPort {
        name: "whiskers".into(),
        shape: Some(Shape::Channels(v1::Channels { shape: vec![5, 7] })),
        binary: true,
        ..v1::InputPort::default()
    };
    vec![camera, whiskers]
}

fn populations() -> Vec<v1::Population> {
    use v1::extent::Extent;
    use v1::population::Neuron;
    let extent = |extent| v1::Extent { extent: Some(extent) };
    let second = v1::Population {
        name: "second".into(),
        shape: vec![
            extent(Extent::Size(2)),
            extent(Extent::Of("camera.height".into())),
            extent(Extent::Of("camera.width".into())),
        ],
        neuron: Some(Neuron::Accumulator(v1::Accumulator {
            threshold: 3.0,
            rectify: v1::Rectify::Absolute.into(),
            strict: true,
        })),
        winner_take_all: v1::WinnerTakeAll::PerLocation.into(),
        ..v1::Population::default()
    };
    let first = v1::Population {
        name: "first".into(),
        shape: vec![extent(Extent::Size(35))],
        neuron: Some(Neuron::Lif(lif())),
        ..v1::Population::default()
    };
    vec![second, first]
}

fn projections(kernel: &[u8]) -> Vec<v1::Projection> {
    use v1::projection::Connectivity;
    let touch = v1::Projection {
        name: "touch".into(),
        source: "whiskers".into(),
        target: "first".into(),
        axonal_delay_ticks: 4,
        dendritic_delay_ticks: 2,
        short_term: Some(v1::ShortTermPlasticity {
            utilisation: 0.25,
            recovery_ms: 800.0,
            facilitation_ms: 20.0,
        }),
        connectivity: Some(Connectivity::OneToOne(v1::OneToOne {
            weight: 1.5,
            delay_ticks: 14_400_000,
        })),
        ..v1::Projection::default()
    };
    let convolution = v1::Convolution {
        kernel: Some(v1::ArrayRef {
            sha256: Bytes::copy_from_slice(&Sha256::digest(kernel)),
            element_type: ElementType::F32.into(),
            shape: vec![2, 1, 1, 1, 3],
        }),
        kind: v1::ConvolutionKind::CrossCorrelation.into(),
        stride: 2,
        border: v1::Border::Wrap.into(),
        dilation: 3,
        groups: 2,
        delay_step_ticks: 4,
        keep: 0.5,
    };
    let look = v1::Projection {
        name: "look".into(),
        source: "camera".into(),
        target: "second".into(),
        connectivity: Some(Connectivity::Convolution(convolution)),
        ..v1::Projection::default()
    };
    vec![touch, look]
}

/// Catches a unit that is off, a default that is another, and tables that are sorted by name.
#[test]
fn a_text_is_the_description_that_one_would_write_by_hand() {
    let kernel = f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let file = npy("<f4", &[2, 1, 1, 1, 3], &kernel);
    let described = read_beside(WHOLE, &[("kernel.npy", &file)]).unwrap();
    let vote =
        v1::Vote { window_ticks: 240_000, every_ticks: 80, labels: vec!["a".into(), "b".into()] };
    let output = |name: &str, sources: &[&str]| v1::OutputPort {
        name: name.into(),
        sources: sources.iter().map(|source| (*source).into()).collect(),
    };
    let expected = v1::Network {
        notes: Vec::new(),
        name: "whole".into(),
        tick_ns: 250_000,
        seed: u64::MAX,
        inputs: inputs(),
        populations: populations(),
        projections: projections(&kernel),
        readouts: vec![v1::Readout {
            name: "decide".into(),
            source: "second".into(),
            rule: Some(v1::readout::Rule::Vote(vote)),
        }],
        outputs: vec![output("all", &["first", "second"]), output("decisions", &["decide"])],
        description: "all of it".into(),
    };
    assert_eq!(described.network, expected);
    let blobs: Vec<&[u8]> = described.blobs.values().map(AsRef::as_ref).collect();
    assert_eq!(blobs, [kernel.as_slice()]);
}

fn synapses(text: &str, files: &[(&str, &[u8])]) -> (Vec<u32>, Vec<u32>, Vec<f64>, Vec<u32>) {
    let network = format!(
        "tick = \"1 ms\"\n\
         input.a.channels = 4\n\
         population.b = {{ shape = 4, neuron = {{ lif = {{}} }} }}\n\
         projection.p = {{ from = \"a\", to = \"b\", synapses = {text} }}\n"
    );
    let described = read_beside(&network, files).unwrap_or_else(|error| panic!("{error}"));
    let Some(v1::projection::Connectivity::Explicit(explicit)) =
        &described.network.projections[0].connectivity
    else {
        panic!("no explicit synapses");
    };
    let bytes = |array: &Option<v1::ArrayRef>| {
        let array = array.as_ref().unwrap();
        let sha256: [u8; 32] = array.sha256.as_ref().try_into().unwrap();
        (array.element_type(), described.blobs[&sha256].clone())
    };
    let wholes = |array: &Option<v1::ArrayRef>| {
        bytes(array).1.as_chunks().0.iter().map(|whole| u32::from_le_bytes(*whole)).collect()
    };
    let weights = match bytes(&explicit.weights) {
        (ElementType::F32, bytes) => {
            let values = bytes.as_chunks().0.iter();
            values.map(|value| f64::from(f32::from_le_bytes(*value))).collect()
        }
        (_, bytes) => bytes.as_chunks().0.iter().map(|value| f64::from_le_bytes(*value)).collect(),
    };
    (wholes(&explicit.sources), wholes(&explicit.targets), weights, wholes(&explicit.delays_ticks))
}

/// Catches columns that are swapped, and delays that lose their unit.
#[test]
fn synapses_are_the_same_whether_listed_in_a_csv_file_or_in_arrays() {
    let list = r#"[
        { from = 0, to = 1, weight = 0.5, delay = "3 ms" },
        { from = 3, to = 2, weight = "-250 uV" },
    ]"#;
    let expected = (vec![0, 3], vec![1, 2], vec![0.5, -0.25], vec![3, 0]);
    assert_eq!(synapses(list, &[]), expected);

    let csv = b"from, to, weight, delay\r\n0,1,0.5,3 ms\n\n3, 2, -0.25, 0 ms\n";
    assert_eq!(synapses("\"s.csv\"", &[("s.csv", csv)]), expected);

    let sources = npy("<i8", &[2], &[0_i64, 3].map(i64::to_le_bytes).concat());
    let targets = npy("|u1", &[2], &[1, 2]);
    let weights = npy("<f4", &[2], &f32s(&[0.5, -0.25]));
    // Counted in half milliseconds.
    let delays = npy(">u4", &[2], &[6_u32, 0].map(u32::to_be_bytes).concat());
    let files: [(&str, &[u8]); 4] =
        [("s.npy", &sources), ("t.npy", &targets), ("w.npy", &weights), ("d.npy", &delays)];
    let in_ms =
        [("s.npy", &*sources), files[1], files[2], ("d.npy", &npy("<u4", &[2], &u32s(&[3, 0])))];
    let arrays = r#"{ sources = "s.npy", targets = "t.npy", weights = "w.npy", delays = "d.npy", delay_unit = "1 ms" }"#;
    assert_eq!(synapses(arrays, &in_ms), expected);
    let in_s = arrays.replace("1 ms", "1 s");
    assert_eq!(synapses(&in_s, &files).3, [6_000, 0]);

    for compressed in [false, true] {
        let file = npz(
            compressed,
            &[
                ("sources", sources.clone()),
                ("targets", targets.clone()),
                ("weights", weights.clone()),
                ("delays", npy("<u4", &[2], &u32s(&[3, 0]))),
            ],
        );
        let whole = r#"{ file = "s.npz", delay_unit = "1 ms" }"#;
        assert_eq!(synapses(whole, &[("s.npz", &file)]), expected);
    }
}

#[test]
fn one_weight_and_one_delay_may_stand_for_all() {
    let sources = npy("<u4", &[3], &u32s(&[0, 1, 2]));
    let text = r#"{ sources = "s.npy", targets = "s.npy", weights = 2, delays = "7 ms" }"#;
    let expected = (vec![0, 1, 2], vec![0, 1, 2], vec![2.0; 3], vec![7; 3]);
    assert_eq!(synapses(text, &[("s.npy", &sources)]), expected);
}

#[test]
fn what_leaves_is_what_drives_nobody_and_what_decides() {
    let text = |projections: &str| {
        format!(
            "input.a.channels = 1\n\
             [population]\n\
             first = {{ shape = 1, neuron = {{ lif = {{}} }} }}\n\
             last = {{ shape = 1, neuron = {{ lif = {{}} }} }}\n\
             [projection]\n{projections}\n\
             [readout.choice]\nfrom = \"first\"\nvote.window = \"1 us\"\n"
        )
    };
    let outputs = |text: &str| -> Vec<String> {
        let described = read(text).unwrap_or_else(|error| panic!("{error}"));
        described.network.outputs.iter().map(|output| output.name.clone()).collect()
    };
    let join = |name: &str, from: &str, to: &str| {
        format!("{name} = {{ from = \"{from}\", to = \"{to}\", one_to_one.weight = 1 }}\n")
    };
    let forwards = join("in", "a", "first") + &join("on", "first", "last");
    assert_eq!(outputs(&text(&forwards)), ["last", "choice"]);
    let itself = forwards.clone() + &join("itself", "last", "last");
    assert_eq!(outputs(&text(&itself)), ["last", "choice"]);
    let around = forwards + &join("back", "last", "first");
    assert_eq!(outputs(&text(&around)), ["first", "last", "choice"]);
}

#[test]
fn a_network_is_called_what_it_says_or_what_its_folder_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    let name =
        |path: &std::path::Path| spiked_server::networks::text::read(path).unwrap().network.name;
    let text = "input.a.channels = 1\n";
    assert_eq!(name(write("echo/network.toml", text).parent().unwrap()), "echo");
    assert_eq!(name(&write("other/network.toml", text)), "other");
    assert_eq!(name(write("named/1.2/network.toml", text).parent().unwrap()), "named");
    assert_eq!(name(&write("single.toml", text)), "single");
    assert_eq!(name(&write("x.toml", &format!("name = \"said\"\n{text}"))), "said");
}
