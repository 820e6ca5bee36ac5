use proptest::prelude::*;

use super::*;

fn lif(parameters: LifParameters) -> Lif {
    Lif::new(&parameters, TickLength::MILLISECOND, 1.0 / 1024.0)
}

fn quanta(mv: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "small numbers in a test")]
    let quanta = (mv * 1024.0).round() as i64;
    quanta
}

/// Drives one neuron tick by tick with the arrivals given, answering every call of the calendar.
fn run(lif: &Lif, arrivals: &[(u64, f64)], until: u64) -> Vec<(u64, u32)> {
    let mut membranes = Membranes::new(lif, 1);
    let mut call = membranes.predict(lif, 0, 0);
    let mut spikes = Vec::new();
    for tick in 0..until {
        let arrived: f64 = arrivals.iter().filter(|(at, _)| *at == tick).map(|(_, w)| w).sum();
        let mut due = arrived != 0.0;
        if call == Some(tick) {
            let (crosses, again) = membranes.answer(0, tick);
            due |= crosses;
            call = again;
        }
        if due {
            let (fired, next) = membranes.advance(lif, 0, tick, quanta(arrived));
            call = next.or(call);
            if fired > 0 {
                spikes.push((tick, fired));
            }
        }
    }
    spikes
}

#[test]
fn forgets_exponentially_and_fires_when_the_threshold_is_reached() {
    let neuron = lif(LifParameters { tau_ms: 10.0, ..LifParameters::default() });
    assert_eq!(run(&neuron, &[(5, 0.5), (5, 0.5)], 50), [(5, 1)]);
    assert_eq!(run(&neuron, &[(5, 0.5), (6, 0.5)], 50), []);
    assert_eq!(run(&neuron, &[(5, 0.5), (6, 0.548)], 50), [(6, 1)], "exp(-0.1) is 0.9048");
    let strict = lif(LifParameters { strict: true, ..LifParameters::default() });
    assert_eq!(run(&strict, &[(5, 1.0)], 50), []);
}

#[test]
fn a_drive_fires_by_itself_and_rounding_never_adds_up() {
    let parameters =
        LifParameters { tau_ms: 10.0, drive_mv: 2.0, refractory_ms: 0.7, ..Default::default() };
    let neuron = lif(parameters);
    let period = 10.0 * 2.0_f64.ln_checked() + 0.7;
    let spikes = run(&neuron, &[], 100_000);
    let first = 10.0 * 2.0_f64.ln_checked();
    for (number, (tick, fired)) in spikes.iter().enumerate() {
        let crossing = first + number as f64 * period;
        assert_eq!((*tick as f64, *fired), (crossing.ceil(), 1), "spike {number}");
    }
    assert!((spikes.len() as f64 - 100_000.0 / period).abs() < 1.0);
}

#[test]
fn a_decay_has_the_same_bits_whether_it_is_looked_up_or_worked_out() {
    let neuron = lif(LifParameters { tau_ms: 7.3, ..LifParameters::default() });
    for ticks in 0..2 * u64::from(DECAYS) {
        let expected = exp(-(ticks as f64) / 7.3);
        assert_eq!(neuron.decay(Moment::at(5), 5 + ticks).to_bits(), expected.to_bits());
    }
    let between = Moment { tick: 5, fraction: 0.25 };
    assert_eq!(neuron.decay(between, 8).to_bits(), exp(-2.75 / 7.3).to_bits());
}

trait Checked {
    fn ln_checked(self) -> f64;
}

impl Checked for f64 {
    fn ln_checked(self) -> f64 {
        ln(self)
    }
}

#[test]
fn an_arrival_cancels_what_was_predicted() {
    let driven = LifParameters { tau_ms: 10.0, drive_mv: 2.0, ..LifParameters::default() };
    assert_eq!(run(&lif(driven.clone()), &[], 14), [(7, 1)]);
    assert_eq!(run(&lif(driven.clone()), &[(6, -0.5)], 14), [(11, 1)]);
    assert_eq!(run(&lif(driven), &[(2, 0.5)], 10), [(4, 1)]);
}

/// Exceeding the threshold takes a moment, and the arrival's own tick is over by then.
#[test]
fn an_arrival_that_only_reaches_a_strict_threshold_is_carried_over_it_by_the_drive() {
    let driven =
        LifParameters { drive_mv: 5.0, refractory_ms: 50.0, strict: true, ..Default::default() };
    assert_eq!(run(&lif(driven), &[(0, 1.0)], 20), [(1, 1)]);
}

#[test]
fn loses_what_arrives_in_refractory_time_and_nothing_after_it() {
    let neuron = lif(LifParameters { refractory_ms: 2.5, ..LifParameters::default() });
    assert_eq!(run(&neuron, &[(5, 1.0), (6, 9.0), (7, 9.0), (8, 1.0)], 50), [(5, 1), (8, 1)]);
}

#[test]
fn several_crossings_in_one_tick_are_one_spike_of_that_multiplicity() {
    let fast = LifParameters { tau_ms: 0.5, drive_mv: 2.0, ..LifParameters::default() };
    let spikes = run(&lif(fast), &[], 1_000);
    let crossings: u32 = spikes.iter().map(|(_, fired)| fired).sum();
    let period = 0.5 * 2.0_f64.ln_checked();
    assert!((f64::from(crossings) - 999.0 / period).abs() <= 1.0, "{crossings}");
    assert!(spikes.iter().all(|(_, fired)| (2..=3).contains(fired)));
}

proptest! {
    /// Against forward integration in small steps, checked where no crossing is near a tick.
    #[test]
    fn agrees_with_small_steps(
        tau in 2.0..40.0,
        drive in -1.0..3.0,
        refractory in 0.0..5.0,
        arrivals in prop::collection::vec((0_u64..100, -0.6..0.9), 0..12),
    ) {
        let parameters = LifParameters {
            tau_ms: tau, drive_mv: drive, refractory_ms: refractory, ..Default::default()
        };
        let exact = run(&lif(parameters.clone()), &arrivals, 120);
        if let Some(expected) = small_steps(&parameters, &arrivals, 120) {
            prop_assert_eq!(exact, expected);
        }
    }
}

/// Euler with 10 000 steps a tick; `None` when a decision hangs on less than its error.
fn small_steps(
    parameters: &LifParameters,
    arrivals: &[(u64, f64)],
    until: u64,
) -> Option<Vec<(u64, u32)>> {
    const STEPS: u32 = 10_000;
    let step = 1.0 / f64::from(STEPS);
    let (mut v, mut refractory_until) = (0.0, -1.0);
    let mut spikes: Vec<(u64, u32)> = Vec::new();
    for tick in 0..until {
        let now = tick as f64;
        let input: i64 =
            quanta(arrivals.iter().filter(|(at, _)| *at == tick).map(|(_, w)| w).sum());
        if input != 0 {
            if (now - refractory_until).abs() < 0.01 {
                return None;
            }
            if now > refractory_until {
                v += input as f64 / 1024.0;
                if (v - parameters.threshold_mv).abs() < 0.01 {
                    return None;
                }
                if v >= parameters.threshold_mv {
                    (v, refractory_until) = (0.0, now + parameters.refractory_ms);
                    spikes.push((tick, 1));
                }
            }
        }
        for small in 1..=STEPS {
            let at = now + f64::from(small) * step;
            if at <= refractory_until {
                continue;
            }
            v += (parameters.drive_mv - v) * step / parameters.tau_ms;
            if v >= parameters.threshold_mv {
                if !(0.02..=0.98).contains(&(at - now)) {
                    return None;
                }
                (v, refractory_until) = (0.0, at + parameters.refractory_ms);
                match spikes.last_mut() {
                    Some((last, fired)) if *last == tick + 1 => *fired += 1,
                    _ => spikes.push((tick + 1, 1)),
                }
            } else if v > parameters.threshold_mv - 1e-3 && parameters.drive_mv < 1.01 {
                return None;
            }
        }
    }
    spikes.retain(|(tick, _)| *tick < until);
    Some(merged(spikes))
}

/// A crossing in the tick before and an arrival at the tick are one spike.
fn merged(spikes: Vec<(u64, u32)>) -> Vec<(u64, u32)> {
    let mut merged: Vec<(u64, u32)> = Vec::new();
    for (tick, fired) in spikes {
        match merged.last_mut() {
            Some((last, sum)) if *last == tick => *sum += fired,
            _ => merged.push((tick, fired)),
        }
    }
    merged
}
