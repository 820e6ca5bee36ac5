//! Encoders of ports of frames: the last frame, what is remembered of it, and spikes not yet taken.

use super::bytes::{Reader, Writer};
use crate::{
    error::SnapshotError,
    event::InputEvent,
    input::encode::{Encoding, FramePlan, Level, Membrane, Memory},
    simulation::Simulation,
    time::Tick,
};

/// The longest refractory time \[s\].
const REFRACTORY_S_MAX: f64 = 1.0;
/// No value lies so many levels from its first.
const LEVELS_MAX: i64 = 1 << 17;

pub(super) fn write(simulation: &Simulation, to: &mut Writer) {
    for encoding in simulation.encodings.iter().flatten() {
        to.u64(encoding.last_us.is_some().into());
        to.u64(encoding.last_us.unwrap_or_default());
        to.u64(encoding.is_held.into());
        to.u64(encoding.is_over.into());
        encoding.values.iter().for_each(|value| to.u32(value.to_bits()));
        match &encoding.memory {
            Memory::Afferents(membranes) => membranes.iter().for_each(|membrane| {
                to.f64(membrane.v);
                to.f64(membrane.refractory_s);
            }),
            Memory::Levels(levels) => levels.iter().for_each(|level| {
                to.u32(level.first.is_some().into());
                to.u32(level.first.unwrap_or_default().to_bits());
                to.u64(level.level.cast_unsigned());
            }),
        }
        let left = encoding.left();
        to.u64(left.len() as u64);
        for spike in left {
            to.u64(spike.time_us);
            to.u32(spike.address);
        }
    }
}

pub(super) fn read(
    from: &mut Reader<'_>,
    simulation: &mut Simulation,
) -> Result<(), SnapshotError> {
    let plan = simulation.own_plan.clone();
    let over_us = plan.tick.first_us(Tick(simulation.now), simulation.options.origin_us);
    for (encoding, input) in simulation.encodings.iter_mut().zip(&plan.inputs) {
        if let (Some(encoding), Some(frames)) = (encoding, &input.frames) {
            read_one(from, encoding, frames, over_us)?;
        }
    }
    Ok(())
}

fn read_one(
    from: &mut Reader<'_>,
    encoding: &mut Encoding,
    plan: &FramePlan,
    over_us: u64,
) -> Result<(), SnapshotError> {
    let (has_last, last_us) = (from.u64()? == 1, from.u64()?);
    encoding.last_us = has_last.then_some(last_us);
    (encoding.is_held, encoding.is_over) = (from.u64()? == 1, from.u64()? == 1);
    let value_max = plan.source.value_max;
    for value in &mut encoding.values {
        *value = self::value(from, value_max)?;
    }
    match &mut encoding.memory {
        Memory::Afferents(membranes) => {
            for membrane in membranes {
                *membrane = self::membrane(from)?;
            }
        }
        Memory::Levels(levels) => {
            for level in levels {
                *level = self::level(from, value_max)?;
            }
        }
    }
    for _ in 0..from.count(12)? {
        let (time_us, address) = (from.u64()?, from.below(plan.addresses)?);
        let before =
            encoding.ready.last().map_or((over_us, 0), |spike| (spike.time_us, spike.address));
        if (time_us, address) < before {
            return Err(from.value(format!("a spike at {time_us} us that is over or out of order")));
        }
        encoding.ready.push(InputEvent { time_us, address, multiplicity: 1 });
    }
    Ok(())
}

fn value(from: &mut Reader<'_>, value_max: f32) -> Result<f32, SnapshotError> {
    let value = f32::from_bits(from.u32()?);
    if value.abs() <= value_max {
        return Ok(value);
    }
    Err(from.value(format!("a value of {value}")))
}

fn membrane(from: &mut Reader<'_>) -> Result<Membrane, SnapshotError> {
    let (v, refractory_s) = (from.finite()?, from.finite()?);
    // Leaks only pull towards zero, and drives only push up.
    if (0.0..=1.0).contains(&v) && (0.0..=REFRACTORY_S_MAX).contains(&refractory_s) {
        return Ok(Membrane { v, refractory_s });
    }
    Err(from.value(format!("an afferent at {v} with {refractory_s} s to rest")))
}

fn level(from: &mut Reader<'_>, value_max: f32) -> Result<Level, SnapshotError> {
    let (has_first, first) = (from.u32()? == 1, value(from, value_max)?);
    let level = from.u64()?.cast_signed();
    if level.checked_abs().is_none_or(|levels| levels > LEVELS_MAX) {
        return Err(from.value(format!("level {level}")));
    }
    Ok(Level { first: has_first.then_some(first), level })
}
