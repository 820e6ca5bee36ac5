//! The daemon's own name, where several stand behind one address.
//!
//! Every answer carries it as `spiked-daemon`. A client that comes back to a session sends it along, so that
//! whatever stands between can lead it to the daemon that has the session: a name stays when a daemon gets
//! another address. One that was led astray is told so and may come again, for at the wrong daemon it would
//! find no session, or make a second one of the same id.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Either},
};
use http::{HeaderName, HeaderValue, Request, Response};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use crate::error::Error;

/// What carries the name, in requests and in answers.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("spiked-daemon");

/// Puts [`Named`] before a service.
#[derive(Clone)]
pub(crate) struct Naming(Option<Arc<str>>);

impl Naming {
    pub(crate) fn new(name: Option<&str>) -> Self {
        Self(name.map(Arc::from))
    }
}

impl<S> Layer<S> for Naming {
    type Service = Named<S>;

    fn layer(&self, inner: S) -> Named<S> {
        Named { inner, name: self.0.clone() }
    }
}

/// A service of a daemon that may have a name.
#[derive(Clone)]
pub(crate) struct Named<S> {
    inner: S,
    name: Option<Arc<str>>,
}

type Answered<E> = Result<Response<Body>, E>;

impl<S> Service<Request<Body>> for Named<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    /// A daemon without a name, which most are, pays nothing.
    type Future = Either<
        S::Future,
        Either<BoxFuture<'static, Answered<S::Error>>, Ready<Answered<S::Error>>>,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Some(name) = self.name.clone() else {
            return Either::Left(self.inner.call(request));
        };
        if let Err(error) = check(&name, &request) {
            let refused = named(Status::from(error).into_http(), &name);
            return Either::Right(Either::Right(ready(Ok(refused))));
        }
        let answering = self.inner.call(request);
        let answering = answering.map(move |answer| answer.map(|answer| named(answer, &name)));
        Either::Right(Either::Left(answering.boxed()))
    }
}

/// Whether the request is for this daemon, or for any.
fn check(name: &str, request: &Request<Body>) -> Result<(), Error> {
    match request.headers().get(HEADER) {
        Some(asked) if asked.as_bytes() != name.as_bytes() => {
            let asked = String::from_utf8_lossy(asked.as_bytes()).into_owned();
            Err(Error::OtherDaemon { name: name.to_owned(), asked })
        }
        _ => Ok(()),
    }
}

fn named(mut answer: Response<Body>, name: &str) -> Response<Body> {
    // It was checked with the settings, and is plain.
    if let Ok(value) = HeaderValue::from_str(name) {
        answer.headers_mut().insert(HEADER, value);
    }
    answer
}
