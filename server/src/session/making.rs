//! Making a session, from an `open` or from a snapshot. Takes time, so it happens on a thread apart.

use std::{collections::BTreeMap, sync::Arc};

use sim_core::{DYNAMICS_VERSION, Excess, Options, Plan, Problem, Simulation, network::SensorSize};
use spiked_proto::v1;

use super::{
    chunk::Chunk,
    engine::Start,
    protocol::{Actions, Protocol, Record},
    settings::{Capacity, Origin, Policy, Settings},
    snapshot::{self, Ending, Runs},
    tables,
};
use crate::{
    error::Error,
    networks::{self, Loaded, Repository, Source},
};

/// Which plan a session is to have.
pub(crate) struct Wanted {
    pub(crate) network: String,
    pub(crate) version: String,
    pub(crate) sensors: Vec<(String, SensorSize)>,
    /// Threads that it is spread over, at least 1.
    pub(crate) workers: u32,
    /// Where the caller said so.
    pub(crate) field: &'static str,
}

impl Wanted {
    /// The plan. More workers than the network can have are the caller's mistake, not the network's.
    fn plan(&self, repository: &Repository) -> Result<Loaded, Error> {
        let Self { network, version, sensors, workers, .. } = self;
        let plan = repository.plan_over(network, version, sensors, *workers);
        self.blame(plan)
    }

    /// The plan of what a session runs.
    fn plan_from(&self, repository: &Repository, source: &Source) -> Result<Loaded, Error> {
        self.blame(repository.plan_from(source, &self.sensors, self.workers))
    }

    fn blame(&self, plan: Result<Loaded, networks::Error>) -> Result<Loaded, Error> {
        plan.map_err(|error| match error {
            networks::Error::Invalid { problems, .. } if concern_workers(&problems) => {
                let message = problems.first().map_or("", |problem| problem.message.as_str());
                Error::field(self.field, message)
            }
            error => error.into(),
        })
    }
}

fn concern_workers(problems: &[Problem]) -> bool {
    !problems.is_empty() && problems.iter().all(|problem| problem.field == "workers")
}

/// Everything of a session that can be made on a thread apart.
pub(crate) struct Made {
    pub(crate) plan: Arc<Plan>,
    /// What the plan was made of.
    pub(crate) source: Source,
    pub(crate) runs: Runs,
    pub(crate) protocol: Protocol,
    pub(crate) options: Options,
    pub(crate) start: Start,
    /// Input from a journal, for the engine.
    pub(crate) replayed: Vec<Chunk>,
}

/// A session of a network, at its start.
pub(crate) fn make(
    repository: &Repository,
    wanted: Wanted,
    settings: Settings,
    capacity: Capacity,
) -> Result<Made, Error> {
    let loaded = wanted.plan(repository)?;
    let Wanted { network, sensors, .. } = wanted;
    let (plan, source) = (loaded.plan, loaded.source);
    let unknown = |(_, (port, _)): &(usize, &(String, SensorSize))| {
        !plan.inputs().iter().any(|input| input.name == *port)
    };
    if let Some((index, (port, _))) = sensors.iter().enumerate().find(unknown) {
        let port = port.clone();
        return Err(Error::PortUnknown { index, network, port });
    }
    if plan.inputs().is_empty() && settings.origin == Origin::FirstBatch {
        let problem = format!("network {network:?} has no input port: no batch will come");
        return Err(Error::field("open.origin.first_batch", problem));
    }
    let plan_sha256 = plan.hash();
    let runs = Runs { network: loaded.name, version: loaded.version, sensors, plan_sha256 };
    let options = options(&settings);
    let simulation = match settings.origin {
        Origin::Time(_) => Some(Simulation::new(plan.clone(), options.clone())),
        Origin::FirstBatch => None,
    };
    let protocol = Protocol::new(settings, &plan, capacity);
    let start = Start {
        is_early: simulation.is_none(),
        changes: Vec::new(),
        simulation,
        applied: 0,
        promise_us: protocol.closed_us(),
        output_position: 0,
        ending: Ending::Open,
        again_until_us: None,
    };
    Ok(Made { plan, source, runs, protocol, options, start, replayed: Vec::new() })
}

/// A session as a snapshot left it, spread over so many threads. `known` is what a session that goes on
/// runs of the network.
pub(crate) fn thaw(
    repository: &Repository,
    known: Option<&Source>,
    bytes: &[u8],
    workers: u32,
    capacity: Capacity,
) -> Result<Made, Error> {
    let found = snapshot::of(bytes)?.dynamics_version;
    if found != DYNAMICS_VERSION {
        return Err(Error::Dynamics { what: "the snapshot".into(), found });
    }
    let thawed = snapshot::decode(bytes)?;
    let runs = thawed.runs;
    let wanted = Wanted {
        network: runs.network.clone(),
        version: runs.version.clone(),
        sensors: runs.sensors.clone(),
        workers,
        field: "workers",
    };
    let Loaded { plan, source, .. } = recalled(repository, known, &wanted, &runs)?;
    let protocol = Protocol::load(&thawed.protocol, &plan, capacity)?;
    let restore = |core: &[u8]| {
        let simulation = Simulation::restore(plan.clone(), core);
        simulation.map_err(|error| Error::Snapshot(error.to_string()))
    };
    let simulation = thawed.core.as_deref().map(restore).transpose()?;
    let start = Start {
        simulation,
        is_early: thawed.is_early,
        changes: thawed.changes,
        applied: thawed.applied,
        promise_us: protocol.closed_us(),
        output_position: thawed.output_position,
        ending: thawed.ending,
        again_until_us: None,
    };
    let options = options(protocol.settings());
    Ok(Made { plan, source, runs, protocol, options, start, replayed: Vec::new() })
}

/// The very plan that a snapshot is of. Its network may have been replaced or taken away since: then
/// whoever runs it still has it, or the data folder.
fn recalled(
    repository: &Repository,
    known: Option<&Source>,
    wanted: &Wanted,
    runs: &Runs,
) -> Result<Loaded, Error> {
    let is_it = |loaded: &Loaded| loaded.plan.hash() == runs.plan_sha256;
    let Runs { network, version, .. } = runs;
    if let Some(known) = known.filter(|known| known.is_called(network, version)) {
        let loaded = wanted.plan_from(repository, known)?;
        if is_it(&loaded) {
            return Ok(loaded);
        }
    }
    repository.recall(network, version);
    let listed = wanted.plan(repository);
    if listed.as_ref().is_ok_and(is_it) {
        return listed;
    }
    if let Some(source) = repository.running(network, version, &runs.plan_sha256)? {
        let loaded = wanted.plan_from(repository, &source)?;
        if is_it(&loaded) {
            return Ok(loaded);
        }
    }
    listed.and(Err(Error::Snapshot("the snapshot is of another network".into())))
}

/// Entries of a replayed journal in one piece of input.
const PIECE_EVENTS: usize = 1 << 16;

impl Made {
    /// Takes a journal's records as they took effect; the engine is given their input when the
    /// session begins.
    pub(crate) fn replay(&mut self, records: &[Record]) -> Result<(), Error> {
        let mut out = Actions::default();
        for (number, record) in (1_u64..).zip(records) {
            if !self.protocol.replay(record, &mut out) {
                let problem = format!("record {number} does not fit what came before it");
                return Err(Error::Journal(problem));
            }
            out.errors.clear();
            if out.chunk.events.len() >= PIECE_EVENTS {
                self.replayed.push(std::mem::take(&mut out.chunk));
            }
        }
        if !out.chunk.is_empty() {
            self.replayed.push(out.chunk);
        }
        if !self.replayed.is_empty() {
            self.start.again_until_us = Some(self.protocol.closed_us());
        }
        self.protocol.grant_replayed();
        Ok(())
    }

    /// The session as it begins, as a snapshot.
    pub(crate) fn first_snapshot(&self) -> Vec<u8> {
        let frozen = snapshot::Frozen {
            core: self.start.simulation.as_ref().map(Simulation::snapshot),
            is_early: self.start.is_early,
            protocol: self.protocol.save(),
            output_position: self.start.output_position,
            applied: self.start.applied,
            ending: self.start.ending,
            simulated_to: sim_core::Tick(0),
            changes: self.start.changes.clone(),
        };
        snapshot::encode(&self.runs, &frozen)
    }
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
