//! Names to indices, open extents to sizes.

use std::{collections::BTreeMap, sync::Arc};

use super::{Extent, FrameSource, InputShape, Network, SensorSize, problem::Problems};
use crate::{
    ids::{InputId, PopulationId, ReadoutId, SourceId},
    input::{
        encode::FramePlan,
        filter::{Chain, addresses, extents_of},
    },
};

/// The largest sensor side \[pixels\], so that a coordinate fits the camera layout.
const SENSOR_SIDE_MAX: u32 = 32_768;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Source(SourceId),
    Readout(ReadoutId),
}

/// An input port with all sizes known.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedInput {
    pub(crate) shape: Vec<u32>,
    pub(crate) filtered_shape: Vec<u32>,
    pub(crate) chain: Chain,
    /// For a port of frames.
    pub(crate) frames: Option<Arc<FramePlan>>,
}

/// All names of a network, each once.
pub(crate) fn names<'a>(network: &'a Network, problems: &mut Problems) -> BTreeMap<&'a str, Named> {
    let mut names = BTreeMap::new();
    let inputs = network.inputs.iter().map(|part| ("input", part.name.as_str()));
    let populations = network.populations.iter().map(|part| ("population", part.name.as_str()));
    let readouts = network.readouts.iter().map(|part| ("readout", part.name.as_str()));
    let input = (0..).map(|id| Named::Source(SourceId::Input(InputId(id))));
    let population = (0..).map(|id| Named::Source(SourceId::Population(PopulationId(id))));
    let readout = (0..).map(|id| Named::Readout(ReadoutId(id)));
    let all = inputs.zip(input).chain(populations.zip(population)).chain(readouts.zip(readout));
    for ((part, name), named) in all {
        let field = format!("{part}.{name}");
        problems.need(!name.is_empty(), part, || "a part without a name".into());
        if names.insert(name, named).is_some() {
            problems.note(field, "another part has the same name");
        }
    }
    names
}

/// The input ports, with sensor sizes filled in.
pub(crate) fn inputs(
    network: &Network,
    sensors: &[(String, SensorSize)],
    problems: &mut Problems,
) -> Vec<ResolvedInput> {
    for (name, _) in sensors {
        let known = network.inputs.iter().any(|input| input.name == *name);
        problems.need(known, &format!("input.{name}"), || "no such input port".into());
    }
    let resolve = |input| resolve_input(input, sensors, problems);
    network.inputs.iter().filter_map(resolve).collect()
}

fn resolve_input(
    input: &super::InputPort,
    sensors: &[(String, SensorSize)],
    problems: &mut Problems,
) -> Option<ResolvedInput> {
    let field = format!("input.{}", input.name);
    let opened = sensors.iter().find(|(name, _)| *name == input.name).map(|(_, size)| *size);
    let shape = match shape_of(&input.shape, opened) {
        Ok(shape) => shape,
        Err(message) => {
            problems.note(field, message);
            return None;
        }
    };
    if !(1..=65_535).contains(&input.multiplicity_max) {
        let message = format!("{} is not in 1..=65535", input.multiplicity_max);
        problems.note(format!("{field}.max_multiplicity"), message);
    }
    let frames = match &input.shape {
        InputShape::Frames(source) => Some(frame_plan(source, &field, problems)?),
        _ => None,
    };
    let encoded = frames.as_ref().map(|frames| frames.source.encoded_shape());
    let extents = encoded.unwrap_or_else(|| extents_of(&shape));
    match Chain::new(extents, &input.filters) {
        Ok(chain) => {
            let unchanged = encoded.is_none() && chain.extents() == extents;
            let filtered_shape = if unchanged { shape.clone() } else { chain.extents().to_vec() };
            Some(ResolvedInput { shape, filtered_shape, chain, frames })
        }
        Err((position, message)) => {
            problems.note(format!("{field}.filters[{position}]"), message);
            None
        }
    }
}

fn frame_plan(
    source: &Arc<FrameSource>,
    field: &str,
    problems: &mut Problems,
) -> Option<Arc<FramePlan>> {
    let found = source.problems();
    let is_sound = found.is_empty();
    for (part, message) in found {
        problems.note(format!("{field}.frames.{part}"), message);
    }
    is_sound.then(|| Arc::new(FramePlan::new(source)))
}

fn shape_of(shape: &InputShape, opened: Option<SensorSize>) -> Result<Vec<u32>, String> {
    let sensor = |size: SensorSize| {
        let SensorSize { width, height } = size;
        let side = 1..=SENSOR_SIDE_MAX;
        if side.contains(&width)
            && side.contains(&height)
            && addresses(&[2, height, width]).is_some()
        {
            return Ok(vec![2, height, width]);
        }
        Err(format!("a sensor of {width}x{height}; sides of 1 to {SENSOR_SIDE_MAX} are possible"))
    };
    match (shape, opened) {
        (InputShape::Sensor(Some(fixed)), Some(opened)) if *fixed != opened => Err(format!(
            "the network is for a sensor of {}x{}, not {}x{}",
            fixed.width, fixed.height, opened.width, opened.height
        )),
        (InputShape::Sensor(Some(fixed)), _) => sensor(*fixed),
        (InputShape::Sensor(None), Some(opened)) => sensor(opened),
        (InputShape::Sensor(None), None) => {
            Err("leaves its sensor's size to whoever opens it; give one (width x height)".into())
        }
        (InputShape::Channels(_), Some(opened)) => Err(format!(
            "has numbered channels, no sensor; {}x{} was given",
            opened.width, opened.height
        )),
        (InputShape::Frames(_), Some(opened)) => Err(format!(
            "takes frames, it is no camera; {}x{} was given",
            opened.width, opened.height
        )),
        (InputShape::Frames(source), None) => Ok(source.frame_shape().to_vec()),
        (InputShape::Channels(shape), None) => match addresses(shape) {
            Some(1..) => Ok(shape.clone()),
            _ => Err(format!("shape {shape:?} has no channel, or more than 2^32")),
        },
    }
}

/// The populations' shapes; an empty one where there was a problem.
pub(crate) fn population_shapes(
    network: &Network,
    inputs: &[ResolvedInput],
    problems: &mut Problems,
) -> Vec<Vec<u32>> {
    let size_of = |name: &str| {
        let position = network.inputs.iter().position(|input| input.name == name)?;
        Some(inputs.get(position)?.chain.size())
    };
    let mut shapes = Vec::new();
    for population in &network.populations {
        let field = format!("population.{}.shape", population.name);
        let mut shape = Vec::new();
        for extent in &population.shape {
            let size = match extent {
                Extent::Size(size) => Ok(*size),
                Extent::HeightOf(name) => size_of(name).map(|size| size.height).ok_or(name),
                Extent::WidthOf(name) => size_of(name).map(|size| size.width).ok_or(name),
            };
            shape.push(size.unwrap_or_else(|name| {
                problems.note(&field, format!("no input port is named {name:?}"));
                1
            }));
        }
        let size = addresses(&shape).unwrap_or(0);
        problems.need((1..=1 << 30).contains(&size), &field, || {
            format!("{shape:?} has no neuron, or more than 2^30")
        });
        shapes.push(shape);
    }
    shapes
}
