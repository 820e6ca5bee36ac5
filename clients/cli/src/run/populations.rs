//! Spikes by population, and how often a neuron of it fires.

use spiked_client::{Spike, Tables};

/// One population, where it first leaves.
#[derive(Clone, Debug)]
struct Counted {
    name: String,
    port: u32,
    first_address: u32,
    neurons: u32,
    spikes: u64,
}

/// The populations whose spikes leave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Populations(Vec<Counted>);

impl Populations {
    /// Each once, also where it leaves by several ports.
    pub(crate) fn of(tables: &Tables) -> Self {
        let mut counted: Vec<Counted> = Vec::new();
        for (port, table) in (0..).zip(&tables.outputs) {
            for range in &table.ranges {
                if counted.iter().any(|known| known.name == range.population) {
                    continue;
                }
                counted.push(Counted {
                    name: range.population.clone(),
                    port,
                    first_address: range.first_address,
                    neurons: range.shape.iter().product(),
                    spikes: 0,
                });
            }
        }
        Self(counted)
    }

    pub(crate) fn add(&mut self, spike: &Spike) {
        let is_there = |counted: &&mut Counted| {
            let index = spike.address.checked_sub(counted.first_address);
            counted.port == spike.port && index.is_some_and(|index| index < counted.neurons)
        };
        if let Some(counted) = self.0.iter_mut().find(is_there) {
            counted.spikes += u64::from(spike.multiplicity);
        }
    }

    /// Name, neurons, spikes, and spikes a neuron and second of so much time.
    pub(crate) fn rates(
        &self,
        time_us: u64,
    ) -> impl Iterator<Item = (&str, u32, u64, Option<f64>)> {
        self.0.iter().map(move |counted| {
            let neuron_s = f64::from(counted.neurons) * (time_us as f64 / 1e6);
            let rate_hz = (neuron_s > 0.0).then(|| counted.spikes as f64 / neuron_s);
            (counted.name.as_str(), counted.neurons, counted.spikes, rate_hz)
        })
    }
}
