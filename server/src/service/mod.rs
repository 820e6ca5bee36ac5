//! The gRPC services: translate, call, translate back. The only place that knows tonic.

mod networks;
mod sessions;
mod status;
mod stream;

use std::sync::Arc;

use spiked_proto::v1::{
    FILE_DESCRIPTOR_SET, network_service_server::NetworkServiceServer,
    session_service_server::SessionServiceServer, stream_service_server::StreamServiceServer,
};
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    StartError, config::Limits, guard::DECODE_MAX, networks::Repository,
    session::registry::Registry,
};

/// What the services work with.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) registry: Arc<Registry>,
    pub(crate) repository: Arc<Repository>,
    pub(crate) limits: Limits,
}

/// Health of the whole (the empty name) and of each service.
const HEALTH_NAMES: [&str; 4] =
    ["", "spiked.v1.NetworkService", "spiked.v1.SessionService", "spiked.v1.StreamService"];

/// All services, and what sets their health.
pub(crate) fn routes(services: Services) -> Result<(Routes, HealthReporter), StartError> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| StartError::Serve(format!("reflection: {error}")))?;
    let networks = networks::Networks {
        repository: services.repository.clone(),
        registry: services.registry.clone(),
    };
    let sessions = sessions::Sessions(services.registry.clone());
    let streams = stream::Streams(services);
    let routes = Routes::new(health)
        .add_service(reflection)
        .add_service(NetworkServiceServer::new(networks).max_decoding_message_size(DECODE_MAX))
        .add_service(SessionServiceServer::new(sessions).max_decoding_message_size(DECODE_MAX))
        .add_service(StreamServiceServer::new(streams).max_decoding_message_size(DECODE_MAX));
    Ok((routes, reporter))
}

/// Tells whoever asks for the daemon's health.
pub(crate) async fn set_health(reporter: &HealthReporter, serving: bool) {
    let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in HEALTH_NAMES {
        reporter.set_service_status(name, status).await;
    }
}
