//! A plan's ports as tables of the wire.

use sim_core::{
    OutputKind, Plan,
    network::{FrameSource, SensorSize, Whisker},
};
use spiked_proto::v1;

use crate::error::Error;

/// The largest sensor side that an event's coordinates can name \[pixels\].
const SIDE_MAX: u32 = 1 << 15;

/// The input ports.
pub(crate) fn inputs(plan: &Plan) -> Vec<v1::InputTable> {
    let table = |input: &sim_core::InputTable| v1::InputTable {
        name: input.name.clone(),
        shape: input.shape.clone(),
        filtered_shape: input.filtered_shape.clone(),
        frames: input.frames.as_deref().map(frames),
    };
    plan.inputs().iter().map(table).collect()
}

fn frames(source: &FrameSource) -> v1::FrameTable {
    let whisker = |whisker: &Whisker| v1::Whisker {
        name: whisker.name.clone(),
        side: whisker.side,
        row: whisker.row,
        column: whisker.column,
    };
    v1::FrameTable {
        whiskers: source.whiskers.iter().map(whisker).collect(),
        kinds: (0..source.kinds()).map(|kind| source.kind_name(kind)).collect(),
    }
}

/// The output ports.
pub(crate) fn outputs(plan: &Plan) -> Vec<v1::OutputTable> {
    let table = |output: &sim_core::OutputTable| {
        let (ranges, labels) = match &output.kind {
            OutputKind::Spikes { ranges } => (ranges.iter().map(range).collect(), Vec::new()),
            OutputKind::Decisions { labels, .. } => (Vec::new(), labels.clone()),
        };
        v1::OutputTable { name: output.name.clone(), ranges, labels }
    };
    plan.outputs().iter().map(table).collect()
}

fn range(range: &sim_core::AddressRange) -> v1::AddressRange {
    v1::AddressRange {
        population: range.population.clone(),
        first_address: range.first_address,
        shape: range.shape.clone(),
    }
}

/// A sensor's size, each side 1 to 32 768.
pub(crate) fn sensor_size(index: usize, width: u32, height: u32) -> Result<SensorSize, Error> {
    for (side, pixels) in [("width", width), ("height", height)] {
        if !(1..=SIDE_MAX).contains(&pixels) {
            let problem = format!("{pixels} pixels where 1 to {SIDE_MAX} are possible");
            return Err(Error::field(format!("sensors[{index}].{side}"), problem));
        }
    }
    Ok(SensorSize { width, height })
}
