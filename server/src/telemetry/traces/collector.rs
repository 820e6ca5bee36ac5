//! The collector, at the other end of a connection that is made when it is needed.

use std::time::Duration;

use opentelemetry_proto::{
    tonic::collector::trace::v1::{
        ExportTraceServiceRequest, trace_service_client::TraceServiceClient,
    },
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use tonic::{
    Code, Status,
    transport::{Channel, ClientTlsConfig, Endpoint},
};

use crate::StartError;

/// Time to reach the collector.
const CONNECT: Duration = Duration::from_secs(2);
/// Time for its answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Bytes of its answer, and of the answer's head.
const ANSWER_MAX: usize = 64 << 10;
const HEAD_MAX: u32 = 16 << 10;

/// What takes spans.
pub(super) struct Collector {
    client: TraceServiceClient<Channel>,
    resource: ResourceAttributesWithSchema,
}

impl Collector {
    /// Must be called on the runtime that is to carry the connection.
    pub(super) fn new(endpoint: &str, resource: &Resource) -> Result<Self, StartError> {
        let unusable = |error: tonic::transport::Error| StartError::Setting {
            setting: "traces.endpoint",
            problem: format!("{endpoint:?}: {error}"),
        };
        let mut to = Endpoint::from_shared(endpoint.to_owned())
            .map_err(unusable)?
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .http2_max_header_list_size(HEAD_MAX);
        if to.uri().scheme_str() == Some("https") {
            to = to.tls_config(ClientTlsConfig::new().with_native_roots()).map_err(unusable)?;
        }
        let client =
            TraceServiceClient::new(to.connect_lazy()).max_decoding_message_size(ANSWER_MAX);
        Ok(Self { client, resource: resource.into() })
    }

    /// Sends spans, and says how many of them it would not have.
    pub(super) async fn send(&mut self, spans: Vec<SpanData>) -> Result<u64, Status> {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let request = ExportTraceServiceRequest { resource_spans };
        let answer = self.client.export(request).await?.into_inner();
        let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
        Ok(rejected.try_into().unwrap_or(0))
    }
}

/// Whether the same spans may be taken later, as OTLP has it.
pub(super) fn may_pass(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Cancelled
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss
            // A connection that breaks in the middle of an answer.
            | Code::Unknown
    )
}
