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

use crate::{
    Error,
    flow::Flow,
    load::Load,
    session::{Part, Played},
};

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
            Self::Bursts => "every burst is simulated, and nothing of one dropped",
            Self::SamePixel => "it completes, and each event is taken or counted as dropped",
            Self::FanOut => "it completes, and each event that is taken reaches every neuron",
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
    /// One each: what one breaks is not the other's.
    reconnects: Option<relay::Relay>,
    resets: Option<relay::Relay>,
}

/// What each fault works with.
struct Scene<'a> {
    load: &'a Load,
    client: &'a Client,
    began: Instant,
    stop: &'a watch::Receiver<bool>,
    stage: &'a Stage,
}

impl Stage {
    /// Makes ready what must be there before the first event is due.
    pub(crate) async fn prepare(load: &Load, client: &Client) -> Result<Self, Error> {
        let relay = async |fault| match load.faults.contains(&fault) {
            true => relay::Relay::to(client.address()).await.map(Some),
            false => Ok(None),
        };
        Ok(Self {
            reconnects: relay(Fault::Reconnects).await?,
            // On a way that no relay can stand in, connections are closed instead.
            resets: match relay(Fault::Resets).await {
                Err(Error::NoRelay { .. }) => None,
                made => made?,
            },
        })
    }

    /// Plays all faults of a load, and says what came of each.
    pub(crate) async fn play(
        &self,
        load: &Load,
        client: &Client,
        began: Instant,
        stop: &watch::Receiver<bool>,
    ) -> Vec<FaultReport> {
        let scene = &Scene { load, client, began, stop, stage: self };
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
            // The load's own sessions are what is looked at, when they are over.
            Fault::Bursts => Box::pin(async { Ok((false, "no session was played".into())) }),
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

/// What came of bursts is seen in the load's own sessions.
pub(crate) fn judge_bursts(faults: &mut [FaultReport], load: &Load, played: &[Played]) {
    let Some(report) = faults.iter_mut().find(|report| report.fault == Fault::Bursts) else {
        return;
    };
    let sum = |of: fn(&Played) -> u64| played.iter().map(of).sum::<u64>();
    let (sent, dropped) = (sum(|played| played.events_sent), sum(Played::dropped));
    let whole = played.iter().all(|played| played.completed && played.is_conserved());
    report.holds = whole && sent > 0 && dropped == 0;
    report.observed = format!(
        "{sent} events sent in bursts of {BURST:?}, {dropped} dropped, {} of {} sessions completed",
        played.iter().filter(|played| played.completed).count(),
        load.sessions
    );
}

#[cfg(test)]
mod tests {
    use spiked_client::v1;

    use super::*;

    fn burst(played: &[Played]) -> FaultReport {
        let mut faults = [Fault::Churn, Fault::Bursts].map(|fault| FaultReport {
            fault,
            expected: String::new(),
            holds: false,
            observed: String::new(),
        });
        let load = Load { sessions: played.len(), ..Load::default() };
        judge_bursts(&mut faults, &load, played);
        assert!(!faults[0].holds && faults[0].observed.is_empty(), "it is not about bursts");
        faults[1].clone()
    }

    #[test]
    fn bursts_hold_where_all_of_them_was_simulated_and_nothing_dropped() {
        let played = |sent, accepted, overload, completed| Played {
            events_sent: sent,
            completed,
            position: v1::Acknowledgement {
                events_accepted: accepted,
                drops: Some(v1::Drops { overload, ..v1::Drops::default() }),
                ..v1::Acknowledgement::default()
            },
            ..Played::default()
        };
        assert!(burst(&[played(9, 9, 0, true), played(5, 5, 0, true)]).holds);
        for (bad, why) in [
            (played(9, 8, 1, true), "one was dropped"),
            (played(9, 8, 0, true), "one is missing"),
            (played(9, 9, 0, false), "it did not complete"),
        ] {
            let report = burst(&[played(5, 5, 0, true), bad]);
            assert!(!report.holds, "{why}: {}", report.observed);
        }
        assert!(!burst(&[]).holds, "there was nothing");
    }

    #[test]
    fn each_fault_has_a_name_that_finds_it() {
        for (name, fault) in FAULTS {
            assert_eq!((name.parse(), fault.name()), (Ok(fault), name));
        }
        assert!("churned".parse::<Fault>().expect_err("none").contains("same-pixel"));
    }
}
