//! Numbers that vary, and delays that do.

use sim_core::network::{Delays, Values};
use spiked_proto::v1;

use super::arrays::Arrays;
use super::{Error, Notes};

/// Values with the shape of their array, where each has its own.
pub(super) struct Shaped {
    pub(super) values: Values,
    pub(super) shape: Option<Vec<u32>>,
}

pub(super) fn values(
    notes: &mut Notes,
    arrays: &mut Arrays<'_>,
    field: &str,
    values: Option<&v1::Values>,
) -> Result<Option<Shaped>, Error> {
    use v1::values::Values as Wire;
    let values = match values.and_then(|values| values.values.as_ref()) {
        Some(Wire::Each(array)) => {
            let array = arrays.weights(notes, &format!("{field}.each"), Some(array))?;
            return Ok(array.map(|array| Shaped {
                values: Values::Each(array.values.into()),
                shape: Some(array.shape),
            }));
        }
        Some(&Wire::Same(value)) => Values::Same(value),
        Some(&Wire::Uniform(v1::UniformValues { min, max })) => Values::Uniform { min, max },
        Some(&Wire::Normal(v1::NormalValues { mean, sd, min, max })) => {
            Values::Normal { mean, sd, min, max }
        }
        Some(&Wire::LogNormal(v1::LogNormalValues { mu, sigma, min, max })) => {
            Values::LogNormal { mu, sigma, min, max }
        }
        None => {
            let message = "is missing: same, each, uniform, normal or log_normal";
            return Ok(notes.none(field, message));
        }
    };
    Ok(Some(Shaped { values, shape: None }))
}

/// Absent delays are none at all.
pub(super) fn delays(
    notes: &mut Notes,
    arrays: &mut Arrays<'_>,
    field: &str,
    delays: Option<&v1::Delays>,
) -> Result<Option<Delays>, Error> {
    use v1::delays::Delays as Wire;
    let Some(delays) = delays else {
        return Ok(Some(Delays::Same(0)));
    };
    Ok(match &delays.delays {
        Some(Wire::SameTicks(ticks)) => Some(Delays::Same(*ticks)),
        Some(Wire::Uniform(v1::UniformTicks { min, max })) => {
            Some(Delays::Uniform { min: *min, max: *max })
        }
        Some(Wire::Rounded(v1::RoundedTicks { values, min })) => {
            let field = format!("{field}.rounded.values");
            let values = self::values(notes, arrays, &field, values.as_ref())?;
            values.map(|Shaped { values, .. }| Delays::Rounded { values, min: *min })
        }
        None => notes.none(field, "is missing: same_ticks, uniform or rounded"),
    })
}
