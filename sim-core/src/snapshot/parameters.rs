//! Parameters that were set: by population and name, one value for all or one a neuron.
//!
//! Each is the population's number, the length and the bytes of the name, the number of the values,
//! and the values.

use super::bytes::{Reader, Writer};
use crate::{
    error::SnapshotError,
    ids::PopulationId,
    simulation::{Parameters, Simulation},
};

/// What a parameter takes at least.
const PARAMETER_BYTES: usize = 16;
const VALUE_BYTES: usize = 8;
/// No name is longer.
const NAME_BYTES_MAX: u32 = 1 << 16;

pub(super) fn write(simulation: &Simulation, to: &mut Writer) {
    to.u64(simulation.parameters.len() as u64);
    for ((population, name), values) in &simulation.parameters {
        to.u32(population.0.into());
        to.u32(crate::sums::to_u32(name.len()));
        to.raw(name.as_bytes());
        to.u64(values.len() as u64);
        values.iter().for_each(|&value| to.f64(value));
    }
}

pub(super) fn read(
    from: &mut Reader<'_>,
    simulation: &mut Simulation,
) -> Result<(), SnapshotError> {
    let mut parameters = Parameters::new();
    for _ in 0..from.count(PARAMETER_BYTES)? {
        let id = from.below(crate::sums::to_u32(simulation.own_plan.populations.len()))?;
        let population = PopulationId(u16::try_from(id).expect("below the number of parts"));
        let length = from.below(NAME_BYTES_MAX)? as usize;
        let name = String::from_utf8_lossy(from.raw(length)?).into_owned();
        // Infinite ones may mean something; whoever takes them up looks.
        let values: Result<Vec<f64>, SnapshotError> =
            (0..from.count(VALUE_BYTES)?).map(|_| from.u64().map(f64::from_bits)).collect();
        parameters.insert((population, name), values?);
    }
    simulation.take_up_parameters(parameters).map_err(|error| from.value(error.to_string()))
}
