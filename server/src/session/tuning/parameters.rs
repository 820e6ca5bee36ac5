//! Parameters of neurons: what a request means for a network's populations.

use sim_core::{Plan, PopulationId, Simulation, network::Values};
use spiked_proto::v1;

use super::Refused;
use crate::error::Error;

/// Values of one answer.
const PAGE_VALUES: usize = 65_536;
/// Values and neurons of one request: with its other fields it fits a message and a record.
const CHANGED_MAX: usize = 65_536;

/// A population with its number of neurons.
struct Population {
    id: PopulationId,
    neurons: u32,
    names: Vec<String>,
}

fn population(plan: &Plan, name: &str) -> Result<Population, Error> {
    let known = &plan.cost().populations;
    let at = known.iter().position(|population| population.name == name);
    let found = at.and_then(|at| {
        let id = PopulationId(u16::try_from(at).ok()?);
        let neurons = known[at].shape.iter().product();
        Some(Population { id, neurons, names: plan.population(id)?.neuron.fields() })
    });
    found.ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|population| population.name.as_str()).collect();
        let problem = format!("no population {name:?}: the network has {}", names.join(", "));
        Error::field("population", problem)
    })
}

impl Population {
    fn check_name(&self, field: String, name: &str) -> Result<(), Error> {
        if self.names.iter().any(|known| known == name) {
            return Ok(());
        }
        let problem = format!("no parameter {name:?}: there are {}", self.names.join(", "));
        Err(Error::field(field, problem))
    }
}

/// The request, if it could be applied as far as the network tells.
pub(super) fn checked(
    plan: &Plan,
    mut request: v1::SetParametersRequest,
) -> Result<v1::SetParametersRequest, Error> {
    let population = population(plan, &request.population)?;
    if request.changes.is_empty() {
        return Err(Error::field("changes", "there are none"));
    }
    let size = |change: &v1::ParameterChange| change.values.len() + change.neurons.len();
    if request.changes.iter().map(size).sum::<usize>() > CHANGED_MAX {
        let what = "values and neurons of one call";
        return Err(Error::Limit { what, limit: CHANGED_MAX as u64 });
    }
    for (number, change) in request.changes.iter().enumerate() {
        let field = |part: &str| format!("changes[{number}].{part}");
        population.check_name(field("name"), &change.name)?;
        if request.changes[..number].iter().any(|before| before.name == change.name) {
            return Err(Error::field(field("name"), format!("{:?} is named twice", change.name)));
        }
        check_change(&population, change, field)?;
    }
    request.session_id = String::new();
    Ok(request)
}

fn check_change(
    population: &Population,
    change: &v1::ParameterChange,
    field: impl Fn(&str) -> String,
) -> Result<(), Error> {
    let size = population.neurons;
    if let Some(outside) = change.neurons.iter().find(|&&neuron| neuron >= size) {
        let problem = format!("neuron {outside} is not below {size}");
        return Err(Error::field(field("neurons"), problem));
    }
    let mut sorted = change.neurons.clone();
    sorted.sort_unstable();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::field(field("neurons"), format!("neuron {} is named twice", twice[0])));
    }
    let concerned = if sorted.is_empty() { size as usize } else { sorted.len() };
    let values = change.values.len();
    if values != 1 && values != concerned {
        let problem = format!("{values} values where 1 or {concerned} may be");
        return Err(Error::field(field("values"), problem));
    }
    if let Some(at) = change.values.iter().position(|value| value.is_nan()) {
        return Err(Error::field(field(&format!("values[{at}]")), "is not a number"));
    }
    Ok(())
}

/// Sets what was checked.
pub(super) fn apply(
    simulation: &mut Simulation,
    request: &v1::SetParametersRequest,
) -> Result<(), Refused> {
    let found = population(simulation.plan(), &request.population);
    let id = found.map_err(|error| ("population".to_owned(), error.to_string()))?.id;
    let mut changes = Vec::new();
    for (number, change) in request.changes.iter().enumerate() {
        let values = values_of(simulation, id, change)
            .map_err(|error| (format!("changes[{number}]"), error.to_string()))?;
        changes.push((change.name.as_str(), values));
    }
    let changes: Vec<_> = changes.iter().map(|(name, values)| (*name, values)).collect();
    let set = simulation.set_parameters(id, &changes);
    set.map_err(|error| ("changes".to_owned(), error.to_string()))
}

/// One value for all neurons, or one each.
fn values_of(
    simulation: &Simulation,
    id: PopulationId,
    change: &v1::ParameterChange,
) -> Result<Values, sim_core::ParameterError> {
    let v1::ParameterChange { name, neurons, values } = change;
    if neurons.is_empty() {
        return Ok(match values.as_slice() {
            [all] => Values::Same(*all),
            each => Values::Each(each.into()),
        });
    }
    let mut all = simulation.parameter_values(id, name, 0..u32::MAX)?;
    for (&neuron, value) in neurons.iter().zip(values.iter().cycle()) {
        if let Some(one) = all.get_mut(neuron as usize) {
            *one = *value;
        }
    }
    Ok(Values::Each(all.into()))
}

/// One page of values.
pub(super) fn read(
    simulation: &Simulation,
    request: &v1::GetParametersRequest,
) -> Result<v1::GetParametersResponse, Error> {
    let population = population(simulation.plan(), &request.population)?;
    let (asked, known) = (request.names.len(), population.names.len());
    if asked > known {
        return Err(Error::field("names", format!("{asked} where there are {known} parameters")));
    }
    for (number, name) in request.names.iter().enumerate() {
        population.check_name(format!("names[{number}]"), name)?;
    }
    let (from, size) = (request.from_neuron, population.neurons);
    if from >= size {
        let problem = format!("neuron {from} is not below {size}");
        return Err(Error::field("from_neuron", problem));
    }
    let names = if request.names.is_empty() { &population.names } else { &request.names };
    let end = match request.neurons {
        0 => size,
        count => from.saturating_add(count).min(size),
    };
    let page = u32::try_from(PAGE_VALUES / names.len().max(1)).unwrap_or(u32::MAX).max(1);
    let page_end = from.saturating_add(page).min(end);
    let mut parameters = Vec::new();
    for name in names {
        let values = simulation.parameter_values(population.id, name, from..page_end);
        let values = values.map_err(|error| Error::field("names", error.to_string()))?;
        parameters.push(v1::ParameterValues { name: name.clone(), values });
    }
    Ok(v1::GetParametersResponse {
        parameters,
        simulated_to_tick: simulation.simulated_to().0,
        next_neuron: (page_end < end).then_some(page_end),
    })
}
