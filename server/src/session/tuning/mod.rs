//! Weights and parameters of a running session, read and set between ticks.
//!
//! A change is input: it takes effect at the first tick that the session was not promised to be over
//! when it came, is journaled before it goes to the simulation, and is part of every snapshot until
//! its tick is reached. So whoever replays the input gets the same output.

#[cfg(test)]
mod fuzz;
mod parameters;
mod weights;

use std::sync::{Arc, OnceLock};

use prost::Message as _;
use sim_core::{Plan, Simulation, Tick};
use spiked_proto::v1;
use tokio::sync::oneshot;

use super::codec::{Damaged, Reader, Writer};
use crate::error::Error;

/// What is to be set: checked against the network, and as the wire has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    /// Each synapse by its place.
    Weights(v1::SetWeightsRequest),
    Parameters(v1::SetParametersRequest),
}

impl Setting {
    /// Checks what can be checked without the session's state.
    pub(crate) fn weights(plan: &Plan, request: v1::SetWeightsRequest) -> Result<Self, Error> {
        weights::checked(plan, request).map(Self::Weights)
    }

    /// Checks what can be checked without the session's state.
    pub(crate) fn parameters(
        plan: &Plan,
        request: v1::SetParametersRequest,
    ) -> Result<Self, Error> {
        parameters::checked(plan, request).map(Self::Parameters)
    }

    /// The kind that stands before its bytes.
    pub(crate) const fn is_parameters(&self) -> bool {
        matches!(self, Self::Parameters(_))
    }

    /// Appends its bytes.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Weights(request) => request.encode_raw(out),
            Self::Parameters(request) => request.encode_raw(out),
        }
    }

    /// From its bytes.
    pub(crate) fn decode(is_parameters: bool, bytes: &[u8]) -> Option<Self> {
        Some(match is_parameters {
            false => Self::Weights(v1::SetWeightsRequest::decode(bytes).ok()?),
            true => Self::Parameters(v1::SetParametersRequest::decode(bytes).ok()?),
        })
    }

    /// About what it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Weights(request) => request.encoded_len(),
            Self::Parameters(request) => request.encoded_len(),
        }
    }
}

/// Why the simulation does not take a setting: the field and what is wrong with it.
pub(crate) type Refused = (String, String);

/// A setting on its way into the simulation.
#[derive(Debug)]
pub(crate) struct Change {
    /// The first tick with it.
    pub(crate) at: Tick,
    pub(crate) setting: Arc<Setting>,
    /// Once the simulation has come to it.
    outcome: OnceLock<Result<(), Refused>>,
}

impl Change {
    pub(crate) const fn new(at: Tick, setting: Arc<Setting>) -> Self {
        Self { at, setting, outcome: OnceLock::new() }
    }

    /// Sets it in the simulation, which has come to its tick.
    pub(crate) fn apply(&self, simulation: &mut Simulation) {
        let applied = match self.setting.as_ref() {
            Setting::Weights(request) => weights::apply(simulation, request),
            Setting::Parameters(request) => parameters::apply(simulation, request),
        };
        // A change is applied once.
        let _ = self.outcome.set(applied);
    }

    /// What became of it, once something has.
    pub(crate) fn outcome(&self) -> Option<&Result<(), Refused>> {
        self.outcome.get()
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        let mut bytes = Vec::new();
        self.setting.append_to(&mut bytes);
        out.u64(self.at.0);
        out.u64(u64::from(self.setting.is_parameters()));
        out.bytes(&bytes);
    }

    pub(crate) fn load(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let (at, is_parameters) = (Tick(from.u64()?), from.flag()?);
        let setting = Setting::decode(is_parameters, from.bytes()?);
        let setting = setting.ok_or_else(|| from.damaged("a change that is none"))?;
        Ok(Self::new(at, Arc::new(setting)))
    }
}

/// What is to be set, and when; not what became of it.
impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at && self.setting == other.setting
    }
}

impl Eq for Change {}

/// What somebody wants to read, and where the answer goes.
pub(crate) enum Reading {
    Weights {
        request: v1::GetWeightsRequest,
        reply: oneshot::Sender<Result<v1::GetWeightsResponse, Error>>,
    },
    Parameters {
        request: v1::GetParametersRequest,
        reply: oneshot::Sender<Result<v1::GetParametersResponse, Error>>,
    },
}

impl Reading {
    /// Reads and answers. Whoever asked may have left.
    pub(crate) fn answer(self, simulation: &Simulation) {
        match self {
            Self::Weights { request, reply } => {
                let _ = reply.send(weights::read(simulation, &request));
            }
            Self::Parameters { request, reply } => {
                let _ = reply.send(parameters::read(simulation, &request));
            }
        }
    }
}
