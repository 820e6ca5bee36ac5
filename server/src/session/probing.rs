//! Looks at chosen neurons at a fixed period, for a watcher. Looking changes nothing.

use std::sync::Arc;

use sim_core::{Plan, PopulationId, Simulation, Tick};
use spiked_proto::v1;

use super::outlet::{Outlet, Passage};
use crate::error::Error;

/// Neurons of one probe.
const NEURONS_MAX: usize = 1_024;

/// What of a neuron is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probed {
    Potential,
    Threshold,
    Current { receptor: u8 },
}

/// One probe, checked against the plan.
pub(crate) struct Probe {
    population: PopulationId,
    neurons: Vec<u32>,
    probed: Probed,
    period_ticks: u64,
    /// The next tick at whose start it reads, once it has begun.
    due: Option<Tick>,
    outlet: Arc<Outlet>,
}

impl Probe {
    /// Checks a request; the values go into `outlet`.
    pub(crate) fn new(
        asked: Option<&v1::Probe>,
        plan: &Plan,
        outlet: Arc<Outlet>,
    ) -> Result<Self, Error> {
        let asked = asked.ok_or_else(|| Error::field("probe", "is missing"))?;
        let populations = &plan.cost().populations;
        let at = populations.iter().position(|known| known.name == asked.population);
        let known = at.and_then(|at| Some((u16::try_from(at).ok()?, &populations[at])));
        let Some((population, known)) = known else {
            let problem = format!("no population {:?}", asked.population);
            return Err(Error::field("probe.population", problem));
        };
        let size: u64 = known.shape.iter().map(|&side| u64::from(side)).product();
        if !(1..=NEURONS_MAX).contains(&asked.neurons.len()) {
            let problem = format!("{} where 1 to {NEURONS_MAX} may be", asked.neurons.len());
            return Err(Error::field("probe.neurons", problem));
        }
        if let Some(outside) = asked.neurons.iter().find(|&&neuron| u64::from(neuron) >= size) {
            let problem = format!("neuron {outside} of {size} in {:?}", asked.population);
            return Err(Error::field("probe.neurons", problem));
        }
        if asked.period_ticks == 0 {
            return Err(Error::field("probe.period_ticks", "must be at least 1"));
        }
        Ok(Self {
            population: PopulationId(population),
            neurons: asked.neurons.clone(),
            probed: probed(asked)?,
            period_ticks: asked.period_ticks,
            due: None,
            outlet,
        })
    }

    /// Nobody watches any more.
    pub(super) fn is_gone(&self) -> bool {
        self.outlet.is_gone()
    }

    /// The next tick at whose start it reads.
    pub(super) fn due(&mut self, now: Tick) -> Tick {
        let period = self.period_ticks;
        *self.due.get_or_insert_with(|| Tick(now.0.div_ceil(period).saturating_mul(period)))
    }

    /// Reads if this is its tick.
    pub(super) fn read(&mut self, simulation: &Simulation) {
        let now = simulation.simulated_to();
        if self.due(now) != now {
            return;
        }
        self.due = Some(Tick(now.0.saturating_add(self.period_ticks)));
        if !self.outlet.tell_missed() || !self.outlet.has_room() {
            self.outlet.miss(1);
            return;
        }
        let tick = simulation.plan().tick();
        let values = self.neurons.iter().map(|&neuron| self.value(simulation, neuron)).collect();
        let time_us = tick.start_us(now, simulation.origin_us());
        let read = v1::ProbeValues { tick: now.0, time_us, values };
        if !self.outlet.put(&Passage::Probe(read)) {
            self.outlet.miss(1);
        }
        self.outlet.wake();
    }

    /// What a neuron of another kind than asked for has is not a number.
    fn value(&self, simulation: &Simulation, neuron: u32) -> f64 {
        let value = match self.probed {
            Probed::Potential => simulation.potential_mv(self.population, neuron),
            Probed::Threshold => simulation.threshold_mv(self.population, neuron),
            Probed::Current { receptor } => {
                simulation.current_mv(self.population, neuron, receptor)
            }
        };
        value.unwrap_or(f64::NAN)
    }
}

fn probed(asked: &v1::Probe) -> Result<Probed, Error> {
    match v1::Probed::try_from(asked.probed) {
        Ok(v1::Probed::Unspecified | v1::Probed::Potential) => Ok(Probed::Potential),
        Ok(v1::Probed::Threshold) => Ok(Probed::Threshold),
        Ok(v1::Probed::Current) => {
            let receptor = u8::try_from(asked.receptor);
            let receptor = receptor.map_err(|_| {
                Error::field("probe.receptor", format!("{} of at most 255", asked.receptor))
            })?;
            Ok(Probed::Current { receptor })
        }
        Err(_) => Err(Error::field("probe.probed", "a number without meaning")),
    }
}
