//! Parameters of a running session's neurons, read and set between ticks.
//!
//! Names are those by which a population varies its parameters. What is set holds for all that comes
//! after [`Simulation::simulated_to`]: linear neurons are re-based, with the parameters before, at the
//! last tick that has run, as for a step of the drive. Potentials keep their value; one that lies
//! above its threshold then fires in the next tick. Refractory time that lasts is not cut short, and a
//! clocked neuron takes the whole period under way with what holds at its end.
//!
//! The plan is shared and stays as it is: a session that sets parameters gets a model of its own.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use super::Simulation;
use crate::{
    error::ParameterError,
    ids::PopulationId,
    network::{Network, Neuron, Population, Problems, Values, Vary, neurons},
    neuron::{Compile, Each, Model},
};

/// What a session has set, by population and name: one value for all, or one each.
pub(crate) type Parameters = BTreeMap<(PopulationId, String), Vec<f64>>;

impl Simulation {
    /// A parameter of a neuron.
    ///
    /// # Errors
    ///
    /// A population, a parameter or a neuron that there isn't.
    pub fn parameter(
        &self,
        population: PopulationId,
        name: &str,
        index: u32,
    ) -> Result<f64, ParameterError> {
        self.check_name(population, name)?;
        let size = self.own_plan.populations[population.0 as usize].size;
        if index >= size {
            return Err(ParameterError::Neuron { neuron: index, neurons: size });
        }
        let described = described(self.given(population), population, &self.parameters);
        let mut neuron = Each::new(&described, self.own_plan.seed, population.0).of(index);
        Ok(*neuron.field_mut(name).expect("a parameter of the model"))
    }

    /// A parameter of some neurons of a population, in order; those beyond the last are left out.
    ///
    /// # Errors
    ///
    /// A population or a parameter that there isn't.
    pub fn parameter_values(
        &self,
        population: PopulationId,
        name: &str,
        neurons: Range<u32>,
    ) -> Result<Vec<f64>, ParameterError> {
        self.check_name(population, name)?;
        let size = self.own_plan.populations[population.0 as usize].size;
        let described = described(self.given(population), population, &self.parameters);
        let each = Each::new(&described, self.own_plan.seed, population.0);
        let value = |index| *each.of(index).field_mut(name).expect("a parameter of the model");
        Ok((neurons.start..neurons.end.min(size)).map(value).collect())
    }

    /// Gives the neurons of a population another value of a parameter: one for all, or one each.
    ///
    /// # Errors
    ///
    /// A population or a parameter that there isn't, or that holds before the first tick only;
    /// values that are drawn, or that the plan would refuse; and neurons that could fire more often
    /// in one tick than the plan's sums are made for. Nothing is changed then.
    pub fn set_parameter(
        &mut self,
        population: PopulationId,
        name: &str,
        values: &Values,
    ) -> Result<(), ParameterError> {
        self.set_parameters(population, &[(name, values)])
    }

    /// The same for several parameters at once: what one alone would make impossible is allowed where
    /// all together are possible.
    ///
    /// # Errors
    ///
    /// As [`Self::set_parameter`].
    pub fn set_parameters(
        &mut self,
        population: PopulationId,
        changes: &[(&str, &Values)],
    ) -> Result<(), ParameterError> {
        let mut parameters = self.parameters.clone();
        for (name, values) in changes {
            self.check_name(population, name)?;
            let values = match values {
                Values::Same(value) => vec![*value],
                Values::Each(values) => {
                    let neurons = self.own_plan.populations[population.0 as usize].size;
                    if values.len() != neurons as usize {
                        return Err(ParameterError::Count { given: values.len(), neurons });
                    }
                    values.to_vec()
                }
                _ => return Err(ParameterError::Drawn),
            };
            parameters.insert((population, (*name).into()), values);
        }
        self.change(population, parameters)
    }

    /// Gives one neuron another value of a parameter.
    ///
    /// # Errors
    ///
    /// As [`Self::set_parameter`], and a neuron that there isn't.
    pub fn set_parameter_of(
        &mut self,
        population: PopulationId,
        name: &str,
        index: u32,
        value: f64,
    ) -> Result<(), ParameterError> {
        self.parameter(population, name, index)?;
        let mut values = self.parameter_values(population, name, 0..u32::MAX)?;
        values[index as usize] = value;
        self.set_parameter(population, name, &Values::Each(values.into()))
    }

    fn change(
        &mut self,
        population: PopulationId,
        parameters: Parameters,
    ) -> Result<(), ParameterError> {
        let model = self.model_with(population, &parameters)?;
        self.crew.change_model(&self.own_plan, population, &model, self.now);
        self.put_model(population, model);
        self.parameters = parameters;
        self.is_ahead_outdated = true;
        Ok(())
    }

    fn check_name(&self, population: PopulationId, name: &str) -> Result<(), ParameterError> {
        let populations = self.own_plan.populations.len();
        let Some(part) = self.own_plan.populations.get(population.0 as usize) else {
            return Err(ParameterError::Population { population: population.0, populations });
        };
        if part.described.neuron.clone().field_mut(name).is_none() {
            return Err(ParameterError::Name(name.into()));
        }
        Ok(())
    }

    fn given(&self, population: PopulationId) -> &Population {
        &self.own_plan.populations[population.0 as usize].described
    }

    /// A population's model with the parameters that were set, if it can run.
    pub(crate) fn model_with(
        &self,
        population: PopulationId,
        parameters: &Parameters,
    ) -> Result<Model, ParameterError> {
        let part = &self.plan.populations[population.0 as usize];
        let names = of_population(population, parameters).map(|(name, _)| name);
        if let Some(name) = names.into_iter().find(|name| is_fixed(&part.described, name)) {
            return Err(ParameterError::Fixed(name.into()));
        }
        let described = described(&part.described, population, parameters);
        let (tick, seed) = (self.own_plan.tick, self.own_plan.seed);
        let network = Network { tick, seed, ..Network::default() };
        let field = format!("population.{}", described.name);
        let mut problems = Problems::default();
        let id = population.0;
        neurons::population(&described, (id, &network), &[part.size], &field, &mut problems);
        problems.settle()?;
        let (size, quantum) = (part.size, part.quantum);
        let swept = matches!(&part.model, Model::Linear(linear) if linear.is_swept());
        let population = &described;
        let compile = Compile { population, size, seed, position: id, tick, quantum, swept };
        let model = compile.model().with_anything_above();
        let (times, times_max) = (model.multiplicity_max(), part.model.multiplicity_max());
        if times > times_max {
            return Err(ParameterError::Multiplicity { times, times_max });
        }
        Ok(model)
    }

    /// Runs on with parameters that were set before.
    pub(crate) fn take_up_parameters(
        &mut self,
        parameters: Parameters,
    ) -> Result<(), ParameterError> {
        for (population, name) in parameters.keys() {
            self.check_name(*population, name)?;
        }
        let mut populations: Vec<PopulationId> = parameters.keys().map(|(id, _)| *id).collect();
        populations.dedup();
        for population in populations {
            let model = self.model_with(population, &parameters)?;
            self.crew.take_up_model(population, &model);
            self.put_model(population, model);
        }
        if !parameters.is_empty() {
            self.crew.restart(&self.own_plan, self.now);
        }
        self.parameters = parameters;
        Ok(())
    }

    /// Lets a population run with another model.
    pub(crate) fn put_model(&mut self, population: PopulationId, model: Model) {
        let plan = Arc::make_mut(&mut self.own_plan);
        plan.populations[population.0 as usize].model = model;
    }
}

fn of_population(
    population: PopulationId,
    parameters: &Parameters,
) -> impl Iterator<Item = (&str, &[f64])> {
    let own = parameters.iter().filter(move |((id, _), _)| *id == population);
    own.map(|((_, name), values)| (name.as_str(), values.as_slice()))
}

/// Whether a parameter has done its part before the first tick, or is ruled by something else.
fn is_fixed(population: &Population, name: &str) -> bool {
    let is_source = matches!(population.neuron, Neuron::Poisson(_) | Neuron::Regular(_));
    let has_steps = name == "drive" && !population.drive_steps.is_empty();
    is_source || has_steps || name.starts_with("initial")
}

/// A population's description with what was set.
fn described(given: &Population, id: PopulationId, parameters: &Parameters) -> Population {
    let mut population = given.clone();
    for (name, values) in of_population(id, parameters) {
        let varies = population.vary.iter().any(|vary| vary.parameter == name);
        let values = match values {
            [only] if !varies => {
                *population.neuron.field_mut(name).expect("a parameter of the model") = *only;
                continue;
            }
            [only] => Values::Same(*only),
            each => Values::Each(each.into()),
        };
        population.vary.push(Vary { parameter: name.into(), values });
    }
    population
}
