//! Where the daemon listens.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use crate::StartError;

/// The daemon's own port, one that no well-known service uses.
pub const DEFAULT_PORT: u16 = 7411;

/// Where the daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// TCP. Port 0 lets the system choose; [`Daemon::local_address`](crate::Daemon::local_address)
    /// tells.
    Tcp(SocketAddr),
    /// A Unix socket, written `unix:PATH`.
    Unix(PathBuf),
}

impl Default for Listen {
    fn default() -> Self {
        Self::Tcp((Ipv4Addr::LOCALHOST, DEFAULT_PORT).into())
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Listen {
    type Err = StartError;

    /// Reads `ADDRESS:PORT` or `unix:PATH`.
    fn from_str(text: &str) -> Result<Self, StartError> {
        Self::parse(text).ok_or_else(|| StartError::Setting {
            setting: "listen",
            problem: format!("{text:?} is neither ADDRESS:PORT nor unix:PATH"),
        })
    }
}

impl Listen {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Some(Self::Unix(path.into())),
            _ => text.parse().map(Self::Tcp).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_they_are_written() {
        for text in ["127.0.0.1:0", "[::1]:7411", "unix:/run/spiked.sock"] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        for bad in ["localhost", "unix:", ":7411"] {
            assert!(bad.parse::<Listen>().is_err(), "{bad}");
        }
    }
}
