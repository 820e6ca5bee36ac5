//! A session's whole state as bytes: sections with length and checksum, under one version.
//!
//! Holds what it takes to make the session anew where its network is: the network's name, version,
//! sensor sizes and plan hash, the core's own snapshot, the protocol's state and the output
//! position. The store keeps a bounded number of them, by SHA-256, until the daemon ends.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};
use sim_core::{DYNAMICS_VERSION, Tick, network::SensorSize};
use spiked_proto::v1;

use super::codec::{Damaged, Reader, Writer};
use crate::error::Error;

const MAGIC: u64 = u64::from_le_bytes(*b"spiked-s");
const VERSION: u64 = 1;

/// How far a session is on the way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Input may come.
    Open,
    /// The input ended; when all is simulated, so does the session.
    Completed,
    /// The same, after an error.
    Failed,
    /// The last message is on its way.
    Told(v1::EndReason),
}

/// What the engine gives for a snapshot.
pub(crate) struct Frozen {
    /// Absent before the origin is known.
    pub(crate) core: Option<Vec<u8>>,
    pub(crate) protocol: Vec<u8>,
    pub(crate) output_position: u64,
    pub(crate) ending: Ending,
    pub(crate) simulated_to: Tick,
}

/// What the session runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Runs {
    pub(crate) network: String,
    pub(crate) version: String,
    pub(crate) sensors: Vec<(String, SensorSize)>,
    pub(crate) plan_sha256: [u8; 32],
}

/// A snapshot, taken apart and proven whole.
pub(crate) struct Thawed {
    pub(crate) runs: Runs,
    pub(crate) core: Option<Vec<u8>>,
    pub(crate) protocol: Vec<u8>,
    pub(crate) output_position: u64,
    pub(crate) ending: Ending,
}

/// Puts a snapshot together.
pub(crate) fn encode(runs: &Runs, frozen: &Frozen) -> Vec<u8> {
    let mut out = Writer::default();
    out.u64(MAGIC);
    out.u64(VERSION);
    section(&mut out, &runs.save());
    section(&mut out, frozen.core.as_deref().unwrap_or_default());
    section(&mut out, &frozen.protocol);
    let mut end = Writer::default();
    end.u64(u64::from(frozen.core.is_some()));
    end.u64(frozen.output_position);
    end.u64(match frozen.ending {
        Ending::Open => 0,
        Ending::Completed | Ending::Told(v1::EndReason::Completed) => 1,
        Ending::Failed | Ending::Told(_) => 2,
    });
    section(&mut out, &end.0);
    out.0
}

/// Takes a snapshot apart.
pub(crate) fn decode(bytes: &[u8]) -> Result<Thawed, Damaged> {
    let from = &mut Reader::new("header", bytes);
    if from.u64()? != MAGIC {
        return Err(from.damaged("it is no snapshot"));
    }
    let version = from.u64()?;
    if version != VERSION {
        return Err(from.damaged(format!("version {version} where this daemon reads {VERSION}")));
    }
    let runs = Runs::load(checked(from)?)?;
    let core = checked(from)?.to_vec();
    let protocol = checked(from)?.to_vec();
    let end = &mut Reader::new("end", checked(from)?);
    from.end()?;
    let has_core = end.flag()?;
    let output_position = end.u64()?;
    let ending = match end.u64()? {
        0 => Ending::Open,
        1 => Ending::Completed,
        2 => Ending::Failed,
        value => return Err(end.damaged(format!("ending {value}"))),
    };
    end.end()?;
    Ok(Thawed { runs, core: has_core.then_some(core), protocol, output_position, ending })
}

fn section(out: &mut Writer, bytes: &[u8]) {
    out.bytes(bytes);
    out.u64(u64::from(crc32fast::hash(bytes)));
}

fn checked<'a>(from: &mut Reader<'a>) -> Result<&'a [u8], Damaged> {
    let bytes = from.bytes()?;
    if from.u64()? != u64::from(crc32fast::hash(bytes)) {
        return Err(from.damaged("a checksum does not match"));
    }
    Ok(bytes)
}

impl Runs {
    fn save(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u64(DYNAMICS_VERSION.into());
        out.bytes(self.network.as_bytes());
        out.bytes(self.version.as_bytes());
        out.bytes(&self.plan_sha256);
        out.u64(self.sensors.len() as u64);
        for (port, SensorSize { width, height }) in &self.sensors {
            out.bytes(port.as_bytes());
            out.u64((*width).into());
            out.u64((*height).into());
        }
        out.0
    }

    fn load(bytes: &[u8]) -> Result<Self, Damaged> {
        let from = &mut Reader::new("network", bytes);
        let dynamics = from.u32()?;
        if dynamics != DYNAMICS_VERSION {
            let ours = format!("dynamics version {dynamics} where this is {DYNAMICS_VERSION}");
            return Err(from.damaged(ours));
        }
        let (network, version) = (from.text()?, from.text()?);
        let plan_sha256 = <[u8; 32]>::try_from(from.bytes()?)
            .map_err(|_| from.damaged("a hash of another length"))?;
        let mut sensors = Vec::new();
        for _ in 0..from.u64()? {
            let size =
                |from: &mut Reader<'_>| Ok(SensorSize { width: from.u32()?, height: from.u32()? });
            sensors.push((from.text()?, size(from)?));
        }
        from.end()?;
        Ok(Self { network, version, sensors, plan_sha256 })
    }
}

/// Snapshots by the SHA-256 of their bytes.
pub(crate) struct Store {
    held: Mutex<HashMap<[u8; 32], Arc<Vec<u8>>>>,
    count_max: usize,
    bytes_max: usize,
}

impl Store {
    /// An empty store with its bounds.
    pub(crate) fn new(count_max: usize, bytes_max: usize) -> Self {
        Self { held: Mutex::default(), count_max, bytes_max }
    }

    /// Keeps a snapshot; gives its name.
    pub(crate) fn keep(&self, bytes: Vec<u8>) -> Result<[u8; 32], Error> {
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains_key(&sha256) {
            return Ok(sha256);
        }
        if held.len() >= self.count_max {
            return Err(Error::Limit { what: "snapshots", limit: self.count_max as u64 });
        }
        let total: usize = held.values().map(|snapshot| snapshot.len()).sum();
        if total + bytes.len() > self.bytes_max {
            return Err(Error::Limit { what: "bytes of snapshots", limit: self.bytes_max as u64 });
        }
        held.insert(sha256, Arc::new(bytes));
        Ok(sha256)
    }

    /// A snapshot by its name.
    pub(crate) fn find(&self, sha256: &[u8]) -> Option<Arc<Vec<u8>>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(sha256).cloned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn snapshot() -> Vec<u8> {
        let size = SensorSize { width: 34, height: 34 };
        let runs = Runs {
            network: "echo".into(),
            version: "1".into(),
            sensors: vec![("camera".into(), size)],
            plan_sha256: [7; 32],
        };
        let frozen = Frozen {
            core: Some(vec![1, 2, 3]),
            protocol: vec![4; 50],
            output_position: 99,
            ending: Ending::Completed,
            simulated_to: Tick(5),
        };
        encode(&runs, &frozen)
    }

    #[test]
    fn comes_back_as_it_was() {
        let thawed = decode(&snapshot()).unwrap();
        assert_eq!(thawed.runs.sensors[0].0, "camera");
        assert_eq!((thawed.core, thawed.protocol), (Some(vec![1, 2, 3]), vec![4; 50]));
        assert_eq!((thawed.output_position, thawed.ending), (99, Ending::Completed));
    }

    proptest! {
        /// Damage anywhere is found. Seen to fail without the checksums.
        #[test]
        fn no_damaged_byte_passes(at in 0_usize..10_000, change in 1_u8..) {
            let mut bytes = snapshot();
            let at = at % bytes.len();
            bytes[at] ^= change;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn no_cut_passes(keep in 0_usize..10_000) {
            let bytes = snapshot();
            prop_assert!(decode(&bytes[..keep % bytes.len()]).is_err());
        }
    }

    #[test]
    fn the_store_is_bounded_and_says_so() {
        let store = Store::new(2, 10);
        let first = store.keep(vec![1; 4]).unwrap();
        assert_eq!(store.keep(vec![1; 4]).unwrap(), first);
        assert!(store.keep(vec![2; 7]).unwrap_err().to_string().contains("bytes of snapshots"));
        store.keep(vec![2; 4]).unwrap();
        assert!(store.keep(vec![3; 1]).unwrap_err().to_string().contains("at most 2"));
        assert_eq!(store.find(&first).unwrap().len(), 4);
    }
}
