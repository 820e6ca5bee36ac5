//! Small helpers that every test uses.

use std::sync::Arc;

use sim_core::{network::*, *};

/// A counter-based stream of numbers (splitmix64), so that a failing case is one seed.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() % u64::from(limit)).expect("below a u32")
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in [-1, 1], in steps of 1/16, so that no weight is rounded.
    pub(crate) fn sixteenth(&mut self) -> f64 {
        f64::from(self.below(33)) / 16.0 - 1.0
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(u32::try_from(last + 1).expect("short")) as usize;
            items.swap(last, other);
        }
    }
}

pub(crate) fn population(name: &str, shape: &[u32], neuron: Neuron) -> Population {
    Population::new(name, shape, neuron)
}

pub(crate) fn accumulator(threshold: f64, rectify: Rectify) -> Neuron {
    Neuron::Accumulator(AccumulatorParameters { threshold, rectify, strict: false })
}

pub(crate) fn output(name: &str, sources: &[&str]) -> OutputPort {
    let sources = sources.iter().map(|&source| source.into()).collect();
    OutputPort { name: name.into(), sources }
}

pub(crate) fn plan(network: &Network) -> Arc<Plan> {
    Arc::new(Plan::new(network, &[]).unwrap_or_else(|error| panic!("{error}")))
}

/// All output of a network for events that are all there from the start.
pub(crate) fn run(plan: &Arc<Plan>, events: &[Vec<InputEvent>], until_us: u64) -> Vec<Output> {
    let mut simulation = Simulation::new(Arc::clone(plan), Options::default());
    for (port, events) in (0..).zip(events) {
        simulation.offer(InputId(port), events).expect("good events");
        simulation.promise(InputId(port), until_us).expect("a rising promise");
    }
    assert_eq!(simulation.advance(Budget::UNLIMITED), Ok(Progress::Idle));
    std::mem::take(simulation.outputs())
}

/// (tick, address, multiplicity) of every spike.
pub(crate) fn spikes(outputs: &[Output]) -> Vec<(u64, u32, u32)> {
    let spike = |output: &Output| match output {
        Output::Spike(spike) => Some((spike.tick.0, spike.address, spike.multiplicity)),
        Output::Decision(_) => None,
    };
    outputs.iter().filter_map(spike).collect()
}
