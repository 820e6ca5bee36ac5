//! Calls about networks, and what the daemon says about itself.

use sha2::{Digest as _, Sha256};
use spiked_proto::v1;
use tokio_stream::iter;
use tonic::Code;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::support::{CHANNELS, Server, batch, open, touch};

/// An array of u32 in two chunks.
fn upload(values: &[u32]) -> (Vec<v1::UploadBlobRequest>, v1::ArrayRef) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let sha256 = bytes::Bytes::from(Sha256::digest(&bytes).to_vec());
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let first = v1::UploadBlobRequest {
        sha256: sha256.clone(),
        size_bytes: bytes.len() as u64,
        chunk: first.to_vec().into(),
    };
    let second =
        v1::UploadBlobRequest { chunk: second.to_vec().into(), ..v1::UploadBlobRequest::default() };
    let shape = vec![u32::try_from(values.len()).unwrap()];
    let array = v1::ArrayRef { sha256, element_type: v1::ElementType::U32.into(), shape };
    (vec![first, second], array)
}

fn explicit(indices: v1::ArrayRef, delays: v1::ArrayRef, weights: v1::ArrayRef) -> v1::Network {
    let mut network = touch();
    network.name = "crossed".into();
    network.projections[0].connectivity =
        Some(v1::projection::Connectivity::Explicit(v1::ExplicitSynapses {
            sources: Some(indices.clone()),
            targets: Some(indices),
            weights: Some(weights),
            delays_ticks: Some(delays),
        }));
    network
}

#[tokio::test]
async fn a_network_with_uploaded_arrays_runs() {
    let server = Server::start().await;
    let mut networks = server.networks().await;
    let (indices, index_array) = upload(&[3, 5]);
    let (delays, delay_array) = upload(&[10, 20]);
    let (weights, weight_array) = upload(&[1.0_f32.to_bits(), 2.0_f32.to_bits()]);
    for requests in [indices, delays, weights] {
        let stored = networks.upload_blob(iter(requests.clone())).await.unwrap().into_inner();
        assert_eq!(stored.sha256, requests[0].sha256);
    }
    let weight_array = v1::ArrayRef { element_type: v1::ElementType::F32.into(), ..weight_array };
    let network = Some(explicit(index_array, delay_array, weight_array));
    let dry = v1::DryRunRequest { network: network.clone(), sensors: Vec::new() };
    let dry = networks.dry_run(dry).await.unwrap().into_inner();
    assert_eq!(dry.problems, []);
    let request = v1::LoadNetworkRequest { network, version: "7".into(), ..Default::default() };
    networks.load_network(request).await.unwrap();
    let request = v1::DescribeNetworkRequest { name: "crossed".into(), ..Default::default() };
    let cost = networks.describe_network(request).await.unwrap().into_inner().cost.unwrap();
    assert_eq!(cost, dry.cost.unwrap());
    assert_eq!(cost.neurons, u64::from(2 * CHANNELS));

    let record = server.run(open("crossed"), vec![batch(1, 0, &[(0, 3), (0, 5)])]).await;
    let spikes: Vec<_> = record.spikes.iter().map(|spike| (spike.1, spike.3)).collect();
    assert_eq!(spikes[..2], [(10, 3), (20, 5)]);
    assert_eq!(record.opened.unwrap().network_version, "7");
}

#[tokio::test]
async fn a_network_without_its_arrays_and_an_array_of_another_hash_are_refused() {
    let server = Server::start().await;
    let mut networks = server.networks().await;
    let (_, array) = upload(&[1, 2, 3]);
    let network = Some(explicit(array.clone(), array.clone(), array));
    let request = v1::LoadNetworkRequest { network, ..Default::default() };
    let status = networks.load_network(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");

    let (mut requests, _) = upload(&[4, 5, 6]);
    requests[1].chunk = vec![9; requests[1].chunk.len()].into();
    let status = networks.upload_blob(iter(requests)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert!(status.message().contains("REASON_BLOB_INVALID"), "{status}");
    let status = networks.upload_blob(iter(Vec::new())).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
}

#[tokio::test]
async fn a_dry_run_names_every_problem() {
    let server = Server::start().await;
    let mut networks = server.networks().await;
    let mut network = touch();
    network.projections[0].target = "nobody".into();
    let request = v1::DryRunRequest { network: Some(network), sensors: Vec::new() };
    let problems = networks.dry_run(request).await.unwrap().into_inner().problems;
    assert!(problems.iter().any(|problem| problem.message.contains("nobody")), "{problems:?}");
}

#[tokio::test]
async fn another_description_under_the_same_name_is_refused() {
    let server = Server::start().await;
    let mut networks = server.networks().await;
    let request = |network| v1::LoadNetworkRequest {
        network: Some(network),
        version: String::new(),
        name: String::new(),
    };
    networks.load_network(request(touch())).await.unwrap();
    let other = v1::Network { seed: 9, ..touch() };
    let status = networks.load_network(request(other)).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists, "{status}");
    let listed = networks.list_networks(v1::ListNetworksRequest {}).await.unwrap().into_inner();
    assert!(listed.networks.iter().any(|info| info.name == "touch" && info.problem.is_empty()));
}

#[tokio::test]
async fn reflection_lists_the_services() {
    let server = Server::start().await;
    let mut reflection = ServerReflectionClient::new(server.channel().await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers =
        reflection.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    for service in ["NetworkService", "SessionService", "StreamService"] {
        assert!(names.contains(&format!("spiked.v1.{service}").as_str()), "{names:?}");
    }
}
