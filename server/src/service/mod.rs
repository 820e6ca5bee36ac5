//! The gRPC services: translate, call, translate back. The only place that knows tonic.

mod health;
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

pub(crate) use self::health::Health;
use crate::{
    StartError,
    config::Limits,
    guard::{DECODE_MAX, Ended},
    networks::Repository,
    session::registry::Registry,
};

/// What the services work with.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) registry: Arc<Registry>,
    pub(crate) repository: Arc<Repository>,
    pub(crate) limits: Limits,
    pub(crate) ended: Arc<Ended>,
}

/// All services, and what sets their health.
pub(crate) fn routes(services: Services) -> Result<(Routes, Arc<Health>), StartError> {
    let (reporter, checks) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| StartError::Serve(format!("reflection: {error}")))?;
    let health = Arc::new(Health::new(reporter, services.repository.clone()));
    let networks = networks::Networks {
        repository: services.repository.clone(),
        registry: services.registry.clone(),
        health: health.clone(),
    };
    let sessions = sessions::Sessions(services.registry.clone());
    let streams = stream::Streams(services);
    let routes = Routes::new(checks)
        .add_service(reflection)
        .add_service(NetworkServiceServer::new(networks).max_decoding_message_size(DECODE_MAX))
        .add_service(SessionServiceServer::new(sessions).max_decoding_message_size(DECODE_MAX))
        .add_service(StreamServiceServer::new(streams).max_decoding_message_size(DECODE_MAX));
    Ok((routes, health))
}
