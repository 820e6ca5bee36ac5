//! Where a daemon listens, as people write it: `HOST:PORT`, `http://HOST:PORT`, `https://HOST:PORT` or
//! `unix:/PATH`.

use std::{fmt, str::FromStr};

use crate::Error;

/// The port that a daemon listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 7411;

const TLS_SCHEME: &str = "https://";

/// Where a daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// What the user wrote, without a scheme in front of plain TCP.
    shown: String,
    /// What the transport takes.
    uri: String,
}

impl Address {
    /// Whether the way there is TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.uri.starts_with(TLS_SCHEME)
    }

    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::Address { address: text.to_owned() };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let absolute = path.starts_with('/').then(|| format!("unix:{path}"));
            let uri = absolute.ok_or_else(refused)?;
            return Ok(Self { shown: uri.clone(), uri });
        }
        let (scheme, rest) = match text.strip_prefix(TLS_SCHEME) {
            Some(rest) => (TLS_SCHEME, rest),
            None => ("", text.strip_prefix("http://").unwrap_or(text)),
        };
        let authority = rest.trim_end_matches('/');
        let (host, port) = authority.rsplit_once(':').ok_or_else(refused)?;
        let host_is_plain = !host.is_empty() && !host.contains(['/', '@', ' ']);
        let bracketed = host.starts_with('[') && host.ends_with(']');
        if !host_is_plain || (host.contains(':') && !bracketed) || port.parse::<u16>().is_err() {
            return Err(refused());
        }
        let shown = format!("{scheme}{authority}");
        let uri = if scheme.is_empty() { format!("http://{authority}") } else { shown.clone() };
        Ok(Self { shown, uri })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_people_write() {
        for (text, shown, uri) in [
            ("127.0.0.1:7411", "127.0.0.1:7411", "http://127.0.0.1:7411"),
            ("http://robot:80/", "robot:80", "http://robot:80"),
            ("https://robot:80/", "https://robot:80", "https://robot:80"),
            ("[::1]:7411", "[::1]:7411", "http://[::1]:7411"),
            ("unix:/run/spiked", "unix:/run/spiked", "unix:/run/spiked"),
            ("unix:///run/spiked", "unix:/run/spiked", "unix:/run/spiked"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.uri()), (shown, uri));
            assert_eq!(address.is_tls(), text.starts_with("https:"));
            assert_eq!(shown.parse::<Address>().unwrap(), address, "what is shown reads back");
        }
    }

    #[test]
    fn refuses_what_leads_nowhere_and_shows_it() {
        for text in [
            "",
            "localhost",
            ":7411",
            "host:port",
            "host:70000",
            "::1:7411",
            "unix:",
            "https://robot",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
