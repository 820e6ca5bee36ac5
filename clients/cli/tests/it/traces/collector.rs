//! A collector of OpenTelemetry that keeps what it is sent.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use futures::StreamExt as _;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1,
};
use spiked_client::hex;
use tokio::{runtime::Builder, sync::oneshot};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Identity, Server, ServerTlsConfig},
};

use crate::authority::Signed;

/// A span as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// What sent it is called.
    pub(super) service: String,
    pub(super) span: v1::Span,
}

impl Span {
    pub(super) fn name(&self) -> &str {
        &self.span.name
    }

    /// An attribute; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        text(&self.span.attributes, name)
    }

    pub(super) fn trace(&self) -> String {
        hex(&self.span.trace_id)
    }

    pub(super) fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    pub(super) fn has_failed(&self) -> bool {
        let status = self.span.status.clone().unwrap_or_default();
        status.code() == v1::status::StatusCode::Error
    }
}

fn text<'a>(attributes: &'a [KeyValue], name: &str) -> &'a str {
    let found = attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.as_ref()) {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text,
        _ => "",
    }
}

/// What a collector was sent.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut kept = self.0.lock().expect("whole");
        for of_resource in request.into_inner().resource_spans {
            let resource = of_resource.resource.unwrap_or_default();
            let service = text(&resource.attributes, "service.name").to_owned();
            let spans = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            kept.extend(spans.map(|span| Span { service: service.clone(), span }));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// A collector that runs until it is dropped.
pub(super) struct Collector {
    pub(super) address: SocketAddr,
    kept: Kept,
    connections: Arc<AtomicUsize>,
    /// It runs until this is dropped.
    _stop: oneshot::Sender<()>,
}

impl Collector {
    pub(super) fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"))
    }

    pub(super) fn start_at(address: SocketAddr) -> Self {
        Self::serve(Server::builder(), address)
    }

    /// One that proves who it is.
    pub(super) fn start_secured(certificate: &Signed) -> Self {
        let identity = Identity::from_pem(&certificate.pem, &certificate.key_pem);
        let secured = Server::builder().tls_config(ServerTlsConfig::new().identity(identity));
        let address = "127.0.0.1:0".parse().expect("an address");
        Self::serve(secured.expect("a certificate and its key"), address)
    }

    /// On a thread of its own: it takes spans while a test waits for the end of a daemon.
    fn serve(mut server: Server, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("bound");
        listener.set_nonblocking(true).expect("set");
        let address = listener.local_addr().expect("an address");
        let (kept, connections) = (Kept::default(), Arc::<AtomicUsize>::default());
        let (service, counted) = (TraceServiceServer::new(kept.clone()), connections.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let incoming = TcpListenerStream::new(listener).inspect(move |_| {
                // Ordering: Relaxed, a figure.
                counted.fetch_add(1, Relaxed);
            });
            tokio::select! {
                served = server.add_service(service).serve_with_incoming(incoming) => {
                    served.expect("it serves");
                }
                _ = stopped => {}
            }
        };
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        thread::spawn(move || runtime.block_on(serve));
        Self { address, kept, connections, _stop: stop }
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.kept.0.lock().expect("whole").clone()
    }

    /// Connections that there were.
    pub(super) fn connections(&self) -> usize {
        // Ordering: Relaxed, a figure.
        self.connections.load(Relaxed)
    }

    /// Waits for a span like this one.
    pub(super) async fn wait_for(&self, is_wanted: impl Fn(&Span) -> bool) -> Span {
        let arrives = async {
            loop {
                if let Some(span) = self.spans().into_iter().find(&is_wanted) {
                    return span;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let arrived = tokio::time::timeout(Duration::from_secs(30), arrives).await;
        arrived.unwrap_or_else(|_| panic!("it did not arrive among {:#?}", self.spans()))
    }

    /// The only span of a name.
    pub(super) fn only(&self, name: &str) -> Span {
        let mut spans: Vec<_> = self.spans();
        spans.retain(|span| span.name() == name);
        assert_eq!(spans.len(), 1, "spans of the name {name}: {spans:#?}");
        spans.remove(0)
    }
}
