//! What was asked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{fault::Fault, flow::Pace, load::Load};

/// What was asked for, in words and numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Name and version.
    pub network: String,
    /// What was sent.
    pub sources: Vec<String>,
    /// Times as fast as recorded, or events a second.
    pub speed: Option<f64>,
    /// See `speed`.
    pub rate: Option<f64>,
    /// Sessions and connections.
    pub sessions: usize,
    /// See `sessions`.
    pub connections: usize,
    /// Length and warm-up \[s\].
    pub length_s: f64,
    /// See `length_s`.
    pub warmup_s: f64,
    /// How events are gathered.
    pub gather_us: u64,
    /// See `gather_us`.
    pub batch_events_max: usize,
    /// As the contract names them.
    pub overload: String,
    /// See `overload`.
    pub durability: String,
    /// The input port; `None` is `camera`, or the first.
    pub port: Option<String>,
    /// What goes wrong on order.
    pub faults: Vec<Fault>,
    /// Sessions whose output is compared.
    pub compared: usize,
    /// By how much the generator may be late itself, at the 99th percentile.
    pub own_lateness_max_us: u64,
    /// With which what is made here was made.
    pub seed: u64,
}

impl Settings {
    /// The network's name, without its version.
    #[must_use]
    pub fn network_name(&self) -> &str {
        self.network.split(' ').next().unwrap_or_default()
    }

    pub(super) fn of(load: &Load, network_version: &str) -> Self {
        let (speed, rate) = match load.pace {
            Pace::Speed(times) => (Some(times), None),
            Pace::Rate(rate) => (None, Some(rate)),
        };
        Self {
            network: format!("{} {network_version}", load.network),
            sources: load.sources.iter().map(|source| source.name().to_owned()).collect(),
            speed,
            rate,
            sessions: load.sessions,
            connections: load.connections.min(load.sessions),
            length_s: load.length.as_secs_f64(),
            warmup_s: load.warmup.as_secs_f64(),
            gather_us: us(load.gather),
            batch_events_max: load.batch_events_max,
            overload: load.overload.as_str_name().into(),
            durability: load.durability.as_str_name().into(),
            port: load.port.clone(),
            faults: load.faults.clone(),
            compared: load.compared,
            own_lateness_max_us: us(load.own_lateness_max),
            seed: load.seed,
        }
    }
}

fn us(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
