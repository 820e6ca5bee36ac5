//! The network of the demo, and the same with its delays turned round.

use std::{collections::BTreeMap, io::Write as _};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use spiked_client::{
    Client,
    v1::{ElementType, projection::Connectivity},
};
use spiked_server::networks::text::Described;

use crate::{
    args::NirArguments,
    failure::Failure,
    network::{self, Chosen},
};

const NAME: &str = "demo";
const TEXT: &str = include_str!("../../../../server/networks/demo/network.toml");

/// The network as the daemon has it, or turned round and loaded beside it.
pub(super) async fn choose(client: &Client, reversed: bool) -> Result<Chosen, Failure> {
    if !reversed {
        return Ok(Chosen { name: NAME.into(), version: String::new(), camera: None });
    }
    let mut described = described()?;
    reverse_delays(&mut described)?;
    network::load(client, described).await
}

fn described() -> Result<Described, Failure> {
    let write = || -> std::io::Result<_> {
        let mut file = tempfile::Builder::new().prefix(NAME).suffix(".toml").tempfile()?;
        file.write_all(TEXT.as_bytes())?;
        Ok(file)
    };
    let file = write().map_err(|error| Failure::failed(format!("a temporary file: {error}")))?;
    network::read(file.path(), NirArguments::default())
}

/// Delay k of every kernel becomes delay last − k.
fn reverse_delays(described: &mut Described) -> Result<(), Failure> {
    for projection in &mut described.network.projections {
        let Some(Connectivity::Convolution(convolution)) = &mut projection.connectivity else {
            continue;
        };
        let Some(kernel) = &mut convolution.kernel else {
            continue;
        };
        let reversed = array(&described.blobs, &kernel.sha256)
            .and_then(|array| reversed(array, kernel.element_type(), &kernel.shape))
            .ok_or_else(|| Failure::failed(format!("{} has no whole kernel", projection.name)))?;
        let sha256: [u8; 32] = Sha256::digest(&reversed).into();
        kernel.sha256 = Bytes::copy_from_slice(&sha256);
        described.blobs.insert(sha256, reversed.into());
    }
    Ok(())
}

fn array<'a>(blobs: &'a BTreeMap<[u8; 32], Bytes>, sha256: &[u8]) -> Option<&'a [u8]> {
    let sha256: [u8; 32] = sha256.try_into().ok()?;
    Some(blobs.get(&sha256)?)
}

/// A kernel \[out channel, in channel, delay, height, width\] with its delays the other way round.
fn reversed(array: &[u8], element: ElementType, shape: &[u32]) -> Option<Vec<u8>> {
    let element_bytes = match element {
        ElementType::F32 | ElementType::U32 => 4,
        ElementType::F64 => 8,
        ElementType::Unspecified => return None,
    };
    let &[out_channels, in_channels, delays, height, width] = shape else {
        return None;
    };
    let plane_bytes = height as usize * width as usize * element_bytes;
    let line_bytes = delays as usize * plane_bytes;
    let lines = out_channels as usize * in_channels as usize;
    if line_bytes == 0 || array.len() != lines * line_bytes {
        return None;
    }
    let planes =
        array.chunks_exact(line_bytes).flat_map(|line| line.chunks_exact(plane_bytes).rev());
    Some(planes.flatten().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_delays_change_places() {
        let floats = |values: &[f32]| -> Vec<u8> {
            values.iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        let array = floats(&[0., 1., 10., 11., 20., 21., 100., 101., 110., 111., 120., 121.]);
        let turned = floats(&[20., 21., 10., 11., 0., 1., 120., 121., 110., 111., 100., 101.]);
        let shape = [2, 1, 3, 1, 2];
        assert_eq!(reversed(&array, ElementType::F32, &shape), Some(turned));
        assert_eq!(reversed(&array, ElementType::F64, &shape), None);
        assert_eq!(reversed(&array[..20], ElementType::F32, &shape), None);
    }

    /// Catches a text that the demo could no longer turn round.
    #[test]
    fn the_networks_text_is_read_and_turned_round() {
        let original = described().unwrap();
        let mut turned = original.clone();
        reverse_delays(&mut turned).unwrap();
        assert_eq!(original.network.name, NAME);
        assert_ne!(original.network, turned.network);
        reverse_delays(&mut turned).unwrap();
        assert_eq!(original.network, turned.network);
    }
}
