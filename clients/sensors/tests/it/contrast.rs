//! The contrast camera: its rule against small steps, what it adds to it, and what it refuses.

use std::{f64::consts::TAU, sync::Arc};

use spiked_proto::layout::camera::CameraEvent;
use spiked_sensors::{
    Motion,
    contrast::{ContrastCamera, Counts, Image, STEP_US, Scene, Settings},
};

fn settings(scene: Scene) -> Settings {
    Settings {
        width: 24,
        height: 16,
        scene,
        motion: Motion { direction_rad: 0.0, speed_px_per_step: 0.1 },
        threshold: 0.2,
        background_hz: 0.0,
        hot_pixels: 0,
        hot_hz: 100.0,
        latency_us: 0,
        seed: 5,
    }
}

fn play(settings: Settings, steps: usize) -> (Vec<CameraEvent>, Counts) {
    let mut camera = ContrastCamera::new(settings).unwrap();
    let mut events = Vec::new();
    (0..steps).for_each(|_| camera.step(&mut events));
    (events, camera.counts())
}

/// What one pixel does whose logarithm runs straight between steps, by steps of 1 µs.
fn stepped(logarithm: impl Fn(f64) -> f64, threshold: f64, steps: u32) -> Vec<(u64, bool)> {
    let mut reference = logarithm(0.0);
    let mut events = Vec::new();
    for step in 0..steps {
        let (before, now) = (logarithm(f64::from(step)), logarithm(f64::from(step + 1)));
        for us in 1..=STEP_US {
            let value = before + (now - before) * us as f64 / STEP_US as f64;
            while (value - reference).abs() >= threshold {
                let on = value > reference;
                reference += if on { threshold } else { -threshold };
                events.push((u64::from(step) * STEP_US + us - 1, on));
            }
        }
    }
    events
}

#[test]
fn a_pixel_fires_whenever_its_logarithm_has_moved_by_the_threshold() {
    let wavelength_px = 7.3;
    let (events, _) = play(settings(Scene::Grating { wavelength_px }), 300);
    for (x, y) in [(0, 0), (7, 3), (23, 15)] {
        let logarithm = |step: f64| {
            let along = f64::from(x) - 0.1 * step;
            (1.0 + 0.9 * (TAU * along / wavelength_px).sin()).ln()
        };
        let expected = stepped(logarithm, 0.2, 300);
        let own = events.iter().filter(|event| (event.x, event.y) == (x, y));
        let found: Vec<_> = own.map(|event| (event.t_us, event.on)).collect();
        assert!(expected.len() > 40, "{} events prove little", expected.len());
        assert_eq!(found.len(), expected.len(), "({x}, {y})");
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.0.abs_diff(expected.0) <= 1 && found.1 == expected.1, "{found:?}");
        }
    }
    assert!(events.is_sorted_by_key(|event| event.t_us));
}

#[test]
fn a_bar_comes_with_on_and_leaves_with_off() {
    let bars = Scene::Bars { width_px: 4.0, period_px: 40.0 };
    let (events, _) = play(settings(bars), 160);
    // Its front starts at pixel 4 and reaches pixel x after 10 (x - 4) ms; its back, 4 px behind.
    for (on, behind_px) in [(true, 0), (false, 4)] {
        for x in 8..18_u16 {
            let own = events.iter().filter(|event| (event.x, event.on) == (x, on));
            let times: Vec<f64> = own.map(|event| event.t_us as f64 / 1e3).collect();
            let due_ms = 10.0 * f64::from(x - 4 + behind_px);
            if due_ms > 150.0 {
                continue;
            }
            assert!(times.len() >= 16 * 10, "{} events at column {x}", times.len());
            assert!(times.iter().all(|ms| (ms - due_ms).abs() <= 6.0), "column {x}: {times:?}");
        }
    }
}

#[test]
fn what_stands_still_is_dark_and_noise_comes_at_its_rate() {
    let still = Motion { direction_rad: 1.0, speed_px_per_step: 0.0 };
    let quiet = Settings { motion: still, ..settings(Scene::Texture) };
    assert_eq!(play(quiet.clone(), 200).0, []);
    let (events, counts) = play(Settings { background_hz: 5.0, ..quiet.clone() }, 2_000);
    let expected = 5.0 * 24.0 * 16.0 * 2.0;
    let count = events.len() as f64;
    assert!((count - expected).abs() < 5.0 * expected.sqrt(), "{count} for {expected}");
    let on = events.iter().filter(|event| event.on).count() as f64;
    assert!((on / count - 0.5).abs() < 0.05, "{on} of {count} are ON");
    assert_eq!((counts.background, counts.signal, counts.hot), (events.len() as u64, 0, 0));

    let hot = Settings { hot_pixels: 3, hot_hz: 40.0, ..quiet };
    let camera = ContrastCamera::new(hot.clone()).unwrap();
    let pixels: Vec<_> = camera.hot_pixels().collect();
    let (events, counts) = play(hot, 2_000);
    assert_eq!((pixels.len(), counts.hot), (3, events.len() as u64));
    for pixel in &pixels {
        let own = events.iter().filter(|event| (event.x, event.y) == *pixel);
        let times: Vec<u64> = own.map(|event| event.t_us).collect();
        assert!((79..=81).contains(&times.len()), "{} events in 2 s at 40 Hz", times.len());
        assert!(times.windows(2).all(|pair| (pair[1] - pair[0]).abs_diff(25_000) <= 1));
    }
    assert!(events.iter().all(|event| pixels.contains(&(event.x, event.y))));
}

#[test]
fn latency_moves_every_time_and_a_seed_says_all() {
    let noisy = Settings { background_hz: 3.0, hot_pixels: 2, ..settings(Scene::Texture) };
    let (events, _) = play(noisy.clone(), 100);
    assert!(events.len() > 500);
    assert_eq!(play(noisy.clone(), 100).0, events);
    let (late, _) = play(Settings { latency_us: 230, ..noisy.clone() }, 100);
    let moved = events.iter().map(|event| CameraEvent { t_us: event.t_us + 230, ..*event });
    assert!(late.iter().copied().eq(moved));
    assert_ne!(play(Settings { seed: 6, ..noisy }, 100).0, events);
}

#[test]
fn an_image_moves_past_as_the_same_scene_would() {
    // A grating as an image, of whole periods.
    let value = |x: usize| 0.5 + 0.5 * (TAU * x as f64 / 60.0).sin();
    let values = (0..60 * 4).map(|index| value(index % 60)).collect();
    let image = Image { width: 60, height: 4, values };
    let (of_image, _) = play(settings(Scene::Image(Arc::new(image))), 200);
    let (of_grating, _) = play(settings(Scene::Grating { wavelength_px: 60.0 }), 200);
    let difference = of_image.len().abs_diff(of_grating.len());
    assert!(of_grating.len() > 500 && difference * 50 < of_grating.len(), "{difference}");
}

/// What is wrong with settings.
type Change = fn(&mut Settings);

#[test]
fn settings_that_cannot_be_are_refused_with_their_value() {
    let refused = |change: Change| {
        let mut settings = settings(Scene::Texture);
        change(&mut settings);
        ContrastCamera::new(settings).err().expect("refused").to_string()
    };
    let cases: [(Change, &str); 9] = [
        (|s| s.width = 0, "0x16"),
        (|s| s.threshold = 0.0, "threshold 0"),
        (|s| s.background_hz = -1.0, "rate -1 Hz"),
        (|s| (s.hot_pixels, s.hot_hz) = (1, 0.0), "rate 0 Hz"),
        (|s| s.hot_pixels = 400, "400 hot pixels"),
        (|s| s.motion.speed_px_per_step = f64::NAN, "NaN px per step"),
        (|s| s.scene = Scene::Grating { wavelength_px: 0.0 }, "length 0 px"),
        (|s| s.scene = Scene::Bars { width_px: 5.0, period_px: 5.0 }, "length 5 px"),
        (
            |s| {
                let values = vec![0.0; 3];
                s.scene = Scene::Image(Arc::new(Image { width: 2, height: 2, values }));
            },
            "image of 2x2",
        ),
    ];
    for (change, said) in cases {
        let told = refused(change);
        assert!(told.contains(said), "{told}");
    }
}
