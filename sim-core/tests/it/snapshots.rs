//! Snapshots of the release before, and from the wrong hands.

use std::sync::Arc;

use sim_core::{network::*, *};

use crate::support::{output, plan, population};

/// The network that `data/snapshot-format-1.bin` was taken of, at 20 ms of 60.
fn network() -> Network {
    let lif = |drive_mv| {
        Neuron::Lif(LifParameters {
            drive_mv,
            refractory_ms: 0.25,
            tau_ms: 2.0,
            ..LifParameters::default()
        })
    };
    let synapses = Arc::new(ExplicitSynapses {
        sources: vec![0, 1, 2, 3, 4, 5, 0, 3],
        targets: vec![1, 2, 3, 4, 5, 0, 3, 0],
        weights: vec![0.5, 0.25, -0.5, 0.75, 0.5, 0.25, 0.125, -0.25],
        delays_ticks: vec![1, 900, 3_000, 70_000, 17, 250, 4_000, 5],
    });
    let explicit = |name: &str, from: &str, to: &str| {
        Projection::new(name, from, to, Connectivity::Explicit(Arc::clone(&synapses)))
    };
    Network {
        inputs: vec![InputPort::new("touch", InputShape::Channels(vec![6]))],
        populations: vec![
            population("driven", &[6], lif(1.2)),
            population("quiet", &[6], lif(0.0)),
        ],
        projections: vec![
            Projection::new(
                "feed",
                "touch",
                "quiet",
                Connectivity::OneToOne { weight: 0.75, delay_ticks: 2_000 },
            ),
            explicit("across", "driven", "quiet"),
            explicit("back", "quiet", "driven"),
        ],
        outputs: vec![output("spikes", &["driven", "quiet"])],
        ..Network::default()
    }
}

fn digest(outputs: &[Output]) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    for output in outputs {
        let Output::Spike(spike) = output else { continue };
        for number in [
            spike.tick.0,
            spike.rank.0.into(),
            spike.port.0.into(),
            spike.address.into(),
            spike.multiplicity.into(),
        ] {
            digest = (digest ^ number).wrapping_mul(0x100_0000_01b3);
        }
    }
    digest
}

/// The file and the digest of what followed were made by the release that wrote format 1.
#[test]
fn the_release_before_is_read_and_goes_on_exactly() {
    let bytes = include_bytes!("data/snapshot-format-1.bin");
    for workers in 1..=3 {
        // So few neurons are cut only where a seed asks for it.
        let spread = Spread { seed: Some(workers.into()), ..Spread::over(workers) };
        let plan = Plan::spread(&network(), &[], spread).expect("a valid network");
        let mut simulation = Simulation::restore(Arc::new(plan), bytes).expect("format 1");
        simulation.promise(InputId(0), 60_000).expect("rising");
        assert_eq!(simulation.advance(Budget::UNLIMITED), Ok(Progress::Idle));
        assert_eq!(simulation.outputs().len(), 184);
        assert_eq!(digest(simulation.outputs()), 0xc9c0_2998_1eba_db7f);
        assert_eq!(simulation.counters().spikes, 318);
    }
}

/// Every flipped bit and every missing byte is refused, and a snapshot from the future is, too.
#[test]
fn damage_is_refused_wherever_it_is() {
    let plan = plan(&network());
    let whole = include_bytes!("data/snapshot-format-1.bin").to_vec();
    let refused = |bytes: &[u8]| Simulation::restore(Arc::clone(&plan), bytes).is_err();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(refused(&bytes), "a bit of byte {at}");
        assert!(refused(&whole[..at]), "{at} bytes");
    }
    let mut future = whole;
    future[8..12].copy_from_slice(&9_u32.to_le_bytes());
    let error = Simulation::restore(plan, &future).map(|_| ()).expect_err("another format");
    assert!(matches!(error, SnapshotError::Format { found: 9, .. }), "{error}");
}
