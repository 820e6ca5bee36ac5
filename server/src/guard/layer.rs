//! The guard before all services: no call reaches one without the scope that it needs.
//!
//! Asked once a call; what a stream carries once it is open passes by.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::Either;
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::{
    scopes::{Need, needed},
    tokens::Tokens,
};
use crate::error::Error;

/// Puts [`Guarded`] before a service.
#[derive(Clone)]
pub(crate) struct Guard(Arc<Tokens>);

impl Guard {
    pub(crate) const fn new(tokens: Arc<Tokens>) -> Self {
        Self(tokens)
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, tokens: self.0.clone() }
    }
}

/// A service that only those call who may.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    tokens: Arc<Tokens>,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match admit(&self.tokens, &mut request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(error) => {
                tracing::debug!(path = request.uri().path(), %error, "refused a call");
                Either::Right(ready(Ok(Status::from(error).into_http())))
            }
        }
    }
}

/// Writes the caller into the request, if it may make it.
fn admit(tokens: &Tokens, request: &mut Request<Body>) -> Result<(), Error> {
    let need = needed(request.uri().path());
    if need == Need::Nothing {
        return Ok(());
    }
    let caller = tokens.caller(bearer(request.headers()))?;
    caller.check(need)?;
    request.extensions_mut().insert(caller);
    Ok(())
}

/// The token of `authorization: Bearer TOKEN`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_behind_its_scheme() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            bearer(&headers).map(<[u8]>::to_vec)
        };
        assert_eq!(of("Bearer abc"), Some(b"abc".to_vec()));
        assert_eq!(of("bearer  abc"), Some(b"abc".to_vec()));
        assert_eq!(of("Basic abc"), None);
        assert_eq!(of("abc"), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
