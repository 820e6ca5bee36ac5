//! Where a stream's events come from.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use spiked_recordings::{DatagramCounts, Geometry, Recording};

use super::{tcp::Tcp, udp::Udp};
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
    /// A server of DV.
    Tcp(String),
    /// A recording, to be played as if it happened now.
    File(PathBuf),
}

impl FromStr for SourceAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_place = |rest: &str| rest.rsplit_once(':').is_some_and(|(host, _)| !host.is_empty());
        let place = |scheme| text.strip_prefix(scheme).filter(|rest| is_place(rest));
        if let Some(rest) = place("udp://") {
            return Ok(Self::Udp(rest.to_owned()));
        }
        if let Some(rest) = place("tcp://") {
            return Ok(Self::Tcp(rest.to_owned()));
        }
        match text {
            "-" => Ok(Self::Input),
            _ if Path::new(text).exists() => Ok(Self::File(text.into())),
            _ => {
                Err("expected udp://HOST:PORT to listen there (0.0.0.0 for all addresses of this \
                      machine), tcp://HOST:PORT of a server of DV, - for standard input, or a \
                      recording that is there"
                    .into())
            }
        }
    }
}

impl fmt::Display for SourceAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => formatter.write_str("standard input"),
            Self::Udp(address) => write!(formatter, "udp://{address}"),
            Self::Tcp(address) => write!(formatter, "tcp://{address}"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// An open source, before its first event.
pub(super) enum Source {
    Input(Box<Recording<io::Stdin>>, Geometry),
    Udp(Udp),
    Tcp(Box<Tcp>),
}

impl Source {
    /// Binds the socket, or connects and reads the header.
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
            SourceAddress::Tcp(address) => {
                Tcp::connect(address, arguments.geometry).map(Box::new).map(Self::Tcp)
            }
            SourceAddress::File(path) => {
                Err(Failure::used_wrongly(format!("{} is no live source", path.display())))
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
            Self::Tcp(tcp) => tcp.geometry(),
        }
    }

    /// What it is called; for a socket, with the port that it got.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Input(..) => SourceAddress::Input.to_string(),
            Self::Udp(udp) => SourceAddress::Udp(udp.address().to_string()).to_string(),
            Self::Tcp(tcp) => SourceAddress::Tcp(tcp.address().to_owned()).to_string(),
        }
    }

    /// Takes in what comes, on a thread of its own.
    pub(super) fn begin(
        self,
        reconnect: Option<Duration>,
    ) -> Result<(Portions, Arc<Tally>), Failure> {
        let tally = Arc::new(Tally::default());
        let portions = match self {
            Self::Input(recording, _) => run::read(*recording),
            Self::Udp(udp) => udp.begin(tally.clone())?,
            Self::Tcp(tcp) => tcp.begin(tally.clone(), reconnect)?,
        };
        Ok((portions, tally))
    }
}

/// What became of datagrams and connections on this side.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) read: DatagramCounts,
    /// Datagrams that the system had no room for, where it tells.
    pub(super) overrun: u64,
    /// Events that the daemon was too slow for.
    pub(super) unsent: u64,
    /// Connections to a server behind the first.
    pub(super) connected_again: u64,
    /// Bytes of packets whose end no connection brought.
    pub(super) bytes_cut: u64,
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

    /// For the summary: nothing where no datagram was read and no connection broke.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let Counts { read, overrun, unsent, connected_again, bytes_cut, .. } = *self.counts();
        let causes = [(read.torn, "cut short"), (overrun, "lost before they were read")];
        let mut rows = Vec::new();
        if read.datagrams + overrun > 0 {
            let told = with_causes(format!("{} read", grouped(read.datagrams)), &causes);
            rows.push(("datagrams", told));
        }
        if connected_again + bytes_cut > 0 {
            let causes = [
                (connected_again, "times connected again"),
                (bytes_cut, "bytes of a packet without its end"),
            ];
            rows.push(("connection", with_causes(String::new(), &causes)));
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
    fn a_source_is_standard_input_a_place_or_a_recording() {
        assert_eq!("-".parse(), Ok(SourceAddress::Input));
        assert_eq!("udp://0.0.0.0:3333".parse(), Ok(SourceAddress::Udp("0.0.0.0:3333".into())));
        assert_eq!("tcp://robot:7777".parse(), Ok(SourceAddress::Tcp("robot:7777".into())));
        // Tests run where their package is.
        assert_eq!("Cargo.toml".parse(), Ok(SourceAddress::File("Cargo.toml".into())));
        for wrong in ["", "no.es", "udp://", "udp://:3333", "udp:3333", "tcp://robot", "tcp:7777"] {
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
