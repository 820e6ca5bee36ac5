//! Checks of a population's neurons: their parameters, every one where they vary, noise and drive.

use super::super::{DriveStep, Network, Neuron, Noise, Population, Vary, problem::Problems};
use crate::{neuron, random::poisson, time::TickLength};

/// The most noise sources of one population.
const NOISES_MAX: usize = 8;
/// Spikes of a source in one tick, on average.
const SPIKES_PER_TICK_MAX: f64 = 1_000.0;

/// Checks all that a population says of its neurons.
pub(crate) fn population(
    population: &Population,
    (id, network): (u16, &Network),
    shape: &[u32],
    field: &str,
    problems: &mut Problems,
) {
    let tick = network.tick;
    let field_of_model = format!("{field}.{}", model_name(&population.neuron));
    let clock_ticks = population.clock_ticks;
    problems.need(clock_ticks > 0, &format!("{field}.clock"), || {
        "0 ticks; at least 1 is needed".into()
    });
    let count = shape.iter().product::<u32>();
    let mut varies = true;
    for vary in &population.vary {
        varies &= check_vary(vary, population, count, &field_of_model, problems);
    }
    if !varies || clock_ticks == 0 {
        return;
    }
    for (name, message) in check_one(&population.neuron, tick, clock_ticks) {
        problems.note(format!("{field_of_model}.{name}"), message);
    }
    check_each(population, (id, network), count, &field_of_model, problems);
    check_noise(population, tick, field, problems);
    check_drive(population, tick, field, problems);
}

fn model_name(neuron: &Neuron) -> &'static str {
    match neuron {
        Neuron::Lif(_) => "lif",
        Neuron::Accumulator(_) => "accumulator",
        Neuron::Izhikevich(_) => "izhikevich",
        Neuron::Adex(_) => "adex",
        Neuron::Conductance(_) => "conductance",
        Neuron::Discrete(_) => "discrete",
        Neuron::Poisson(_) => "poisson",
        Neuron::Regular(_) => "regular",
    }
}

fn check_vary(
    vary: &Vary,
    population: &Population,
    count: u32,
    field: &str,
    problems: &mut Problems,
) -> bool {
    let field = format!("{field}.{}", vary.parameter);
    let known = population.neuron.clone().field_mut(&vary.parameter).is_some();
    problems.need(known, &field, || "no such parameter".into());
    let able = !matches!(population.neuron, Neuron::Accumulator(_));
    problems.need(able, &field, || "is the same for all accumulators of a population".into());
    let checked = vary.values.check(Some(count as usize));
    let sound = checked.is_ok();
    if let Err(message) = checked {
        problems.note(field, message);
    }
    known && able && sound
}

/// Every neuron where parameters vary; the first that is wrong is named.
fn check_each(
    population: &Population,
    (id, network): (u16, &Network),
    count: u32,
    field: &str,
    problems: &mut Problems,
) {
    if population.vary.is_empty() {
        return;
    }
    let each = neuron::Each::new(population, network.seed, id);
    for index in 0..count {
        let found = check_one(&each.of(index), network.tick, population.clock_ticks);
        if let Some((name, message)) = found.into_iter().next() {
            problems.note(format!("{field}.{name}"), format!("neuron {index}: {message}"));
            return;
        }
    }
}

fn check_one(neuron: &Neuron, tick: TickLength, clock_ticks: u32) -> Vec<(String, String)> {
    let named = |found: Vec<(&'static str, String)>| {
        found.into_iter().map(|(name, message)| (name.to_string(), message)).collect()
    };
    match neuron {
        Neuron::Lif(parameters) => parameters.check(tick),
        Neuron::Accumulator(parameters) => {
            let threshold = parameters.threshold;
            let sound = threshold.is_finite() && threshold > 0.0;
            let message = format!("{threshold}; a threshold is a finite number above 0");
            if sound { Vec::new() } else { vec![("threshold".into(), message)] }
        }
        Neuron::Izhikevich(parameters) => named(parameters.check(tick, clock_ticks)),
        Neuron::Adex(parameters) => named(parameters.check(tick, clock_ticks)),
        Neuron::Conductance(parameters) => named(parameters.check(tick, clock_ticks)),
        Neuron::Discrete(parameters) => named(parameters.check(tick, clock_ticks)),
        Neuron::Poisson(parameters) => {
            let rate_hz = parameters.rate_hz;
            let most = SPIKES_PER_TICK_MAX / (tick.ms() / 1e3);
            let message = format!("{rate_hz} Hz; 0 to {most:e} Hz are possible");
            let sound = (0.0..=most).contains(&rate_hz);
            if sound { Vec::new() } else { vec![("rate".into(), message)] }
        }
        Neuron::Regular(parameters) => {
            let least_ms = tick.ms() / SPIKES_PER_TICK_MAX;
            let mut found = Vec::new();
            if !(parameters.interval_ms >= least_ms && parameters.interval_ms.is_finite()) {
                let message = format!("{} ms; at least {least_ms} ms", parameters.interval_ms);
                found.push(("interval".into(), message));
            }
            if !(parameters.first_ms >= 0.0 && parameters.first_ms.is_finite()) {
                found.push(("first".into(), format!("{} ms; 0 or above", parameters.first_ms)));
            }
            found
        }
    }
}

fn check_noise(population: &Population, tick: TickLength, field: &str, problems: &mut Problems) {
    let noises = population.noise.len();
    problems.need(noises <= NOISES_MAX, &format!("{field}.noise"), || {
        format!("{noises} of them; {NOISES_MAX} are possible")
    });
    let takes = !matches!(population.neuron, Neuron::Poisson(_) | Neuron::Regular(_));
    for (position, Noise { rate_hz, weight, receptor }) in population.noise.iter().enumerate() {
        let field = format!("{field}.noise[{position}]");
        problems.need(takes, &field, || "nothing arrives at a source".into());
        let most = poisson::MEAN_MAX / (tick.ms() / 1e3);
        problems.need((0.0..=most).contains(rate_hz), &format!("{field}.rate"), || {
            format!("{rate_hz} Hz; 0 to {most:e} Hz are possible at this tick")
        });
        problems.need(weight.is_finite(), &format!("{field}.weight"), || {
            format!("{weight} is not a finite number")
        });
        let names = population.neuron.receptors();
        let known = receptor.is_empty() || names.contains(&receptor.as_str());
        problems.need(known, &format!("{field}.receptor"), || {
            format!("no receptor {receptor:?}; there are {names:?}")
        });
    }
}

fn check_drive(population: &Population, tick: TickLength, field: &str, problems: &mut Problems) {
    let mut before = 0;
    for (position, DriveStep { at_tick, drive_mv }) in population.drive_steps.iter().enumerate() {
        let field = format!("{field}.drive_steps[{position}]");
        let Neuron::Lif(lif) = &population.neuron else {
            problems.note(field, "is for leaky integrate-and-fire neurons only");
            return;
        };
        problems.need(*at_tick > before, &field, || {
            format!("tick {at_tick} does not come after tick {before}")
        });
        before = *at_tick;
        let mut later = lif.clone();
        later.drive_mv = *drive_mv;
        for (name, message) in later.check(tick) {
            problems.note(format!("{field}.{name}"), message);
        }
    }
}
