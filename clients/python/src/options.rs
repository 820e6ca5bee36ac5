//! Options of a session, as Python gives them.

use std::time::Duration;

use pyo3::{exceptions::PyValueError, prelude::*};
use spiked_client::{Durability, OpenOptions, Origin, Overload, Pace};

/// The names are those of `Client.open`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    network: String,
    version: String,
    session_id: String,
    sensors: Vec<(String, u32, u32)>,
    origin_us: Option<u64>,
    seed: Option<u64>,
    workers: u32,
    durability: String,
    /// With it, the session's pace is live.
    lateness_us: Option<u64>,
    lag_max_us: u64,
    overload: Option<String>,
    patience_s: Option<f64>,
    run_on_us: Option<u64>,
}

impl Options {
    pub(crate) fn read(self) -> PyResult<OpenOptions> {
        let Self { version, session_id, seed, workers, run_on_us, .. } = self;
        let durability = match self.durability.as_str() {
            "none" => Durability::None,
            "never" => Durability::Never,
            "interval" => Durability::Interval,
            "each" => Durability::Each,
            other => {
                let message =
                    format!("durability is {other:?}, expected none, never, interval or each");
                return Err(PyValueError::new_err(message));
            }
        };
        let seconds = |seconds: f64| {
            Duration::try_from_secs_f64(seconds)
                .map_err(|error| PyValueError::new_err(format!("patience: {error}")))
        };
        let mut options = OpenOptions {
            network_version: version,
            session_id,
            seed,
            workers,
            durability,
            run_on_us,
            origin: self.origin_us.map_or(Origin::FirstBatch, |time_us| Origin::At { time_us }),
            patience: self.patience_s.map(seconds).transpose()?,
            ..OpenOptions::new(&self.network)
        };
        if let Some(lateness_us) = self.lateness_us {
            let lateness = Duration::from_micros(lateness_us);
            let lag_max = Duration::from_micros(self.lag_max_us);
            options.pace = Pace::Live { lateness, lag_max };
        }
        if let Some(overload) = self.overload {
            options.overload = match overload.as_str() {
                "block" => Overload::Block,
                "drop_oldest" => Overload::DropOldest,
                "drop_newest" => Overload::DropNewest,
                "fail" => Overload::Fail,
                other => {
                    let message = format!(
                        "overload is {other:?}, expected block, drop_oldest, drop_newest or fail"
                    );
                    return Err(PyValueError::new_err(message));
                }
            };
        }
        for (port, width, height) in self.sensors {
            options = options.with_sensor(&port, width, height);
        }
        Ok(options)
    }
}
