//! Everything that a text can get wrong, once each: the message names line, part and field.

use super::{f32s, npy, npz, read, read_beside, u32s};

/// A network that is right, on lines of its own; a case replaces one of them.
const RIGHT: &str = r#"tick = "1 ms"
[input.camera]
sensor = "any"
filters = [{ downsample = 4 }]
[population.cells]
shape = [2, "camera.height", "camera.width"]
neuron = { lif = { tau = "20 ms" } }
[projection.look]
from = "camera"
to = "cells"
convolution = { kernel = { shape = [2, 2, 1, 1, 1], values = [1, 0, 0, 1] }, kind = "convolution", border = "zero" }
[readout.choice]
from = "cells"
vote = { window = "20 ms" }
"#;

/// Line, what stands there instead, and what is said about it.
#[rustfmt::skip]
const CASES: &[(usize, &str, &str)] = &[
    // Quantities.
    (1, "tick = 1", r#"1: tick: 1 needs a unit: write "1 ms""#),
    (1, r#"tick = "1""#, r#"1: tick: "1" needs a unit: write "1 ms""#),
    (1, r#"tick = "1 msec""#, r#"1: tick: "1 msec" has no unit that fits here: ns, us, ms, s, min, h"#),
    (1, r#"tick = "ms""#, r#"1: tick: "ms" is no quantity: write it as "20 ms""#),
    (1, r#"tick = "1e3 us""#, r#"1: tick: "1e3 us" has no unit that fits here"#),
    (1, r#"tick = "2 s""#, "1: tick: is not between 1 ns and 1 s"),
    (1, r#"tick = "0 ms""#, "1: tick: is not between 1 ns and 1 s"),
    (1, r#"tick = "0.5 ns""#, r#"1: tick: "0.5 ns" is no whole number of nanoseconds: the nearest are "0 ns" and "1 ns""#),
    (1, "tick = true", r#"1: tick: true where "20 ms" belongs"#),
    (14, r#"vote = { window = "2.5 ms" }"#, r#"14: readout.choice.vote.window: "2.5 ms" is no whole number of ticks of 1 ms: the nearest are "2 ms" and "3 ms""#),
    (14, r#"vote = { window = "0.5 ms" }"#, r#"14: readout.choice.vote.window: "0.5 ms" is no whole number of ticks of 1 ms: the nearest is "1 ms""#),
    (14, r#"vote = { window = "0 ms" }"#, r#"14: readout.choice.vote.window: "0 ms" is too short: at least "1 ms""#),
    (14, r#"vote = { window = "20 ms", every = "-1 ms" }"#, r#"14: readout.choice.vote.every: "-1 ms" is negative, which times are not"#),
    (10, "to = \"cells\"\naxonal_delay = \"2000 h\"", r#"11: projection.look.axonal_delay: "2000 h" is too long: 7200000000 ticks of 1 ms"#),
    (7, r#"neuron = { lif = { threshold = 1 } }"#, r#"7: population.cells.neuron.lif.threshold: 1 needs a unit: write "1 mV""#),
    (7, r#"neuron = { lif = { threshold = "1 ms" } }"#, "7: population.cells.neuron.lif.threshold: \"1 ms\" has no unit that fits here: uV, mV, V"),
    (10, "to = \"cells\"\nshort_term = { utilisation = 0.5, recovery = 800 }", r#"11: projection.look.short_term.recovery: 800 needs a unit: write "800 ms""#),
    // Words.
    (1, "tack = \"1 ms\"", "1: tack: unknown key, did you mean \"tick\"?"),
    (2, "[inputs.camera]", "2: inputs: unknown key, did you mean \"input\"?"),
    (3, "sensors = \"any\"", "3: input.camera.sensors: unknown key, did you mean \"sensor\"?"),
    (6, "shape = 1\nwhatever = 1", "7: population.cells.whatever: unknown key: there are shape, neuron, winner_take_all, vary, noise, drive_steps, clock, update"),
    (1, "nir = \"x.nir\"", "1: nir: \"x.nir\" where a table"),
    (3, "frames = 3", "3: input.camera.frames: 3 where a table {...} belongs"),
    (3, "frames = { grid = [5, 7] }", "3: input.camera.frames: needs an encoder beside it: encoder = { afferents = {} }"),
    (3, "frames = { grid = [5, 27] }\nencoder = { levels = {} }", "3: input.camera.frames.grid[1]: 27 is not in 1 to 26"),
    (3, "frames = { whiskers = [\"RA\"] }\nencoder = { levels = {} }", "3: input.camera.frames.whiskers[0]: \"RA\" is no whisker"),
    (3, "sensor = \"any\"\nencoder = { levels = {} }", "4: input.camera.encoder: an encoder is for an input of frames"),
    (3, "frames = { grid = [5, 7], bad_value = \"drop frame\" }\nencoder = { levels = {} }", "\"drop frame\" is not available in this version"),
    (4, "filters = [{ hot_pixel = 3 }]", "4: input.camera.filters[0].hot_pixel: is not available in this version"),
    (7, "neuron = { psn = {} }", "7: population.cells.neuron.psn: is not available in this version"),
    (10, "to = \"cells\"\nplasticity = \"stdp\"", "11: projection.look.plasticity: is not available in this version"),
    (11, "pool = 2", "11: projection.look.pool: is not available in this version"),
    (14, r#"confidence = { begins = "camra", threshold = 0.9, within = "20 ms" }"#, r#"14: readout.choice.confidence.begins: no input "camra", did you mean "camera"?"#),
    (14, r#"confidence = { begins = "camera", within = "20 ms" }"#, "14: readout.choice.confidence: threshold is missing: threshold = 0.9"),
    (14, r#"confidence = { begins = "camera", threshold = 0.9, within = "0.5 ms" }"#, r#"14: readout.choice.confidence.within: "0.5 ms" is no whole number of ticks of 1 ms: the nearest is "1 ms""#),
    (14, "softmax = {}", "14: readout.choice.softmax: is not available in this version"),
    (14, "vote = { window = \"1 ms\" }\n[probe.v]\nfrom = \"cells\"", "15: probe: is not available in this version"),
    (7, "neuron = { lif = {} }\nwinner_take_all = \"global\"", "8: population.cells.winner_take_all: \"global\" is not available in this version"),
    (7, "neuron = { lif = {} }\nwinner_take_all = \"all\"", "8: population.cells.winner_take_all: \"all\" where \"none\" or \"per location\" belongs"),
    (7, "neuron = { lif = {} }\nupdate = \"sometimes\"", "8: population.cells.update: \"sometimes\" where \"auto\" or \"on arrival\" or \"every tick\" belongs"),
    // What must be there, and only once.
    (3, "binary = true", "2: input.camera: one of sensor, channels, shape, frames is missing"),
    (3, "sensor = \"any\"\nchannels = 3", "4: input.camera.channels: sensor and channels exclude each other"),
    (6, "", "5: population.cells: shape is missing: shape = [12, \"camera.height\", \"camera.width\"]"),
    (7, "", "5: population.cells: neuron is missing"),
    (7, "neuron = {}", "7: population.cells.neuron: one of lif, accumulator, izhikevich, adex, conductance, discrete, poisson, regular is missing"),
    (7, "neuron = \"lif\"", "7: population.cells.neuron: \"lif\" where { lif = ... } belongs"),
    (7, "neuron = { accumulator = {} }", "7: population.cells.neuron.accumulator: threshold is missing"),
    (9, "", "8: projection.look: from is missing"),
    (11, "", "8: projection.look: one of one_to_one, convolution, synapses, dense, random is missing"),
    (14, "", "12: readout.choice: one of vote, confidence is missing"),
    (5, "[population.camera]", "5: population.camera: has the name of input.camera: names are unique"),
    (2, "[input.\"my camera\"]", "2: input.my camera: \"my camera\" is no name"),
    (2, "[input]", "3: input.sensor: is no part: parts have names, [input.NAME]"),
    (1, "name = \"a/b\"", "1: name: \"a/b\" is no name"),
    (10, "to = \"cells\"\nshort_term = { recovery = \"1 s\" }", "11: projection.look.short_term: utilisation is missing: utilisation = 0.5"),
    (10, "to = \"cells\"\nshort_term = { utilisation = 0.5, recovery = \"1 s\", tau = \"1 s\" }", "11: projection.look.short_term.tau: unknown key"),
    // Types and ranges.
    (3, "sensor = \"320\"", "3: input.camera.sensor: \"320\" is no sensor size: \"320x240\""),
    (3, "sensor = \"0x5\"", "3: input.camera.sensor: \"0x5\" is no sensor size"),
    (3, "channels = 0", "3: input.camera.channels: 0 is not in 1 to 4294967295"),
    (3, "channels = 2.5", "3: input.camera.channels: 2.5 where a whole number belongs"),
    (4, "filters = { downsample = 4 }", "4: input.camera.filters: a table where a list [...] belongs"),
    (4, "filters = [{ downsample = 0 }]", "4: input.camera.filters[0].downsample: 0 is not in 1 to 32768"),
    (4, "filters = [{ refractory = \"0.5 us\" }]", "is no whole number of microseconds"),
    (4, "filters = [{ crop = { x = 1 } }]", "4: input.camera.filters[0].crop: width is missing"),
    (4, "filters = [{ flip = \"left\" }]", "4: input.camera.filters[0].flip: \"left\" where \"horizontal\" or \"vertical\" or \"polarity\" belongs"),
    (4, "filters = [{ downsample = 4, crop = {} }]", "exclude each other"),
    (4, "max_events_per_tick = 65536", "4: input.camera.max_events_per_tick: 65536 is not in 1 to 65535"),
    (4, "binary = 1", "4: input.camera.binary: 1 where true or false belongs"),
    (6, "shape = [2, \"camera.depth\"]", "6: population.cells.shape[1]: \"camera.depth\" is no extent"),
    (6, "shape = [2, \"kamera.width\"]", "6: population.cells.shape[1]: no input \"kamera\", did you mean \"camera\"?"),
    (6, "shape = []", "6: population.cells.shape: has 0 extents, 1 to 8"),
    (7, "neuron = { accumulator = { threshold = nan } }", "7: population.cells.neuron.accumulator.threshold: NaN is not finite"),
    (7, "neuron = { accumulator = { threshold = 1, rectify = \"abs\" } }", "7: population.cells.neuron.accumulator.rectify: \"abs\" where \"none\" or \"absolute\" belongs"),
    // What the parts say about one another.
    (9, "from = \"kamera\"", "9: projection.look.from: no input or population \"kamera\", did you mean \"camera\"?"),
    (10, "to = \"cell\"", "10: projection.look.to: no population \"cell\", did you mean \"cells\"?"),
    (10, "to = \"camera\"", "10: projection.look.to: \"camera\" is an input: synapses lead to populations"),
    (13, "from = \"cels\"", "13: readout.choice.from: no population \"cels\", did you mean \"cells\"?"),
    (14, "vote = { window = \"1 ms\" }\n[output.o]\nfrom = [\"cells\", \"choice\"]", "16: output.o.from[1]: \"choice\" is a readout: its decisions leave by a port of their own"),
    (14, "vote = { window = \"1 ms\" }\n[output.o]\nfrom = \"chioce\"", "16: output.o.from: no population or readout \"chioce\", did you mean \"choice\"?"),
    (14, "vote = { window = \"1 ms\", labels = [\"\"] }", "14: readout.choice.vote.labels[0]: a label has 1 to 128 characters"),
    // Convolutions.
    (11, "convolution = { kernel = \"kernel.npy\", border = \"zero\" }", "11: projection.look.convolution: kind is missing, and the two are mirror images"),
    (11, "convolution = { kernel = \"kernel.npy\", kind = \"convolution\" }", "11: projection.look.convolution: border is missing"),
    (11, "convolution = { kernel = \"kernel.npy\", kind = \"convolution\", border = \"same\" }", "\"same\" is not available in this version"),
    (11, "convolution = { kernel = \"kernel.npy\", kind = \"convolution\", border = \"zero\", keep = 2 }", "11: projection.look.convolution.keep: 2 is not in (0, 1]"),
    (11, "convolution = { kernel = \"kernel.npy\", kind = \"convolution\", border = \"zero\", stride = 0 }", "11: projection.look.convolution.stride: 0 is not in 1 to 65535"),
    (11, "convolution = { kernel = \"kernel.npy\", kind = \"convolution\", border = \"zero\", delay_step = \"0 ms\" }", "11: projection.look.convolution.delay_step: \"0 ms\" is too short"),
    (11, "convolution = { kernel = \"missing.npy\", kind = \"convolution\", border = \"zero\" }", "missing.npy cannot be read"),
    (11, "convolution = { kernel = \"../kernel.npy\", kind = \"convolution\", border = \"zero\" }", "lies outside the network's folder"),
    (11, "convolution = { kernel = \"kernel.csv\", kind = \"convolution\", border = \"zero\" }", "\"kernel.csv\" where a .npy or .npz file belongs"),
    (11, "convolution = { kernel = \"row.npy\", kind = \"convolution\", border = \"zero\" }", "has the shape [2], where five extents belong"),
    (11, "convolution = { kernel = \"ints.npy\", kind = \"convolution\", border = \"zero\" }", "ints.npy holds uint32 where float32 or float64 is needed"),
    (11, "convolution = { kernel = \"broken.npy\", kind = \"convolution\", border = \"zero\" }", "broken.npy is no .npy file"),
    (11, "convolution = { kernel = \"two.npz\", kind = \"convolution\", border = \"zero\" }", "two.npz holds 2 arrays, say which"),
    (11, "convolution = { kernel = { file = \"two.npz\", array = \"c\" }, kind = \"convolution\", border = \"zero\" }", "two.npz holds no array \"c\", but a, b"),
    (11, "convolution = { kernel = { file = \"kernel.npy\", array = \"c\" }, kind = \"convolution\", border = \"zero\" }", "kernel.npy is one array and has no names inside"),
    (11, "convolution = { kernel = { shape = [1, 2], values = [1] }, kind = \"convolution\", border = \"zero\" }", "has 1 values, which its shape [1, 2] doesn't fit"),
    (11, "convolution = { kernel = { motion = { directions = 12, speed = 0.4 } }, border = \"zero\" }", "11: projection.look.convolution.kernel.motion.speed: 0.4 needs a unit: write \"0.4 px/ms\""),
    (11, "convolution = { kernel = { motion = { directions = 12, speed = \"1 px/s\", size = 16 } }, border = \"zero\" }", "size: 16 is even: it has no centre"),
    (11, "convolution = { kernel = { motion = { directions = 12, speed = \"1 px/s\", centre = 1 } }, border = \"zero\" }", "centre: 1 needs a unit: write \"1 px\""),
    (11, "convolution = { kernel = { motion = { directions = 12, speed = \"0 px/s\" } }, border = \"zero\" }", "\"0 px/s\" is not above 0"),
    (11, "convolution = { kernel = { motion = { directions = 3600, speed = \"1 px/s\", size = 1023 } }, border = \"zero\" }", "weights, at most 33554432"),
    // Synapses.
    (11, "one_to_one = { weight = \"1 ms\" }", "11: projection.look.one_to_one.weight: \"1 ms\" has no unit that fits here"),
    (11, "synapses = [{ from = 0, to = -1, weight = 1 }]", "11: projection.look.synapses[0].to: -1 is not in 0 to 4294967295"),
    (11, "synapses = [{ from = 0, weight = inf }]", "11: projection.look.synapses[0]: to is missing"),
    (11, "synapses = \"ints.npy\"", "\"ints.npy\" where a list, a .csv file or { sources"),
    (11, "synapses = \"head.csv\"", "head.csv:1: the first line must be \"from,to,weight,delay\""),
    (11, "synapses = \"row.csv\"", "row.csv:3: \"x\" is no index"),
    (11, "synapses = \"delay.csv\"", "delay.csv:2: \"3\" needs a unit: write \"3 ms\""),
    (11, "synapses = { sources = \"ints.npy\", weights = 1, delays = \"1 ms\" }", "11: projection.look.synapses: targets is missing"),
    (11, "synapses = { sources = \"ints.npy\", targets = \"ints.npy\", weights = 1, delays = \"ints.npy\" }", "delay_unit is missing"),
    (11, "synapses = { sources = \"ints.npy\", targets = \"ints.npy\", weights = 1, delays = \"1 ms\", delay_unit = \"1 ms\" }", "belongs to delays in a file"),
    (11, "synapses = { sources = \"ints.npy\", targets = \"ints.npy\", weights = 1, delays = \"ints.npy\", delay_unit = \"1000 h\" }", "ints.npy holds a delay of more than 4294967295 ticks"),
    (11, "synapses = { sources = \"ints.npy\", targets = \"three.npy\", weights = 1, delays = \"1 ms\" }", "its arrays differ"),
    (11, "synapses = { sources = \"row.npy\", targets = \"ints.npy\", weights = 1, delays = \"1 ms\" }", "row.npy holds float32 where whole numbers are needed"),
    // Models.
    (7, "neuron = { lif = { drive = \"1 mV/ms\" } }", "7: population.cells.neuron.lif.drive: \"1 mV/ms\" is for neurons without leak"),
    (7, "neuron = { lif = { receptors = { x = \"beta\" } } }", "7: population.cells.neuron.lif.receptors.x: \"beta\" where \"delta\" belongs"),
    (7, "neuron = { lif = { receptors = { x = { gain = \"1 mV\" } } } }", "7: population.cells.neuron.lif.receptors.x: one of exponential, alpha, delta is missing"),
    (7, "neuron = { lif = { receptors = { x = { alpha = 5 } } } }", "7: population.cells.neuron.lif.receptors.x.alpha: 5 needs a unit: write \"5 ms\""),
    (7, "neuron = { lif = { receptors = { \"a b\" = \"delta\" } } }", "\"a b\" is no name"),
    (7, "neuron = { lif = { adaptation = { tau = \"1 ms\" } } }", "7: population.cells.neuron.lif.adaptation: step is missing"),
    (7, "neuron = { lif = { tau = \"endless\" } }", "7: population.cells.neuron.lif.tau: \"endless\" is no quantity"),
    (7, "neuron = { adex = { a = \"4 mV\" } }", "7: population.cells.neuron.adex.a: \"4 mV\" has no unit that fits here: pS, nS, uS"),
    (7, "neuron = { adex = { capacitance = 281 } }", "7: population.cells.neuron.adex.capacitance: 281 needs a unit: write \"281 pF\""),
    (7, "neuron = { conductance = { drive = \"1 mA\" } }", "\"1 mA\" has no unit that fits here: pA, nA"),
    (7, "neuron = { izhikevich = { drive = 10 } }", "7: population.cells.neuron.izhikevich.drive: 10 needs a unit: write \"10 mV/ms\""),
    (7, "neuron = { izhikevich = { scheme = \"rk4\" } }", "\"rk4\" where \"published\" or \"euler\" belongs"),
    (7, "neuron = { discrete = { beta = \"0.9\", alpha = true } }", "7: population.cells.neuron.discrete.beta: \"0.9\" where a number belongs"),
    (7, "neuron = { discrete = { beta = \"0.9\", alpha = true } }", "7: population.cells.neuron.discrete.alpha: true where a number belongs"),
    (7, "neuron = { discrete = { max_spikes_per_step = 0 } }", "max_spikes_per_step: 0 is not in 1 to 4294967295"),
    (7, "neuron = { poisson = {} }", "7: population.cells.neuron.poisson: rate is missing: rate = \"5 Hz\""),
    (7, "neuron = { poisson = { rate = 5 } }", "7: population.cells.neuron.poisson.rate: 5 needs a unit: write \"5 Hz\""),
    (7, "neuron = { regular = { first = \"1 ms\" } }", "7: population.cells.neuron.regular: interval is missing"),
    // What varies, and what comes from outside.
    (7, "neuron = { lif = {} }\nvary = { inital = \"v.npy\" }", "8: population.cells.vary.inital: unknown key, did you mean \"initial\"?"),
    (7, "neuron = { accumulator = { threshold = 1 } }\nvary = { threshold = 1 }", "8: population.cells.vary.threshold: unknown key"),
    (7, "neuron = { lif = {} }\nvary = { initial = { uniform = [\"0 mV\"] } }", "8: population.cells.vary.initial.uniform: has 1 values, where [smallest, largest] belongs"),
    (7, "neuron = { lif = {} }\nvary = { initial = { uniform = [0, 1] } }", "8: population.cells.vary.initial.uniform[0]: 0 needs a unit: write \"0 mV\""),
    (7, "neuron = { lif = {} }\nvary = { initial = { normal = { mean = \"0 mV\" } } }", "8: population.cells.vary.initial.normal: sd is missing"),
    (7, "neuron = { lif = {} }\nvary = { initial = { gamma = {} } }", "8: population.cells.vary.initial.gamma: is not available in this version"),
    (7, "neuron = { lif = {} }\nvary = { initial = \"missing.npy\" }", "missing.npy cannot be read"),
    (7, "neuron = { lif = {} }\nnoise = [{ rate = 8000, weight = 1 }]", "8: population.cells.noise[0].rate: 8000 needs a unit: write \"8000 Hz\""),
    (7, "neuron = { lif = {} }\nnoise = [{ rate = \"8 kHz\" }]", "8: population.cells.noise[0]: weight is missing"),
    (7, "neuron = { izhikevich = {} }\nnoise = { rate = \"8 kHz\", weight = \"1 mV\" }", "the weights of this target have no unit"),
    (7, "neuron = { lif = {} }\ndrive_steps = [{ at = \"1.5 ms\", drive = \"1 mV\" }]", "8: population.cells.drive_steps[0].at: \"1.5 ms\" is no whole number of ticks"),
    (7, "neuron = { lif = {} }\nclock = \"0 ms\"", "8: population.cells.clock: \"0 ms\" is too short"),
    // Drawn synapses.
    (11, "random = { weight = 1 }", "11: projection.look.random: one of in_degree, out_degree, total, probability is missing"),
    (11, "random = { total = 1, probability = 0.1, weight = 1 }", "11: projection.look.random.probability: total and probability exclude each other"),
    (11, "random = { total = -1, weight = 1 }", "11: projection.look.random.total: -1 is not in 0 to"),
    (11, "random = { total = 1 }", "11: projection.look.random: weight is missing"),
    (11, "random = { total = 1, weight = \"1 nS\" }", "11: projection.look.random.weight: \"1 nS\" has no unit that fits here"),
    (11, "random = { total = 1, weight = 1, delay = { uniform = [\"1 ms\", \"1.5 ms\"] } }", "11: projection.look.random.delay.uniform[1]: \"1.5 ms\" is no whole number of ticks"),
    (11, "random = { total = 1, weight = 1, delay = { uniform = [\"1 ms\", \"2 ms\"], shortest = \"1 ms\" } }", "11: projection.look.random.delay.shortest: excludes uniform"),
    (11, "random = { total = 1, weight = 1, delay = { normal = { mean = \"1 ms\", sd = \"-1 ms\" } } }", "sd: \"-1 ms\" is negative"),
    (11, "random = { total = 1, weight = 1, delay = { log_normal = {} } }", "11: projection.look.random.delay.log_normal: is not available in this version"),
    (11, "dense = { delay = \"1 ms\" }", "11: projection.look.dense: weights is missing"),
    // The text itself.
    (3, "sensor = \"any\nbinary = 1", "3: invalid basic string"),
    (3, "sensor = \"any\"\nsensor = \"any\"", "4: duplicate key"),
];

fn read_case(text: &str) -> Vec<String> {
    let kernel = npy("<f4", &[2, 2, 1, 1, 1], &f32s(&[1.0; 4]));
    let row = npy("<f4", &[2], &f32s(&[1.0; 2]));
    let ints = npy("<u4", &[2], &u32s(&[0, 2]));
    let three = npy("<u4", &[3], &u32s(&[0, 1, 2]));
    let two = npz(false, &[("a", row.clone()), ("b", row.clone())]);
    let files: [(&str, &[u8]); 9] = [
        ("kernel.npy", &kernel),
        ("row.npy", &row),
        ("ints.npy", &ints),
        ("three.npy", &three),
        ("two.npz", &two),
        ("broken.npy", b"no array"),
        ("head.csv", b"source,target\n"),
        ("row.csv", b"from,to,weight\n0,1,1\nx,1,1\n"),
        ("delay.csv", b"from,to,weight,delay\n0,1,1,3\n"),
    ];
    match read_beside(text, &files) {
        Ok(_) => Vec::new(),
        Err(error) => error.problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_mistake_is_named_with_line_part_and_field() {
    assert_eq!(read_case(RIGHT), [""; 0]);
    for (line, instead, expected) in CASES {
        let mut lines: Vec<&str> = RIGHT.lines().collect();
        lines[line - 1] = instead;
        let found = read_case(&lines.join("\n"));
        assert!(
            found.iter().any(|problem| problem.contains(expected)),
            "{instead}\n  should say {expected}\n  says {found:#?}"
        );
        assert!(found.iter().all(|problem| problem.contains("network.toml")), "{found:#?}");
    }
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_text() {
    let text = "tick = 1\nseed = -1\n[input.a]\nsensor = 3\n[population.b]\nshape = 0\n";
    let problems = read(text).unwrap_err().problems;
    let lines: Vec<_> = problems.iter().map(|problem| problem.line.unwrap()).collect();
    assert_eq!(lines, [1, 2, 4, 5, 6], "{problems:#?}");
}

#[test]
fn a_file_that_is_missing_or_no_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let read = || spiked_server::networks::text::read(folder.path()).unwrap_err().to_string();
    assert!(read().contains("network.toml: cannot be read"), "{}", read());
    std::fs::write(folder.path().join("network.toml"), b"# \n# \xff").unwrap();
    assert!(read().contains("network.toml:2: is not UTF-8"), "{}", read());
}
