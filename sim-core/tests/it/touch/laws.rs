//! Spikes depend on frames alone: not on batches, promises, pauses, snapshots or workers.

use std::sync::Arc;

use proptest::prelude::*;
use sim_core::{network::*, *};

use super::{Frame, encode, relay, samples, spikes_of, whiskers};
use crate::support::Numbers;

/// A few whiskers for a while, with gaps and with stretches of silence.
pub(super) fn drawn(seed: u64, count: u32, rate_us: u64) -> Vec<Frame> {
    let mut numbers = Numbers(seed);
    let mut time_us = u64::from(numbers.below(5_000));
    let mut values = vec![0.0_f32; 6 * count as usize];
    let mut frames = Vec::new();
    for _ in 0..60 {
        for value in &mut values {
            #[expect(clippy::cast_possible_truncation, reason = "any value will do")]
            let step = (20.0 * (numbers.unit() - 0.5)) as f32;
            match numbers.below(8) {
                0 => *value = 0.0,
                1..=4 => *value += step,
                _ => {}
            }
        }
        frames.push((time_us, values.clone()));
        let is_gap = numbers.below(12) == 0;
        let jitter_us = u64::from(numbers.below(300));
        time_us += rate_us + jitter_us + if is_gap { 70_000 } else { 0 };
    }
    frames
}

pub(super) fn sources() -> [FrameSource; 3] {
    let of = |encoder| FrameSource::new(whiskers(3), encoder);
    let leaky = Afferents { leak_ms: Some(15.0), ..Afferents::default() };
    let levels = LevelCrossing { force_mn: 0.7, moment_unm: 1.3 };
    [
        of(FrameEncoder::Afferents(Afferents::default())),
        of(FrameEncoder::Afferents(leaky)),
        of(FrameEncoder::LevelCrossing(levels)),
    ]
}

/// Frames one by one, promises anywhere that holds, looks at the simulation in between, and now and
/// then a snapshot from which another goes on.
fn cut_anyhow(source: &FrameSource, frames: &[Frame], seed: u64, workers: u32) -> Vec<(u64, u32)> {
    let mut numbers = Numbers(seed);
    let one = relay(source);
    let plan = match workers {
        1 => one,
        _ => {
            let tick = TickLength::MICROSECOND;
            let mut builder = Builder::new(tick);
            let touch = builder.input(InputPort::frames("touch", source.clone(), tick));
            let cells =
                AccumulatorParameters { threshold: 0.5, rectify: Rectify::None, strict: false };
            let shape = source.encoded_shape();
            let relay = builder.population("relay", &shape, Neuron::Accumulator(cells));
            let each = Connectivity::OneToOne { weight: 1.0, delay_ticks: 1 };
            builder.connect(touch, relay, each);
            builder.output("spikes", &[relay]);
            Arc::new(builder.plan_for(workers).expect("a plan"))
        }
    };
    let mut simulation = Simulation::new(Arc::clone(&plan), Options::default());
    let mut spikes = Vec::new();
    let mut promised_us = 0;
    for (index, frame) in frames.iter().enumerate() {
        simulation.offer(InputId(0), &samples(frame)).expect("good samples");
        let next_us = frames.get(index + 1).map_or(frame.0 + 1, |next| next.0);
        if numbers.below(3) > 0 {
            let room = u32::try_from(next_us - frame.0).expect("short");
            promised_us = promised_us.max(frame.0 + 1 + u64::from(numbers.below(room)));
            simulation.promise(InputId(0), promised_us).expect("it rises");
        }
        if numbers.below(2) == 0 {
            let budget = Budget { deliveries: u64::from(numbers.below(5)) };
            simulation.advance(budget).expect("it runs");
        }
        if numbers.below(6) == 0 {
            spikes.extend(spikes_of(&mut simulation));
            let bytes = simulation.snapshot();
            simulation = Simulation::restore(Arc::clone(&plan), &bytes).expect("a whole snapshot");
            assert_eq!(simulation.snapshot(), bytes);
        }
    }
    simulation.end_frames();
    let end_us = frames.last().map_or(0, |(time_us, _)| time_us + source.gap_us + 10);
    simulation.run_until(Tick(end_us)).expect("a run");
    spikes.extend(spikes_of(&mut simulation));
    spikes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn cuts_promises_pauses_and_snapshots_change_nothing(
        seed in any::<u64>(),
        rate_us in prop::sample::select(vec![1_000_u64, 9_091, 400]),
        workers in 1_u32..4,
    ) {
        let frames = drawn(seed, 3, rate_us);
        for source in sources() {
            let expected = encode(&source, &frames);
            prop_assert!(!expected.is_empty());
            prop_assert_eq!(&cut_anyhow(&source, &frames, seed ^ 1, workers), &expected);
        }
    }
}

#[test]
fn time_stands_at_the_last_frame_until_the_next_or_a_gap() {
    let [source, ..] = sources();
    let mut simulation = Simulation::new(relay(&source), Options::default());
    let frame: Frame = (10_000, vec![0.0; 18]);
    simulation.offer(InputId(0), &samples(&frame)).expect("good samples");
    for (promise_us, closed) in
        [(8_000, 8_000), (12_000, 10_001), (60_000, 10_001), (60_001, 60_001)]
    {
        simulation.promise(InputId(0), promise_us).expect("it rises");
        simulation.advance(Budget::UNLIMITED).expect("it runs");
        assert_eq!(simulation.simulated_to(), Tick(closed), "promise of {promise_us} us");
    }
}

#[test]
fn a_damaged_encoder_is_refused() {
    for source in sources() {
        let plan = relay(&source);
        let mut simulation = Simulation::new(Arc::clone(&plan), Options::default());
        for frame in &drawn(3, 3, 1_000)[..20] {
            simulation.offer(InputId(0), &samples(frame)).expect("good samples");
        }
        simulation.promise(InputId(0), 9_000).expect("it rises");
        simulation.advance(Budget::UNLIMITED).expect("it runs");
        let bytes = simulation.snapshot();
        for cut in 0..bytes.len() {
            assert!(Simulation::restore(Arc::clone(&plan), &bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
