//! Input ports, populations, readouts and output ports, translated one by one.

use sim_core::network::{
    DriveStep, Extent, Filter, InputPort, InputShape, Noise, OutputPort, Population, Readout,
    ReadoutRule, SensorSize, Update, Vary, WinnerTakeAll,
};
use spiked_proto::v1;

use super::arrays::Arrays;
use super::{Error, Notes, at_most, frames, neurons, values};
use crate::networks::limits::{
    DRIVE_STEPS_MAX, EXTENTS_MAX, LABELS_MAX, LIST_MAX, NAME_CHARS_MAX, NOISES_MAX, VARY_MAX,
};

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
        Some(Shape::Frames(source)) => frames::source(notes, source)?.map(InputShape::Frames),
        None => notes.none("shape", "is missing: a sensor, channels or frames"),
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
    arrays: &mut Arrays<'_>,
    population: &v1::Population,
) -> Result<Option<Population>, Error> {
    let name = notes.at("population", &population.name);
    at_most("extents of a shape", population.shape.len(), EXTENTS_MAX)?;
    let extents = population.shape.iter().enumerate();
    let shape = extents.filter_map(|(index, extent)| self::extent(notes, index, extent)).collect();
    let winner_take_all = match notes.word("winner_take_all", population.winner_take_all) {
        Some(v1::WinnerTakeAll::PerLocation) => WinnerTakeAll::PerLocation,
        _ => WinnerTakeAll::None,
    };
    let update = match notes.word("update", population.update) {
        Some(v1::Update::OnArrival) => Update::OnArrival,
        Some(v1::Update::EveryTick) => Update::EveryTick,
        _ => Update::Auto,
    };
    let neuron = neurons::neuron(notes, population.neuron.as_ref())?;
    let vary = vary(notes, arrays, &population.vary)?;
    let noise = noise(notes, &population.noise)?;
    at_most("drive steps of a population", population.drive_steps.len(), DRIVE_STEPS_MAX)?;
    let steps = population.drive_steps.iter();
    let step = |&v1::DriveStep { at_tick, drive_mv }: &_| DriveStep { at_tick, drive_mv };
    let drive_steps = steps.map(step).collect();
    Ok(neuron.map(|neuron| Population {
        shape,
        winner_take_all,
        vary,
        noise,
        drive_steps,
        clock_ticks: population.clock_ticks.max(1),
        update,
        ..Population::new(&name, &[], neuron)
    }))
}

fn vary(notes: &mut Notes, arrays: &mut Arrays<'_>, vary: &[v1::Vary]) -> Result<Vec<Vary>, Error> {
    at_most("parameters of a population that vary", vary.len(), VARY_MAX)?;
    let mut translated = Vec::with_capacity(vary.len());
    for (index, v1::Vary { parameter, values }) in vary.iter().enumerate() {
        // A receptor's name, and what of it.
        if !(1..=2 * NAME_CHARS_MAX).contains(&parameter.chars().count()) {
            let message = format!("needs 1 to {} characters", 2 * NAME_CHARS_MAX);
            notes.refuse(&format!("vary[{index}].parameter"), message);
        }
        let field = format!("vary[{index}].values");
        let values = values::values(notes, arrays, &field, values.as_ref())?;
        let parameter = parameter.clone();
        translated.extend(values.map(|shaped| Vary { parameter, values: shaped.values }));
    }
    Ok(translated)
}

fn noise(notes: &mut Notes, noise: &[v1::Noise]) -> Result<Vec<Noise>, Error> {
    at_most("noise of a population", noise.len(), NOISES_MAX)?;
    let translate = |(index, noise): (usize, &v1::Noise)| Noise {
        rate_hz: noise.rate_hz,
        weight: noise.weight,
        receptor: receptor(notes, &format!("noise[{index}].receptor"), &noise.receptor),
    };
    Ok(noise.iter().enumerate().map(translate).collect())
}

/// The name of a receptor, or none.
pub(super) fn receptor(notes: &mut Notes, field: &str, name: &str) -> String {
    if name.is_empty() { String::new() } else { notes.name(field, name) }
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

pub(super) fn readout(notes: &mut Notes, readout: &v1::Readout) -> Result<Option<Readout>, Error> {
    let name = notes.at("readout", &readout.name);
    let rule = match &readout.rule {
        Some(v1::readout::Rule::Vote(vote)) => ReadoutRule::Vote {
            window_ticks: vote.window_ticks,
            every_ticks: vote.every_ticks.max(1),
            labels: labels(notes, "vote", &vote.labels)?,
        },
        Some(v1::readout::Rule::Confidence(confidence)) => ReadoutRule::Confidence {
            begins: confidence.begins.clone(),
            threshold: confidence.threshold,
            scale: confidence.scale,
            after_ticks: confidence.after_ticks.max(1),
            within_ticks: confidence.within_ticks,
            labels: labels(notes, "confidence", &confidence.labels)?,
        },
        Some(v1::readout::Rule::Other(other)) => {
            let feature = format!("the readout rule {:?}", shortened(&other.rule));
            return Err(notes.unimplemented("rule", &feature));
        }
        None => return Ok(notes.none("rule", "is missing: vote, confidence")),
    };
    Ok(Some(Readout { name, source: readout.source.clone(), rule }))
}

fn labels(notes: &mut Notes, rule: &str, labels: &[String]) -> Result<Vec<String>, Error> {
    at_most("labels of a readout", labels.len(), LABELS_MAX)?;
    for (index, label) in labels.iter().enumerate() {
        if label.is_empty() || label.chars().count() > NAME_CHARS_MAX {
            let message = format!("needs 1 to {NAME_CHARS_MAX} characters");
            notes.refuse(&format!("{rule}.labels[{index}]"), message);
        }
    }
    Ok(labels.to_vec())
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
