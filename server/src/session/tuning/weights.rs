//! Weights: what a request means for a network's synapses.

use std::collections::BTreeMap;

use sim_core::{Plan, ProjectionId, Simulation, Synapse, WeightChange, WeightsError};
use spiked_proto::v1;

use super::Refused;
use crate::error::Error;

/// Synapses of one answer.
const PAGE_SYNAPSES: usize = 16_384;
/// Sources that are looked at for one answer: most may have no synapse.
const PAGE_SOURCES: u32 = 65_536;
/// Synapses of one request: with its other fields it fits a message and a record.
const CHANGES_MAX: usize = 32_768;
/// Synapses of the rows that one request touches: a thread of simulation rewrites them at once, and
/// other sessions wait for it. A single row may be longer.
const ROWS_SYNAPSES_MAX: u64 = 1 << 18;

fn projection(plan: &Plan, name: &str) -> Result<(ProjectionId, u32), Error> {
    let known = plan.projections();
    let found = known.iter().position(|projection| projection.name == name);
    let found =
        found.and_then(|at| Some((ProjectionId(u16::try_from(at).ok()?), known[at].sources)));
    found.ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|projection| projection.name.as_str()).collect();
        let problem = format!("no projection {name:?}: the network has {}", names.join(", "));
        Error::field("projection", problem)
    })
}

/// The request with each synapse by its place, if it could be applied as far as the network tells.
pub(super) fn checked(
    plan: &Plan,
    request: v1::SetWeightsRequest,
) -> Result<v1::SetWeightsRequest, Error> {
    let (id, _) = projection(plan, &request.projection)?;
    check_columns(&request)?;
    let mut by_source: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (entry, &source) in request.sources.iter().enumerate() {
        by_source.entry(source).or_default().push(entry);
    }
    check_rows(plan, id, &by_source)?;
    let mut synapses = vec![0; request.sources.len()];
    for (&source, entries) in &by_source {
        let row = plan.synapses(id, source).map_err(|error| refusal(&error, entries[0]))?;
        let mut taken = vec![false; row.len()];
        for &entry in entries {
            let place = match request.targets.is_empty() {
                true => place_of_synapse(&row, source, (entry, request.synapses[entry]))?,
                false => place_of_target(&row, source, (entry, request.targets[entry]))?,
            };
            if std::mem::replace(&mut taken[place], true) {
                let problem = format!("synapse {place} of source {source} is named twice");
                return Err(Error::field(format!("sources[{entry}]"), problem));
            }
            synapses[entry] = u32::try_from(place).unwrap_or(u32::MAX);
        }
    }
    Ok(v1::SetWeightsRequest {
        session_id: String::new(),
        targets: Vec::new(),
        synapses,
        ..request
    })
}

fn check_columns(request: &v1::SetWeightsRequest) -> Result<(), Error> {
    let count = request.sources.len();
    if !(1..=CHANGES_MAX).contains(&count) {
        let problem = format!("{count} synapses where 1 to {CHANGES_MAX} may be");
        return Err(Error::field("sources", problem));
    }
    let (which, column) = match (request.synapses.is_empty(), request.targets.is_empty()) {
        (false, true) => ("synapses", request.synapses.len()),
        (true, false) => ("targets", request.targets.len()),
        (true, true) => {
            return Err(Error::field("synapses", "say which, by `synapses` or by `targets`"));
        }
        (false, false) => return Err(Error::field("targets", "`synapses` says which already")),
    };
    for (name, length) in [(which, column), ("weights", request.weights.len())] {
        if length != count {
            return Err(Error::field(name, format!("{length} where {count} sources are")));
        }
    }
    if let Some(entry) = request.weights.iter().position(|weight| !weight.is_finite()) {
        let problem = format!("{} is not a finite number", request.weights[entry]);
        return Err(Error::field(format!("weights[{entry}]"), problem));
    }
    Ok(())
}

fn check_rows(
    plan: &Plan,
    id: ProjectionId,
    by_source: &BTreeMap<u32, Vec<usize>>,
) -> Result<(), Error> {
    let mut touched = 0;
    for (&source, entries) in by_source {
        let row = plan.synapses_of(id, source).map_err(|error| refusal(&error, entries[0]))?;
        touched += u64::from(row);
        if touched > ROWS_SYNAPSES_MAX && by_source.len() > 1 {
            let what = "synapses of all sources in one call";
            return Err(Error::Limit { what, limit: ROWS_SYNAPSES_MAX });
        }
    }
    Ok(())
}

fn place_of_synapse(
    row: &[Synapse],
    source: u32,
    (entry, synapse): (usize, u32),
) -> Result<usize, Error> {
    let place = usize::try_from(synapse).unwrap_or(usize::MAX);
    if place < row.len() {
        return Ok(place);
    }
    let problem = format!("synapse {synapse} of source {source}, which has {}", row.len());
    Err(Error::field(format!("synapses[{entry}]"), problem))
}

fn place_of_target(
    row: &[Synapse],
    source: u32,
    (entry, target): (usize, u32),
) -> Result<usize, Error> {
    let mut found = row.iter().enumerate().filter(|(_, synapse)| synapse.target == target);
    let problem = match (found.next(), found.next()) {
        (Some((place, _)), None) => return Ok(place),
        (None, _) => format!("source {source} has no synapse onto {target}"),
        (Some(_), Some(_)) => {
            format!("source {source} has several synapses onto {target}: name them by `synapses`")
        }
    };
    Err(Error::field(format!("targets[{entry}]"), problem))
}

/// What is wrong with an entry of a request.
fn refusal(error: &WeightsError, entry: usize) -> Error {
    let field = match error {
        WeightsError::Shared => "projection".to_owned(),
        _ => format!("sources[{entry}]"),
    };
    Error::field(field, error.to_string())
}

/// Sets what was checked.
pub(super) fn apply(
    simulation: &mut Simulation,
    request: &v1::SetWeightsRequest,
) -> Result<(), Refused> {
    let (id, _) = projection(simulation.plan(), &request.projection)
        .map_err(|error| ("projection".to_owned(), error.to_string()))?;
    let columns = request.sources.iter().zip(&request.synapses).zip(&request.weights);
    let changes: Vec<_> = columns
        .map(|((&source, &synapse), &weight)| WeightChange { source, synapse, weight })
        .collect();
    simulation.change_weights(id, &changes).map_err(|error| {
        let field = match error {
            WeightsError::Weight { position, .. } => format!("weights[{position}]"),
            _ => "weights".to_owned(),
        };
        (field, error.to_string())
    })
}

/// One page of synapses.
pub(super) fn read(
    simulation: &Simulation,
    request: &v1::GetWeightsRequest,
) -> Result<v1::GetWeightsResponse, Error> {
    let (id, sources) = projection(simulation.plan(), &request.projection)?;
    let from = request.from.unwrap_or_default();
    if from.source >= sources {
        let problem = format!("source {} is not below {sources}", from.source);
        return Err(Error::field("from.source", problem));
    }
    let end = match request.sources {
        0 => sources,
        count => from.source.saturating_add(count).min(sources),
    };
    let mut page = v1::GetWeightsResponse {
        simulated_to_tick: simulation.simulated_to().0,
        ..Default::default()
    };
    let page_end = from.source.saturating_add(PAGE_SOURCES).min(end);
    let mut skipped = from.synapse;
    for source in from.source..page_end {
        let row = simulation.synapses(id, source);
        let row = row.map_err(|error| Error::field("projection", error.to_string()))?;
        for (synapse, one) in (0..).zip(&row).skip(skipped as usize) {
            if page.sources.len() == PAGE_SYNAPSES {
                page.next = Some(v1::SynapsePlace { source, synapse });
                return Ok(page);
            }
            page.sources.push(source);
            page.synapses.push(synapse);
            page.targets.push(one.target);
            page.delays_ticks.push(one.delay_ticks);
            page.weights.push(one.weight);
        }
        skipped = 0;
    }
    page.next = (page_end < end).then_some(v1::SynapsePlace { source: page_end, synapse: 0 });
    Ok(page)
}
