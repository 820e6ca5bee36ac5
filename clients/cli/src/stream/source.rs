//! Where a stream's events come from.

use std::{
    fmt, io,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use spiked_recordings::{DatagramCounts, Geometry, Recording};

use super::udp::Udp;
use crate::{
    args::StreamArguments,
    failure::Failure,
    numbers::grouped,
    run::{self, Portions},
};

/// A source, as a user writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceAddress {
    /// Standard input.
    Input,
    /// Where to listen for datagrams.
    Udp(String),
}

impl FromStr for SourceAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let listens = |rest: &str| rest.rsplit_once(':').is_some_and(|(host, _)| !host.is_empty());
        match text.strip_prefix("udp://") {
            Some(rest) if listens(rest) => Ok(Self::Udp(rest.to_owned())),
            None if text == "-" => Ok(Self::Input),
            _ => Err("expected udp://HOST:PORT (0.0.0.0 for all addresses of this machine), or - \
                      for standard input; `spiked run` takes files"
                .into()),
        }
    }
}

impl fmt::Display for SourceAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => formatter.write_str("standard input"),
            Self::Udp(address) => write!(formatter, "udp://{address}"),
        }
    }
}

/// An open source, before its first event.
pub(super) enum Source {
    Input(Box<Recording<io::Stdin>>, Geometry),
    Udp(Udp),
}

impl Source {
    /// Binds the socket, or reads the header.
    pub(super) fn open(arguments: &StreamArguments) -> Result<Self, Failure> {
        let needed = |what: &str| {
            let message = format!("{what} does not tell the size of its sensor");
            Failure::used_wrongly(message).with_hint("say how large it is: --geometry 640x480")
        };
        match &arguments.source {
            SourceAddress::Input => {
                let mut recording = Recording::new(io::stdin(), "standard input", None)?;
                if let Some(geometry) = arguments.geometry {
                    recording.set_geometry(geometry)?;
                }
                let geometry = recording.geometry().ok_or_else(|| needed("standard input"))?;
                Ok(Self::Input(Box::new(recording), geometry))
            }
            SourceAddress::Udp(address) => {
                let geometry = arguments.geometry.ok_or_else(|| needed("UDP"))?;
                Udp::bind(address, arguments.layout, geometry).map(Self::Udp)
            }
        }
    }

    pub(super) fn geometry(&self) -> Geometry {
        match self {
            Self::Input(_, geometry) => *geometry,
            Self::Udp(udp) => udp.geometry(),
        }
    }

    /// What it is called; for a socket, with the port that it got.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Input(..) => SourceAddress::Input.to_string(),
            Self::Udp(udp) => SourceAddress::Udp(udp.address().to_string()).to_string(),
        }
    }

    /// Takes in what comes, on a thread of its own.
    pub(super) fn begin(self) -> Result<(Portions, Arc<Tally>), Failure> {
        let tally = Arc::new(Tally::default());
        let portions = match self {
            Self::Input(recording, _) => run::read(*recording),
            Self::Udp(udp) => udp.begin(tally.clone())?,
        };
        Ok((portions, tally))
    }
}

/// What became of datagrams on this side.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) read: DatagramCounts,
    /// Datagrams that the system had no room for, where it tells.
    pub(super) overrun: u64,
    /// Events that the daemon was too slow for.
    pub(super) unsent: u64,
    told: bool,
}

impl Counts {
    const fn lost(&self) -> bool {
        self.overrun > 0 || self.unsent > 0
    }
}

impl Tally {
    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first loss, once.
    pub(super) fn news(&self) -> Option<String> {
        let mut counts = self.counts();
        if counts.told || !counts.lost() {
            return None;
        }
        counts.told = true;
        Some("warning: events are lost: more come than are taken; the summary says how many".into())
    }

    /// For the summary: nothing where no datagram was read.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let Counts { read, overrun, unsent, .. } = *self.counts();
        let causes = [(read.torn, "cut short"), (overrun, "lost before they were read")];
        let mut rows = Vec::new();
        if read.datagrams + overrun > 0 {
            let told = with_causes(format!("{} read", grouped(read.datagrams)), &causes);
            rows.push(("datagrams", told));
        }
        let causes = [
            (read.outside, "off the sensor"),
            (read.other_clock, "of another clock"),
            (unsent, "that found no room"),
        ];
        if causes.iter().any(|(count, _)| *count > 0) {
            rows.push(("dropped here", with_causes(String::new(), &causes)));
        }
        rows
    }
}

/// Counts that aren't zero, behind a beginning.
fn with_causes(begin: String, causes: &[(u64, &str)]) -> String {
    let told = causes.iter().filter(|(count, _)| *count > 0);
    let told = told.map(|(count, cause)| format!("{} {cause}", grouped(*count)));
    let all: Vec<String> =
        Some(begin).into_iter().filter(|text| !text.is_empty()).chain(told).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_standard_input_or_a_place_to_listen() {
        assert_eq!("-".parse(), Ok(SourceAddress::Input));
        assert_eq!("udp://0.0.0.0:3333".parse(), Ok(SourceAddress::Udp("0.0.0.0:3333".into())));
        for wrong in ["", "street.es", "udp://", "udp://:3333", "udp:3333", "tcp://robot:7777"] {
            assert!(wrong.parse::<SourceAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn losses_are_told_once_and_summed_up() {
        let tally = Tally::default();
        assert_eq!((tally.news(), tally.rows()), (None, vec![]));
        tally.counts().read.datagrams = 1_200;
        tally.counts().read.outside = 3;
        assert_eq!(tally.news(), None);
        tally.counts().overrun = 7;
        assert!(tally.news().is_some_and(|line| line.contains("lost")));
        assert_eq!(tally.news(), None);
        let rows = [
            ("datagrams", "1 200 read, 7 lost before they were read".to_owned()),
            ("dropped here", "3 off the sensor".to_owned()),
        ];
        assert_eq!(tally.rows(), rows);
    }
}
