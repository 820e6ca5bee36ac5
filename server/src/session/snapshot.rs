//! A session's whole state as bytes: sections with length and checksum, under one version.
//!
//! Holds what it takes to make the session anew where its network is: the network's name, version,
//! sensor sizes and plan hash, the core's own snapshot, the protocol's state, the output position, and
//! changes whose tick is yet to come.

use std::sync::Arc;

use sim_core::{DYNAMICS_VERSION, Tick, network::SensorSize};
use spiked_proto::v1;

use super::{
    codec::{Damaged, Reader, Writer},
    tuning::Change,
};

const MAGIC: u64 = u64::from_le_bytes(*b"spiked-s");
const VERSION: u64 = 3;
/// Without changes that wait, and with a core only where the origin is known.
const VERSION_READ: u64 = 2;

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
    /// Absent before the origin is known, unless something was set.
    pub(crate) core: Option<Vec<u8>>,
    /// Where tick 0 lies is not known yet.
    pub(crate) is_early: bool,
    pub(crate) protocol: Vec<u8>,
    pub(crate) output_position: u64,
    /// Entries given to the core.
    pub(crate) applied: u64,
    pub(crate) ending: Ending,
    pub(crate) simulated_to: Tick,
    /// Changes whose tick is yet to come, in order.
    pub(crate) changes: Vec<Arc<Change>>,
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
    pub(crate) is_early: bool,
    pub(crate) protocol: Vec<u8>,
    pub(crate) output_position: u64,
    pub(crate) applied: u64,
    pub(crate) ending: Ending,
    pub(crate) changes: Vec<Arc<Change>>,
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
    end.u64(frozen.applied);
    end.u64(match frozen.ending {
        Ending::Open => 0,
        Ending::Completed | Ending::Told(v1::EndReason::Completed) => 1,
        Ending::Failed | Ending::Told(_) => 2,
    });
    end.u64(u64::from(frozen.is_early));
    section(&mut out, &end.0);
    let mut changes = Writer::default();
    changes.u64(frozen.changes.len() as u64);
    for change in &frozen.changes {
        change.save(&mut changes);
    }
    section(&mut out, &changes.0);
    out.0
}

/// What a snapshot is of, whichever build made it.
pub(crate) struct Of {
    /// Which arithmetic made the state.
    pub(crate) dynamics_version: u32,
    pub(crate) runs: Runs,
}

/// Looks at what a snapshot is of, and at nothing else.
pub(crate) fn of(bytes: &[u8]) -> Result<Of, Damaged> {
    let from = &mut Reader::new("header", bytes);
    begin(from)?;
    Of::load(checked(from)?)
}

/// Reads up to the first section; gives the version.
fn begin(from: &mut Reader<'_>) -> Result<u64, Damaged> {
    if from.u64()? != MAGIC {
        return Err(from.damaged("it is no snapshot"));
    }
    let version = from.u64()?;
    if (VERSION_READ..=VERSION).contains(&version) {
        return Ok(version);
    }
    let ours = format!("version {version} where this daemon reads {VERSION_READ} to {VERSION}");
    Err(from.damaged(ours))
}

/// Takes a snapshot apart.
pub(crate) fn decode(bytes: &[u8]) -> Result<Thawed, Damaged> {
    let from = &mut Reader::new("header", bytes);
    let version = begin(from)?;
    let Of { dynamics_version, runs } = Of::load(checked(from)?)?;
    if dynamics_version != DYNAMICS_VERSION {
        let ours = format!("dynamics version {dynamics_version} where this is {DYNAMICS_VERSION}");
        return Err(from.damaged(ours));
    }
    let core = checked(from)?.to_vec();
    let protocol = checked(from)?.to_vec();
    let end = &mut Reader::new("end", checked(from)?);
    let changes = if version > VERSION_READ { load_changes(checked(from)?)? } else { Vec::new() };
    from.end()?;
    let has_core = end.flag()?;
    let (output_position, applied) = (end.u64()?, end.u64()?);
    let ending = match end.u64()? {
        0 => Ending::Open,
        1 => Ending::Completed,
        2 => Ending::Failed,
        value => return Err(end.damaged(format!("ending {value}"))),
    };
    let is_early = if version > VERSION_READ { end.flag()? } else { !has_core };
    end.end()?;
    let core = has_core.then_some(core);
    Ok(Thawed { runs, core, is_early, protocol, output_position, applied, ending, changes })
}

fn load_changes(bytes: &[u8]) -> Result<Vec<Arc<Change>>, Damaged> {
    let from = &mut Reader::new("changes", bytes);
    let mut changes = Vec::new();
    for _ in 0..from.u64()? {
        changes.push(Arc::new(Change::load(from)?));
    }
    from.end()?;
    Ok(changes)
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
}

impl Of {
    fn load(bytes: &[u8]) -> Result<Self, Damaged> {
        let from = &mut Reader::new("network", bytes);
        let dynamics_version = from.u32()?;
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
        Ok(Self { dynamics_version, runs: Runs { network, version, sensors, plan_sha256 } })
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::tuning::Setting;

    fn change() -> Arc<Change> {
        let request = v1::SetParametersRequest { population: "cells".into(), ..Default::default() };
        Arc::new(Change::new(Tick(9), Arc::new(Setting::Parameters(request))))
    }

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
            is_early: true,
            protocol: vec![4; 50],
            output_position: 99,
            applied: 12,
            ending: Ending::Completed,
            simulated_to: Tick(5),
            changes: vec![change()],
        };
        encode(&runs, &frozen)
    }

    #[test]
    fn comes_back_as_it_was() {
        let thawed = decode(&snapshot()).unwrap();
        assert_eq!(thawed.runs.sensors[0].0, "camera");
        assert_eq!((thawed.core, thawed.protocol), (Some(vec![1, 2, 3]), vec![4; 50]));
        assert_eq!((thawed.output_position, thawed.applied), (99, 12));
        assert_eq!(thawed.ending, Ending::Completed);
        assert!(thawed.is_early);
        assert_eq!(thawed.changes, [change()]);
    }

    /// Seen to fail with the dynamics compared before the rest is read.
    #[test]
    fn what_a_snapshot_is_of_can_be_told_whatever_its_dynamics() {
        let mut bytes = snapshot();
        let length =
            usize::try_from(u64::from_le_bytes(bytes[16..24].try_into().unwrap())).unwrap();
        let others = DYNAMICS_VERSION + 1;
        bytes[24..32].copy_from_slice(&u64::from(others).to_le_bytes());
        let checksum = u64::from(crc32fast::hash(&bytes[24..24 + length]));
        bytes[24 + length..32 + length].copy_from_slice(&checksum.to_le_bytes());
        let of = of(&bytes).unwrap();
        assert_eq!((of.dynamics_version, &*of.runs.network), (others, "echo"));
        let refused = decode(&bytes).err().unwrap().to_string();
        assert!(refused.contains(&format!("dynamics version {others} where")), "{refused}");
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
}
