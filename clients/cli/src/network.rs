//! NETWORK, as users give it: the name of one that the daemon has, or the path of a description.

use std::path::Path;

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use spiked_client::{
    Client, hex,
    v1::{self, input_port},
};
use spiked_server::networks::{
    nir,
    text::{self, Described},
};

use crate::{args::NirArguments, failure::Failure};

/// A network that the daemon has.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) name: String,
    /// Empty: the newest.
    pub(crate) version: String,
    /// Its camera, where the description is at hand.
    pub(crate) camera: Option<String>,
}

/// Finds a network by name, or reads it and sends it to the daemon.
pub(crate) async fn choose(
    client: &Client,
    given: &str,
    nir: NirArguments,
) -> Result<Chosen, Failure> {
    if !is_path(given) {
        refuse_profile(given, nir)?;
        return Ok(Chosen { name: given.into(), version: String::new(), camera: None });
    }
    let described = read(Path::new(given), nir)?;
    load(client, described).await
}

/// Whether NETWORK is meant as a path; names have no separators.
pub(crate) fn is_path(given: &str) -> bool {
    given.contains(std::path::is_separator)
        || given.ends_with(".toml")
        || given.ends_with(".nir")
        || given == "."
}

/// Reads a description.
pub(crate) fn read(path: &Path, nir: NirArguments) -> Result<Described, Failure> {
    if !path.exists() {
        return Err(Failure::used_wrongly(format!("{}: no such file or folder", path.display())));
    }
    if path.extension().is_some_and(|extension| extension == "nir") {
        return nir::read(path, options(path, nir)?).map_err(Failure::failed);
    }
    refuse_profile(&path.display().to_string(), nir)?;
    text::read(path).map_err(Failure::failed)
}

/// How a .nir file is to be read; that must be said, for no file says it.
fn options(path: &Path, nir: NirArguments) -> Result<nir::Options, Failure> {
    let Some(profile) = nir.profile else {
        let message = format!("{}: say how it is meant to be read", path.display());
        return Err(Failure::used_wrongly(message).with_hint(
            "--profile NAME; spiked verify finds the one that fits a recording of the framework's",
        ));
    };
    let step_ns = nir.step.map_or(Ok(nir::STEP_DEFAULT_NS), |step| step_ns(step.0))?;
    Ok(nir::Options { profile, step_ns })
}

/// A step in nanoseconds.
pub(crate) fn step_ns(step_us: u64) -> Result<u64, Failure> {
    if step_us > 1_000_000 {
        return Err(Failure::used_wrongly(format!(
            "a step of {step_us} us: at most 1 s is possible"
        )));
    }
    Ok(step_us * 1_000)
}

pub(crate) fn refuse_profile(given: &str, nir: NirArguments) -> Result<(), Failure> {
    if nir.profile.is_some() {
        return Err(Failure::used_wrongly(format!("{given}: --profile is for .nir files")));
    }
    Ok(())
}

/// Sends a description and its arrays to the daemon. Its version is its own hash, so that loading
/// the same one twice is harmless and two of one name never meet.
pub(crate) async fn load(client: &Client, described: Described) -> Result<Chosen, Failure> {
    upload(client, &described).await?;
    let camera = camera(&described.network);
    let digest = Sha256::digest(described.network.encode_to_vec());
    let version = format!("sha-{}", &hex(&digest)[..16]);
    let info = client.load_network(described.network, &version).await?;
    Ok(Chosen { name: info.name, version: info.version, camera })
}

/// Sends a description's arrays to the daemon.
pub(crate) async fn upload(client: &Client, described: &Described) -> Result<(), Failure> {
    for array in described.blobs.values() {
        client.upload_blob(array.clone()).await?;
    }
    Ok(())
}

/// The input port that is a camera, if there is just one.
pub(crate) fn camera(network: &v1::Network) -> Option<String> {
    let is_camera =
        |port: &&v1::InputPort| matches!(port.shape, Some(input_port::Shape::Sensor(_)));
    let mut cameras = network.inputs.iter().filter(is_camera);
    let only = cameras.next()?;
    cameras.next().is_none().then(|| only.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_told_apart() {
        for path in ["nets/edges", "./edges", "edges.toml", "a.nir", "/nets/edges", "."] {
            assert!(is_path(path), "{path}");
        }
        for name in ["motion", "motion-1us", "a.b_c"] {
            assert!(!is_path(name), "{name}");
        }
    }

    #[test]
    fn the_only_camera_is_the_camera() {
        let port = |name: &str, shape| v1::InputPort {
            name: name.into(),
            shape: Some(shape),
            ..v1::InputPort::default()
        };
        let sensor = || input_port::Shape::Sensor(v1::Sensor::default());
        let channels = || input_port::Shape::Channels(v1::Channels::default());
        let of = |inputs| camera(&v1::Network { inputs, ..v1::Network::default() });
        assert_eq!(
            of(vec![port("ear", channels()), port("eye", sensor())]).as_deref(),
            Some("eye")
        );
        assert_eq!(of(vec![port("left", sensor()), port("right", sensor())]), None);
        assert_eq!(of(vec![port("ear", channels())]), None);
    }
}
