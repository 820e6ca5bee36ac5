//! Calls about networks. What takes time happens on a thread apart.

use std::sync::Arc;

use sim_core::{Cost, Problem, network::SensorSize};
use spiked_proto::v1::{self, network_service_server::NetworkService};
use tonic::{Request, Response, Status, Streaming};

use super::Health;
use crate::{
    error::Error,
    networks::{self, Info, Repository, Upload},
    session::{registry::Registry, tables},
    telemetry::calls,
};

/// The repository of networks, and the sessions that run them.
pub(super) struct Networks {
    pub(super) repository: Arc<Repository>,
    pub(super) registry: Arc<Registry>,
    /// Told of what is loaded and unloaded.
    pub(super) health: Arc<Health>,
}

#[tonic::async_trait]
impl NetworkService for Networks {
    async fn list_networks(
        &self,
        _: Request<v1::ListNetworksRequest>,
    ) -> Result<Response<v1::ListNetworksResponse>, Status> {
        let infos = self.apart(|repository| Ok(repository.list())).await?;
        let networks = infos.into_iter().map(info).collect();
        Ok(Response::new(v1::ListNetworksResponse { networks }))
    }

    async fn upload_blob(
        &self,
        request: Request<Streaming<v1::UploadBlobRequest>>,
    ) -> Result<Response<v1::UploadBlobResponse>, Status> {
        let mut requests = request.into_inner();
        let mut upload: Option<(Upload, v1::UploadBlobResponse)> = None;
        while let Some(request) = requests.message().await? {
            let v1::UploadBlobRequest { sha256, size_bytes, chunk } = request;
            let (upload, _) = match &mut upload {
                Some(upload) => upload,
                None => {
                    let begun =
                        self.repository.blobs().begin(&sha256, size_bytes).map_err(Error::from)?;
                    upload.insert((begun, v1::UploadBlobResponse { sha256, size_bytes }))
                }
            };
            upload.push(&chunk).map_err(Error::from)?;
        }
        let nothing = || Error::field("sha256", "is missing: the upload was empty");
        let (upload, response) = upload.ok_or_else(nothing)?;
        upload.finish().map_err(Error::from)?;
        Ok(Response::new(response))
    }

    async fn load_network(
        &self,
        request: Request<v1::LoadNetworkRequest>,
    ) -> Result<Response<v1::LoadNetworkResponse>, Status> {
        let v1::LoadNetworkRequest { network, version, name } = request.into_inner();
        let named = network.as_ref().map_or(&name, |network| &network.name).clone();
        let asked = (named, version.clone());
        let loaded = match (network, name.is_empty()) {
            (Some(network), true) => {
                self.apart(move |repository| repository.load(&network, &version)).await
            }
            (None, false) => {
                self.apart(move |repository| repository.load_from_folder(&name, &version)).await
            }
            (Some(_), false) => {
                return Err(Error::field("name", "`network` says which already").into());
            }
            (None, true) => return Err(Error::field("network", "is missing").into()),
        };
        let loaded = loaded.inspect_err(|_| calls::asked("", &asked.0, &asked.1))?;
        calls::about(None, &loaded.name, &loaded.version);
        self.health.follow_networks().await;
        Ok(Response::new(v1::LoadNetworkResponse { info: Some(info(loaded)) }))
    }

    async fn unload_network(
        &self,
        request: Request<v1::UnloadNetworkRequest>,
    ) -> Result<Response<v1::UnloadNetworkResponse>, Status> {
        let v1::UnloadNetworkRequest { name, version } = request.into_inner();
        let asked = (name.clone(), version.clone());
        let kept =
            self.apart(move |repository| repository.kept_version(&asked.0, &asked.1)).await?;
        if let Some(version) = kept {
            self.registry.check_unused(&name, &version).await?;
        }
        self.apart(move |repository| repository.unload(&name, &version)).await?;
        self.health.follow_networks().await;
        Ok(Response::new(v1::UnloadNetworkResponse {}))
    }

    async fn describe_network(
        &self,
        request: Request<v1::DescribeNetworkRequest>,
    ) -> Result<Response<v1::DescribeNetworkResponse>, Status> {
        let v1::DescribeNetworkRequest { name, version, sensors } = request.into_inner();
        let sensors = sizes(&sensors)?;
        let described =
            self.apart(move |repository| repository.describe(&name, &version, &sensors)).await?;
        let (described, costs, sha256) = described;
        let (info, cost) = (Some(info(described)), Some(cost(costs, sha256)));
        Ok(Response::new(v1::DescribeNetworkResponse { info, cost }))
    }

    async fn dry_run(
        &self,
        request: Request<v1::DryRunRequest>,
    ) -> Result<Response<v1::DryRunResponse>, Status> {
        let v1::DryRunRequest { network, sensors } = request.into_inner();
        let network = network.ok_or_else(|| Error::field("network", "is missing"))?;
        let sensors = sizes(&sensors)?;
        let judged = self.apart(move |repository| repository.dry_run(&network, &sensors)).await?;
        Ok(Response::new(match judged {
            Ok((costs, sha256)) => {
                v1::DryRunResponse { problems: Vec::new(), cost: Some(cost(costs, sha256)) }
            }
            Err(problems) => v1::DryRunResponse {
                problems: problems.into_iter().map(problem).collect(),
                cost: None,
            },
        }))
    }
}

impl Networks {
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Repository) -> Result<T, networks::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let repository = self.repository.clone();
        let done = tokio::task::spawn_blocking(move || work(&repository)).await;
        let done = done.map_err(|_| Error::Internal("a thread stopped in the middle of its work"));
        Ok(done??)
    }
}

fn info(Info { name, version, description, notes, problem }: Info) -> v1::NetworkInfo {
    v1::NetworkInfo { name, version, description, notes, problem: problem.unwrap_or_default() }
}

fn problem(Problem { field, message }: Problem) -> v1::NetworkProblem {
    v1::NetworkProblem { field, message }
}

fn sizes(sensors: &[v1::DescribeSensor]) -> Result<Vec<(String, SensorSize)>, Error> {
    let size = |(index, sensor): (usize, &v1::DescribeSensor)| {
        let size = tables::sensor_size(index, sensor.width, sensor.height)?;
        Ok((sensor.port.clone(), size))
    };
    sensors.iter().enumerate().map(size).collect()
}

fn cost(cost: Cost, plan_sha256: [u8; 32]) -> v1::NetworkCost {
    let population = |population: sim_core::PopulationCost| v1::PopulationCost {
        name: population.name,
        shape: population.shape,
        quantum: population.quantum,
        rounding_max: population.rounding_max,
        sum_bits: population.sum_bits,
        rank: population.rank.into(),
    };
    v1::NetworkCost {
        plan_sha256: plan_sha256.to_vec().into(),
        neurons: cost.neurons,
        synapses: cost.synapses,
        plan_bytes: cost.plan_bytes,
        session_bytes: cost.session_bytes,
        populations: cost.populations.into_iter().map(population).collect(),
        longest_path_ticks: cost.longest_path_ticks,
    }
}
