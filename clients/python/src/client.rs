//! A connection to a daemon.

use std::time::Duration;

use bytes::Bytes;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};
use spiked_client::{self as client, ConnectOptions, Durability, OpenOptions, Origin, Pace, v1};

use crate::{errors::OrRaise as _, session::Session, steps::Steps, waiting::wait};

/// A connection to a daemon.
#[pyclass(module = "spiked._native")]
pub(crate) struct Client {
    client: client::Client,
}

/// Id, network, version, whether a producer is there, and whether it rests on disk.
type Listed = (String, String, String, bool, bool);

fn listed(info: v1::SessionInfo) -> Listed {
    (info.session_id, info.network, info.network_version, info.has_producer, info.at_rest)
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (address, token=None, ca=None, certificate=None, key=None))]
    fn new(
        python: Python<'_>,
        address: &str,
        token: Option<&str>,
        ca: Option<&[u8]>,
        certificate: Option<&[u8]>,
        key: Option<&[u8]>,
    ) -> PyResult<Self> {
        let mut options = ConnectOptions::default();
        if let Some(token) = token {
            options = options.with_token(token).or_raise(python)?;
        }
        if let Some(ca) = ca {
            options = options.with_ca(ca).or_raise(python)?;
        }
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                options = options.with_certificate(certificate, key).or_raise(python)?;
            }
            (None, None) => {}
            _ => return Err(PyValueError::new_err("a certificate and its key come together")),
        }
        let connecting = client::Client::connect_using(address, options);
        let client = wait(python, connecting)?.or_raise(python)?;
        Ok(Self { client })
    }

    #[getter]
    fn address(&self) -> String {
        self.client.address().to_string()
    }

    /// Opens a session and a stream into it.
    #[pyo3(signature = (
        network, version, session_id, sensors, origin_us, seed, workers, durability, lateness_us,
        patience_s, run_on_us,
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's half names them")]
    fn open(
        &self,
        python: Python<'_>,
        network: &str,
        version: String,
        session_id: String,
        sensors: Vec<(String, u32, u32)>,
        origin_us: Option<u64>,
        seed: Option<u64>,
        workers: u32,
        durability: &str,
        lateness_us: Option<u64>,
        patience_s: Option<f64>,
        run_on_us: Option<u64>,
    ) -> PyResult<Session> {
        let options = Options {
            network,
            version,
            session_id,
            sensors,
            origin_us,
            seed,
            workers,
            durability,
            lateness_us,
            patience_s,
            run_on_us,
        };
        let options = options.read()?;
        let session = wait(python, self.client.open(options))?.or_raise(python)?;
        Ok(Session::new(self.client.clone(), session))
    }

    /// Opens a session that runs step by step.
    #[expect(clippy::too_many_arguments, reason = "Python's half names them")]
    fn open_steps(
        &self,
        python: Python<'_>,
        network: &str,
        version: String,
        session_id: String,
        sensors: Vec<(String, u32, u32)>,
        origin_us: u64,
        seed: Option<u64>,
        workers: u32,
        durability: &str,
    ) -> PyResult<Steps> {
        let options = Options {
            network,
            version,
            session_id,
            sensors,
            origin_us: Some(origin_us),
            seed,
            workers,
            durability,
            lateness_us: None,
            patience_s: None,
            run_on_us: None,
        };
        let options = options.read()?;
        let opening = self.client.open_steps(&options);
        wait(python, opening)?.or_raise(python).map(Steps::new)
    }

    fn sessions(&self, python: Python<'_>) -> PyResult<Vec<Listed>> {
        let sessions = wait(python, self.client.list_sessions())?.or_raise(python)?;
        Ok(sessions.into_iter().map(listed).collect())
    }

    fn snapshot<'py>(&self, python: Python<'py>, id: &str) -> PyResult<Bound<'py, PyBytes>> {
        let taken = wait(python, self.client.snapshot_session(id))?.or_raise(python)?;
        Ok(PyBytes::new(python, &taken.snapshot_sha256))
    }

    fn restore(&self, python: Python<'_>, snapshot: Vec<u8>, id: &str) -> PyResult<Listed> {
        let restoring = self.client.restore_session(Bytes::from(snapshot), id);
        wait(python, restoring)?.or_raise(python).map(listed)
    }

    fn fork(&self, python: Python<'_>, id: &str, fork_id: &str) -> PyResult<Listed> {
        wait(python, self.client.fork_session(id, fork_id))?.or_raise(python).map(listed)
    }

    fn rewind(&self, python: Python<'_>, id: &str, snapshot: Vec<u8>) -> PyResult<Listed> {
        let rewinding = self.client.rewind_session(id, Bytes::from(snapshot));
        wait(python, rewinding)?.or_raise(python).map(listed)
    }

    fn close_session(&self, python: Python<'_>, id: &str) -> PyResult<()> {
        wait(python, self.client.close_session(id))?.or_raise(python).map(drop)
    }

    /// Name, version and description of each network.
    fn networks(&self, python: Python<'_>) -> PyResult<Vec<(String, String)>> {
        let networks = wait(python, self.client.list_networks())?.or_raise(python)?;
        Ok(networks.into_iter().map(|network| (network.name, network.version)).collect())
    }
}

/// Options of a session, as Python gives them.
struct Options<'a> {
    network: &'a str,
    version: String,
    session_id: String,
    sensors: Vec<(String, u32, u32)>,
    origin_us: Option<u64>,
    seed: Option<u64>,
    workers: u32,
    durability: &'a str,
    lateness_us: Option<u64>,
    patience_s: Option<f64>,
    run_on_us: Option<u64>,
}

impl Options<'_> {
    fn read(self) -> PyResult<OpenOptions> {
        let Self { network, version, session_id, sensors, origin_us, seed, workers, .. } = self;
        let Self { durability, lateness_us, patience_s, run_on_us, .. } = self;
        let durability = match durability {
            "none" => Durability::None,
            "never" => Durability::Never,
            "interval" => Durability::Interval,
            "each" => Durability::Each,
            other => {
                let message =
                    format!("durability is {other:?}, expected none, never, interval or each");
                return Err(PyValueError::new_err(message));
            }
        };
        let seconds = |seconds: f64| {
            Duration::try_from_secs_f64(seconds)
                .map_err(|error| PyValueError::new_err(format!("patience: {error}")))
        };
        let mut options = OpenOptions {
            network_version: version,
            session_id,
            seed,
            workers,
            durability,
            run_on_us,
            origin: origin_us.map_or(Origin::FirstBatch, |time_us| Origin::At { time_us }),
            patience: patience_s.map(seconds).transpose()?,
            ..OpenOptions::new(network)
        };
        if let Some(lateness_us) = lateness_us {
            let lateness = Duration::from_micros(lateness_us);
            options.pace = Pace::Live { lateness, lag_max: Duration::ZERO };
        }
        for (port, width, height) in sensors {
            options = options.with_sensor(&port, width, height);
        }
        Ok(options)
    }
}
