//! Short-term plasticity: what a spike transmits depends on the spikes before it.
//!
//! Tsodyks and Markram (1997), Tsodyks, Uziel and Markram (2000), as NEST's `tsodyks2`. Of its
//! resources `x`, a synapse uses a share `u` at each spike, and transmits `w x u`. The first spike
//! finds `x = 1` and `u = U`; one that follows after `h`:
//!
//! `x = 1 + (x - x u - 1) exp(-h / tau_rec)`, with the `u` before, and
//! `u = U + u (1 - U) exp(-h / tau_fac)`; `u = U` where `tau_fac = 0`.
//!
//! All synapses of a projection share `U` and both time constants, and delays keep intervals: one
//! state a source does for them all, advanced when it emits. Several spikes in one tick follow each
//! other at `h = 0` and use up `1 - (1 - u1)(1 - u2)… <= 1` of the resources together: what an
//! emission transmits is at most a whole weight.

use super::strength::PARTS;
use crate::math::exp;

/// A projection's rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ShortTerm {
    /// U, in (0, 1].
    pub(crate) utilisation: f64,
    /// \[ticks\], above 0.
    pub(crate) recovery_ticks: f64,
    /// \[ticks\]; 0: there is no facilitation.
    pub(crate) facilitation_ticks: f64,
}

/// What a source's last spike met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Resources {
    /// When \[ticks\].
    pub(crate) tick: u64,
    /// x, in [0, 1].
    pub(crate) available: f64,
    /// u, in (0, 1].
    pub(crate) used: f64,
}

impl ShortTerm {
    /// Lets a source emit so many spikes in a tick; returns the part of each weight that they
    /// transmit \[65 536ths\], rounded once.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..=PARTS")]
    pub(crate) fn transmit(&self, state: &mut Option<Resources>, tick: u64, spikes: u32) -> u32 {
        let mut transmitted = 0.0;
        for _ in 0..spikes {
            let met = state.map_or_else(|| self.first(tick), |last| self.after(last, tick));
            transmitted += met.available * met.used;
            *state = Some(met);
        }
        let parts = (transmitted * f64::from(PARTS)).round_ties_even() as u32;
        debug_assert!(parts <= PARTS, "the spikes of a tick share the resources");
        parts
    }

    const fn first(&self, tick: u64) -> Resources {
        Resources { tick, available: 1.0, used: self.utilisation }
    }

    fn after(&self, last: Resources, tick: u64) -> Resources {
        debug_assert!(tick >= last.tick, "a source emits in rising order");
        let elapsed = (tick - last.tick) as f64;
        let Resources { available, used, .. } = last;
        let recovered = exp(-elapsed / self.recovery_ticks);
        let facilitated = if self.facilitation_ticks > 0.0 {
            used * (1.0 - self.utilisation) * exp(-elapsed / self.facilitation_ticks)
        } else {
            0.0
        };
        Resources {
            tick,
            available: 1.0 + (available - available * used - 1.0) * recovered,
            used: self.utilisation + facilitated,
        }
    }
}

#[cfg(test)]
#[path = "short_term_tests.rs"]
mod tests;
