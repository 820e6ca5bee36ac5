//! A connection to a daemon.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::{IntoPyObjectExt as _, exceptions::PyValueError, prelude::*, types::PyBytes};
use spiked_client::{self as client, ConnectOptions, v1};

use crate::{
    connections::Connections,
    errors::OrRaise as _,
    options::Options,
    orphan::Orphan,
    pending::Pending,
    session::Session,
    steps::Steps,
    watch::{Asked, Watch},
};

/// A connection to a daemon.
#[pyclass(module = "spiked._native")]
pub(crate) struct Client {
    client: client::Client,
    connections: Arc<Connections>,
}

/// Id, network, version, whether a producer is there, and whether it rests on disk.
type Listed = (String, String, String, bool, bool);

fn listed(info: v1::SessionInfo) -> Listed {
    (info.session_id, info.network, info.network_version, info.has_producer, info.at_rest)
}

/// Calls that give a session give what is listed of it.
fn one(python: Python<'_>, info: v1::SessionInfo) -> PyResult<Py<PyAny>> {
    listed(info).into_py_any(python)
}

#[pymethods]
impl Client {
    /// Connects.
    #[staticmethod]
    #[pyo3(signature = (address, token=None, ca=None, certificate=None, key=None))]
    fn connect(
        python: Python<'_>,
        address: String,
        token: Option<&str>,
        ca: Option<&[u8]>,
        certificate: Option<&[u8]>,
        key: Option<&[u8]>,
    ) -> PyResult<Pending> {
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
        let connecting = async move { client::Client::connect_using(&address, options).await };
        Ok(Pending::call(connecting, |python, client| {
            let connections = Arc::new(Connections::new(client.clone()));
            Self { client, connections }.into_py_any(python)
        }))
    }

    #[getter]
    fn address(&self) -> String {
        self.client.address().to_string()
    }

    /// Opens a session and a stream into it, which keeps up to so much output unread.
    fn open(&self, options: Options, unread_max: usize) -> PyResult<Pending> {
        let (connections, options) = (self.connections.clone(), options.read()?);
        let opening = async move {
            let place = connections.place().await?;
            let session = place.client().open(options).await?;
            let orphan = Orphan::new(place.client(), session.tables());
            Ok((place, session, orphan))
        };
        Ok(Pending::call(opening, move |python, (place, session, orphan)| {
            let session = Session::new(place, session, unread_max)?;
            orphan.taken();
            session.into_py_any(python)
        }))
    }

    /// Opens a session that runs step by step.
    fn open_steps(&self, options: Options) -> PyResult<Pending> {
        let (client, options) = (self.client.clone(), options.read()?);
        let opening = async move {
            let steps = client.open_steps(&options).await?;
            let orphan = Orphan::new(&client, steps.tables());
            Ok((steps, orphan))
        };
        Ok(Pending::call(opening, |python, (steps, orphan)| {
            orphan.taken();
            Steps::new(steps).into_py_any(python)
        }))
    }

    /// Begins to watch a session.
    fn watch(&self, asked: Asked) -> PyResult<Pending> {
        let (connections, requests) = (self.connections.clone(), asked.read()?);
        let beginning = async move {
            let mut watches = Vec::new();
            for request in requests {
                let place = connections.place().await?;
                let watch = place.client().watch(request).await?;
                watches.push((place, watch));
            }
            Ok(watches)
        };
        Ok(Pending::call(beginning, |python, watches| Watch::new(watches)?.into_py_any(python)))
    }

    fn sessions(&self) -> Pending {
        let client = self.client.clone();
        Pending::call(async move { client.list_sessions().await }, |python, sessions| {
            let sessions: Vec<Listed> = sessions.into_iter().map(listed).collect();
            sessions.into_py_any(python)
        })
    }

    fn snapshot(&self, id: String) -> Pending {
        let client = self.client.clone();
        Pending::call(async move { client.snapshot_session(&id).await }, |python, taken| {
            PyBytes::new(python, &taken.snapshot_sha256).into_py_any(python)
        })
    }

    fn restore(&self, snapshot: Vec<u8>, id: String) -> Pending {
        let (client, snapshot) = (self.client.clone(), Bytes::from(snapshot));
        Pending::call(async move { client.restore_session(snapshot, &id).await }, one)
    }

    fn fork(&self, id: String, fork_id: String) -> Pending {
        let client = self.client.clone();
        Pending::call(async move { client.fork_session(&id, &fork_id).await }, one)
    }

    fn rewind(&self, id: String, snapshot: Vec<u8>) -> Pending {
        let (client, snapshot) = (self.client.clone(), Bytes::from(snapshot));
        Pending::call(async move { client.rewind_session(&id, snapshot).await }, one)
    }

    fn close_session(&self, id: String) -> Pending {
        let client = self.client.clone();
        let closing = async move { client.close_session(&id).await };
        Pending::call(closing, |python, _| Ok(python.None()))
    }

    /// Name and version of each network.
    fn networks(&self) -> Pending {
        let client = self.client.clone();
        Pending::call(async move { client.list_networks().await }, |python, networks| {
            let named = networks.into_iter().map(|network| (network.name, network.version));
            named.collect::<Vec<_>>().into_py_any(python)
        })
    }
}
