//! A recorded input through a network that came from a NIR file, step by step, to be compared with
//! what a framework recorded.

use std::sync::Arc;

use sim_core::{InputId, Options as SimulationOptions, Plan, Simulation, Tick};
use spiked_proto::v1;

use super::{Options, Profile};
use crate::networks::{Error, convert, error::problem, text::Described};

/// Spikes of one input step that there may be at one address.
const COUNT_MAX: u32 = 255;
/// Of spikes of a neuron and step, on average: under a wrong profile a neuron may fire without end.
const EVENTS_MAX: usize = 8;

/// What a population did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Its name.
    pub population: String,
    /// Its neurons.
    pub units: usize,
    /// Spikes, [step, unit].
    pub counts: Vec<u32>,
}

/// Why an input cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The network cannot run.
    #[error(transparent)]
    Network(#[from] Error),
    /// The input is not the network's.
    #[error("{0}")]
    Input(String),
}

/// Runs `input` ([step, channel], spikes) through a network with one input; what every population
/// fired.
///
/// # Errors
///
/// A network that cannot run under its profile, or an input that doesn't fit it.
pub fn replay(
    described: &Described,
    options: Options,
    input: &[u32],
    steps: usize,
) -> Result<Vec<Fired>, ReplayError> {
    let mut network = described.network.clone();
    let all = network.populations.iter().map(|population| population.name.clone()).collect();
    // One port that everything leaves by.
    network.outputs = vec![v1::OutputPort { name: "all".into(), sources: all }];
    let blob = |sha256: &[u8; 32]| described.blobs.get(sha256).cloned();
    let converted = convert::network(&network, &blob)?.network;
    let invalid = |message: String| Error::Invalid {
        name: network.name.clone(),
        problems: vec![problem("run", message)],
    };
    let plan = Plan::new(&converted, &[])
        .map_err(|error| Error::Invalid { name: network.name.clone(), problems: error.problems })?;
    let sizes: Vec<(String, usize)> = plan
        .cost()
        .populations
        .iter()
        .map(|population| {
            let extents = population.shape.iter().map(|&extent| extent as usize);
            (population.name.clone(), extents.product())
        })
        .collect();
    check(&network, input, steps)?;

    let step_ticks = (options.step_ns / network.tick_ns).max(1);
    let channels = input.len() / steps.max(1);
    let mut fired: Vec<Fired> = sizes
        .into_iter()
        .map(|(population, units)| Fired { population, units, counts: vec![0; units * steps] })
        .collect();
    let units: usize = fired.iter().map(|one| one.units).sum();
    let (mut events, events_max) = (0, units.saturating_mul(steps).saturating_mul(EVENTS_MAX));
    let mut simulation = Simulation::new(Arc::new(plan), SimulationOptions::default());
    // A pulse acts until the end of its step, so that its step's last tick is the next one's first.
    let late = u64::from(options.profile == Profile::ExactPulse);
    for (step, row) in input.chunks(channels.max(1)).enumerate() {
        let tick = step as u64 * step_ticks;
        for (address, &count) in (0_u32..).zip(row) {
            for _ in 0..count {
                simulation
                    .inject(InputId(0), Tick(tick), address)
                    .map_err(|error| invalid(error.to_string()))?;
            }
        }
        simulation
            .run_until(Tick(tick + step_ticks))
            .map_err(|error| invalid(error.to_string()))?;
        events += collect(&mut simulation, &mut fired, step_ticks, late, steps);
        if events > events_max {
            let message = format!("fires more than {EVENTS_MAX} times a step and neuron");
            return Err(invalid(message).into());
        }
    }
    let end = steps as u64 * step_ticks + late;
    simulation.run_until(Tick(end)).map_err(|error| invalid(error.to_string()))?;
    collect(&mut simulation, &mut fired, step_ticks, late, steps);
    Ok(fired)
}

fn collect(
    simulation: &mut Simulation,
    fired: &mut [Fired],
    step_ticks: u64,
    late: u64,
    steps: usize,
) -> usize {
    let mut events = 0;
    for spike in simulation.drain_spikes() {
        events += 1;
        let step = spike.tick.0.saturating_sub(late) / step_ticks;
        let Ok(step) = usize::try_from(step) else { continue };
        let mut unit = spike.address as usize;
        for one in fired.iter_mut() {
            if unit < one.units {
                if step < steps {
                    one.counts[step * one.units + unit] += spike.multiplicity;
                }
                break;
            }
            unit -= one.units;
        }
    }
    events
}

fn check(network: &v1::Network, input: &[u32], steps: usize) -> Result<(), ReplayError> {
    let [port] = network.inputs.as_slice() else {
        let message = format!("the network has {} inputs; one is needed", network.inputs.len());
        return Err(ReplayError::Input(message));
    };
    let channels: u64 = match &port.shape {
        Some(v1::input_port::Shape::Channels(channels)) => {
            channels.shape.iter().map(|&extent| u64::from(extent)).product()
        }
        Some(v1::input_port::Shape::Sensor(sensor)) => {
            2 * u64::from(sensor.width) * u64::from(sensor.height)
        }
        _ => 0,
    };
    let given = input.len() as u64 / (steps.max(1) as u64);
    if given != channels || steps == 0 {
        let message = format!("input has {given} channels where the network has {channels}");
        return Err(ReplayError::Input(message));
    }
    match input.iter().find(|&&count| count > COUNT_MAX) {
        Some(count) => Err(ReplayError::Input(format!(
            "input holds {count} spikes in one step at one channel"
        ))),
        None => Ok(()),
    }
}
