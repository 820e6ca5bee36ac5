//! Calls about networks: list, describe, check, upload, load.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::{
    Client, Error,
    v1::{self, network_service_client::NetworkServiceClient},
};

/// Bytes of an array in one message: half of what the contract allows.
const CHUNK_BYTES: usize = 256 << 10;

impl Client {
    /// All networks that can be opened, and those that cannot with their problem.
    ///
    /// # Errors
    ///
    /// A refusal, or a connection that broke.
    pub async fn list_networks(&self) -> Result<Vec<v1::NetworkInfo>, Error> {
        let request = v1::ListNetworksRequest {};
        Ok(self.network_service().list_networks(request).await?.into_inner().networks)
    }

    /// What a network is made of, and what it would cost.
    ///
    /// # Errors
    ///
    /// An unknown network, a sensor size that is missing or isn't the network's.
    pub async fn describe_network(
        &self,
        name: &str,
        version: &str,
        sensors: &[v1::SensorSize],
    ) -> Result<v1::DescribeNetworkResponse, Error> {
        let request = v1::DescribeNetworkRequest {
            name: name.to_owned(),
            version: version.to_owned(),
            sensors: sensors.iter().map(described).collect(),
        };
        Ok(self.network_service().describe_network(request).await?.into_inner())
    }

    /// Checks a network without keeping it; its arrays must have been uploaded.
    ///
    /// # Errors
    ///
    /// A refusal, or a connection that broke. What is wrong with the network is in the answer.
    pub async fn dry_run(
        &self,
        network: v1::Network,
        sensors: &[v1::SensorSize],
    ) -> Result<v1::DryRunResponse, Error> {
        let sensors = sensors.iter().map(described).collect();
        let request = v1::DryRunRequest { network: Some(network), sensors };
        Ok(self.network_service().dry_run(request).await?.into_inner())
    }

    /// Uploads an array, in pieces, and gives the hash that names it.
    ///
    /// # Errors
    ///
    /// A daemon that has no room for it, or a connection that broke.
    pub async fn upload_blob(&self, array: Bytes) -> Result<Bytes, Error> {
        let sha256 = Bytes::copy_from_slice(&Sha256::digest(&array));
        let size_bytes = array.len() as u64;
        let named = v1::UploadBlobRequest { sha256, size_bytes, chunk: Bytes::new() };
        let mut rest = array;
        let pieces = std::iter::from_fn(move || {
            let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
            let piece = v1::UploadBlobRequest { chunk, ..Default::default() };
            (!piece.chunk.is_empty()).then_some(piece)
        });
        let requests = futures::stream::iter(std::iter::once(named).chain(pieces));
        Ok(self.network_service().upload_blob(requests).await?.into_inner().sha256)
    }

    /// Makes a network available; its arrays must have been uploaded. A daemon with a data folder has
    /// it for good, another until it ends. An empty version is "1".
    ///
    /// # Errors
    ///
    /// What is wrong with the network, or another one of that name and version.
    pub async fn load_network(
        &self,
        network: v1::Network,
        version: &str,
    ) -> Result<v1::NetworkInfo, Error> {
        let version = version.to_owned();
        let network = Some(network);
        self.load(v1::LoadNetworkRequest { network, version, name: String::new() }).await
    }

    /// Has a daemon read a network of its folder that it reads only when asked. An empty version is
    /// the newest.
    ///
    /// # Errors
    ///
    /// A network that isn't there or cannot run, or a daemon that reads its folder by itself.
    pub async fn load_network_of_folder(
        &self,
        name: &str,
        version: &str,
    ) -> Result<v1::NetworkInfo, Error> {
        let (name, version) = (name.to_owned(), version.to_owned());
        self.load(v1::LoadNetworkRequest { network: None, version, name }).await
    }

    async fn load(&self, request: v1::LoadNetworkRequest) -> Result<v1::NetworkInfo, Error> {
        let response = self.network_service().load_network(request).await?.into_inner();
        response.info.ok_or_else(|| Error::Contract("a loaded network without a name".into()))
    }

    /// Takes a network away; live sessions stay on it. An empty version is the newest.
    ///
    /// # Errors
    ///
    /// An unknown network, or one that a durable session needs to come back.
    pub async fn unload_network(&self, name: &str, version: &str) -> Result<(), Error> {
        let (name, version) = (name.to_owned(), version.to_owned());
        let request = v1::UnloadNetworkRequest { name, version };
        self.network_service().unload_network(request).await?;
        Ok(())
    }

    fn network_service(&self) -> NetworkServiceClient<crate::bearer::Wire> {
        NetworkServiceClient::new(self.channel.clone())
    }
}

fn described(sensor: &v1::SensorSize) -> v1::DescribeSensor {
    let v1::SensorSize { port, width, height } = sensor.clone();
    v1::DescribeSensor { port, width, height }
}
