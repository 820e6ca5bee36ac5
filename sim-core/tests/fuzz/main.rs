//! Hostile bytes in the place of a snapshot: see `spiked-fuzz`.

use std::sync::Arc;

use sim_core::{network::*, *};
use spiked_fuzz::{Counting, Random, Target};

#[global_allocator]
static MEMORY: Counting = Counting;

/// Bytes before the first section.
const HEAD: usize = 8 + 4 + 4 + 32;
/// Bytes before a section's body: id, version, length, CRC-32.
const SECTION_HEAD: usize = 20;

/// Something of everything that a snapshot holds, as small as it can be.
fn network() -> Network {
    let receptor = Receptor::new("slow", ReceptorKind::Exponential { tau_ms: 5.0 });
    let lif = LifParameters { receptors: vec![receptor], ..LifParameters::default() };
    let sum = AccumulatorParameters { threshold: 0.5, rectify: Rectify::None, strict: false };
    let each = |weight| Connectivity::OneToOne { weight, delay_ticks: 3 };
    let synapses = ExplicitSynapses {
        sources: vec![0, 1, 2, 0],
        targets: vec![1, 2, 0, 2],
        weights: vec![0.5, 0.25, -0.5, 0.75],
        delays_ticks: vec![1, 9, 40, 9],
    };
    let mut port = InputPort::new("in", InputShape::Channels(vec![3]));
    port.filters = vec![Filter::Refractory { period_us: 700 }];
    let mut plastic = Projection::new("plastic", "cells", "sums", each(0.75));
    plastic.short_term =
        Some(ShortTerm { utilisation: 0.5, recovery_ms: 20.0, facilitation_ms: 10.0 });
    let explicit = Connectivity::Explicit(Arc::new(synapses));
    let votes = ReadoutRule::Vote { window_ticks: 20, every_ticks: 5, labels: Vec::new() };
    Network {
        tick: TickLength::MILLISECOND,
        inputs: vec![port],
        populations: vec![
            Population::new("cells", &[3], Neuron::Lif(lif)),
            Population::new("sums", &[3], Neuron::Accumulator(sum)),
            Population::new("clocked", &[3], Neuron::Izhikevich(IzhikevichParameters::default())),
            Population::new("random", &[3], Neuron::Poisson(PoissonParameters { rate_hz: 30.0 })),
        ],
        projections: vec![
            Projection::new("feed", "in", "cells", each(30.0)),
            Projection::new("across", "random", "cells", explicit),
            plastic,
            Projection::new("on", "random", "clocked", each(15.0)),
        ],
        readouts: vec![Readout { name: "vote".into(), source: "cells".into(), rule: votes }],
        outputs: vec![OutputPort { name: "spikes".into(), sources: vec!["cells".into()] }],
        ..Network::default()
    }
}

/// Snapshots early and late, with weights and parameters that were set.
fn examples(plan: &Arc<Plan>) -> Vec<Vec<u8>> {
    let mut simulation = Simulation::new(Arc::clone(plan), Options::default());
    let mut snapshots = vec![simulation.snapshot()];
    let channels = (0..60).map(|n| InputEvent::new(2_000 * u64::from(n), n % 3));
    simulation.offer(InputId(0), &channels.collect::<Vec<_>>()).expect("sound events");
    for at_us in [30_000, 61_000] {
        simulation.promise(InputId(0), at_us).expect("rising");
        simulation.advance(Budget::UNLIMITED).expect("runs");
        snapshots.push(simulation.snapshot());
    }
    simulation.set_weights(ProjectionId(0), 0, &[20.0]).expect("in bounds");
    let values = Values::Same(20.0);
    simulation.set_parameter(PopulationId(0), "threshold", &values).expect("in bounds");
    snapshots.push(simulation.snapshot());
    snapshots
}

/// A network that lives in samples, whose neurons can be put to rest.
fn sampled_network() -> Network {
    let mut network = network();
    network.inputs.push(InputPort::new("sample", InputShape::Channels(vec![1])));
    network.populations.truncate(3);
    network.projections.retain(|projection| projection.source != "random");
    let rule = ReadoutRule::Confidence {
        begins: "sample".into(),
        threshold: 0.9,
        scale: 0.5,
        after_ticks: 3,
        within_ticks: 40,
        labels: Vec::new(),
    };
    network.readouts[0].rule = rule;
    network
}

/// Snapshots in a sample, between two, and in the second.
fn sampled_examples(plan: &Arc<Plan>) -> Vec<Vec<u8>> {
    let mut simulation = Simulation::new(Arc::clone(plan), Options::default());
    let channels = (0..60).map(|n| InputEvent::new(2_000 * u64::from(n), n % 3));
    simulation.offer(InputId(0), &channels.collect::<Vec<_>>()).expect("sound events");
    let begins = [3_000, 70_000].map(|time_us| InputEvent::new(time_us, 0));
    simulation.offer(InputId(1), &begins).expect("sound events");
    let mut snapshots = Vec::new();
    for tick in [2, 12, 30, 60, 75, 90] {
        simulation.run_until(Tick(tick)).expect("runs");
        snapshots.push(simulation.snapshot());
    }
    snapshots
}

/// Where each section begins and ends, as far as they can be followed.
fn sections(bytes: &[u8]) -> Vec<(usize, usize)> {
    let (mut found, mut at) = (Vec::new(), HEAD);
    while let Some(head) = bytes.get(at..at + SECTION_HEAD) {
        let length = head[8..16].first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
        let left = bytes.len() - at - SECTION_HEAD;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(left);
        let end = at + SECTION_HEAD + length;
        found.push((at, end));
        at = end;
    }
    found
}

/// Damages one section within and makes its length and checksum right.
#[expect(clippy::ptr_arg, reason = "a target may change the length")]
fn repair(bytes: &mut Vec<u8>, random: &mut Random) {
    if random.once_in(2)
        && let Some(&(start, end)) = sections(bytes).get(random.index(9))
    {
        for _ in 0..=random.below(3) {
            let body = start + SECTION_HEAD..end;
            let at = body.start + random.index(body.len().max(1)) / 4 * 4;
            let width = *random.of(&[4, 8]);
            let field = bytes.get_mut(at..(at + width).min(end)).unwrap_or_default();
            let most = *random.of(&[6, 100]);
            let small = random.below(most);
            let value = *random.of(&[0, 1, small, u64::MAX, 1 << 63, 1 << 32, small << 50]);
            let value = if random.once_in(4) { random.next() } else { value };
            for (byte, new) in field.iter_mut().zip(value.to_le_bytes()) {
                *byte = new;
            }
        }
    }
    for (start, end) in sections(bytes) {
        let checksum = crc32fast::hash(&bytes[start + SECTION_HEAD..end]).to_le_bytes();
        let length = ((end - start - SECTION_HEAD) as u64).to_le_bytes();
        bytes[start + 8..start + 16].copy_from_slice(&length);
        bytes[start + 16..start + SECTION_HEAD].copy_from_slice(&checksum);
    }
}

/// Bytes with good checksums are refused or are a state: it is written again as it was read, and
/// runs on.
#[test]
fn core_snapshots() {
    let plan = planned(&network());
    let target = Target::new("core_snapshots", examples(&plan)).repair(&repair);
    hold(target, &plan);
}

#[test]
fn sampled_snapshots() {
    let plan = planned(&sampled_network());
    let target = Target::new("sampled_snapshots", sampled_examples(&plan)).repair(&repair);
    hold(target, &plan);
}

fn planned(network: &Network) -> Arc<Plan> {
    Arc::new(Plan::new(network, &[]).unwrap_or_else(|error| panic!("{error}")))
}

fn hold(target: Target<'_>, plan: &Arc<Plan>) {
    target.memory_bytes_max(4 << 20).run(|input| {
        let Ok(mut simulation) = Simulation::restore(Arc::clone(plan), input) else {
            return false;
        };
        let written = simulation.snapshot();
        let again = Simulation::restore(Arc::clone(plan), &written).expect("its own snapshot");
        assert_eq!(again.snapshot(), written);
        let until = simulation.simulated_to().0.saturating_add(20);
        for port in 0..plan.inputs().len() {
            let port = InputId(u16::try_from(port).expect("few"));
            let _ = simulation.promise(port, until.saturating_mul(1_000));
        }
        let _ = simulation.advance_until(Budget { deliveries: 1_000 }, Tick(until));
        true
    });
}
