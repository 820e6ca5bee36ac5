//! A port of its own for machines that look after the daemon: HTTP/1, three pages, nothing to set.
//!
//! One request a connection, a deadline on each, and few of them at once: whoever scrapes connects
//! every few seconds, and nobody who means well needs more.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::metrics::{Sources, scrape};
use crate::StartError;

const CONNECTIONS_MAX: usize = 16;
const HEADER_DEADLINE: Duration = Duration::from_secs(5);
/// For a whole connection, so that one who does not read goes as well.
const DEADLINE: Duration = Duration::from_secs(15);
const HEADER_BYTES_MAX: usize = 8 << 10;
/// How long to wait when no file is left for another connection.
const FILES_PAUSE: Duration = Duration::from_millis(100);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Whether calls are answered.
#[derive(Debug, Default)]
pub(crate) struct Readiness(AtomicU8);

/// How far the daemon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Sessions are made again of their journals.
    Recovering = 0,
    Ready = 1,
    /// It was asked to end.
    Draining = 2,
}

impl Readiness {
    // Ordering: Relaxed both. The state guards nothing but itself.

    pub(crate) fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Relaxed);
    }

    fn stage(&self) -> Stage {
        match self.0.load(Relaxed) {
            0 => Stage::Recovering,
            1 => Stage::Ready,
            _ => Stage::Draining,
        }
    }
}

/// What the pages show.
pub(crate) struct Pages {
    pub(crate) sources: Arc<Sources>,
    pub(crate) readiness: Arc<Readiness>,
}

/// Takes the port; says where that is.
pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address: format!("{address} (metrics)"), source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Serves until it is dropped, and its connections with it.
pub(crate) async fn serve(listener: TcpListener, pages: Pages) {
    let pages = Arc::new(pages);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Ok((socket, _)) = accepted else {
            sleep(FILES_PAUSE).await;
            continue;
        };
        // Closing it tells the client more than letting it wait.
        if let Ok(place) = places.clone().try_acquire_owned() {
            let pages = pages.clone();
            connections.spawn(async move {
                // One that is late or speaks something else concerns nobody.
                let _ = timeout(DEADLINE, converse(socket, pages)).await;
                drop(place);
            });
        }
    }
}

async fn converse(socket: TcpStream, pages: Arc<Pages>) -> hyper::Result<()> {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = pages.answer(request.method(), request.uri().path());
        async move { Ok::<_, Infallible>(response) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(HEADER_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(socket), service)
        .await
}

impl Pages {
    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if method != Method::GET {
            let mut refused = page(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "GET only\n");
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            return refused;
        }
        match path {
            "/metrics" => match scrape(&self.sources) {
                Ok(text) => page(StatusCode::OK, OPEN_METRICS, text),
                Err(_) => page(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "no figures\n"),
            },
            "/healthz" => page(StatusCode::OK, PLAIN, "alive\n"),
            "/readyz" => match self.readiness.stage() {
                Stage::Ready => page(StatusCode::OK, PLAIN, "ready\n"),
                Stage::Recovering => page(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "recovering\n"),
                Stage::Draining => page(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "draining\n"),
            },
            _ => page(StatusCode::NOT_FOUND, PLAIN, "/metrics, /healthz or /readyz\n"),
        }
    }
}

fn page(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
