//! The reference workloads of simulators, timed: one JSON line each.
//!
//! ```text
//! cargo run --release -p sim-core --example workloads -- WORKLOAD [--biological-ms N] [--threads N]
//!
//! cuba       Vogels and Abbott 2005: 4 000 neurons with exponential currents, 2 %, one tick of delay
//! brunel     10 000 neurons, 800 + 200 inputs each, delays of 0.1 to 5 ms, noise to each
//! uncoupled  the same without its synapses
//! sparse     10 000 channels at 5 Hz, 1 000 synapses each, delays of 1 to 50 ms, 10 000 neurons
//! step       a closed loop: 1 ms of 1 000 channels into 1 000 neurons, then their spikes
//! conv       36 classes, 21 delays, 17 x 17 pixels at 2 %, on 64 x 64 pixels
//! random     N neurons, 1 000 synapses each (--neurons N), driven by noise
//! ```
//!
//! A tick is 0.1 ms (`conv`: 1 ms). Deliveries are those of recurrent synapses (`sparse`, `step` and
//! `conv`: of the input's), as other simulators' scripts count them.
#![expect(clippy::disallowed_types, reason = "a benchmark measures time")]
#![expect(clippy::print_stdout, reason = "the result")]

mod networks;

use std::{error::Error, sync::Arc, time::Instant};

use networks::{brunel, cuba, random, recurrent, sparse, tick};
use sim_core::{connect::motion_kernel::MotionKernel, network::*, *};

type Outcome = Result<(), Box<dyn Error>>;

/// What to run, from the command line.
struct Wanted {
    workload: String,
    biological_ms: u64,
    threads: u32,
    neurons: u32,
}

fn main() -> Outcome {
    let wanted = wanted()?;
    match wanted.workload.as_str() {
        "cuba" => timed(&wanted, &cuba()),
        "brunel" => timed(&wanted, &brunel(true)),
        "uncoupled" => timed(&wanted, &brunel(false)),
        "sparse" => timed(&wanted, &sparse()),
        "random" => timed(&wanted, &random(wanted.neurons)),
        "step" => step(&wanted),
        "conv" => conv(&wanted),
        other => Err(format!("no workload is named {other:?}; see the head of this file").into()),
    }
}

fn wanted() -> Result<Wanted, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let workload = arguments.next().ok_or("which workload? see the head of this file")?;
    let mut wanted = Wanted { workload, biological_ms: 1_000, threads: 1, neurons: 10_000 };
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--biological-ms" => wanted.biological_ms = value.parse()?,
            "--threads" => wanted.threads = value.parse()?,
            "--neurons" => wanted.neurons = value.parse()?,
            _ => return Err(format!("no option is named {option}").into()),
        }
    }
    Ok(wanted)
}

/// Runs a network without input and reports on it.
fn timed(wanted: &Wanted, network: &Network) -> Outcome {
    let began = Instant::now();
    let plan = Arc::new(Plan::spread(network, &[], Spread::over(wanted.threads))?);
    let build_s = began.elapsed().as_secs_f64();
    let cost = plan.cost().clone();
    let mut simulation = Simulation::new(plan, Options::default());
    let ticks = wanted.biological_ms * 10;
    let (began, cpu) = (Instant::now(), process_s());
    let mut spikes = 0;
    while simulation.simulated_to() < Tick(ticks) {
        simulation.run_until(Tick((simulation.simulated_to().0 + 1_000).min(ticks)))?;
        spikes += simulation.outputs().len();
        simulation.outputs().clear();
    }
    let (wall_s, cpu_s) = (began.elapsed().as_secs_f64(), process_s() - cpu);
    let observed = network.outputs[0].sources.len();
    let sizes = cost.populations.iter().map(|each| each.shape[0]);
    let neurons: u32 = sizes.skip(network.populations.len() - observed).sum();
    let rate_hz = spikes as f64 / f64::from(neurons) / (wanted.biological_ms as f64 / 1e3);
    println!(
        "{{\"peer\": \"spiked\", \"workload\": \"{}\", \"biological_ms\": {}, \"threads\": {}, \
         \"wall_s\": {wall_s:.4}, \"cpu_s\": {cpu_s:.4}, \"synapses\": {}, \
         \"deliveries_per_s\": {:.4e}, \"rate_hz\": {rate_hz:.3}, \"build_s\": {build_s:.3}, \
         \"bytes_per_synapse\": {:.2}}}",
        wanted.workload,
        wanted.biological_ms,
        wanted.threads,
        cost.synapses,
        simulation.counters().deliveries as f64 / wall_s,
        resident_bytes() / cost.synapses.max(1) as f64,
    );
    Ok(())
}

/// Processor time of all threads \[s\].
fn process_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// All memory that the process holds \[bytes\].
fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) * 1024.0
}

/// A counter-based stream of numbers.
fn draw(state: &mut u64, limit: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % limit
}

/// 1 ms of spikes in, 1 ms of simulation, spikes out, again and again.
fn step(wanted: &Wanted) -> Outcome {
    let kind = ReceptorKind::Exponential { tau_ms: 2.0 };
    let lif = LifParameters {
        tau_ms: 10.0,
        threshold_mv: 15.0,
        refractory_ms: 2.0,
        receptors: vec![Receptor { gain: 10.0 / 250.0, ..Receptor::new("excite", kind) }],
        ..LifParameters::default()
    };
    let delays = Delays::Uniform { min: 10, max: 500 };
    let random = RandomConnectivity::new(RandomRule::FixedOutDegree(100), 50.0, delays);
    let network = Network {
        tick: tick(),
        seed: 1,
        inputs: vec![InputPort::new("channels", InputShape::Channels(vec![1_000]))],
        populations: vec![Population::new("cells", &[1_000], Neuron::Lif(lif))],
        projections: vec![recurrent("feed", ["channels", "cells"], "excite", random)],
        outputs: vec![OutputPort { name: "spikes".into(), sources: vec!["cells".into()] }],
        ..Network::default()
    };
    let plan = Arc::new(Plan::spread(&network, &[], Spread::over(wanted.threads))?);
    let mut simulation = Simulation::new(plan, Options::default());
    let mut state = 1;
    let mut steps_us = Vec::new();
    let mut spikes = 0;
    for step in 0..wanted.biological_ms {
        let began = Instant::now();
        let event = |_| {
            let channel = u32::try_from(draw(&mut state, 1_000)).expect("below 1 000");
            InputEvent::new(step * 1_000 + 500, channel)
        };
        let events: [InputEvent; 5] = std::array::from_fn(event);
        simulation.offer(InputId(0), &events)?;
        simulation.promise(InputId(0), (step + 1) * 1_000)?;
        simulation.advance(Budget::UNLIMITED)?;
        spikes += simulation.outputs().len();
        simulation.outputs().clear();
        steps_us.push(began.elapsed().as_secs_f64() * 1e6);
    }
    steps_us.sort_by(f64::total_cmp);
    let at = |per_cent: usize| steps_us[(steps_us.len() - 1) * per_cent / 100];
    println!(
        "{{\"peer\": \"spiked\", \"workload\": \"step\", \"biological_ms\": {}, \"threads\": {}, \
         \"step_p50_ms\": {:.5}, \"step_p99_ms\": {:.5}, \"step_max_ms\": {:.5}, \"spikes\": {spikes}}}",
        wanted.biological_ms,
        wanted.threads,
        at(50) / 1e3,
        at(99) / 1e3,
        at(100) / 1e3,
    );
    Ok(())
}

/// Random events at 0.1 % of pixels and polarities a tick of 1 ms, through the motion kernel.
fn conv(wanted: &Wanted) -> Outcome {
    let velocity = |class: u32| {
        let angle = f64::from(class % 12) / 12.0 * std::f64::consts::TAU;
        let speed = [0.25, 0.397, 0.63][class as usize / 12];
        [speed * libm::cos(angle), speed * libm::sin(angle)]
    };
    let kernel = MotionKernel::new((0..36).map(velocity).collect());
    let convolution = Convolution {
        kernel: kernel.weights(),
        shape: kernel.shape(),
        kind: ConvolutionKind::Convolution,
        border: Border::Zero,
        stride: 1,
        dilation: 1,
        groups: 1,
        delay_step_ticks: 1,
        keep: 0.02,
    };
    let neuron = Neuron::Accumulator(AccumulatorParameters {
        threshold: 3.0,
        rectify: Rectify::Absolute,
        strict: false,
    });
    let sensor = InputShape::Sensor(Some(SensorSize { width: 64, height: 64 }));
    let network = Network {
        tick: TickLength::MILLISECOND,
        inputs: vec![InputPort::new("camera", sensor)],
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
    let plan = Arc::new(Plan::spread(&network, &[], Spread::over(wanted.threads))?);
    let mut simulation = Simulation::new(plan, Options::default());
    let mut state = 1;
    let event = |at: u64, state: &mut u64| {
        let address = u32::try_from(draw(state, 2 * 64 * 64)).expect("a pixel");
        InputEvent::new(at, address)
    };
    let events = (0..wanted.biological_ms * 800).map(|at| event(at * 10 / 8, &mut state));
    let events: Vec<InputEvent> = events.collect();
    simulation.offer(InputId(0), &events)?;
    simulation.promise(InputId(0), wanted.biological_ms * 1_000)?;
    let (began, cpu) = (Instant::now(), process_s());
    simulation.advance(Budget::UNLIMITED)?;
    let (wall_s, cpu_s) = (began.elapsed().as_secs_f64(), process_s() - cpu);
    println!(
        "{{\"peer\": \"spiked\", \"workload\": \"conv\", \"biological_ms\": {}, \"threads\": {}, \
         \"wall_s\": {wall_s:.4}, \"cpu_s\": {cpu_s:.4}, \"deliveries_per_s\": {:.4e}}}",
        wanted.biological_ms,
        wanted.threads,
        simulation.counters().deliveries as f64 / wall_s,
    );
    Ok(())
}
