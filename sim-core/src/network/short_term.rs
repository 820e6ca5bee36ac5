//! Short-term plasticity as a projection's author describes it, checked and turned into ticks.

use super::{Connectivity, problem::Problems};
use crate::{
    connect::{short_term, strength::Unit},
    time::TickLength,
};

/// What a spike transmits depends on those before it, as Tsodyks and Markram (1997) have it: each
/// uses up a share of the synapse's resources, which recover, and may raise the share of the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShortTerm {
    /// The share of the resources that a first spike uses, in (0, 1].
    pub utilisation: f64,
    /// With which time constant resources recover \[ms\], above 0.
    pub recovery_ms: f64,
    /// With which time constant a raised share falls again \[ms\]; 0: it is never raised.
    pub facilitation_ms: f64,
}

impl ShortTerm {
    /// Notes what makes no sense, alone or with a connectivity.
    pub(crate) fn check(&self, connectivity: &Connectivity, field: &str, problems: &mut Problems) {
        let Self { utilisation, recovery_ms, facilitation_ms } = *self;
        let convolves = matches!(connectivity, Connectivity::Convolution(_));
        problems.need(!convolves, field, || "is not available for convolutions".into());
        let is_share = utilisation > 0.0 && utilisation <= 1.0;
        problems.need(is_share, &format!("{field}.utilisation"), || {
            format!("{utilisation} is not in (0, 1]")
        });
        let recovers = recovery_ms > 0.0 && recovery_ms.is_finite();
        problems.need(recovers, &format!("{field}.recovery"), || {
            format!("{recovery_ms} ms; a time constant is finite and above 0")
        });
        let falls = facilitation_ms >= 0.0 && facilitation_ms.is_finite();
        problems.need(falls, &format!("{field}.facilitation"), || {
            format!("{facilitation_ms} ms; a time constant is finite, and 0 or above here")
        });
    }

    /// The rule in ticks.
    pub(crate) fn compile(&self, tick: TickLength) -> short_term::ShortTerm {
        short_term::ShortTerm {
            utilisation: self.utilisation,
            recovery_ticks: self.recovery_ms / tick.ms(),
            facilitation_ticks: self.facilitation_ms / tick.ms(),
        }
    }

    /// What the multiplicity of emissions counts on a projection.
    pub(crate) fn unit(short_term: Option<&Self>) -> Unit {
        if short_term.is_some() { Unit::Parts } else { Unit::Spikes }
    }
}
