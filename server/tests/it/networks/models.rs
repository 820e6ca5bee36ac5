//! Every model, everything that varies and every way to draw synapses: what a text says is what the
//! core gets.

use std::path::Path;

use sim_core::network::neurons::discrete::{Feeds, Membrane, Reset, ResetAt, Synapse};
use sim_core::network::neurons::izhikevich::{Input, Scheme};
use sim_core::network::neurons::lif;
use sim_core::network::{
    Adaptation, AdexParameters, ConductanceParameters, Connectivity, Delays, DiscreteParameters,
    DriveStep, IzhikevichParameters, LifParameters, Neuron, Noise, Population, RandomConnectivity,
    RandomRule, Receptor, ReceptorKind, RegularParameters, Update, Values, Vary,
};
use spiked_server::networks::convert;

use super::{f32s, npy, read_beside};

/// The core's own description of a text beside `v.npy`, of `[2, 3]`.
fn core(text: &str) -> sim_core::network::Network {
    let array = npy("<f4", &[2, 3], &f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    let described = read_beside(text, &[("v.npy", &array)]).unwrap_or_else(|e| panic!("{e}"));
    let blob = |sha256: &[u8; 32]| described.blobs.get(sha256).cloned();
    convert::network(&described.network, &blob).unwrap_or_else(|e| panic!("{e}")).network
}

fn population(rest: &str) -> Population {
    let text = format!("tick = \"0.5 ms\"\n[population.p]\nshape = 6\n{rest}\n");
    core(&text).populations.remove(0)
}

fn neuron(text: &str) -> Neuron {
    population(&format!("neuron = {{ {text} }}")).neuron
}

fn connectivity(text: &str) -> Connectivity {
    let text = format!(
        "tick = \"0.1 ms\"\n\
         population.a = {{ shape = 3, neuron = {{ poisson = {{ rate = \"5 Hz\" }} }} }}\n\
         population.b = {{ shape = 2, neuron = {{ lif = {{}} }} }}\n\
         [projection.p]\nfrom = \"a\"\nto = \"b\"\n{text}\n"
    );
    core(&text).projections.remove(0).connectivity
}

#[test]
fn linear_neurons_have_receptors_adaptation_and_two_kinds_of_reset() {
    let receptor = |name: &str, kind, gain| Receptor { gain, ..Receptor::new(name, kind) };
    let expected = LifParameters {
        tau_ms: 20.0,
        rest_mv: -49.0,
        initial_mv: -55.0,
        reset: lif::Reset::Subtract { amount_mv: 3.0 },
        receptors: vec![
            receptor("slow", ReceptorKind::Exponential { tau_ms: 5.0 }, 1.0),
            receptor("alpha", ReceptorKind::Alpha { tau_ms: 2.0 }, -0.5),
            receptor("direct", ReceptorKind::Delta, 1.0),
            receptor("scaled", ReceptorKind::Delta, 2.0),
        ],
        adaptation: Some(Adaptation { tau_ms: 100.0, step_mv: 1.5 }),
        ..LifParameters::default()
    };
    let text = r#"lif = { rest = "-49 mV", initial = "-55 mV", subtract = "3 mV", receptors = {
        slow = { exponential = "5 ms" }, alpha = { alpha = "2 ms", gain = "-500 uV" },
        direct = "delta", scaled = { delta = true, gain = "2 mV" } },
        adaptation = { tau = "0.1 s", step = "1.5 mV" } }"#;
    assert_eq!(neuron(&text.replace('\n', " ")), Neuron::Lif(expected));
    let perfect = LifParameters {
        tau_ms: f64::INFINITY,
        threshold_mv: f64::INFINITY,
        drive_mv: 0.25,
        ..LifParameters::default()
    };
    let text = r#"lif = { tau = "infinite", threshold = "infinite", drive = "250 mV/s" }"#;
    assert_eq!(neuron(text), Neuron::Lif(perfect));
}

/// Catches a field that ends up in another's place: every number differs.
#[test]
fn clocked_neurons_have_every_number_in_its_place() {
    let izhikevich = IzhikevichParameters {
        a: 0.1,
        b: 0.25,
        c: -50.0,
        d: 2.0,
        peak: 31.0,
        drive: 10.0,
        initial_v: -64.0,
        initial_u: -12.0,
        scheme: Scheme::Euler,
        input: Input::Potential,
        substeps: 3,
    };
    let text = r#"izhikevich = { a = 0.1, b = 0.25, c = "-50 mV", d = "2 mV", peak = "31 mV", drive = "10 mV/ms", initial_v = "-64 mV", initial_u = "-12 mV", scheme = "euler", input = "potential", substeps = 3 }"#;
    assert_eq!(neuron(text), Neuron::Izhikevich(izhikevich));
    let adex = AdexParameters {
        capacitance_pf: 200.0,
        leak_ns: 10.0,
        rest_mv: -70.0,
        threshold_mv: -50.0,
        slope_mv: 2.5,
        peak_mv: 1.0,
        reset_mv: -58.0,
        tau_w_ms: 30.0,
        a_ns: 3.0,
        b_pa: 60.0,
        tau_excitatory_ms: 5.0,
        tau_inhibitory_ms: 6.0,
        excitatory_mv: 7.0,
        inhibitory_mv: -80.0,
        drive_pa: 500.0,
        refractory_ms: 1.5,
        initial_mv: -71.0,
        initial_w_pa: 8.0,
        substeps: 5,
    };
    let text = r#"adex = { capacitance = "0.2 nF", leak = "10 nS", rest = "-70 mV", threshold = "-50 mV", slope = "2.5 mV", peak = "1 mV", reset = "-58 mV", tau_w = "30 ms", a = "3000 pS", b = "60 pA", tau_excitatory = "5 ms", tau_inhibitory = "6 ms", excitatory = "7 mV", inhibitory = "-80 mV", drive = "0.5 nA", refractory = "1.5 ms", initial = "-71 mV", initial_w = "8 pA", substeps = 5 }"#;
    assert_eq!(neuron(text), Neuron::Adex(adex));
    let conductance = ConductanceParameters {
        capacitance_pf: 251.0,
        leak_ns: 17.0,
        rest_mv: -71.0,
        threshold_mv: -56.0,
        reset_mv: -61.0,
        tau_excitatory_ms: 0.3,
        tau_inhibitory_ms: 2.1,
        excitatory_mv: 1.0,
        inhibitory_mv: -86.0,
        drive_pa: 2.0,
        refractory_ms: 3.0,
        initial_mv: -72.0,
        substeps: 4,
    };
    let text = r#"conductance = { capacitance = "251 pF", leak = "17 nS", rest = "-71 mV", threshold = "-56 mV", reset = "-61 mV", tau_excitatory = "0.3 ms", tau_inhibitory = "2.1 ms", excitatory = "1 mV", inhibitory = "-86 mV", drive = "2 pA", refractory = "3 ms", initial = "-72 mV", substeps = 4 }"#;
    assert_eq!(neuron(text), Neuron::Conductance(conductance));
}

#[test]
fn discrete_neurons_have_every_number_and_every_word() {
    let discrete = DiscreteParameters {
        alpha: 0.11,
        synaptic_rate: 0.12,
        input_gain: 0.13,
        bias: 0.14,
        gain: 0.15,
        drive: 0.16,
        beta: 0.17,
        tau_steps: 1.8,
        rate: 0.19,
        rest: 0.2,
        threshold: 2.1,
        reset_value: 0.22,
        minimum: -0.23,
        initial_v: 0.24,
        initial_i: 0.25,
        synapse: Synapse::DecayWithInput,
        feeds: Feeds::NextStep,
        membrane: Membrane::Relax,
        reset: Reset::SubtractValue,
        reset_at: ResetAt::NextStep,
        fires: false,
        strict: true,
        multiplicity_max: 7,
    };
    let text = r#"discrete = { alpha = 0.11, synaptic_rate = 0.12, input_gain = 0.13, bias = 0.14, gain = 0.15, drive = 0.16, beta = 0.17, tau_steps = 1.8, rate = 0.19, rest = 0.2, threshold = 2.1, reset_value = 0.22, minimum = -0.23, initial_v = 0.24, initial_i = 0.25, synapse = "decay with input", feeds = "next step", membrane = "relax", reset = "subtract value", reset_at = "next step", silent = true, strict = true, max_spikes_per_step = 7 }"#;
    assert_eq!(neuron(text), Neuron::Discrete(discrete));
    let with = |text: &str| match neuron(&format!("discrete = {{ {text} }}")) {
        Neuron::Discrete(discrete) => discrete,
        other => panic!("{other:?}"),
    };
    let synapses = [("none", Synapse::None), ("decay", Synapse::Decay), ("euler", Synapse::Euler)];
    for (word, synapse) in synapses {
        assert_eq!(with(&format!("synapse = {word:?}")).synapse, synapse);
    }
    let membranes =
        [("decay", Membrane::Decay), ("leak", Membrane::Leak), ("euler", Membrane::Euler)];
    for (word, membrane) in membranes {
        assert_eq!(with(&format!("membrane = {word:?}")).membrane, membrane);
    }
    let resets = [
        ("none", Reset::None),
        ("to value", Reset::ToValue),
        ("subtract threshold", Reset::SubtractThreshold),
    ];
    for (word, reset) in resets {
        assert_eq!(with(&format!("reset = {word:?}")).reset, reset);
    }
}

/// What a text leaves out is what the core takes.
#[test]
fn defaults_are_the_cores_own() {
    assert_eq!(neuron("lif = {}"), Neuron::Lif(LifParameters::default()));
    assert_eq!(neuron("izhikevich = {}"), Neuron::Izhikevich(IzhikevichParameters::default()));
    assert_eq!(neuron("adex = {}"), Neuron::Adex(AdexParameters::default()));
    assert_eq!(neuron("conductance = {}"), Neuron::Conductance(ConductanceParameters::default()));
    assert_eq!(neuron("discrete = {}"), Neuron::Discrete(DiscreteParameters::default()));
    let every = RegularParameters { interval_ms: 10.0, first_ms: 0.0 };
    assert_eq!(neuron(r#"regular = { interval = "10 ms" }"#), Neuron::Regular(every));
}

#[test]
fn sources_fire_at_random_or_regularly() {
    let Neuron::Poisson(poisson) = neuron(r#"poisson = { rate = "1.5 kHz" }"#) else {
        panic!("another model")
    };
    assert_eq!(poisson.rate_hz, 1_500.0);
    let regular = RegularParameters { interval_ms: 10.0, first_ms: 3.0 };
    let text = r#"regular = { interval = "10 ms", first = "3 ms" }"#;
    assert_eq!(neuron(text), Neuron::Regular(regular));
}

#[test]
fn parameters_vary_in_every_way() {
    let text = r#"neuron = { lif = { adaptation = { tau = "1 ms", step = "1 mV" }, receptors = { x = { alpha = "1 ms" } } } }
[population.p.vary]
initial = { uniform = ["-1 mV", "0.5 mV"] }
tau = { normal = { mean = "20 ms", sd = "2 ms", min = "0.01 s" } }
rest = { normal = { mean = "0 mV", sd = "1 mV", max = "2 mV" } }
refractory = { log_normal = { mu = 0.5, sigma = 0.25, max = "5 ms" } }
drive = { each = "v.npy" }
threshold = "v.npy"
reset = "-2 mV"
adaptation = { tau = { uniform = ["1 ms", "2 ms"] }, step = "3 mV" }
receptors = { x = { gain = "4 mV", tau = "5 ms" } }
"#;
    let each = || Values::Each([1.0, 2.0, 3.0, 4.0, 5.0, 6.0].into());
    let normal = |mean, sd, min, max| Values::Normal { mean, sd, min, max };
    let expected = [
        ("initial", Values::Uniform { min: -1.0, max: 0.5 }),
        ("tau", normal(20.0, 2.0, Some(10.0), None)),
        ("rest", normal(0.0, 1.0, None, Some(2.0))),
        ("refractory", Values::LogNormal { mu: 0.5, sigma: 0.25, min: None, max: Some(5.0) }),
        ("drive", each()),
        ("threshold", each()),
        ("reset", Values::Same(-2.0)),
        ("adaptation.tau", Values::Uniform { min: 1.0, max: 2.0 }),
        ("adaptation.step", Values::Same(3.0)),
        ("receptor.x.gain", Values::Same(4.0)),
        ("receptor.x.tau", Values::Same(5.0)),
    ];
    let vary = |(parameter, values): (&str, _)| Vary { parameter: parameter.into(), values };
    assert_eq!(population(text).vary, expected.map(vary));
    let text = r#"neuron = { adex = {} }
vary = { b = { uniform = ["50 pA", "0.1 nA"] }, initial = "-70 mV" }"#;
    let expected =
        [("b_pa", Values::Uniform { min: 50.0, max: 100.0 }), ("initial_mv", Values::Same(-70.0))];
    assert_eq!(population(text).vary, expected.map(vary));
}

/// A text's parameters all have a name that the core knows.
#[test]
fn every_parameter_that_may_vary_is_one_of_the_cores() {
    let models: [(&str, &[&str]); 4] = [
        ("izhikevich", IzhikevichParameters::FIELDS),
        ("adex", AdexParameters::FIELDS),
        ("conductance", ConductanceParameters::FIELDS),
        ("discrete", DiscreteParameters::FIELDS),
    ];
    for (model, fields) in models {
        for field in fields {
            // A unit at its end is the contract's; for "v" and "w" it is part of the word.
            let units = ["_pf", "_ns", "_mv", "_ms", "_pa"];
            let key = units.iter().find_map(|unit| field.strip_suffix(unit)).unwrap_or(field);
            let text = format!("neuron = {{ {model} = {{}} }}\nvary = {{ {key} = \"v.npy\" }}");
            assert_eq!(population(&text).vary[0].parameter, *field, "{model}");
        }
    }
}

#[test]
fn populations_have_noise_steps_of_the_drive_and_a_clock() {
    let text = r#"neuron = { lif = { receptors = { x = "delta", y = "delta" } } }
noise = [{ rate = "8 kHz", weight = "100 uV" }, { rate = "5 Hz", weight = -0.5, receptor = "y" }]
drive_steps = [{ at = "1 ms", drive = "3 mV" }, { at = "2.5 ms", drive = "-1 mV/ms" }]
clock = "2 ms""#;
    let found = population(text);
    let noise =
        |rate_hz, weight, receptor: &str| Noise { rate_hz, weight, receptor: receptor.into() };
    assert_eq!(found.noise, [noise(8_000.0, 0.1, ""), noise(5.0, -0.5, "y")]);
    let step = |at_tick, drive_mv| DriveStep { at_tick, drive_mv };
    assert_eq!(found.drive_steps, [step(2, 3.0), step(5, -1.0)]);
    assert_eq!(found.clock_ticks, 4);
    assert_eq!(population("neuron = { lif = {} }").clock_ticks, 1);
}

#[test]
fn dense_weights_are_one_drawn_or_an_array() {
    let dense = |text: &str| match connectivity(text) {
        Connectivity::Dense { weights, delay_ticks } => (weights, delay_ticks),
        other => panic!("{other:?}"),
    };
    let each = Values::Each([1.0, 2.0, 3.0, 4.0, 5.0, 6.0].into());
    assert_eq!(dense(r#"dense = { weights = "v.npy", delay = "1 ms" }"#), (each, 10));
    assert_eq!(dense("dense = { weights = 0.5 }"), (Values::Same(0.5), 0));
    let text = r#"dense = { weights = { normal = { mean = "1 mV", sd = 0.25 } } }"#;
    assert_eq!(dense(text).0, Values::normal(1.0, 0.25));
}

#[test]
fn synapses_are_drawn_by_every_rule() {
    let random = |text: &str| match connectivity(&format!("random = {{ {text} }}")) {
        Connectivity::Random(random) => random,
        other => panic!("{other:?}"),
    };
    let rules = [
        ("in_degree = 800", RandomRule::FixedInDegree(800)),
        ("out_degree = 7", RandomRule::FixedOutDegree(7)),
        ("total = 5_000_000_000", RandomRule::FixedTotal(5_000_000_000)),
        ("probability = 0.1", RandomRule::Pairwise { probability: 0.1 }),
    ];
    for (text, rule) in rules {
        let expected = RandomConnectivity::new(rule, 0.1, 0);
        assert_eq!(random(&format!("{text}, weight = 0.1")), expected);
    }
    let with = |text: &str| random(&format!("total = 1, weight = 1, {text}"));
    assert_eq!(with(r#"delay = "1.5 ms""#).delays_ticks, Delays::Same(15));
    let uniform = with(r#"delay = { uniform = ["0.1 ms", "5 ms"] }"#).delays_ticks;
    assert_eq!(uniform, Delays::Uniform { min: 1, max: 50 });
    let rounded = |values, min| Delays::Rounded { values, min };
    let normal = with(r#"delay = { normal = { mean = "1.55 ms", sd = "0.75 ms" } }"#);
    assert_eq!(normal.delays_ticks, rounded(Values::normal(15.5, 7.5), 1));
    let bounded = with(
        r#"delay = { normal = { mean = "2 ms", sd = "1 ms", max = "3 ms" }, shortest = "0.2 ms" }"#,
    );
    let values = Values::Normal { mean: 20.0, sd: 10.0, min: None, max: Some(30.0) };
    assert_eq!(bounded.delays_ticks, rounded(values, 2));
    let own = with("allow_self = true, seed = 9");
    assert_eq!((own.allow_self, own.seed), (true, Some(9)));
}

#[test]
fn a_projection_names_its_receptor() {
    let text = "population.a = { shape = 1, neuron = { poisson.rate = \"5 Hz\" } }\n\
                population.b = { shape = 1, neuron.adex = {} }\n\
                [projection.p]\nfrom = \"a\"\nto = \"b\"\nreceptor = \"inhibitory\"\n\
                one_to_one = { weight = \"1.5 nS\" }\n";
    let projection = core(text).projections.remove(0);
    assert_eq!(projection.receptor, "inhibitory");
    let Connectivity::OneToOne { weight, .. } = projection.connectivity else { panic!() };
    assert_eq!(weight, 1.5);
}

/// The networks that come along, as their authors' papers have them.
#[test]
fn brunels_network_is_sparse_and_its_inhibition_stronger() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("networks/brunel");
    let described = spiked_server::networks::text::read(&path).unwrap();
    let network = convert::network(&described.network, &|_| None).unwrap().network;
    let degrees: Vec<(RandomRule, Values)> = network
        .projections
        .iter()
        .map(|projection| match &projection.connectivity {
            Connectivity::Random(random) => (random.rule, random.weights.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let rule = |degree, weight| (RandomRule::FixedInDegree(degree), Values::Same(weight));
    let (excite, inhibit) = (rule(160, 0.5), rule(40, -2.5));
    assert_eq!(degrees, [excite.clone(), excite, inhibit.clone(), inhibit]);
}

#[test]
fn neurons_are_rebased_as_asked() {
    let update = |text: &str| population(&format!("neuron = {{ lif = {{}} }}\n{text}")).update;
    assert_eq!(update(""), Update::Auto);
    assert_eq!(update("update = \"auto\""), Update::Auto);
    assert_eq!(update("update = \"on arrival\""), Update::OnArrival);
    assert_eq!(update("update = \"every tick\""), Update::EveryTick);
}
