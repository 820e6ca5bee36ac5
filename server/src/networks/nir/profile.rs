//! What a NIR file leaves open, as named sets of answers.

use std::{fmt, str::FromStr};

/// How a file is read. `docs/nir.md` has them as tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The equations' exact solution; a spike is a current of 1 for one step.
    ExactPulse,
    /// The equations' exact solution; a spike is a Dirac current.
    ExactDirac,
    /// Forward Euler.
    Euler,
    /// As norse 1.1 steps, with its time constants as it writes them.
    Norse,
    /// As snnTorch steps, reset to a value.
    Snntorch,
    /// As snnTorch steps, reset by subtraction one step later.
    SnntorchSubtract,
    /// As sinabs steps: exponential decay, several spikes a step.
    Sinabs,
}

impl Profile {
    /// All, in the order in which they are tried.
    pub const ALL: [Self; 7] = [
        Self::Euler,
        Self::Snntorch,
        Self::SnntorchSubtract,
        Self::Norse,
        Self::Sinabs,
        Self::ExactPulse,
        Self::ExactDirac,
    ];

    /// Its name in commands and texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExactPulse => "exact-pulse",
            Self::ExactDirac => "exact-dirac",
            Self::Euler => "euler",
            Self::Norse => "norse",
            Self::Snntorch => "snntorch",
            Self::SnntorchSubtract => "snntorch-subtract",
            Self::Sinabs => "sinabs",
        }
    }

    /// Whether neurons have steps.
    pub(super) const fn is_discrete(self) -> bool {
        !matches!(self, Self::ExactPulse | Self::ExactDirac)
    }

    /// How a synaptic current goes on.
    pub(super) const fn current(self) -> &'static str {
        match self {
            Self::Euler => {
                "i' = i - step/tau_syn i + w_in step/tau_syn x, the membrane takes i, as the step finds it"
            }
            Self::Norse => {
                "i' = i - step^2/tau_syn i + w_in step^2/tau_syn x, the membrane takes i, as the step finds it"
            }
            Self::Snntorch | Self::SnntorchSubtract => {
                "i' = (1 - step/tau_syn) i + w_in step/tau_syn x, the membrane takes i', as the step leaves it"
            }
            Self::Sinabs => {
                "i' = a_syn (i + w_in x), a_syn = exp(-step/tau_syn), the membrane takes i', as the step leaves it"
            }
            Self::ExactPulse | Self::ExactDirac => {
                "tau_syn di/dt = -i + w_in x, solved exactly: a spike raises i by w_in weight / tau_syn"
            }
        }
    }

    /// What a neuron without leak adds.
    pub(super) const fn without_leak(self) -> &'static str {
        match self {
            Self::Sinabs => "no leak: v += r x",
            Self::ExactPulse | Self::ExactDirac => "no leak: dv/dt = r x, solved exactly",
            Self::Euler | Self::Norse | Self::Snntorch | Self::SnntorchSubtract => {
                "no leak: v += step r x"
            }
        }
    }

    /// What it assumes, a sentence each.
    pub(super) fn assumptions(self) -> [&'static str; 4] {
        match self {
            Self::ExactPulse => [
                "the membrane follows the exact solution; a crossing within a step counts from where it lies",
                "a spike needs the threshold exceeded and resets to v_reset",
                "a spike is a current of 1 for one step, scaled by r",
                "a spike arrives in the tick in which it is made",
            ],
            Self::ExactDirac => [
                "the membrane follows the exact solution",
                "a spike needs the threshold exceeded and resets to v_reset",
                "a spike is a Dirac current: v rises by r weight / tau",
                "a spike arrives in the tick in which it is made",
            ],
            Self::Euler => [
                "v += step/tau ((v_leak - v) + r x), with x what arrives in the step; a synaptic current is taken as the step finds it",
                "a spike needs the threshold exceeded and resets to v_reset in the same step",
                "a spike is an input of 1 for one step",
                "a layer's spikes reach the next layer in the same step",
            ],
            Self::Norse => [
                "tau is read as norse 1.1 writes it, multiplied by its step: v += step^2/tau ((v_leak - v) + r x)",
                "a spike needs the threshold exceeded and resets to v_reset in the same step",
                "a spike is an input of 1 for one step",
                "a layer's spikes reach the next layer in the same step",
            ],
            Self::Snntorch => [
                "v = (1 - step/tau) v + step/tau (v_leak + r x); a synaptic current is taken as the step leaves it",
                "a spike needs the threshold exceeded and resets to v_reset in the same step",
                "a spike is an input of 1 for one step",
                "a layer's spikes reach the next layer in the same step",
            ],
            Self::SnntorchSubtract => [
                "v = (1 - step/tau) v + step/tau (v_leak + r x); a synaptic current is taken as the step leaves it",
                "a spike needs the threshold exceeded and takes the threshold off in the next step; v_reset is ignored",
                "a spike is an input of 1 for one step",
                "a layer's spikes reach the next layer in the same step",
            ],
            Self::Sinabs => [
                "v = a v + (1 - a)(v_leak + r x), a = exp(-step/tau); a neuron without leak adds r x",
                "reaching the threshold is enough; each of up to 255 spikes a step takes the threshold off; v_reset is ignored",
                "a spike is an input of 1 for one step",
                "a layer's spikes reach the next layer in the same step",
            ],
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|profile| profile.name() == name).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|profile| profile.name()).collect();
            format!("no profile {name:?}: {}", all.join(", "))
        })
    }
}
