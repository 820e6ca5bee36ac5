//! Sources: the moments of their spikes, one after the other.

use sim_core::network::*;

use super::{
    CLOSE, TooClose,
    draws::{Key, SOURCE, unit_open},
};

/// One source.
pub(super) struct Source {
    neuron: Neuron,
    key: Key,
    tick_ms: f64,
    /// Its next spike, and how many came before it.
    next_ticks: f64,
    number: u64,
}

impl Source {
    pub(super) fn new(
        neuron: Neuron,
        (seed, position, index): (u64, u64, u64),
        tick_ms: f64,
    ) -> Self {
        let key = Key::new(seed, SOURCE).with(position).with(index);
        let mut source = Self { neuron, key, tick_ms, next_ticks: 0.0, number: 0 };
        source.next_ticks = source.spike(0, 0.0);
        source
    }

    fn spike(&self, number: u64, before: f64) -> f64 {
        match &self.neuron {
            Neuron::Poisson(p) => {
                let mean_ticks = 1e3 / p.rate_hz / self.tick_ms;
                before - libm::log(unit_open(self.key.draw(number))) * mean_ticks
            }
            Neuron::Regular(p) => (p.first_ms + number as f64 * p.interval_ms) / self.tick_ms,
            _ => panic!("no source"),
        }
    }

    pub(super) fn tick(&mut self, tick: u64) -> Result<u32, TooClose> {
        let mut fired = 0;
        while self.next_ticks <= tick as f64 {
            let off = (self.next_ticks - self.next_ticks.round()).abs();
            if off != 0.0 && off < CLOSE {
                return Err(TooClose);
            }
            self.number += 1;
            self.next_ticks = self.spike(self.number, self.next_ticks);
            fired += 1;
        }
        Ok(fired)
    }
}
