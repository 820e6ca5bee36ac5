//! Inputs with their filters, and populations with their neurons.

use spiked_proto::v1;

use super::network::Context;
use super::node::Node;
use crate::networks::limits::{EXTENTS_MAX, SENSOR_PIXELS_MAX};
use crate::networks::name;

/// Neuron models of versions to come.
const NEURONS_LATER: &[&str] = &[
    "adex",
    "alif",
    "clif",
    "cuba_lif",
    "elm",
    "exponential_lif",
    "integrator",
    "izhikevich",
    "li",
    "psn",
    "segments",
];

pub(super) fn input(name: &str, node: &Node<'_>) -> Option<v1::InputPort> {
    let table = node.table(
        &["sensor", "channels", "shape", "filters", "max_events_per_tick", "binary"],
        &["frames", "encoder"],
    )?;
    let shape = match table.one_of(&["sensor", "channels", "shape"])? {
        ("sensor", sensor) => v1::input_port::Shape::Sensor(self::sensor(&sensor)?),
        (_, channels) => {
            let shape = channels.items_or_one()?;
            let shape = shape.iter().map(|extent| extent.whole(1..=u32::MAX)).collect();
            v1::input_port::Shape::Channels(v1::Channels { shape: all(shape)? })
        }
    };
    let filters = table.get("filters").map_or(Some(Vec::new()), |node| node.items());
    let filters = filters?.iter().map(filter).collect();
    let max = table.get("max_events_per_tick").map(|node| node.whole(1..=65_535));
    let binary = table.get("binary").map(|node| node.flag());
    Some(v1::InputPort {
        name: name.into(),
        shape: Some(shape),
        filters: all(filters)?,
        max_multiplicity: max.unwrap_or(Some(0))?,
        binary: binary.unwrap_or(Some(false))?,
    })
}

/// Whether an input is a camera, whatever else is wrong with it.
pub(super) fn is_sensor(node: &Node<'_>) -> bool {
    node.peek("sensor")
}

/// "any" or "320x240".
fn sensor(node: &Node<'_>) -> Option<v1::Sensor> {
    let text = node.text()?;
    if text == "any" {
        return Some(v1::Sensor { width: 0, height: 0 });
    }
    let sizes = text.split_once(['x', '×']);
    let pixels = |size: &str| {
        let size: u32 = size.trim().parse().ok()?;
        (1..=SENSOR_PIXELS_MAX).contains(&size).then_some(size)
    };
    match sizes.and_then(|(width, height)| Some((pixels(width)?, pixels(height)?))) {
        Some((width, height)) => Some(v1::Sensor { width, height }),
        None => node.refuse(format!(
            "{} is no sensor size: \"320x240\" (width x height, up to {SENSOR_PIXELS_MAX}) or \"any\"",
            node.shown()
        )),
    }
}

fn filter(node: &Node<'_>) -> Option<v1::Filter> {
    use v1::filter::Filter;
    let kinds = ["crop", "downsample", "refractory", "flip"];
    let filter = match node.one_of(&kinds, &["background", "hot_pixel", "hot_pixels"])? {
        ("crop", node) => Filter::Crop(crop(&node)?),
        ("downsample", node) => {
            Filter::Downsample(v1::Downsample { factor: node.whole(1..=SENSOR_PIXELS_MAX)? })
        }
        ("refractory", node) => {
            Filter::Refractory(v1::Refractory { period_us: node.microseconds()? })
        }
        (_, node) => Filter::Flip(flip(&node)?),
    };
    Some(v1::Filter { filter: Some(filter) })
}

fn crop(node: &Node<'_>) -> Option<v1::Crop> {
    let table = node.table(&["x", "y", "width", "height"], &[])?;
    let corner = |key| table.get(key).map_or(Some(0), |node| node.whole(0..=SENSOR_PIXELS_MAX));
    let size = |key| table.need(key, "64")?.whole(1..=SENSOR_PIXELS_MAX);
    let (x, y, width, height) = (corner("x"), corner("y"), size("width"), size("height"));
    Some(v1::Crop { x: x?, y: y?, width: width?, height: height? })
}

fn flip(node: &Node<'_>) -> Option<v1::Flip> {
    let mut flip = v1::Flip { horizontal: false, vertical: false, polarity: false };
    for node in node.items_or_one()? {
        match node.word(&[("horizontal", 0), ("vertical", 1), ("polarity", 2)], &[])? {
            0 => flip.horizontal = true,
            1 => flip.vertical = true,
            _ => flip.polarity = true,
        }
    }
    Some(flip)
}

pub(super) fn population(
    context: &Context<'_>,
    name: &str,
    node: &Node<'_>,
) -> Option<v1::Population> {
    let table = node
        .table(&["shape", "neuron", "winner_take_all"], &["parameters", "plasticity", "probe"])?;
    let shape = table.need("shape", "[12, \"camera.height\", \"camera.width\"]");
    let shape = shape.and_then(|node| self::shape(context, &node));
    let neuron = table.need("neuron", "{ lif = { tau = \"20 ms\", threshold = \"1 mV\" } }");
    let neuron = neuron.and_then(|node| self::neuron(&node));
    let words =
        [("none", v1::WinnerTakeAll::None), ("per location", v1::WinnerTakeAll::PerLocation)];
    let winner_take_all = match table.get("winner_take_all") {
        Some(node) => node.word(&words, &["global", "per channel"])?,
        None => v1::WinnerTakeAll::Unspecified,
    };
    Some(v1::Population {
        name: name.into(),
        shape: shape?,
        neuron: Some(neuron?),
        winner_take_all: winner_take_all.into(),
    })
}

/// Whether a population's weights are voltages, whatever else is wrong with it.
pub(super) fn is_lif(node: &Node<'_>) -> bool {
    node.child("neuron").is_some_and(|neuron| neuron.peek("lif"))
}

fn shape(context: &Context<'_>, node: &Node<'_>) -> Option<Vec<v1::Extent>> {
    let extents = node.items_or_one()?;
    if extents.is_empty() || extents.len() > EXTENTS_MAX {
        return node.refuse(format!("has {} extents, 1 to {EXTENTS_MAX}", extents.len()));
    }
    all(extents.iter().map(|node| extent(context, node)).collect())
}

fn extent(context: &Context<'_>, node: &Node<'_>) -> Option<v1::Extent> {
    let Some(of) = node.as_text() else {
        let size = v1::extent::Extent::Size(node.whole(1..=u32::MAX)?);
        return Some(v1::Extent { extent: Some(size) });
    };
    let port = match of.rsplit_once('.') {
        Some((port, "height" | "width")) => port,
        _ => {
            return node.refuse(format!(
                "{of:?} is no extent: a number, \"PORT.height\" or \"PORT.width\""
            ));
        }
    };
    match context.inputs.iter().find(|(name, _)| *name == port) {
        Some((_, true)) => Some(v1::Extent { extent: Some(v1::extent::Extent::Of(of.into())) }),
        Some((_, false)) => node.refuse(format!("input {port:?} is no sensor: it has no size")),
        None => {
            let inputs = context.inputs.iter().map(|(name, _)| *name);
            node.refuse(format!("no input {port:?}{}", name::hint(port, inputs)))
        }
    }
}

fn neuron(node: &Node<'_>) -> Option<v1::population::Neuron> {
    use v1::population::Neuron;
    match node.one_of(&["lif", "accumulator"], NEURONS_LATER)? {
        ("lif", node) => Some(Neuron::Lif(lif(&node)?)),
        (_, node) => Some(Neuron::Accumulator(accumulator(&node)?)),
    }
}

/// Defaults are the core's own.
fn lif(node: &Node<'_>) -> Option<v1::Lif> {
    let table = node.table(
        &["tau", "rest", "threshold", "reset", "drive", "refractory", "initial", "strict"],
        &["receptors", "tau_synapse"],
    )?;
    let default = sim_core::network::description::LifParameters::default();
    let time_ms = |key, default_ms| match table.get(key) {
        Some(node) => Some(node.duration()?.ms()),
        None => Some(default_ms),
    };
    let voltage_mv =
        |key, default_mv| table.get(key).map_or(Some(default_mv), |node| node.millivolts());
    let tau_ms = time_ms("tau", default.tau_ms);
    let refractory_ms = time_ms("refractory", default.refractory_ms);
    let rest_mv = voltage_mv("rest", default.rest_mv);
    let threshold_mv = voltage_mv("threshold", default.threshold_mv);
    let reset_mv = voltage_mv("reset", default.reset_mv);
    let drive_mv = voltage_mv("drive", default.drive_mv);
    let initial_mv = table.get("initial").map(|node| node.millivolts());
    let strict = table.get("strict").map_or(Some(default.strict), |node| node.flag());
    Some(v1::Lif {
        tau_ms: tau_ms?,
        rest_mv: rest_mv?,
        threshold_mv: threshold_mv?,
        reset_mv: reset_mv?,
        drive_mv: drive_mv?,
        refractory_ms: refractory_ms?,
        // Absent is rest.
        initial_mv: match initial_mv {
            Some(initial_mv) => Some(initial_mv?),
            None => None,
        },
        strict: strict?,
    })
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

/// All of them, once each has been looked at.
pub(super) fn all<T>(values: Vec<Option<T>>) -> Option<Vec<T>> {
    values.into_iter().collect()
}
