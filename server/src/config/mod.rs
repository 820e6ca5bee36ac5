//! What the daemon is told: where to listen, what to run, and every bound.
//!
//! Checked as a whole before a port is bound. Each default says why it is what it is. [`keys`] names
//! every setting, [`Effective`] reads them from a file, the environment and flags.

mod effective;
mod keys;
mod limits;
mod listen;
mod value;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

pub use effective::Effective;
pub(crate) use effective::{line_of, read_short};
pub use keys::{Key, keys};
pub use limits::Limits;
use limits::parallelism;
pub use listen::{DEFAULT_PORT, Listen};

use crate::{
    StartError,
    cores::Cores,
    networks::name,
    session::pool::THREADS_MAX,
    telemetry::{Format, Output},
};

/// Reads a size such as `256 MiB` \[bytes\].
pub(crate) fn size(text: &str) -> Option<u64> {
    value::Bytes::parse(text).map(|bytes| bytes.0)
}

/// Everything the daemon is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen. Default: 127.0.0.1:7411.
    pub listen: Listen,
    /// What it is called among several behind one address. Default: nothing.
    pub name: Option<String>,
    /// Accept connections from other machines without encryption. Default: no.
    pub insecure: bool,
    /// The user's folder of networks, beside those that come along. Default: none.
    pub networks: Option<PathBuf>,
    /// When that folder is read. Default: once, at the start; where `networks_poll` is set, whenever
    /// it has changed.
    pub networks_mode: Option<NetworksMode>,
    /// How often to look whether that folder has changed. Default: every second, in the mode `poll`.
    pub networks_poll: Option<Duration>,
    /// Where durable sessions and snapshots are kept. Default: none, so that there are no durable
    /// sessions, and snapshots end with the daemon.
    pub data: Option<PathBuf>,
    /// Who may do what, and for whom (see `docs/protocol.md`). Default: none, so that whoever
    /// connects may do everything.
    pub tokens: Option<PathBuf>,
    /// A file of the certificate that the daemon shows, and those between it and its authority, as
    /// PEM. Default: none, so that there is no TLS.
    pub tls_certificate: Option<PathBuf>,
    /// A file of that certificate's key, as PEM.
    pub tls_key: Option<PathBuf>,
    /// A file of authorities, as PEM: who connects must show a certificate of theirs. Default: none,
    /// so that clients need no certificate.
    pub tls_client_ca: Option<PathBuf>,
    /// Where metrics and the state of health are served over HTTP, beside the port. Default: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Serve metrics to other machines, to whoever asks. Default: no. A setting of its own, so that
    /// a pod that is scraped need not give up encryption on the port.
    pub metrics_insecure: bool,
    /// Threads that simulate, 1 to 64. Default: what the machine (or the container's limit) has.
    pub simulation_threads: usize,
    /// Processor cores that simulation threads keep to. Default: any.
    pub simulation_cores: Option<Cores>,
    /// What is logged, and how.
    pub log: Log,
    /// Where spans go.
    pub traces: Traces,
    /// Every bound.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            name: None,
            insecure: false,
            networks: None,
            networks_mode: None,
            networks_poll: None,
            data: None,
            tokens: None,
            tls_certificate: None,
            tls_key: None,
            tls_client_ca: None,
            metrics: None,
            metrics_insecure: false,
            simulation_threads: parallelism(),
            simulation_cores: None,
            log: Log::default(),
            traces: Traces::default(),
            limits: Limits::default(),
        }
    }
}

/// When the user's folder of networks is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworksMode {
    /// Once, at the start.
    #[default]
    None,
    /// At the start, and whenever something in it has changed.
    Poll,
    /// Only the networks that clients ask for, when they do.
    Explicit,
}

impl NetworksMode {
    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Poll => "poll",
            Self::Explicit => "explicit",
        }
    }
}

impl Config {
    /// When the folder of networks is read.
    #[must_use]
    pub fn networks_mode(&self) -> NetworksMode {
        let implied =
            if self.networks_poll.is_some() { NetworksMode::Poll } else { NetworksMode::None };
        self.networks_mode.unwrap_or(implied)
    }

    /// How often that folder is looked at, if it is followed.
    pub(crate) fn networks_period(&self) -> Option<Duration> {
        let is_followed = self.networks_mode() == NetworksMode::Poll;
        is_followed.then(|| self.networks_poll.unwrap_or(NETWORKS_PERIOD_DEFAULT))
    }
}

/// How often a folder of networks that is followed is looked at.
const NETWORKS_PERIOD_DEFAULT: Duration = Duration::from_secs(1);

/// What is logged, and how. Only the binary logs; a daemon in another program leaves it to that.
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines look. Default: text.
    pub format: Format,
    /// Where they go. Default: standard error.
    pub output: Output,
    /// What is logged, as `info` or `info,spiked_server=debug`. Default: info.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: Format::default(), output: Output::default(), filter: "info".into() }
    }
}

/// Where spans go. Only the binary sends them; a daemon in another program leaves it to that.
#[derive(Clone, Debug)]
pub struct Traces {
    /// A collector of OpenTelemetry that takes OTLP over gRPC, as `http://127.0.0.1:4317`. Default:
    /// none, so that there are no spans.
    pub endpoint: Option<String>,
    /// What the daemon is called in them. Default: spiked.
    pub service: String,
    /// The part that is kept of the traces that begin here. Default: all.
    pub ratio: Ratio,
}

impl Default for Traces {
    fn default() -> Self {
        Self { endpoint: None, service: "spiked".into(), ratio: Ratio::default() }
    }
}

impl Traces {
    fn check(&self) -> Result<(), StartError> {
        let Some(endpoint) = &self.endpoint else {
            return Ok(());
        };
        let uri = endpoint.parse::<http::Uri>().ok();
        let is_address = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
        });
        if is_address {
            return Ok(());
        }
        let problem = format!("{endpoint:?} is no address, as \"http://127.0.0.1:4317\"");
        Err(StartError::Setting { setting: "traces.endpoint", problem })
    }
}

/// A part of a whole, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio(f64);

impl Default for Ratio {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Ratio {
    /// `None` for what is no part of a whole.
    #[must_use]
    pub fn new(part: f64) -> Option<Self> {
        (0.0..=1.0).contains(&part).then_some(Self(part))
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Config {
    /// Checks all settings.
    ///
    /// # Errors
    ///
    /// The first setting that makes no sense, or a TCP address beyond loopback without TLS and
    /// without [`insecure`](Self::insecure).
    pub fn check(&self) -> Result<(), StartError> {
        let limits = &self.limits;
        let counts = [
            ("simulation_threads", self.simulation_threads),
            ("limits.connections", limits.connections),
            ("limits.connections_per_address", limits.connections_per_address),
            ("limits.sessions", limits.sessions),
            ("limits.workers", limits.workers),
            ("limits.queue_events", usize::try_from(limits.queue_events).unwrap_or(usize::MAX)),
            ("limits.queue_bytes", usize::try_from(limits.queue_bytes).unwrap_or(usize::MAX)),
        ];
        if let Some((setting, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(StartError::Setting { setting, problem: "must be at least 1".into() });
        }
        let threads =
            [("simulation_threads", self.simulation_threads), ("limits.workers", limits.workers)];
        if let Some((setting, count)) = threads.into_iter().find(|(_, n)| *n > THREADS_MAX) {
            let problem = format!("{count} where {THREADS_MAX} is the most");
            return Err(StartError::Setting { setting, problem });
        }
        if let Some(Err(problem)) = self.simulation_cores.as_ref().map(Cores::check) {
            return Err(StartError::Setting { setting: "simulation_cores", problem });
        }
        if let Some(Err(problem)) = self.name.as_deref().map(name::check) {
            return Err(StartError::Setting { setting: "name", problem });
        }
        self.check_tls()?;
        self.traces.check()?;
        if let Some(address) = self.metrics
            && !(address.ip().is_loopback() || self.metrics_insecure || self.insecure)
        {
            return Err(StartError::MetricsExposed { address });
        }
        if self.networks_poll.is_some() && self.networks_mode() != NetworksMode::Poll {
            let mode = self.networks_mode().name();
            let problem = format!("is for the networks_mode \"poll\", not \"{mode}\"");
            return Err(StartError::Setting { setting: "networks_poll", problem });
        }
        match self.listen {
            Listen::Tcp(address)
                if !address.ip().is_loopback()
                    && self.tls_certificate.is_none()
                    && !self.insecure =>
            {
                Err(StartError::Exposed { address })
            }
            _ => Ok(()),
        }
    }

    /// Files of TLS come together, and where they have an effect.
    fn check_tls(&self) -> Result<(), StartError> {
        let files = [
            ("tls_certificate", self.tls_certificate.is_some()),
            ("tls_key", self.tls_key.is_some()),
            ("tls_client_ca", self.tls_client_ca.is_some()),
        ];
        let Some((given, _)) = files.into_iter().find(|(_, is_given)| *is_given) else {
            return Ok(());
        };
        let missing = files[..2].iter().find(|(_, is_given)| !is_given);
        if let Some((setting, _)) = missing {
            let problem = format!("must be given with {given}");
            return Err(StartError::Setting { setting, problem });
        }
        if matches!(self.listen, Listen::Unix(_)) {
            let problem = "a Unix socket takes no TLS".into();
            return Err(StartError::Setting { setting: given, problem });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_for_a_folder_that_is_followed() {
        let period = Some(Duration::from_secs(3));
        let mut config = Config { networks_poll: period, ..Config::default() };
        assert_eq!(
            (config.networks_mode(), config.networks_period()),
            (NetworksMode::Poll, period)
        );
        config.networks_mode = Some(NetworksMode::Explicit);
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("networks_poll") && error.contains("\"explicit\""), "{error}");
        config.networks_poll = None;
        assert!(config.check().is_ok());
        assert_eq!(config.networks_period(), None);
    }

    #[test]
    fn an_address_beyond_loopback_needs_a_word() {
        let mut config = Config { listen: "0.0.0.0:7411".parse().unwrap(), ..Config::default() };
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("--insecure") && error.contains("0.0.0.0:7411"), "{error}");
        assert!(error.contains("--tls-certificate") && error.contains("--tls-key"), "{error}");
        config.insecure = true;
        assert!(config.check().is_ok());
        config.insecure = false;
        (config.tls_certificate, config.tls_key) = (Some("a.pem".into()), Some("a.key".into()));
        assert!(config.check().is_ok());
    }

    #[test]
    fn files_of_tls_come_together_and_where_they_have_an_effect() {
        let certificate = Config { tls_certificate: Some("a.pem".into()), ..Config::default() };
        let key = Config { tls_key: Some("a.key".into()), ..Config::default() };
        let authorities = Config { tls_client_ca: Some("ca.pem".into()), ..Config::default() };
        let socket = Config {
            listen: "unix:/run/spiked.sock".parse().unwrap(),
            tls_key: Some("a.key".into()),
            ..certificate.clone()
        };
        for (config, said) in [
            (certificate, "tls_key: must be given with tls_certificate"),
            (key, "tls_certificate: must be given with tls_key"),
            (authorities, "tls_certificate: must be given with tls_client_ca"),
            (socket, "tls_certificate: a Unix socket takes no TLS"),
        ] {
            assert_eq!(config.check().unwrap_err().to_string(), said);
        }
    }

    #[test]
    fn metrics_beyond_loopback_need_a_word_of_their_own() {
        let mut config =
            Config { metrics: Some("0.0.0.0:9464".parse().unwrap()), ..Config::default() };
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("--metrics-insecure") && error.contains("127.0.0.1"), "{error}");
        assert!(error.contains("0.0.0.0:9464") && !error.contains('\n'), "{error}");
        config.metrics_insecure = true;
        assert!(config.check().is_ok());
        config.listen = "0.0.0.0:7411".parse().unwrap();
        assert!(config.check().is_err(), "it says nothing of the port");
        (config.metrics_insecure, config.insecure) = (false, true);
        assert!(config.check().is_ok());
    }

    #[test]
    fn a_collector_has_an_address_with_a_scheme() {
        let to = |endpoint: &str| {
            let traces = Traces { endpoint: Some(endpoint.into()), ..Traces::default() };
            Config { traces, ..Config::default() }.check()
        };
        for good in ["http://127.0.0.1:4317", "https://collector.example:4317", "http://[::1]"] {
            assert!(to(good).is_ok(), "{good}");
        }
        for bad in ["", "127.0.0.1:4317", "collector", "unix:/run/otlp", "http://", "http://a b"] {
            let error = to(bad).unwrap_err().to_string();
            assert!(error.starts_with("traces.endpoint: ") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn no_bound_may_be_zero() {
        let mut config = Config::default();
        assert!(config.check().is_ok());
        config.limits.queue_events = 0;
        assert!(config.check().unwrap_err().to_string().contains("limits.queue_events"));
    }
}
