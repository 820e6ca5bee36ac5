//! Making a session, from an `open` or from a snapshot. Takes time, so it happens on a thread apart.

use std::{collections::BTreeMap, sync::Arc};

use sim_core::{Excess, Options, Plan, Simulation, network::SensorSize};
use spiked_proto::v1;

use super::{
    engine::Start,
    protocol::Protocol,
    settings::{Origin, Policy, Settings},
    snapshot::{self, Ending, Runs},
    tables,
};
use crate::{error::Error, networks::Repository};

/// Everything of a session that can be made on a thread apart.
pub(crate) struct Made {
    pub(crate) plan: Arc<Plan>,
    pub(crate) runs: Runs,
    pub(crate) protocol: Protocol,
    pub(crate) options: Options,
    pub(crate) start: Start,
}

/// A session of a network, at its start.
pub(crate) fn make(
    repository: &Repository,
    network: &str,
    version: &str,
    sensors: Vec<(String, SensorSize)>,
    settings: Settings,
) -> Result<Made, Error> {
    let loaded = repository.plan(network, version, &sensors)?;
    let plan = loaded.plan;
    let unknown = |(_, (port, _)): &(usize, &(String, SensorSize))| {
        !plan.inputs().iter().any(|input| input.name == *port)
    };
    if let Some((index, (port, _))) = sensors.iter().enumerate().find(unknown) {
        let (network, port) = (network.to_owned(), port.clone());
        return Err(Error::PortUnknown { index, network, port });
    }
    let plan_sha256 = plan.hash();
    let runs = Runs { network: loaded.name, version: loaded.version, sensors, plan_sha256 };
    let options = options(&settings);
    let simulation = match settings.origin {
        Origin::Time(_) => Some(Simulation::new(plan.clone(), options.clone())),
        Origin::FirstBatch => None,
    };
    let protocol = Protocol::new(settings, &plan);
    let start = Start { simulation, applied: 0, output_position: 0, ending: Ending::Open };
    Ok(Made { plan, runs, protocol, options, start })
}

/// A session as a snapshot left it.
pub(crate) fn thaw(repository: &Repository, bytes: &[u8]) -> Result<Made, Error> {
    let thawed = snapshot::decode(bytes)?;
    let runs = thawed.runs;
    let plan = repository.plan(&runs.network, &runs.version, &runs.sensors)?.plan;
    if plan.hash() != runs.plan_sha256 {
        return Err(Error::Snapshot("the snapshot is of another network".into()));
    }
    let protocol = Protocol::load(&thawed.protocol, &plan)?;
    let restore = |core: &[u8]| {
        let simulation = Simulation::restore(plan.clone(), core);
        simulation.map_err(|error| Error::Snapshot(error.to_string()))
    };
    let simulation = thawed.core.as_deref().map(restore).transpose()?;
    let start = Start {
        simulation,
        applied: protocol.status().events_applied,
        output_position: thawed.output_position,
        ending: thawed.ending,
    };
    let options = options(protocol.settings());
    Ok(Made { plan, runs, protocol, options, start })
}

fn options(settings: &Settings) -> Options {
    Options {
        origin_us: if let Origin::Time(time_us) = settings.origin { time_us } else { 0 },
        seed: settings.seed,
        excess: match settings.bad_event {
            Policy::Fail => Excess::Fail,
            Policy::Drop => Excess::Drop,
        },
        ..Options::default()
    }
}

/// The sensor sizes of an `open`, ordered by port.
pub(crate) fn sensors(open: &v1::Open) -> Result<Vec<(String, SensorSize)>, Error> {
    let mut sizes = BTreeMap::new();
    for (index, v1::SensorSize { port, width, height }) in open.sensors.iter().enumerate() {
        let size = tables::sensor_size(index, *width, *height)?;
        if sizes.insert(port.clone(), size).is_some() {
            let problem = format!("port {port:?} has a size already");
            return Err(Error::field(format!("sensors[{index}].port"), problem));
        }
    }
    Ok(sizes.into_iter().collect())
}
