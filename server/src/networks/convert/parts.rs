//! Input ports, populations, readouts and output ports, translated one by one.

use sim_core::network::description::{
    AccumulatorParameters, Extent, Filter, InputPort, InputShape, LifParameters, Neuron,
    OutputPort, Population, Readout, ReadoutRule, Rectify, SensorSize, WinnerTakeAll,
};
use spiked_proto::v1;

use super::{Error, Notes, at_most};
use crate::networks::limits::{EXTENTS_MAX, LABELS_MAX, LIST_MAX, NAME_CHARS_MAX};

const MULTIPLICITY_MAX: u32 = 65_535;

pub(super) fn input(notes: &mut Notes, port: &v1::InputPort) -> Result<Option<InputPort>, Error> {
    let name = notes.at("input", &port.name);
    at_most("filters of an input port", port.filters.len(), LIST_MAX)?;
    let Some(shape) = input_shape(notes, port.shape.as_ref())? else {
        return Ok(None);
    };
    let mut filters = Vec::with_capacity(port.filters.len());
    for (index, filter) in port.filters.iter().enumerate() {
        filters.extend(self::filter(notes, index, filter)?);
    }
    if port.max_multiplicity > MULTIPLICITY_MAX {
        let given = port.max_multiplicity;
        notes.refuse("max_multiplicity", format!("{given} is not in 1 to {MULTIPLICITY_MAX}"));
    }
    let mut translated = InputPort::new(&name, shape);
    translated.filters = filters;
    translated.binary = port.binary;
    if port.max_multiplicity != 0 {
        translated.multiplicity_max = port.max_multiplicity;
    }
    Ok(Some(translated))
}

fn input_shape(
    notes: &mut Notes,
    shape: Option<&v1::input_port::Shape>,
) -> Result<Option<InputShape>, Error> {
    use v1::input_port::Shape;
    Ok(match shape {
        Some(Shape::Sensor(v1::Sensor { width: 0, height: 0 })) => Some(InputShape::Sensor(None)),
        Some(&Shape::Sensor(v1::Sensor { width, height })) if width == 0 || height == 0 => {
            notes.none("sensor", format!("{width}x{height} has no pixels; 0x0 leaves it open"))
        }
        Some(&Shape::Sensor(v1::Sensor { width, height })) => {
            Some(InputShape::Sensor(Some(SensorSize { width, height })))
        }
        Some(Shape::Channels(channels)) => {
            at_most("extents of a shape", channels.shape.len(), EXTENTS_MAX)?;
            Some(InputShape::Channels(channels.shape.clone()))
        }
        Some(Shape::Frames(_)) => return Err(notes.unimplemented("frames", "analogue frames")),
        None => notes.none("shape", "is missing: a sensor or channels"),
    })
}

fn filter(notes: &mut Notes, index: usize, filter: &v1::Filter) -> Result<Option<Filter>, Error> {
    use v1::filter::Filter as Wire;
    let field = format!("filters[{index}]");
    Ok(match filter.filter {
        Some(Wire::Crop(v1::Crop { x, y, width, height })) => {
            Some(Filter::Crop { x, y, width, height })
        }
        Some(Wire::Downsample(v1::Downsample { factor })) => Some(Filter::Downsample { factor }),
        Some(Wire::Refractory(v1::Refractory { period_us })) => {
            Some(Filter::Refractory { period_us })
        }
        Some(Wire::Flip(v1::Flip { horizontal, vertical, polarity })) => {
            Some(Filter::Flip { horizontal, vertical, polarity })
        }
        Some(Wire::HotPixel(_)) => {
            return Err(notes.unimplemented(&field, "the hot pixel filter"));
        }
        Some(Wire::Background(_)) => {
            return Err(notes.unimplemented(&field, "the background filter"));
        }
        None => notes.none(&field, "names no filter"),
    })
}

pub(super) fn population(
    notes: &mut Notes,
    population: &v1::Population,
) -> Result<Option<Population>, Error> {
    let name = notes.at("population", &population.name);
    at_most("extents of a shape", population.shape.len(), EXTENTS_MAX)?;
    let extents = population.shape.iter().enumerate();
    let shape = extents.filter_map(|(index, extent)| self::extent(notes, index, extent)).collect();
    let winner_take_all = match v1::WinnerTakeAll::try_from(population.winner_take_all) {
        Ok(v1::WinnerTakeAll::PerLocation) => WinnerTakeAll::PerLocation,
        Ok(_) => WinnerTakeAll::None,
        Err(unknown) => {
            notes.refuse("winner_take_all", format!("{} has no meaning", unknown.0));
            WinnerTakeAll::None
        }
    };
    let neuron = neuron(notes, population.neuron.as_ref())?;
    Ok(neuron.map(|neuron| Population {
        shape,
        winner_take_all,
        ..Population::new(&name, &[], neuron)
    }))
}

fn extent(notes: &mut Notes, index: usize, extent: &v1::Extent) -> Option<Extent> {
    let field = format!("shape[{index}]");
    match &extent.extent {
        Some(v1::extent::Extent::Size(size)) => Some(Extent::Size(*size)),
        Some(v1::extent::Extent::Of(of)) => match of.rsplit_once('.') {
            Some((port, "height")) => Some(Extent::HeightOf(port.into())),
            Some((port, "width")) => Some(Extent::WidthOf(port.into())),
            _ => notes.none(&field, format!("{of:?} is neither PORT.height nor PORT.width")),
        },
        None => notes.none(&field, "is missing"),
    }
}

fn neuron(
    notes: &mut Notes,
    neuron: Option<&v1::population::Neuron>,
) -> Result<Option<Neuron>, Error> {
    use v1::population::Neuron as Wire;
    Ok(match neuron {
        Some(Wire::Lif(lif)) => Some(Neuron::Lif(LifParameters {
            tau_ms: lif.tau_ms,
            rest_mv: lif.rest_mv,
            threshold_mv: lif.threshold_mv,
            reset_mv: lif.reset_mv,
            drive_mv: lif.drive_mv,
            refractory_ms: lif.refractory_ms,
            initial_mv: lif.initial_mv.unwrap_or(lif.rest_mv),
            strict: lif.strict,
            ..LifParameters::default()
        })),
        Some(Wire::Accumulator(accumulator)) => {
            let rectify = match v1::Rectify::try_from(accumulator.rectify) {
                Ok(v1::Rectify::Absolute) => Rectify::Absolute,
                Ok(_) => Rectify::None,
                Err(unknown) => {
                    let message = format!("{} has no meaning", unknown.0);
                    return Ok(notes.none("neuron.accumulator.rectify", message));
                }
            };
            let (threshold, strict) = (accumulator.threshold, accumulator.strict);
            Some(Neuron::Accumulator(AccumulatorParameters { threshold, rectify, strict }))
        }
        Some(Wire::Other(other)) => {
            let feature = format!("the neuron model {:?}", shortened(&other.model));
            return Err(notes.unimplemented("neuron", &feature));
        }
        None => notes.none("neuron", "is missing: lif or accumulator"),
    })
}

pub(super) fn readout(notes: &mut Notes, readout: &v1::Readout) -> Result<Option<Readout>, Error> {
    let name = notes.at("readout", &readout.name);
    let rule = match &readout.rule {
        Some(v1::readout::Rule::Vote(vote)) => {
            at_most("labels of a readout", vote.labels.len(), LABELS_MAX)?;
            for (index, label) in vote.labels.iter().enumerate() {
                if label.is_empty() || label.chars().count() > NAME_CHARS_MAX {
                    let message = format!("needs 1 to {NAME_CHARS_MAX} characters");
                    notes.refuse(&format!("vote.labels[{index}]"), message);
                }
            }
            ReadoutRule::Vote {
                window_ticks: vote.window_ticks,
                every_ticks: vote.every_ticks.max(1),
                labels: vote.labels.clone(),
            }
        }
        Some(v1::readout::Rule::Other(other)) => {
            let feature = format!("the readout rule {:?}", shortened(&other.rule));
            return Err(notes.unimplemented("rule", &feature));
        }
        None => return Ok(notes.none("rule", "is missing: vote")),
    };
    Ok(Some(Readout { name, source: readout.source.clone(), rule }))
}

pub(super) fn output(
    notes: &mut Notes,
    output: &v1::OutputPort,
) -> Result<Option<OutputPort>, Error> {
    let name = notes.at("output", &output.name);
    at_most("sources of an output port", output.sources.len(), LIST_MAX)?;
    Ok(Some(OutputPort { name, sources: output.sources.clone() }))
}

/// What a client wrote, at a length that suits a message.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).collect()
}
