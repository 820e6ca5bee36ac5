//! What goes wrong on order, beside the load, each with what is expected of the daemon.
//!
//! Sessions of faults are further ones: what the load itself measures is how the others fare.

mod churn;
mod flood;
mod readers;
mod reconnects;
mod relay;
mod resets;

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use futures::future::{LocalBoxFuture, join_all};
use serde::{Deserialize, Serialize};
use spiked_client::{Client, Session};
use tokio::sync::watch;

use crate::{Error, flow::Flow, load::Load, session::Part};

/// What is due within so long leaves at its end, all at once.
pub(crate) const BURST: Duration = Duration::from_millis(100);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// A session whose client takes one answer at a time, with pauses.
    SlowReader,
    /// A session whose client reads nothing.
    StalledReader,
    /// Connections that open a session, send, and break.
    Resets,
    /// A session whose connection breaks again and again, and which goes on where it was.
    Reconnects,
    /// Sessions that come, run and go.
    Churn,
    /// The load itself, sent in bursts.
    Bursts,
    /// A session all of whose events have one address.
    SamePixel,
    /// A session of a network in which each event reaches every neuron.
    FanOut,
}

/// All of them, as users write them.
pub const FAULTS: [(&str, Fault); 8] = [
    ("slow-reader", Fault::SlowReader),
    ("stalled-reader", Fault::StalledReader),
    ("resets", Fault::Resets),
    ("reconnects", Fault::Reconnects),
    ("churn", Fault::Churn),
    ("bursts", Fault::Bursts),
    ("same-pixel", Fault::SamePixel),
    ("fan-out", Fault::FanOut),
];

impl Fault {
    /// As users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        FAULTS.iter().find(|(_, fault)| *fault == self).map_or("", |(name, _)| name)
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::SlowReader => "it gets all of its output, the same as a reader in no hurry",
            Self::StalledReader => "its session is held up, and closes when it is asked to",
            Self::Resets => "nothing is left of their sessions when their leases are over",
            Self::Reconnects => "its output is that of a connection which never broke",
            Self::Churn => "each session completes, and all give the same output",
            Self::Bursts => "every burst is simulated, and none is dropped",
            Self::SamePixel => "it completes, and each event is taken or counted as dropped",
            Self::FanOut => "it completes, and each event is taken or counted as dropped",
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = FAULTS.iter().find(|(name, _)| *name == text).map(|(_, fault)| *fault);
        found.ok_or_else(|| {
            let names: Vec<_> = FAULTS.iter().map(|(name, _)| *name).collect();
            format!("no such fault; there are {}", names.join(", "))
        })
    }
}

/// What came of a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReport {
    /// Which.
    pub fault: Fault,
    /// What the daemon should do.
    pub expected: String,
    /// Whether it did.
    pub holds: bool,
    /// What was seen.
    pub observed: String,
}

/// What a fault comes to: whether the expected held, and what was seen.
type Seen = Result<(bool, String), Error>;

/// The sessions that some faults need before the load begins.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    relay: Option<relay::Relay>,
}

/// What each fault works with.
struct Scene<'a> {
    load: &'a Load,
    client: &'a Client,
    began: Instant,
    stop: &'a watch::Receiver<bool>,
    relay: Option<&'a relay::Relay>,
}

impl Stage {
    /// Makes ready what must be there before the first event is due.
    pub(crate) async fn prepare(load: &Load, client: &Client) -> Result<Self, Error> {
        let relay = match load.faults.contains(&Fault::Reconnects) {
            true => Some(relay::Relay::to(client.address()).await?),
            false => None,
        };
        Ok(Self { relay })
    }

    /// Plays all faults of a load, and says what came of each.
    pub(crate) async fn play(
        &self,
        load: &Load,
        client: &Client,
        began: Instant,
        stop: &watch::Receiver<bool>,
    ) -> Vec<FaultReport> {
        let scene = &Scene { load, client, began, stop, relay: self.relay.as_ref() };
        join_all(load.faults.iter().map(|&fault| async move {
            let seen = scene.play(fault).await;
            let (holds, observed) = seen.unwrap_or_else(|error| (false, error.to_string()));
            FaultReport { fault, expected: fault.expected().into(), holds, observed }
        }))
        .await
    }
}

impl Scene<'_> {
    fn play(&self, fault: Fault) -> LocalBoxFuture<'_, Seen> {
        match fault {
            Fault::SlowReader => Box::pin(readers::slow(self)),
            Fault::StalledReader => Box::pin(readers::stalled(self)),
            Fault::Resets => Box::pin(resets::play(self)),
            Fault::Reconnects => Box::pin(reconnects::play(self)),
            Fault::Churn => Box::pin(churn::play(self)),
            // The load's own sessions are what is looked at.
            Fault::Bursts => Box::pin(async { Ok((true, "see the load's own figures".into())) }),
            Fault::SamePixel => Box::pin(flood::one_pixel(self)),
            Fault::FanOut => Box::pin(flood::fan_out(self)),
        }
    }

    /// The moment at which the load ends.
    fn end(&self) -> Instant {
        self.began + self.load.length
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end() || *self.stop.borrow()
    }

    /// A flow of the load's first source, elsewhere in it than the load's own.
    fn flow(&self) -> Flow {
        let source = &self.load.sources[0];
        Flow::phased(source.clone(), 2 * self.load.sessions + 1, 4 * self.load.sessions)
    }

    /// A session's part of the load that measures nothing.
    fn part(&self, session: &Session, flow: Flow) -> Part<'static> {
        Part {
            number: self.load.sessions,
            flow,
            cut: self.load.cut(),
            port: self.load.port_of(session),
            start: self.began,
            length: self.load.length,
            stop: self.stop.clone(),
            measures: None,
            records: true,
            reading_pause: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_name_that_finds_it() {
        for (name, fault) in FAULTS {
            assert_eq!((name.parse(), fault.name()), (Ok(fault), name));
        }
        assert!("churned".parse::<Fault>().expect_err("none").contains("same-pixel"));
    }
}
