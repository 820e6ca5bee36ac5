//! Spans to a collector of OpenTelemetry, over OTLP and gRPC; off unless a collector is named.
//!
//! A span that has ended goes into a bounded queue, which a thread of its own empties towards the
//! collector. Whatever the collector does, the daemon waits for it nowhere but at its own end, and
//! there for [`FLUSH`] at most.

mod collector;
mod forwarder;
mod queue;
mod tally;

use std::{
    io,
    thread::{self, JoinHandle},
    time::Duration,
};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider, SpanLimits, Tracer},
};
use tokio::sync::{mpsc, oneshot};

pub(super) use self::tally::TALLY;
use self::{collector::Collector, forwarder::Forwarder, queue::Queue};
use crate::{StartError, config};

/// Spans that wait for the collector. About a second of the fastest closed loop.
const QUEUE_SPANS: usize = 8_192;
/// Attributes of a span. Those of ours are fewer.
const ATTRIBUTES_MAX: u32 = 16;
/// How long the daemon's end waits for spans to leave.
pub(super) const FLUSH: Duration = Duration::from_secs(2);

/// What sends spans to the collector.
pub(super) struct Exporter {
    provider: SdkTracerProvider,
    close: oneshot::Sender<Duration>,
    thread: JoinHandle<()>,
}

impl Exporter {
    /// Sets out for a collector, which need not be there yet. `None` where none is named.
    pub(super) fn start(traces: &config::Traces) -> Result<Option<Self>, StartError> {
        let Some(endpoint) = &traces.endpoint else {
            return Ok(None);
        };
        let resource = Resource::builder().with_service_name(traces.service.clone()).build();
        let failed = |error: io::Error| StartError::Telemetry(format!("traces: {error}"));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        // The channel's task belongs to the runtime that is entered where it is made.
        let entered = runtime.enter();
        let collector = Collector::new(endpoint, &resource)?;
        drop(entered);
        let (sender, spans) = mpsc::channel(QUEUE_SPANS);
        let (close, closing) = oneshot::channel();
        let forwarder = Forwarder::new(spans, collector);
        let forward = move || {
            runtime.block_on(forwarder.run(closing));
            // A name that is still looked up holds nobody up.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("traces".into()).spawn(forward).map_err(failed)?;
        let limits = SpanLimits { max_attributes_per_span: ATTRIBUTES_MAX, ..Default::default() };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_limits(limits)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                traces.ratio.get(),
            ))))
            .with_span_processor(Queue(sender))
            .build();
        Ok(Some(Self { provider, close, thread }))
    }

    pub(super) fn tracer(&self) -> Tracer {
        self.provider.tracer("spiked")
    }

    /// Sends what waits, for [`FLUSH`] at most.
    pub(super) fn end(self) {
        // It is there until it is told.
        let _ = self.close.send(FLUSH);
        if self.thread.join().is_err() {
            tracing::error!("the thread that sends spans broke down");
        }
    }
}
