//! The network "swept-edge": its synapses by the rule, and the directions that it tells.

use std::path::Path;

use sim_core::{Budget, InputEvent, InputId, Options, Output, Plan, Simulation};
use spiked_sensors::whiskers::{Moving, Settings, Shape, Touch, play};
use spiked_server::networks::{Repository, text};

const NETWORKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/networks");
const ROWS: u32 = 5;
const COLUMNS: u32 = 7;

/// Three kinds of each whisker onto each direction, so late that an edge at 40 mm/s over a pitch of
/// 2 mm arrives from all whiskers at once.
fn by_the_rule() -> String {
    let mut lines = vec!["from,to,weight,delay".to_owned()];
    for direction in 0..8_u32 {
        let (sin, cos) = (f64::from(direction) * std::f64::consts::FRAC_PI_4).sin_cos();
        let along = |row: u32, column: u32| {
            let (y, z) = (f64::from(column) - 3.0, 2.0 - f64::from(row));
            2.0 * (y * cos + z * sin)
        };
        let whiskers = || (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
        let last = whiskers().map(|(row, column)| along(row, column)).fold(f64::MIN, f64::max);
        for (turn, weight) in [(7, "0.7"), (0, "1.0"), (1, "0.7")] {
            // A push's moment lies a quarter turn further; rapid kinds follow the eight slow ones.
            let kind = 8 + (direction + 2 + turn) % 8;
            for (row, column) in whiskers() {
                let from = (kind * ROWS + row) * COLUMNS + column;
                let tenths = ((last - along(row, column)) / 40.0 * 1e4).round();
                lines.push(format!("{from},{direction},{weight},{:.1} ms", tenths / 10.0));
            }
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn its_synapses_are_those_of_the_rule() {
    let file = Path::new(NETWORKS).join("swept-edge/synapses.csv");
    assert_eq!(std::fs::read_to_string(file).unwrap(), by_the_rule());
}

#[test]
fn it_is_described_whisker_by_whisker() {
    let described = text::read(&Path::new(NETWORKS).join("swept-edge")).unwrap();
    let loaded = Repository::open(None).unwrap().plan("swept-edge", "", &[]).unwrap();
    let table = &loaded.plan.inputs()[0];
    assert_eq!(
        (table.shape.as_slice(), table.filtered_shape.as_slice()),
        (&[35, 6][..], &[16, 5, 7][..])
    );
    let frames = table.frames.as_ref().unwrap();
    assert_eq!((frames.whiskers[9].name.as_str(), frames.kind_name(9).as_str()), ("RB2", "RA 45°"));
    assert_eq!(described.network.inputs.len(), 1);
}

/// An edge, its speed and where it starts drawn by the seed.
fn sweep(direction: u32, seed: u32, period_ns: u64) -> Touch {
    let drawn = |part: u32| {
        f64::from(seed.wrapping_mul(2_654_435_761).wrapping_add(part * 97) % 1_000) / 1e3
    };
    let direction_rad = f64::from(direction) * std::f64::consts::FRAC_PI_4;
    let shape = Shape::Edge { direction_rad, lead_mm: 9.0 + 3.0 * drawn(1) };
    let speed_mm_s = 30.0 + 30.0 * drawn(2);
    let scene = vec![Moving { shape, speed_mm_s, heading_rad: 0.0 }];
    let frames = 1_000_000_000 / period_ns;
    let settings = Settings {
        rows: ROWS,
        columns: COLUMNS,
        period_ns,
        frames,
        whisking: false,
        scene,
        seed: seed.into(),
    };
    play(&settings).unwrap()
}

/// Every spike of the detectors; and how late the first afferent was \[frames\].
fn told(plan: &std::sync::Arc<Plan>, touch: &Touch) -> [u64; 8] {
    let mut simulation = Simulation::new(plan.clone(), Options::default());
    let per_frame = touch.names.len() * 6;
    for (index, frame) in (0_u64..).zip(touch.values.chunks_exact(per_frame)) {
        let time_us = index * touch.period_ns / 1_000;
        let sample = |(address, &value)| InputEvent::sample(time_us, address, value);
        let samples: Vec<_> = (0..).zip(frame).map(sample).collect();
        simulation.offer(InputId(0), &samples).unwrap();
    }
    simulation.end_frames();
    simulation.promise(InputId(0), 1_600_000).unwrap();
    simulation.advance(Budget::UNLIMITED).unwrap();
    let mut counts = [0; 8];
    for output in simulation.outputs().drain(..) {
        if let Output::Spike(spike) = output {
            counts[spike.address as usize] += u64::from(spike.multiplicity);
        }
    }
    counts
}

fn share_told(period_ns: u64, seeds: std::ops::Range<u32>) -> f64 {
    let loaded = Repository::open(None).unwrap().plan("swept-edge", "", &[]).unwrap();
    let (mut right, mut all) = (0, 0);
    for seed in seeds {
        for direction in 0..8 {
            let counts = told(&loaded.plan, &sweep(direction, seed, period_ns));
            let most = counts.iter().max().copied().unwrap_or(0);
            let clear = counts.iter().filter(|&&count| count == most).count() == 1 && most > 0;
            all += 1;
            right += u32::from(clear && counts[direction as usize] == most);
        }
    }
    f64::from(right) / f64::from(all)
}

/// Seeds 100 and up were looked at by nobody who chose a weight or a threshold.
#[test]
fn directions_are_told_at_1000_hz_and_at_110() {
    let fast = share_told(1_000_000, 100..112);
    assert!(fast >= 0.95, "{fast} at 1 000 Hz");
    let slow = share_told(9_090_909, 100..112);
    assert!(slow >= 0.90, "{slow} at 110 Hz");
}

#[test]
fn nothing_is_told_of_nothing() {
    let loaded = Repository::open(None).unwrap().plan("swept-edge", "", &[]).unwrap();
    let touch = Touch { values: vec![0.0; 35 * 6 * 500], ..sweep(0, 1, 1_000_000) };
    assert_eq!(told(&loaded.plan, &touch), [0; 8]);
}
