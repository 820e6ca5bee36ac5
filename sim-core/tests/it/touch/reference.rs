//! Encoders against something slow and obvious: time in steps of a tenth of a µs.

use proptest::prelude::*;
use sim_core::network::*;

use super::{Frame, bending, encode, laws, whiskers};

const STEP_US: f64 = 0.1;

/// The moment along a direction at a time, straight between frames.
fn moment(frames: &[Frame], direction_deg: f64, at_us: f64) -> (f64, f64) {
    #[expect(clippy::disallowed_methods, reason = "the reference may use what the platform has")]
    let (z, y) = direction_deg.to_radians().sin_cos();
    let of = |frame: &Frame| y * f64::from(frame.1[4]) + z * f64::from(frame.1[5]);
    let next = frames.partition_point(|frame| frame.0 as f64 <= at_us).clamp(1, frames.len() - 1);
    let (before, after) = (&frames[next - 1], &frames[next]);
    let span_us = (after.0 - before.0) as f64;
    let slope = (of(after) - of(before)) / span_us;
    (of(before) + slope * (at_us - before.0 as f64), slope * 1e6)
}

/// Times \[µs\] of one afferent's spikes, by small steps.
fn stepped(frames: &[Frame], afferents: &Afferents, afferent: &Afferent) -> Vec<f64> {
    let (mut v, mut free_us, mut spikes) = (0.0_f64, f64::MIN, Vec::new());
    let (first_us, last_us) = (frames[0].0 as f64, frames[frames.len() - 1].0 as f64);
    let mut at_us = first_us;
    while at_us < last_us {
        // Frames lie at whole µs, where the drive may jump.
        let step_us = STEP_US.min((at_us + 1e-6).floor() + 1.0 - at_us);
        let (m, change) = moment(frames, afferent.direction_deg, at_us + 0.5 * step_us);
        let drive = (afferent.slow_hz * m + afferent.rapid * change).max(0.0);
        let leaks = |v: f64| afferents.leak_ms.map_or(0.0, |leak_ms| v / (leak_ms / 1e3));
        let middle = v + (drive - leaks(v)) * 0.5 * step_us / 1e6;
        let next = v + (drive - leaks(middle)) * step_us / 1e6;
        if next >= 1.0 && at_us + step_us >= free_us {
            // Within the step it runs straight.
            let share = ((1.0 - v) / (next - v)).clamp(0.0, 1.0);
            at_us = (at_us + share * step_us).max(free_us);
            spikes.push(at_us);
            v = 0.0;
            free_us = at_us + afferents.refractory_us as f64;
            continue;
        }
        v = if at_us < free_us { next.min(1.0) } else { next };
        at_us += step_us;
    }
    spikes
}

/// Every whisker's spikes in a recording without gaps lie where small steps put them.
fn agrees(seed: u64, afferents: &Afferents) {
    let mut frames = laws::drawn(seed, 1, 1_000);
    // Gaps are another test's matter.
    for (index, frame) in (0_u64..).zip(&mut frames) {
        frame.0 = 700 + index * 1_000;
    }
    let source = FrameSource::new(whiskers(1), FrameEncoder::Afferents(afferents.clone()));
    let last_us = frames[frames.len() - 1].0;
    let spikes = encode(&source, &frames);
    for (kind, afferent) in (0..).zip(&afferents.kinds) {
        let own = spikes.iter().filter(|spike| spike.1 == kind && spike.0 < last_us - 20);
        let own: Vec<f64> = own.map(|spike| spike.0 as f64).collect();
        let mut expected = stepped(&frames, afferents, afferent);
        expected.retain(|at_us| *at_us < last_us as f64 - 20.0);
        // A spike at the very end may fall to either side.
        assert!(own.len().abs_diff(expected.len()) <= 1, "kind {kind}: {own:?} for {expected:?}");
        for (spike, expected) in own.iter().zip(&expected) {
            // Rounded up to a whole µs, and what the steps leave.
            let within = 2.0;
            assert!((spike - expected).abs() <= within, "kind {kind}: {spike} for {expected}");
        }
    }
}

#[test]
fn afferents_fire_when_small_steps_say() {
    for seed in 0..12 {
        agrees(seed, &Afferents::default());
        agrees(seed, &Afferents { leak_ms: Some(20.0), ..Afferents::default() });
        let mixed = Afferent { direction_deg: 30.0, slow_hz: 15.0, rapid: 0.4 };
        let kinds = vec![mixed, Afferent { direction_deg: 200.0, ..mixed }];
        agrees(seed, &Afferents { kinds, refractory_us: 1_000, leak_ms: None });
    }
}

/// What a value gives: levels counted from the first, each with its time.
fn crossings(frames: &[Frame], channel: usize, step: f64, kind: u32) -> Vec<(u64, u32)> {
    let mut events = Vec::new();
    let value = |frame: &Frame| f64::from(frame.1[channel]);
    let first = value(&frames[0]);
    let mut level = 0_i32;
    for pair in frames.windows(2) {
        let (from, to) = (value(&pair[0]), value(&pair[1]));
        let when = |level: i32| {
            let share = ((first + f64::from(level) * step - from) / (to - from)).clamp(0.0, 1.0);
            let span_s = (pair[1].0 - pair[0].0) as f64 / 1e6;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            let after_us = (share * span_s * 1e6).ceil() as u64;
            (pair[0].0 + after_us).min(pair[1].0)
        };
        while (to - first) / step >= f64::from(level + 1) {
            level += 1;
            events.push((when(level), kind + 6));
        }
        while (to - first) / step <= f64::from(level - 1) {
            level -= 1;
            events.push((when(level), kind));
        }
    }
    events
}

proptest! {
    #[test]
    fn level_crossings_are_those_of_a_plain_search(
        seed in any::<u64>(),
        step in 0.05_f64..3.0,
    ) {
        let mut frames = laws::drawn(seed, 1, 1_000);
        for (index, frame) in (0_u64..).zip(&mut frames) {
            frame.0 = index * 1_000;
        }
        let levels = LevelCrossing { force_mn: step, moment_unm: 2.0 * step };
        let source = FrameSource::new(whiskers(1), FrameEncoder::LevelCrossing(levels));
        let mut expected: Vec<(u64, u32)> = (0..6_u8)
            .flat_map(|channel| {
                let step = if channel < 3 { step } else { 2.0 * step };
                crossings(&frames, channel.into(), step, channel.into())
            })
            .collect();
        expected.sort_unstable();
        // Crossings of one µs and address are one spike.
        expected.dedup();
        prop_assert_eq!(encode(&source, &frames), expected);
    }

    /// A move of d is exactly floor(|d| / step) events.
    #[test]
    fn a_move_is_as_many_events_as_whole_steps(moved in -900.0_f32..900.0, step in 0.5_f64..50.0) {
        let levels = LevelCrossing { force_mn: 0.0, moment_unm: step };
        let source = FrameSource::new(whiskers(1), FrameEncoder::LevelCrossing(levels));
        let frames = bending(|at_s| f64::from(moved) * (at_s * 10.0).min(1.0), 200);
        let spikes = encode(&source, &frames);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let expected = (f64::from(moved.abs()) / step).floor() as usize;
        let kind = if moved > 0.0 { 10 } else { 4 };
        prop_assert_eq!(spikes.len(), expected);
        prop_assert!(spikes.iter().all(|spike| spike.1 == kind));
    }
}
