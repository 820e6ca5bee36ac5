//! What requests may hold while they arrive, and how long that may take.
//!
//! HTTP/2 bounds what a stream has on its way, and gRPC's decoder collects the message that is under
//! way. A client that never finishes its messages would have the daemon keep them for ever, one for
//! each stream of each connection. So each part of a request has a deadline, and all messages under
//! way have one budget. Sessions' streams live long and are bounded by credit; they pass by.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use tokio::time::{Instant, Sleep, sleep};
use tonic::{Status, body::Body, codegen::Body as HttpBody};
use tower::{Layer, Service};

use super::{ended::Ended, message::Message};
use crate::{config::Limits, error::Error};

/// The one call whose request goes on as long as its session.
const ENDLESS: &str = "/spiked.v1.StreamService/Stream";
/// A request has its deadline for so much, and again for as much more \[bytes\].
const PART_BYTES: usize = 1 << 20;
/// Of a message that come free: small calls go on while large ones use the budget up \[bytes\].
const FREE_BYTES: u64 = 4 << 10;

/// Puts [`Bounded`] around the bodies of requests.
#[derive(Clone)]
pub(crate) struct Bodies {
    budget: Arc<Budget>,
    deadline: Duration,
    ended: Arc<Ended>,
}

impl Bodies {
    pub(crate) fn new(limits: &Limits, ended: Arc<Ended>) -> Self {
        let budget = Arc::new(Budget { limit: limits.request_bytes, held: AtomicU64::new(0) });
        Self { budget, deadline: limits.request_deadline, ended }
    }

    fn bounded(&self, inner: Body) -> Bounded {
        Bounded {
            inner,
            deadline: self.deadline,
            alarm: Box::pin(sleep(self.deadline)),
            part_bytes: 0,
            message: Message::default(),
            held: Held { budget: self.budget.clone(), bytes: 0 },
            ended: self.ended.clone(),
        }
    }
}

impl<S> Layer<S> for Bodies {
    type Service = Bounding<S>;

    fn layer(&self, inner: S) -> Bounding<S> {
        Bounding { inner, bodies: self.clone() }
    }
}

/// A service that gets bounded bodies.
#[derive(Clone)]
pub(crate) struct Bounding<S> {
    inner: S,
    bodies: Bodies,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Bounding<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        if request.uri().path() == ENDLESS {
            return self.inner.call(request);
        }
        self.inner.call(request.map(|body| Body::new(self.bodies.bounded(body))))
    }
}

/// What all messages under way may hold \[bytes\].
#[derive(Debug)]
struct Budget {
    limit: u64,
    held: AtomicU64,
}

/// One message's part of it, which is given back when its body is dropped.
#[derive(Debug)]
struct Held {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Held {
    /// Holds so much from here on, if there is room.
    fn set(&mut self, bytes: u64) -> Result<(), Error> {
        let Budget { limit, held } = &*self.budget;
        // Ordering: Relaxed all, a sum that guards no other memory.
        if bytes <= self.bytes {
            held.fetch_sub(self.bytes - bytes, Relaxed);
        } else {
            let more = bytes - self.bytes;
            let fits = |held: u64| held.checked_add(more).filter(|sum| sum <= limit);
            held.fetch_update(Relaxed, Relaxed, fits)
                .map_err(|_| Error::Requests { limit: *limit })?;
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Ordering: Relaxed, as above.
        self.budget.held.fetch_sub(self.bytes, Relaxed);
    }
}

/// A request's body that arrives in time and within the budget, or fails.
struct Bounded {
    inner: Body,
    deadline: Duration,
    alarm: Pin<Box<Sleep>>,
    /// What came of the part that the alarm is for.
    part_bytes: usize,
    message: Message,
    held: Held,
    ended: Arc<Ended>,
}

impl Bounded {
    fn took(&mut self, bytes: &[u8]) -> Result<(), Status> {
        self.part_bytes += bytes.len();
        if self.part_bytes >= PART_BYTES {
            self.part_bytes %= PART_BYTES;
            self.alarm.as_mut().reset(Instant::now() + self.deadline);
        }
        let held = self.held.set(self.message.take(bytes).saturating_sub(FREE_BYTES));
        held.map_err(|error| self.end(error))
    }

    fn end(&self, error: Error) -> Status {
        self.ended.count(&error);
        error.into()
    }
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let taken = frame.data_ref().map_or(Ok(()), |bytes| self.took(bytes));
                Poll::Ready(Some(taken.map(|()| frame)))
            }
            Poll::Ready(other) => Poll::Ready(other),
            Poll::Pending => {
                ready!(self.alarm.as_mut().poll(context));
                let seconds = self.deadline.as_secs_f32();
                Poll::Ready(Some(Err(self.end(Error::RequestLate { seconds }))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_bounded_and_given_back() {
        let budget = Arc::new(Budget { limit: 10, held: AtomicU64::new(0) });
        let held = || Held { budget: budget.clone(), bytes: 0 };
        let (mut one, mut other) = (held(), held());
        one.set(7).unwrap();
        other.set(3).unwrap();
        assert!(matches!(other.set(4), Err(Error::Requests { limit: 10 })));
        one.set(6).unwrap();
        other.set(4).unwrap();
        drop(one);
        assert!(other.set(u64::MAX).is_err(), "no sum runs over");
        other.set(10).unwrap();
        drop(other);
        assert_eq!(budget.held.load(Relaxed), 0);
    }
}
