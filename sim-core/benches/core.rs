//! Synaptic events a second on one core, with the work that surrounds them.
//!
//! One JSON line a benchmark. Run them with `cargo xtask bench`.
#![expect(clippy::disallowed_types, reason = "a benchmark measures time")]

use std::{sync::Arc, time::Instant};

use sim_core::{connect::motion_kernel::MotionKernel, network::*, *};
use spiked_sensors::{Settings, motion};

const RUNS: usize = 5;

/// A benchmark: an amount, and the seconds that it took.
type Bench = fn() -> (f64, f64);

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let selected = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    let benches: [(&str, Bench); 5] = [
        ("convolution_2_percent", || convolution(0.02, 1.0)),
        ("convolution_dense", || convolution(1.0, 2.0)),
        ("explicit_rows", explicit_rows),
        ("hour_of_silence", hour_of_silence),
        ("short_turns", short_turns),
    ];
    for (name, bench) in benches {
        if selected(name) {
            report(name, bench);
        }
    }
}

/// Runs a benchmark, which returns (amount, seconds), several times.
#[expect(clippy::print_stdout, reason = "the result")]
fn report(name: &str, bench: Bench) {
    let mut rates: Vec<f64> = (0..RUNS)
        .map(|_| {
            let (amount, seconds) = bench();
            amount / seconds
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    println!(
        "{{\"bench\":\"{name}\",\"unit\":\"per second\",\"runs\":{RUNS},\"min\":{:.4e},\
         \"median\":{:.4e},\"max\":{:.4e}}}",
        rates[0],
        rates[RUNS / 2],
        rates[RUNS - 1]
    );
}

/// The motion network of the paper on 64 x 64 pixels: 36 classes, 21 delays, 17 x 17, 100 ms of a
/// moving texture. Deliveries a second, neurons and winner-take-all included.
fn convolution(keep: f64, selectivity: f64) -> (f64, f64) {
    let settings = Settings { selectivity, ..Settings::default() };
    let motions = motion::motions_of_paper();
    let steps = if keep == 1.0 { 30 } else { 100 };
    let movie = spiked_sensors::movie(settings, motions[5], steps).expect("a valid camera");
    let events = movie.iter().map(|event| {
        let row = u32::from(event.on) * 64 + u32::from(event.y);
        InputEvent::new(event.t_us, row * 64 + u32::from(event.x))
    });
    let events: Vec<_> = events.collect();
    let velocities = motions.iter().map(|motion| {
        let (vx, vy) = motion.velocity();
        [vx, vy]
    });
    let kernel = MotionKernel::new(velocities.collect());
    let convolution = Convolution {
        kernel: kernel.weights(),
        shape: kernel.shape(),
        kind: ConvolutionKind::Convolution,
        border: Border::Zero,
        stride: 1,
        dilation: 1,
        groups: 1,
        delay_step_ticks: 1,
        keep,
    };
    let neuron = Neuron::Accumulator(AccumulatorParameters {
        threshold: 3.0,
        rectify: Rectify::Absolute,
        strict: false,
    });
    let network = Network {
        tick: TickLength::MILLISECOND,
        inputs: vec![InputPort::new(
            "camera",
            InputShape::Sensor(Some(SensorSize { width: 64, height: 64 })),
        )],
        populations: vec![Population {
            winner_take_all: WinnerTakeAll::PerLocation,
            ..Population::new("motion", &[36, 64, 64], neuron)
        }],
        projections: vec![Projection::new(
            "detect",
            "camera",
            "motion",
            Connectivity::Convolution(Arc::new(convolution)),
        )],
        ..Network::default()
    };
    timed(&network, &events, steps as u64 * 1_000 + 30_000)
}

/// 1 000 channels at 50 Hz for 1 s, 1 000 synapses each with delays of 1 to 500 ticks of 0.1 ms,
/// onto 10 000 leaky integrate-and-fire neurons.
fn explicit_rows() -> (f64, f64) {
    let (channels, fan_out, neurons) = (1_000_u32, 1_000_u32, 10_000_u32);
    let mut state = 1_u64;
    let mut next = |limit: u32| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % u64::from(limit)).expect("below a u32")
    };
    let mut synapses = ExplicitSynapses::default();
    for source in 0..channels {
        for _ in 0..fan_out {
            synapses.sources.push(source);
            synapses.targets.push(next(neurons));
            synapses.weights.push(0.2);
            synapses.delays_ticks.push(1 + next(500));
        }
    }
    let events: Vec<_> =
        (0..50_000).map(|_| InputEvent::new(next(1_000_000).into(), next(channels))).collect();
    let lif = LifParameters { threshold_mv: 10.0, tau_ms: 20.0, ..LifParameters::default() };
    let network = Network {
        tick: TickLength::from_ns(100_000).expect("in range"),
        inputs: vec![InputPort::new("channels", InputShape::Channels(vec![channels]))],
        populations: vec![Population::new("cells", &[neurons], Neuron::Lif(lif))],
        projections: vec![Projection::new(
            "feed",
            "channels",
            "cells",
            Connectivity::Explicit(Arc::new(synapses)),
        )],
        ..Network::default()
    };
    timed(&network, &events, 1_100_000)
}

/// Hours of silence a second.
fn hour_of_silence() -> (f64, f64) {
    let network = Network {
        inputs: vec![InputPort::new("in", InputShape::Channels(vec![1]))],
        ..Network::default()
    };
    timed_with(&network, &[], 3_600_000_000, |_| 1.0)
}

/// Milliseconds a second that come one by one, as a live stream's batches do: 1 000 events in 100
/// ticks of 10 µs onto 64 accumulators.
fn short_turns() -> (f64, f64) {
    const BATCHES: u64 = 10_000;
    let sum = AccumulatorParameters { threshold: 1e6, rectify: Rectify::None, strict: false };
    let network = Network {
        tick: TickLength::from_ns(10_000).expect("in range"),
        inputs: vec![InputPort::new("in", InputShape::Channels(vec![64]))],
        populations: vec![Population::new("pool", &[64], Neuron::Accumulator(sum))],
        projections: vec![Projection::new(
            "to",
            "in",
            "pool",
            Connectivity::OneToOne { weight: 1.0, delay_ticks: 1 },
        )],
        ..Network::default()
    };
    let plan = Arc::new(Plan::new(&network, &[]).expect("a valid network"));
    let mut simulation = Simulation::new(plan, Options::default());
    let event = |number: u64| InputEvent::new(number, (number * 37 % 64) as u32);
    let start = Instant::now();
    for batch in 0..BATCHES {
        let events: Vec<_> = (batch * 1_000..(batch + 1) * 1_000).map(event).collect();
        simulation.offer(InputId(0), &events).expect("good events");
        simulation.promise(InputId(0), (batch + 1) * 1_000).expect("rising");
        simulation.advance(Budget::UNLIMITED).expect("no excess");
    }
    (BATCHES as f64, start.elapsed().as_secs_f64())
}

fn timed(network: &Network, events: &[InputEvent], until_us: u64) -> (f64, f64) {
    timed_with(network, events, until_us, |counters| counters.deliveries as f64)
}

fn timed_with(
    network: &Network,
    events: &[InputEvent],
    until_us: u64,
    amount: fn(Counters) -> f64,
) -> (f64, f64) {
    let plan = Arc::new(Plan::new(network, &[]).expect("a valid network"));
    let mut simulation = Simulation::new(plan, Options::default());
    let start = Instant::now();
    simulation.offer(InputId(0), events).expect("good events");
    simulation.promise(InputId(0), until_us).expect("rising");
    simulation.advance(Budget::UNLIMITED).expect("no excess");
    let seconds = start.elapsed().as_secs_f64();
    (amount(simulation.counters()), seconds)
}
