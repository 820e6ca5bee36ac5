//! What each spike transmits under short-term plasticity: resources and their share written as
//! what is left of them after each spike, and how that recovers.

use std::collections::BTreeMap;

use sim_core::network::ShortTerm;

use super::TooClose;

/// A whole weight.
const PARTS: f64 = 65_536.0;
/// A part closer to the middle between two is left open.
const CLOSE: f64 = 1e-7;

/// A projection's sources.
pub(super) struct Release {
    rule: ShortTerm,
    tick_ms: f64,
    after_last: BTreeMap<u32, After>,
    /// By tick and source: the share of each weight.
    released: BTreeMap<(u64, u32), f64>,
}

/// What a spike leaves behind.
struct After {
    tick: u64,
    left: f64,
    raised: f64,
}

impl Release {
    pub(super) fn new(rule: ShortTerm, tick_ms: f64) -> Self {
        let (after_last, released) = (BTreeMap::new(), BTreeMap::new());
        Self { rule, tick_ms, after_last, released }
    }

    /// What a source emits in a tick; ticks rise.
    pub(super) fn emit(&mut self, tick: u64, spikes: &BTreeMap<u32, u32>) -> Result<(), TooClose> {
        for (&source, &times) in spikes {
            let mut parts = (0..times).map(|_| self.spike(tick, source)).sum::<f64>() * PARTS;
            if (parts - parts.floor() - 0.5).abs() < CLOSE {
                return Err(TooClose);
            }
            parts = parts.round();
            self.released.insert((tick, source), parts / PARTS);
        }
        Ok(())
    }

    fn spike(&mut self, tick: u64, source: u32) -> f64 {
        let ShortTerm { utilisation, recovery_ms, facilitation_ms } = self.rule;
        let (mut resources, mut share) = (1.0, utilisation);
        if let Some(After { tick: before, left, raised }) = self.after_last.get(&source) {
            let elapsed_ms = (tick - before) as f64 * self.tick_ms;
            resources = 1.0 - (1.0 - left) * libm::exp(-elapsed_ms / recovery_ms);
            if facilitation_ms > 0.0 {
                let raised = raised * libm::exp(-elapsed_ms / facilitation_ms);
                share = raised + utilisation * (1.0 - raised);
            }
        }
        let after = After { tick, left: resources * (1.0 - share), raised: share };
        self.after_last.insert(source, after);
        resources * share
    }

    /// What a synapse delivers of a weight: whole quanta, halves rounded up.
    pub(super) fn of(&self, emitted: u64, source: u32, weight: f64, quantum: f64) -> f64 {
        let share = self.released.get(&(emitted, source)).copied().unwrap_or(0.0);
        (weight / quantum * share + 0.5).floor() * quantum
    }
}
