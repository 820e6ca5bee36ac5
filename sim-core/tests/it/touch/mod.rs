//! Frames of whiskers: what the encoders make of them, and that nothing else shapes it.

mod laws;
mod reference;

use std::sync::Arc;

use sim_core::{network::*, *};

use crate::support::{accumulator, output, plan, population};

/// A frame's time \[µs\] and its values.
pub(crate) type Frame = (u64, Vec<f32>);

pub(crate) fn whiskers(count: u32) -> Vec<Whisker> {
    let whisker = |column| Whisker { name: format!("RA{column}"), side: 0, row: 0, column };
    (0..count).map(whisker).collect()
}

/// Each encoded spike leaves one tick later, with its address.
pub(crate) fn relay(source: &FrameSource) -> Arc<Plan> {
    let tick = TickLength::MICROSECOND;
    let shape = source.encoded_shape();
    plan(&Network {
        tick,
        inputs: vec![InputPort::frames("touch", source.clone(), tick)],
        populations: vec![population("relay", &shape, accumulator(0.5, Rectify::None))],
        projections: vec![Projection::new(
            "relay",
            "touch",
            "relay",
            Connectivity::OneToOne { weight: 1.0, delay_ticks: 1 },
        )],
        outputs: vec![output("spikes", &["relay"])],
        ..Network::default()
    })
}

pub(crate) fn samples((time_us, values): &Frame) -> Vec<InputEvent> {
    let sample = |(address, &value)| InputEvent::sample(*time_us, address, value);
    (0..).zip(values).map(sample).collect()
}

pub(crate) fn spikes_of(simulation: &mut Simulation) -> Vec<(u64, u32)> {
    simulation.drain_spikes().map(|spike| (spike.tick.0 - 1, spike.address)).collect()
}

/// Time \[µs\] and address of every spike, all frames being there from the start.
pub(crate) fn encode(source: &FrameSource, frames: &[Frame]) -> Vec<(u64, u32)> {
    let mut simulation = Simulation::new(relay(source), Options::default());
    for frame in frames {
        simulation.offer(InputId(0), &samples(frame)).expect("good samples");
    }
    simulation.end_frames();
    let end_us = frames.last().map_or(0, |(time_us, _)| time_us + source.gap_us + 10);
    simulation.run_until(Tick(end_us)).expect("a run");
    spikes_of(&mut simulation)
}

/// One whisker whose My follows a course, at 1 kHz.
fn bending(my: impl Fn(f64) -> f64, frames: u32) -> Vec<Frame> {
    #[expect(clippy::cast_possible_truncation, reason = "as a sensor rounds")]
    let frame = |index: u32| {
        let value = my(f64::from(index) / 1e3) as f32;
        (u64::from(index) * 1_000, vec![0.0, 0.0, 0.0, 0.0, value, 0.0])
    };
    (0..frames).map(frame).collect()
}

fn afferents() -> FrameSource {
    FrameSource::new(whiskers(1), FrameEncoder::Afferents(Afferents::default()))
}

/// Up from 0 at 0.1 s to the plateau at 0.2 s, there until 1.2 s, down again until 1.3 s.
fn ramp_and_hold(plateau: f64) -> impl Fn(f64) -> f64 {
    move |at_s| plateau * ((at_s - 0.1) * 10.0).clamp(0.0, 1.0).min(((1.3 - at_s) * 10.0).max(0.0))
}

fn count(spikes: &[(u64, u32)], address: u32, from_us: u64, to_us: u64) -> usize {
    let within = |spike: &&(u64, u32)| spike.1 == address && (from_us..to_us).contains(&spike.0);
    spikes.iter().filter(within).count()
}

#[test]
fn slow_afferents_fire_in_proportion_and_rapid_ones_on_the_ramp_alone() {
    let source = afferents();
    for plateau in [1.0, 2.0, 5.0, 10.0, 20.0] {
        let spikes = encode(&source, &bending(ramp_and_hold(plateau), 1_400));
        // Kind 0 prefers +My: 20 Hz/µN·m through the second of the plateau.
        let slow = count(&spikes, 0, 200_000, 1_200_000) as f64;
        assert!((slow / (20.0 * plateau) - 1.0).abs() <= 0.05, "{slow} spikes at {plateau} µN·m");
        // Kind 4 prefers -My, and kind 12 its change: the ramp down.
        assert_eq!(count(&spikes, 4, 0, u64::MAX), 0);
        let up = count(&spikes, 8, 100_000, 200_001);
        let down = count(&spikes, 12, 1_200_000, 1_300_001);
        let expected = (2.0 * plateau - 1.0).max(1.0);
        assert!(up as f64 >= expected && up as f64 <= 2.0 * plateau, "{up} on the ramp up");
        assert!(down as f64 >= expected && down as f64 <= 2.0 * plateau, "{down} on the ramp down");
        assert_eq!(count(&spikes, 8, 0, u64::MAX), up, "rapid ones through the hold");
        assert_eq!(count(&spikes, 12, 0, u64::MAX), down, "rapid ones through the hold");
    }
}

#[test]
fn no_afferent_fires_faster_than_its_refractory_time() {
    let spikes = encode(&afferents(), &bending(|_| 900.0, 1_001));
    let slow = count(&spikes, 0, 0, 1_000_000);
    assert!((499..=500).contains(&slow), "{slow} spikes a second");
}

#[test]
fn without_touch_nothing_fires() {
    let levels = LevelCrossing { force_mn: 0.1, moment_unm: 0.1 };
    for encoder in [
        FrameEncoder::Afferents(Afferents::default()),
        FrameEncoder::Afferents(Afferents { leak_ms: Some(20.0), ..Afferents::default() }),
        FrameEncoder::LevelCrossing(levels),
    ] {
        let frames: Vec<Frame> = (0..500_u64).map(|at| (at * 1_000, vec![0.0; 180])).collect();
        assert_eq!(encode(&FrameSource::new(whiskers(30), encoder), &frames), []);
    }
}

#[test]
fn a_first_contact_is_felt_within_a_frame() {
    for period_us in [1_000_u64, 9_091] {
        let frames: Vec<Frame> = (0..60_u64)
            .map(|index| {
                let touches = index >= 20;
                (index * period_us, vec![0.0, 0.0, 0.0, 0.0, if touches { 1.0 } else { 0.0 }, 0.0])
            })
            .collect();
        let first_us = encode(&afferents(), &frames).first().map_or(0, |spike| spike.0);
        let contact_us = 20 * period_us;
        assert!(first_us.abs_diff(contact_us) <= period_us, "{first_us} for {contact_us} us");
    }
}

#[test]
fn a_value_that_a_frame_leaves_out_stays() {
    let source = afferents();
    let whole = bending(|_| 5.0, 200);
    let mut simulation = Simulation::new(relay(&source), Options::default());
    for frame in &whole {
        let mut samples = samples(frame);
        if frame.0 > 50_000 {
            samples.retain(|sample| sample.address != 4);
        }
        simulation.offer(InputId(0), &samples).expect("good samples");
    }
    simulation.run_until(Tick(199_001)).expect("a run");
    let expected = encode(&source, &whole);
    let closed: Vec<_> = expected.into_iter().filter(|spike| spike.0 < 199_000).collect();
    assert_eq!(spikes_of(&mut simulation), closed);
}

#[test]
fn a_gap_holds_the_value_for_its_length_and_no_longer() {
    let source = FrameSource { gap_us: 20_000, ..afferents() };
    let value = |my: f32| vec![0.0, 0.0, 0.0, 0.0, my, 0.0];
    let frames = [(0, value(25.0)), (1_000_000, value(0.0)), (1_010_000, value(0.0))];
    let spikes = encode(&source, &frames);
    // 500 Hz for 20 ms.
    let slow = count(&spikes, 0, 0, u64::MAX);
    assert!((9..=10).contains(&slow), "{spikes:?}");
    assert!(spikes.iter().all(|spike| spike.0 <= 20_000), "{spikes:?}");
}

#[test]
fn bad_values_and_frames_are_refused_with_their_place() {
    let mut simulation = Simulation::new(relay(&afferents()), Options::default());
    let mut offer = |value| {
        let samples = [InputEvent::sample(5, 0, 1.0), InputEvent::sample(5, 3, value)];
        simulation.offer(InputId(0), &samples)
    };
    for bad in [f32::NAN, f32::INFINITY, -f32::INFINITY, 1_000.1, -f32::NAN] {
        let refused = offer(bad).expect_err("a bad value");
        assert!(matches!(refused, OfferError::Value { position: 1, .. }), "{refused}");
    }
    assert_eq!(offer(-1_000.0), Ok(()));
    assert_eq!(offer(-0.0), Ok(()));
}

#[test]
fn descriptions_that_make_no_sense_are_refused_by_field() {
    let refused = |source: FrameSource| {
        let tick = TickLength::MICROSECOND;
        let inputs = vec![InputPort::frames("touch", source, tick)];
        let network = Network { tick, inputs, ..Network::default() };
        Plan::new(&network, &[]).expect_err("no plan").to_string()
    };
    let good = afferents();
    for (source, field) in [
        (FrameSource { whiskers: Vec::new(), ..good.clone() }, "frames.whiskers"),
        (FrameSource { gap_us: 0, ..good.clone() }, "frames.gap"),
        (FrameSource { value_max: f32::NAN, ..good.clone() }, "frames.value_max"),
        (
            FrameSource { whiskers: [whiskers(1), whiskers(1)].concat(), ..good.clone() },
            "frames.whiskers",
        ),
        (
            FrameSource {
                encoder: FrameEncoder::LevelCrossing(LevelCrossing {
                    force_mn: 1e-9,
                    moment_unm: 1.0,
                }),
                ..good.clone()
            },
            "frames.levels",
        ),
        (
            FrameSource {
                encoder: FrameEncoder::Afferents(Afferents {
                    refractory_us: 1,
                    ..Afferents::default()
                }),
                ..good
            },
            "frames.refractory",
        ),
    ] {
        let message = refused(source);
        assert!(message.contains(field), "{field}: {message}");
    }
}
