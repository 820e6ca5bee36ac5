//! Spans of calls: one for each that opens, steps, keeps or moves a session, or loads a network.
//!
//! A call that says where it belongs (`traceparent`) is put there. What is in a stream has no spans:
//! a batch takes less time than many of them would. Logs don't show these spans; where nobody asks
//! for them, a call finds that out and costs nothing else.

use std::task::{Context, Poll};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Either},
};
use http::{HeaderMap, Request, Response};
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator as _},
    trace::Status as Verdict,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use spiked_proto::v1::EndReason;
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt as _;
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::guard;

/// What these spans are filed under.
pub(super) const TARGET: &str = "spiked_server::call";
/// Characters of an attribute: a refused call may have named anything.
const VALUE_MAX: usize = 128;
const TRACEPARENT: &str = "traceparent";
/// The stream of a producer, whose span ends with it.
const STREAM: &str = "/spiked.v1.StreamService/Stream";

/// Every call that has a span, and the span's name.
const CALLS: [(&str, &str); 8] = [
    (STREAM, "stream"),
    ("/spiked.v1.SessionService/OpenSession", "open"),
    ("/spiked.v1.SessionService/StepSession", "step"),
    ("/spiked.v1.SessionService/SnapshotSession", "snapshot"),
    ("/spiked.v1.SessionService/RestoreSession", "restore"),
    ("/spiked.v1.SessionService/ForkSession", "fork"),
    ("/spiked.v1.SessionService/RewindSession", "rewind"),
    ("/spiked.v1.NetworkService/LoadNetwork", "load"),
];

/// Puts [`Traced`] before a service.
#[derive(Clone)]
pub(crate) struct Traces;

impl<S> Layer<S> for Traces {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced(inner)
    }
}

/// A service whose calls have spans, where somebody asks for them.
#[derive(Clone)]
pub(crate) struct Traced<S>(S);

impl<S> Service<Request<Body>> for Traced<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let Some((path, name)) = CALLS.into_iter().find(|(traced, _)| *traced == path) else {
            return Either::Left(self.0.call(request));
        };
        let span = tracing::info_span!(
            target: TARGET,
            parent: None,
            "call",
            otel.name = name,
            otel.kind = "server"
        );
        if span.is_disabled() {
            return Either::Left(self.0.call(request));
        }
        adopt(&span, request.headers());
        if let Ok(tenant) = guard::tenant(request.extensions()) {
            put(&span, "tenant", &tenant);
        }
        let answering = self.0.call(request).instrument(span.clone());
        let followed = Followed::new(span);
        Either::Right(async move { followed.answered(answering.await, path) }.boxed())
    }
}

/// Gives a span the parent that its caller names. Nothing else that a caller says of its trace is
/// kept: it would be kept for as long as the span.
fn adopt(span: &Span, headers: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract(&Parent(headers));
    // The span has just been made, so there is nothing that it could have begun with.
    let _ = span.set_parent(parent);
}

struct Parent<'a>(&'a HeaderMap);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then(|| self.0.get(key)?.to_str().ok()).flatten()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// What a call is about, once that is known.
pub(crate) fn about(session: Option<&str>, network: &str, version: &str) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    if let Some(session) = session {
        put(&span, "session", session);
    }
    put(&span, "network", network);
    put(&span, "version", version);
}

/// What a refused call was to be about, as far as it said so.
pub(crate) fn asked(session: &str, network: &str, version: &str) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    for (name, value) in [("session", session), ("network", network), ("version", version)] {
        if !value.is_empty() {
            put(&span, name, value);
        }
    }
}

/// Says of a session's span how the session ended.
pub(crate) fn session_ended(span: &Span, outcome: &str, reason: Option<(EndReason, &str)>) {
    put(span, "outcome", outcome);
    if let Some((reason, message)) = reason {
        ended(span, reason, message);
    }
}

/// An attribute that logs don't show.
pub(crate) fn put(span: &Span, name: &'static str, value: &str) {
    let value: String = value.chars().take(VALUE_MAX).collect();
    span.set_attribute(name, value);
}

fn ended(span: &Span, reason: EndReason, message: &str) {
    put(span, "reason", reason.as_str_name());
    if reason == EndReason::Failed {
        fails(span, message);
    }
}

fn fails(span: &Span, message: &str) {
    let description: String = message.chars().take(VALUE_MAX).collect();
    span.set_status(Verdict::Error { description: description.into() });
}

/// A span until the end of what it is of; whoever goes before that has cancelled it.
pub(crate) struct Followed {
    span: Span,
    is_told: bool,
}

impl Followed {
    fn new(span: Span) -> Self {
        Self { span, is_told: false }
    }

    /// The span of the call that is being answered.
    pub(crate) fn current() -> Self {
        let span = Span::current();
        Self { is_told: span.is_disabled(), span }
    }

    /// The stream came to its end.
    pub(crate) fn ended(&mut self, reason: EndReason, message: &str) {
        if !self.is_told {
            self.tell("ended");
            ended(&self.span, reason, message);
        }
    }

    fn answered<E>(
        mut self,
        answer: Result<Response<Body>, E>,
        path: &str,
    ) -> Result<Response<Body>, E> {
        match answer.as_ref().map(|response| Status::from_header_map(response.headers())) {
            Ok(Some(status)) if status.code() != Code::Ok => self.refused(&status),
            // What follows belongs to the stream, and it tells.
            Ok(_) if path == STREAM => self.is_told = true,
            Ok(_) => self.tell("ok"),
            Err(_) => {}
        }
        answer
    }

    /// The published reason, or the code where there is none. Only what is the daemon's fault fails a
    /// span, as OpenTelemetry has it for servers.
    fn refused(&mut self, status: &Status) {
        self.tell("refused");
        match status.get_details_error_info() {
            Some(info) => put(&self.span, "reason", &info.reason),
            None => put(&self.span, "reason", &format!("{:?}", status.code())),
        }
        let is_ours = matches!(
            status.code(),
            Code::Unknown
                | Code::DeadlineExceeded
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss
        );
        if is_ours {
            fails(&self.span, status.message());
        }
    }

    fn tell(&mut self, outcome: &str) {
        self.is_told = true;
        put(&self.span, "outcome", outcome);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if !self.is_told {
            put(&self.span, "outcome", "cancelled");
        }
    }
}
