//! How far a simulation runs in one go, with stops where somebody looks or sets something.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sim_core::{Budget, Progress, Simulation, SimulationError, Tick};

use crate::session::probing::Probe;

/// Synaptic deliveries between two looks at the clock.
const SLICE_DELIVERIES: u64 = 16_384;
/// Ticks that a network without inputs runs at once, between two looks at the clock.
const STRIDE_TICKS: u64 = 100;
/// Readings of probes in one turn.
const READINGS_MAX: usize = 4_096;

/// How far a turn may go.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Where there are no inputs to hold promises, ticks below this are closed \[µs\].
    pub(super) promise_us: u64,
    /// Here something is set, or what is made again ends, before anything more runs.
    pub(super) stop: Option<Tick>,
    /// Processor time at which the turn is over.
    pub(super) until: Duration,
}

/// Runs closed ticks for a turn, and looks at neurons where somebody asked to.
pub(super) fn advance(
    simulation: &mut Simulation,
    bounds: Bounds,
    probes: &mut [Probe],
) -> Result<Progress, SimulationError> {
    if simulation.plan().inputs().is_empty() {
        return advance_alone(simulation, bounds, probes);
    }
    let end = simulation.plan().tick().closed_by(bounds.promise_us, simulation.origin_us());
    advance_to(simulation, end, bounds.stop, probes)
}

/// As far as `end`, stopping for each reading of a probe, and at `stop`.
fn advance_to(
    simulation: &mut Simulation,
    end: Tick,
    stop: Option<Tick>,
    probes: &mut [Probe],
) -> Result<Progress, SimulationError> {
    let budget = Budget { deliveries: SLICE_DELIVERIES };
    for _ in 0..READINGS_MAX {
        let now = simulation.simulated_to();
        let due = probes.iter_mut().map(|probe| probe.due(now)).chain(stop).min();
        let Some(due) = due else {
            return simulation.advance(budget);
        };
        if simulation.advance_until(budget, due)? == Progress::More {
            return Ok(Progress::More);
        }
        if simulation.simulated_to() < due {
            return Ok(Progress::Idle);
        }
        for probe in &mut *probes {
            probe.read(simulation);
        }
        if stop == Some(due) {
            return Ok(Progress::More);
        }
        if simulation.simulated_to() >= end {
            return Ok(Progress::Idle);
        }
    }
    Ok(Progress::More)
}

/// A network without inputs runs by the clock of its turn: it may have no deliveries to count.
fn advance_alone(
    simulation: &mut Simulation,
    bounds: Bounds,
    probes: &mut [Probe],
) -> Result<Progress, SimulationError> {
    let end = simulation.plan().tick().closed_by(bounds.promise_us, simulation.origin_us());
    loop {
        let stride = Tick(simulation.simulated_to().0.saturating_add(STRIDE_TICKS));
        simulation.close_until(stride.min(end));
        let progress = advance_to(simulation, stride.min(end), bounds.stop, probes)?;
        if simulation.simulated_to() >= end {
            return Ok(progress);
        }
        if progress == Progress::More || thread_time() >= bounds.until {
            return Ok(Progress::More);
        }
    }
}

/// Processor time of this thread: what a session costs, even on a machine with other work.
pub(super) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
