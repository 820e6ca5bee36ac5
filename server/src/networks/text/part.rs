//! Inputs with their filters, and populations with what drives them from outside.

use spiked_proto::v1;

use super::network::Context;
use super::neuron;
use super::node::Node;
use super::quantity::Unit;
use super::values;
use crate::networks::limits::{DRIVE_STEPS_MAX, EXTENTS_MAX, NOISES_MAX, SENSOR_PIXELS_MAX};
use crate::networks::name;

pub(super) fn input(name: &str, node: &Node<'_>) -> Option<v1::InputPort> {
    let table = node.table(
        &[
            "sensor",
            "channels",
            "shape",
            "frames",
            "encoder",
            "filters",
            "max_events_per_tick",
            "binary",
        ],
        &[],
    )?;
    let encoder = table.get("encoder");
    let (key, shape) = table.one_of(&["sensor", "channels", "shape", "frames"])?;
    if let Some(encoder) = encoder.as_ref().filter(|_| key != "frames") {
        return encoder.refuse("an encoder is for an input of frames");
    }
    let shape = match (key, shape) {
        ("sensor", sensor) => v1::input_port::Shape::Sensor(self::sensor(&sensor)?),
        ("frames", frames) => {
            v1::input_port::Shape::Frames(super::frames::read(&frames, encoder.as_ref())?)
        }
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

/// Whether an input has a height and a width, whatever else is wrong with it: a camera has, and an
/// array of whiskers.
pub(super) fn has_size(node: &Node<'_>) -> bool {
    node.peek("sensor") || node.peek("frames")
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
    let table = node.table(
        &["shape", "neuron", "winner_take_all", "vary", "noise", "drive_steps", "clock", "update"],
        &["parameters", "plasticity", "probe"],
    )?;
    let shape = table.need("shape", "[12, \"camera.height\", \"camera.width\"]");
    let shape = shape.and_then(|node| self::shape(context, &node));
    let neuron = table.need("neuron", "{ lif = { tau = \"20 ms\", threshold = \"1 mV\" } }");
    let model = neuron.as_ref().map_or("", neuron::model);
    let neuron = neuron.and_then(|node| neuron::read(&node));
    let words =
        [("none", v1::WinnerTakeAll::None), ("per location", v1::WinnerTakeAll::PerLocation)];
    let winner_take_all = match table.get("winner_take_all") {
        Some(node) => node.word(&words, &["global", "per channel"]),
        None => Some(v1::WinnerTakeAll::Unspecified),
    };
    let vary = table.get("vary").map_or(Some(Vec::new()), |node| vary(context, model, &node));
    let weights = neuron::weight_unit(node);
    let noise = table.get("noise").map_or(Some(Vec::new()), |node| noise(weights, &node));
    let steps = table.get("drive_steps");
    let drive_steps = steps.map_or(Some(Vec::new()), |node| drive_steps(context, &node));
    let clock = table.get("clock").map(|node| node.ticks(context.tick_ns, 1));
    let updates = [
        ("auto", v1::Update::Unspecified),
        ("on arrival", v1::Update::OnArrival),
        ("every tick", v1::Update::EveryTick),
    ];
    let update = match table.get("update") {
        Some(node) => node.word(&updates, &[]),
        None => Some(v1::Update::Unspecified),
    };
    Some(v1::Population {
        name: name.into(),
        shape: shape?,
        neuron: Some(neuron?),
        winner_take_all: winner_take_all?.into(),
        vary: vary?,
        noise: noise?,
        drive_steps: drive_steps?,
        // Absent is every tick.
        clock_ticks: clock.unwrap_or(Some(0))?,
        update: update?.into(),
    })
}

fn vary(context: &Context<'_>, model: &str, node: &Node<'_>) -> Option<Vec<v1::Vary>> {
    let varying = |(parameter, unit, node): (String, Unit, Node<'_>)| {
        let values = values::read(context, &node, unit)?;
        Some(v1::Vary { parameter, values: Some(values) })
    };
    all(neuron::varying(model, node)?.into_iter().map(varying).collect())
}

/// One, or a list of { rate = "8 kHz", weight = 0.1, receptor = "excite" }.
fn noise(weights: Unit, node: &Node<'_>) -> Option<Vec<v1::Noise>> {
    let noises = node.items_or_one()?;
    if noises.len() > NOISES_MAX {
        return node.refuse(format!("has {} noises, at most {NOISES_MAX}", noises.len()));
    }
    let noise = |node: &Node<'_>| {
        let table = node.table(&["rate", "weight", "receptor"], &[])?;
        let rate = table.need("rate", "\"8 kHz\"").and_then(|n| n.in_unit(Unit::Frequency));
        let weight = table.need("weight", "0.1").and_then(|node| values::one(&node, weights));
        let receptor = table.get("receptor").map_or(Some(""), |node| node.text());
        Some(v1::Noise { rate_hz: rate?, weight: weight?, receptor: receptor?.into() })
    };
    all(noises.iter().map(noise).collect())
}

/// A list of { at = "50 ms", drive = "12 mV" }.
fn drive_steps(context: &Context<'_>, node: &Node<'_>) -> Option<Vec<v1::DriveStep>> {
    let steps = node.items()?;
    if steps.len() > DRIVE_STEPS_MAX {
        return node.refuse(format!("has {} steps, at most {DRIVE_STEPS_MAX}", steps.len()));
    }
    let step = |node: &Node<'_>| {
        let table = node.table(&["at", "drive"], &[])?;
        let at_tick = table.need("at", "\"50 ms\"").and_then(|n| n.ticks(context.tick_ns, 1));
        let drive_mv = table.need("drive", "\"12 mV\"").and_then(|node| neuron::drive(&node));
        Some(v1::DriveStep { at_tick: at_tick?, drive_mv: drive_mv? })
    };
    all(steps.iter().map(step).collect())
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
        Some((_, false)) => {
            node.refuse(format!("input {port:?} is neither a sensor nor of frames: it has no size"))
        }
        None => {
            let inputs = context.inputs.iter().map(|(name, _)| *name);
            node.refuse(format!("no input {port:?}{}", name::hint(port, inputs)))
        }
    }
}

/// All of them, once each has been looked at.
pub(super) fn all<T>(values: Vec<Option<T>>) -> Option<Vec<T>> {
    values.into_iter().collect()
}
