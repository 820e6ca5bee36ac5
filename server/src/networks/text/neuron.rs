//! Neurons: their models, the parameters of each, and in what these are counted.
//!
//! What a text leaves out is left to the contract, whose defaults are the core's own.

use std::cell::Cell;

use sim_core::network::LifParameters;
use spiked_proto::v1::{self, population::Neuron};

use super::node::{Node, Table};
use super::part::all;
use super::quantity::Unit;
use crate::networks::limits::RECEPTORS_MAX;
use crate::networks::name;

const MODELS: &[&str] =
    &["lif", "accumulator", "izhikevich", "adex", "conductance", "discrete", "poisson", "regular"];
/// Neuron models of versions to come.
const MODELS_LATER: &[&str] = &["clif", "elm", "psn", "segments"];

/// A parameter: its key in the text, its name in the contract, and its unit.
type Parameter = (&'static str, &'static str, Unit);

#[rustfmt::skip]
const LIF: &[Parameter] = &[
    ("tau", "tau", Unit::Time),
    ("rest", "rest", Unit::Voltage),
    ("threshold", "threshold", Unit::Voltage),
    ("reset", "reset", Unit::Voltage),
    ("drive", "drive", Unit::Voltage),
    ("refractory", "refractory", Unit::Time),
    ("initial", "initial", Unit::Voltage),
    ("subtract", "subtract", Unit::Voltage),
];
#[rustfmt::skip]
const IZHIKEVICH: &[Parameter] = &[
    ("a", "a", Unit::Bare),
    ("b", "b", Unit::Bare),
    ("c", "c", Unit::Voltage),
    ("d", "d", Unit::Voltage),
    ("peak", "peak", Unit::Voltage),
    ("drive", "drive", Unit::Slope),
    ("initial_v", "initial_v", Unit::Voltage),
    ("initial_u", "initial_u", Unit::Voltage),
];
#[rustfmt::skip]
const ADEX: &[Parameter] = &[
    ("capacitance", "capacitance_pf", Unit::Capacitance),
    ("leak", "leak_ns", Unit::Conductance),
    ("rest", "rest_mv", Unit::Voltage),
    ("threshold", "threshold_mv", Unit::Voltage),
    ("slope", "slope_mv", Unit::Voltage),
    ("peak", "peak_mv", Unit::Voltage),
    ("reset", "reset_mv", Unit::Voltage),
    ("tau_w", "tau_w_ms", Unit::Time),
    ("a", "a_ns", Unit::Conductance),
    ("b", "b_pa", Unit::Current),
    ("tau_excitatory", "tau_excitatory_ms", Unit::Time),
    ("tau_inhibitory", "tau_inhibitory_ms", Unit::Time),
    ("excitatory", "excitatory_mv", Unit::Voltage),
    ("inhibitory", "inhibitory_mv", Unit::Voltage),
    ("drive", "drive_pa", Unit::Current),
    ("refractory", "refractory_ms", Unit::Time),
    ("initial", "initial_mv", Unit::Voltage),
    ("initial_w", "initial_w_pa", Unit::Current),
];
#[rustfmt::skip]
const CONDUCTANCE: &[Parameter] = &[
    ("capacitance", "capacitance_pf", Unit::Capacitance),
    ("leak", "leak_ns", Unit::Conductance),
    ("rest", "rest_mv", Unit::Voltage),
    ("threshold", "threshold_mv", Unit::Voltage),
    ("reset", "reset_mv", Unit::Voltage),
    ("tau_excitatory", "tau_excitatory_ms", Unit::Time),
    ("tau_inhibitory", "tau_inhibitory_ms", Unit::Time),
    ("excitatory", "excitatory_mv", Unit::Voltage),
    ("inhibitory", "inhibitory_mv", Unit::Voltage),
    ("drive", "drive_pa", Unit::Current),
    ("refractory", "refractory_ms", Unit::Time),
    ("initial", "initial_mv", Unit::Voltage),
];
#[rustfmt::skip]
const DISCRETE: &[Parameter] = &[
    ("alpha", "alpha", Unit::Bare),
    ("synaptic_rate", "synaptic_rate", Unit::Bare),
    ("input_gain", "input_gain", Unit::Bare),
    ("bias", "bias", Unit::Bare),
    ("gain", "gain", Unit::Bare),
    ("drive", "drive", Unit::Bare),
    ("beta", "beta", Unit::Bare),
    ("tau_steps", "tau_steps", Unit::Bare),
    ("rate", "rate", Unit::Bare),
    ("rest", "rest", Unit::Bare),
    ("threshold", "threshold", Unit::Bare),
    ("reset_value", "reset_value", Unit::Bare),
    ("minimum", "minimum", Unit::Bare),
    ("initial_v", "initial_v", Unit::Bare),
    ("initial_i", "initial_i", Unit::Bare),
];
const POISSON: &[Parameter] = &[("rate", "rate", Unit::Frequency)];
const REGULAR: &[Parameter] =
    &[("interval", "interval", Unit::Time), ("first", "first", Unit::Time)];

fn parameters(model: &str) -> &'static [Parameter] {
    match model {
        "lif" => LIF,
        "izhikevich" => IZHIKEVICH,
        "adex" => ADEX,
        "conductance" => CONDUCTANCE,
        "discrete" => DISCRETE,
        "poisson" => POISSON,
        "regular" => REGULAR,
        _ => &[],
    }
}

/// Which model a neuron is of, whatever else is wrong with it.
pub(super) fn model(neuron: &Node<'_>) -> &'static str {
    MODELS.iter().copied().find(|model| neuron.peek(model)).unwrap_or_default()
}

/// In what weights onto a population are counted, whatever else is wrong with it.
pub(super) fn weight_unit(population: &Node<'_>) -> Unit {
    match population.child("neuron").as_ref().map_or("", model) {
        "lif" => Unit::Voltage,
        "adex" | "conductance" => Unit::Conductance,
        _ => Unit::Bare,
    }
}

pub(super) fn read(node: &Node<'_>) -> Option<Neuron> {
    Some(match node.one_of(MODELS, MODELS_LATER)? {
        ("lif", node) => Neuron::Lif(lif(&node)?),
        ("accumulator", node) => Neuron::Accumulator(accumulator(&node)?),
        ("izhikevich", node) => Neuron::Izhikevich(izhikevich(&node)?),
        ("adex", node) => Neuron::Adex(adex(&node)?),
        ("conductance", node) => Neuron::Conductance(conductance(&node)?),
        ("discrete", node) => Neuron::Discrete(discrete(&node)?),
        ("poisson", node) => Neuron::Poisson(poisson(&node)?),
        (_, node) => Neuron::Regular(regular(&node)?),
    })
}

/// The table of a model. Numbers that are there and wrong are remembered, so that all are looked
/// at before the first of them ends the reading.
struct Model<'a> {
    table: Table<'a>,
    parameters: &'static [Parameter],
    is_sound: Cell<bool>,
}

impl<'a> Model<'a> {
    fn read(node: &Node<'a>, parameters: &'static [Parameter], others: &[&str]) -> Option<Self> {
        let keys: Vec<&str> =
            parameters.iter().map(|(key, ..)| *key).chain(others.iter().copied()).collect();
        let table = node.table(&keys, &[])?;
        Some(Self { table, parameters, is_sound: Cell::new(true) })
    }

    /// A parameter, if it is there.
    fn get(&self, key: &str) -> Option<f64> {
        let unit = self.parameters.iter().find(|(known, ..)| *known == key).map(|(.., unit)| *unit);
        let node = self.table.get(key)?;
        self.sound(node.in_unit(unit.unwrap_or(Unit::Bare)))
    }

    /// What was read of a key, if it is there.
    fn with<T>(&self, key: &str, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<T> {
        let node = self.table.get(key)?;
        self.sound(read(&node))
    }

    fn need(&self, key: &str, example: &str) -> f64 {
        let found = self.table.need(key, example).is_some();
        self.is_sound.set(self.is_sound.get() && found);
        self.get(key).unwrap_or_default()
    }

    fn flag(&self, key: &str) -> bool {
        self.with(key, Node::flag).unwrap_or_default()
    }

    fn substeps(&self) -> u32 {
        self.with("substeps", |node| node.whole(1..=u32::MAX)).unwrap_or_default()
    }

    /// The number of a word; one that isn't there has none.
    fn word<T: Copy + Into<i32>>(&self, key: &str, words: &[(&str, T)]) -> i32 {
        self.with(key, |node| node.word(words, &[])).map_or(0, Into::into)
    }

    fn sound<T>(&self, read: Option<T>) -> Option<T> {
        self.is_sound.set(self.is_sound.get() && read.is_some());
        read
    }

    /// The neuron, unless something was wrong.
    fn done<T>(self, neuron: T) -> Option<T> {
        self.is_sound.get().then_some(neuron)
    }
}

/// Defaults are the core's own.
fn lif(node: &Node<'_>) -> Option<v1::Lif> {
    let others = ["strict", "receptors", "adaptation"];
    let model = Model::read(node, LIF, &others)?;
    let default = LifParameters::default();
    let lif = v1::Lif {
        tau_ms: model.with("tau", |node| or_infinite(node, Unit::Time)).unwrap_or(default.tau_ms),
        rest_mv: model.get("rest").unwrap_or(default.rest_mv),
        threshold_mv: model
            .with("threshold", |node| or_infinite(node, Unit::Voltage))
            .unwrap_or(default.threshold_mv),
        reset_mv: model.get("reset").unwrap_or(default.reset_mv),
        drive_mv: model.with("drive", drive).unwrap_or(default.drive_mv),
        refractory_ms: model.get("refractory").unwrap_or(default.refractory_ms),
        // Absent is rest.
        initial_mv: model.get("initial"),
        strict: model.flag("strict"),
        subtract_mv: model.get("subtract"),
        receptors: model.with("receptors", receptors).unwrap_or_default(),
        adaptation: model.with("adaptation", adaptation),
    };
    let drives = node.child("drive").filter(|_| lif.tau_ms.is_finite());
    if let Some(drive) = drives.filter(|drive| drive.as_text().is_some_and(|d| d.contains('/'))) {
        return drive
            .refuse(format!("{} is for neurons without leak: here a voltage", drive.shown()));
    }
    model.done(lif)
}

/// A quantity, or none that is ever reached.
fn or_infinite(node: &Node<'_>, unit: Unit) -> Option<f64> {
    if node.as_text() == Some("infinite") { Some(f64::INFINITY) } else { node.in_unit(unit) }
}

/// The drive of a leaky neuron, as "12 mV", or of one without leak, as "0.5 mV/ms".
pub(super) fn drive(node: &Node<'_>) -> Option<f64> {
    let is_slope = node.as_text().is_some_and(|text| text.contains('/'));
    node.in_unit(if is_slope { Unit::Slope } else { Unit::Voltage })
}

fn receptors(node: &Node<'_>) -> Option<Vec<v1::Receptor>> {
    let entries = node.any_table()?.entries();
    if entries.len() > RECEPTORS_MAX {
        return node.refuse(format!("has {} receptors, at most {RECEPTORS_MAX}", entries.len()));
    }
    all(entries.iter().map(|(name, node)| receptor(name, node)).collect())
}

/// "delta", or { exponential = "5 ms" } or { alpha = "5 ms" }, with a gain.
fn receptor(name: &str, node: &Node<'_>) -> Option<v1::Receptor> {
    use v1::receptor::Kind;
    if let Err(message) = name::check(name) {
        return node.refuse(message);
    }
    let name = name.into();
    if !node.is_table() {
        node.word(&[("delta", ())], &[])?;
        let kind = Some(Kind::Delta(v1::DeltaReceptor {}));
        return Some(v1::Receptor { name, kind, gain: None });
    }
    let table = node.table(&["exponential", "alpha", "delta", "gain"], &["conductance"])?;
    let kind = match table.one_of(&["exponential", "alpha", "delta"]) {
        Some(("exponential", node)) => node
            .in_unit(Unit::Time)
            .map(|tau_ms| Kind::Exponential(v1::ExponentialReceptor { tau_ms })),
        Some(("alpha", node)) => {
            node.in_unit(Unit::Time).map(|tau_ms| Kind::Alpha(v1::AlphaReceptor { tau_ms }))
        }
        Some((_, node)) => match node.flag()? {
            true => Some(Kind::Delta(v1::DeltaReceptor {})),
            false => node.refuse("false says nothing; leave it out"),
        },
        None => None,
    };
    let gain = table.get("gain").map(|node| node.in_unit(Unit::Voltage));
    let gain = match gain {
        Some(gain) => Some(gain?),
        None => None,
    };
    Some(v1::Receptor { name, kind: Some(kind?), gain })
}

fn adaptation(node: &Node<'_>) -> Option<v1::Adaptation> {
    let table = node.table(&["tau", "step"], &[])?;
    let tau_ms = table.need("tau", "\"100 ms\"").and_then(|node| node.in_unit(Unit::Time));
    let step_mv = table.need("step", "\"2 mV\"").and_then(|node| node.in_unit(Unit::Voltage));
    Some(v1::Adaptation { tau_ms: tau_ms?, step_mv: step_mv? })
}

fn accumulator(node: &Node<'_>) -> Option<v1::Accumulator> {
    let table = node.table(&["threshold", "rectify", "strict"], &[])?;
    let threshold = table.need("threshold", "3.0").and_then(|node| node.number());
    let words = [("none", v1::Rectify::None), ("absolute", v1::Rectify::Absolute)];
    let rectify = match table.get("rectify") {
        Some(node) => node.word(&words, &["positive"]),
        None => Some(v1::Rectify::Unspecified),
    };
    let strict = table.get("strict").map_or(Some(false), |node| node.flag());
    Some(v1::Accumulator { threshold: threshold?, rectify: rectify?.into(), strict: strict? })
}

fn izhikevich(node: &Node<'_>) -> Option<v1::Izhikevich> {
    use v1::{IzhikevichInput as Input, IzhikevichScheme as Scheme};
    let model = Model::read(node, IZHIKEVICH, &["scheme", "input", "substeps"])?;
    let neuron = v1::Izhikevich {
        a: model.get("a"),
        b: model.get("b"),
        c: model.get("c"),
        d: model.get("d"),
        peak: model.get("peak"),
        drive: model.get("drive"),
        initial_v: model.get("initial_v"),
        initial_u: model.get("initial_u"),
        scheme: model.word("scheme", &[("published", Scheme::Published), ("euler", Scheme::Euler)]),
        input: model.word("input", &[("current", Input::Current), ("potential", Input::Potential)]),
        substeps: model.substeps(),
    };
    model.done(neuron)
}

fn adex(node: &Node<'_>) -> Option<v1::Adex> {
    let model = Model::read(node, ADEX, &["substeps"])?;
    let neuron = v1::Adex {
        capacitance_pf: model.get("capacitance"),
        leak_ns: model.get("leak"),
        rest_mv: model.get("rest"),
        threshold_mv: model.get("threshold"),
        slope_mv: model.get("slope"),
        peak_mv: model.get("peak"),
        reset_mv: model.get("reset"),
        tau_w_ms: model.get("tau_w"),
        a_ns: model.get("a"),
        b_pa: model.get("b"),
        tau_excitatory_ms: model.get("tau_excitatory"),
        tau_inhibitory_ms: model.get("tau_inhibitory"),
        excitatory_mv: model.get("excitatory"),
        inhibitory_mv: model.get("inhibitory"),
        drive_pa: model.get("drive"),
        refractory_ms: model.get("refractory"),
        initial_mv: model.get("initial"),
        initial_w_pa: model.get("initial_w"),
        substeps: model.substeps(),
    };
    model.done(neuron)
}

fn conductance(node: &Node<'_>) -> Option<v1::Conductance> {
    let model = Model::read(node, CONDUCTANCE, &["substeps"])?;
    let neuron = v1::Conductance {
        capacitance_pf: model.get("capacitance"),
        leak_ns: model.get("leak"),
        rest_mv: model.get("rest"),
        threshold_mv: model.get("threshold"),
        reset_mv: model.get("reset"),
        tau_excitatory_ms: model.get("tau_excitatory"),
        tau_inhibitory_ms: model.get("tau_inhibitory"),
        excitatory_mv: model.get("excitatory"),
        inhibitory_mv: model.get("inhibitory"),
        drive_pa: model.get("drive"),
        refractory_ms: model.get("refractory"),
        initial_mv: model.get("initial"),
        substeps: model.substeps(),
    };
    model.done(neuron)
}

fn discrete(node: &Node<'_>) -> Option<v1::Discrete> {
    use v1::{DiscreteFeeds as Feeds, DiscreteMembrane as Membrane, DiscreteReset as Reset};
    use v1::{DiscreteResetAt as ResetAt, DiscreteSynapse as Synapse};
    let others = [
        "synapse",
        "feeds",
        "membrane",
        "reset",
        "reset_at",
        "silent",
        "strict",
        "max_spikes_per_step",
    ];
    let model = Model::read(node, DISCRETE, &others)?;
    let most = model.with("max_spikes_per_step", |node| node.whole(1..=u32::MAX));
    let neuron = v1::Discrete {
        alpha: model.get("alpha"),
        synaptic_rate: model.get("synaptic_rate"),
        input_gain: model.get("input_gain"),
        bias: model.get("bias"),
        gain: model.get("gain"),
        drive: model.get("drive"),
        beta: model.get("beta"),
        tau_steps: model.get("tau_steps"),
        rate: model.get("rate"),
        rest: model.get("rest"),
        threshold: model.get("threshold"),
        reset_value: model.get("reset_value"),
        minimum: model.get("minimum"),
        initial_v: model.get("initial_v"),
        initial_i: model.get("initial_i"),
        synapse: model.word(
            "synapse",
            &[
                ("none", Synapse::None),
                ("decay", Synapse::Decay),
                ("decay with input", Synapse::DecayWithInput),
                ("euler", Synapse::Euler),
            ],
        ),
        feeds: model
            .word("feeds", &[("same step", Feeds::SameStep), ("next step", Feeds::NextStep)]),
        membrane: model.word(
            "membrane",
            &[
                ("decay", Membrane::Decay),
                ("leak", Membrane::Leak),
                ("relax", Membrane::Relax),
                ("euler", Membrane::Euler),
            ],
        ),
        reset: model.word(
            "reset",
            &[
                ("none", Reset::None),
                ("to value", Reset::ToValue),
                ("subtract threshold", Reset::SubtractThreshold),
                ("subtract value", Reset::SubtractValue),
            ],
        ),
        reset_at: model.word(
            "reset_at",
            &[("same step", ResetAt::SameStep), ("next step", ResetAt::NextStep)],
        ),
        silent: model.flag("silent"),
        strict: model.flag("strict"),
        multiplicity_max: most.unwrap_or_default(),
    };
    model.done(neuron)
}

fn poisson(node: &Node<'_>) -> Option<v1::PoissonSource> {
    let model = Model::read(node, POISSON, &[])?;
    let neuron = v1::PoissonSource { rate_hz: model.need("rate", "\"5 Hz\"") };
    model.done(neuron)
}

fn regular(node: &Node<'_>) -> Option<v1::RegularSource> {
    let model = Model::read(node, REGULAR, &[])?;
    let interval_ms = model.need("interval", "\"10 ms\"");
    let first_ms = model.get("first").unwrap_or_default();
    model.done(v1::RegularSource { interval_ms, first_ms })
}

/// The parameters in a table of those that vary: the name of each in the contract, and its unit.
pub(super) fn varying<'a>(model: &str, node: &Node<'a>) -> Option<Vec<(String, Unit, Node<'a>)>> {
    let parameters = parameters(model);
    let mut keys: Vec<&str> = parameters.iter().map(|(key, ..)| *key).collect();
    if model == "lif" {
        keys.extend(["adaptation", "receptors"]);
    }
    let mut found = Vec::new();
    for (key, node) in node.table(&keys, &[])?.entries() {
        match key {
            "adaptation" if model == "lif" => {
                let table = node.table(&["tau", "step"], &[])?;
                for (key, node) in table.entries() {
                    let unit = if key == "tau" { Unit::Time } else { Unit::Voltage };
                    found.push((format!("adaptation.{key}"), unit, node));
                }
            }
            "receptors" if model == "lif" => {
                for (receptor, node) in node.any_table()?.entries() {
                    for (key, node) in node.table(&["tau", "gain"], &[])?.entries() {
                        let unit = if key == "tau" { Unit::Time } else { Unit::Voltage };
                        found.push((format!("receptor.{receptor}.{key}"), unit, node));
                    }
                }
            }
            _ => {
                let known = parameters.iter().find(|(known, ..)| *known == key);
                found.extend(known.map(|(_, name, unit)| ((*name).to_owned(), *unit, node)));
            }
        }
    }
    Some(found)
}
