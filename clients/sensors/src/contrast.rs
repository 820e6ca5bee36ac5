//! An event camera by the contrast rule: a pixel gives an event each time the logarithm of its
//! luminance has moved by a threshold since its last event (Lichtsteiner et al. 2008, IEEE J
//! Solid-State Circuits 43:566).
//!
//! The scene is seen once a millisecond; in between, the logarithm runs straight, and an event has
//! the time of the crossing itself, later by the latency. Beside these a pixel gives events of its own:
//! background noise at random, and hot pixels at a fixed rate.

mod scene;

use spiked_proto::layout::camera::CameraEvent;

pub use self::scene::{Image, Scene};
use crate::{
    error::Error,
    motion::Motion,
    random::{Purpose, Stream},
    texture::SIDE_MAX,
};

/// Time between two looks at the scene \[µs\].
pub const STEP_US: u64 = 1_000;
/// Events of one pixel in one step, at most: beyond, it would be blinded.
const CROSSINGS_MAX: u32 = 64;
/// Background events and hot pixels come no faster \[Hz\].
const RATE_MAX_HZ: f64 = 1_000.0;

/// How a contrast camera looks at its scene.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Columns \[px\].
    pub width: u16,
    /// Rows \[px\].
    pub height: u16,
    /// What it looks at.
    pub scene: Scene,
    /// How that moves \[px a step of 1 ms\].
    pub motion: Motion,
    /// Change of the logarithm of luminance that makes an event; sensors have 0.1 to 0.5.
    pub threshold: f64,
    /// Background events of each pixel \[Hz\].
    pub background_hz: f64,
    /// Pixels that fire by themselves.
    pub hot_pixels: u32,
    /// How fast they do \[Hz\].
    pub hot_hz: f64,
    /// From a crossing to its time stamp \[µs\].
    pub latency_us: u32,
    /// Seed of the scene, the background and the hot pixels.
    pub seed: u64,
}

/// Where events came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of the scene.
    pub signal: u64,
    /// Of the background.
    pub background: u64,
    /// Of hot pixels.
    pub hot: u64,
}

/// A contrast camera in front of a scene that moves.
pub struct ContrastCamera {
    settings: Settings,
    scene: scene::View,
    /// The logarithm of luminance one step ago, and at each pixel's last event.
    before: Vec<f64>,
    reference: Vec<f64>,
    now: Vec<f64>,
    hot: Vec<u32>,
    background: Stream,
    steps: u64,
    counts: Counts,
}

impl ContrastCamera {
    /// A camera that has seen its scene once, and given no event yet.
    ///
    /// # Errors
    ///
    /// Settings out of range.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        check(&settings)?;
        let mut scene = scene::View::new(&settings)?;
        let pixels = usize::from(settings.width) * usize::from(settings.height);
        let mut now = vec![0.0; pixels];
        scene.logarithms((0.0, 0.0), &mut now);
        Ok(Self {
            hot: hot_pixels(&settings, pixels),
            background: Stream::new(settings.seed, Purpose::Background),
            scene,
            before: now.clone(),
            reference: now.clone(),
            now,
            steps: 0,
            counts: Counts::default(),
            settings,
        })
    }

    /// Plays one step and appends its events, in order of (t, y, x).
    pub fn step(&mut self, events: &mut Vec<CameraEvent>) {
        let first = events.len();
        self.steps += 1;
        std::mem::swap(&mut self.before, &mut self.now);
        let (right, down) = self.settings.motion.velocity();
        let moved = self.steps as f64;
        self.scene.logarithms((right * moved, down * moved), &mut self.now);
        self.cross(events);
        let signal = events.len();
        self.fire_at_random(events);
        let background = events.len();
        self.fire_hot(events);
        self.counts.signal += (signal - first) as u64;
        self.counts.background += (background - signal) as u64;
        self.counts.hot += (events.len() - background) as u64;
        events[first..].sort_by_key(|event| (event.t_us, event.y, event.x));
    }

    /// Where the events so far came from.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Column and row of each hot pixel.
    pub fn hot_pixels(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        self.hot.iter().map(|&pixel| self.place(pixel as usize))
    }

    fn place(&self, pixel: usize) -> (u16, u16) {
        let width = usize::from(self.settings.width);
        let side = |side: usize| u16::try_from(side).expect("within the sensor");
        (side(pixel % width), side(pixel / width))
    }

    fn event(&self, pixel: usize, after_us: f64, on: bool) -> CameraEvent {
        let (x, y) = self.place(pixel);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a step")]
        let after_us = (after_us as u64).min(STEP_US - 1);
        let t_us = (self.steps - 1) * STEP_US + after_us + u64::from(self.settings.latency_us);
        CameraEvent { t_us, x, y, on }
    }

    /// One event for each threshold that the straight course of a pixel crosses.
    fn cross(&mut self, events: &mut Vec<CameraEvent>) {
        let threshold = self.settings.threshold;
        for pixel in 0..self.now.len() {
            let (before, now) = (self.before[pixel], self.now[pixel]);
            let on = now > before;
            let step = if on { threshold } else { -threshold };
            for _ in 0..CROSSINGS_MAX {
                let level = self.reference[pixel] + step;
                if (on && level > now) || (!on && level < now) || now == before {
                    break;
                }
                self.reference[pixel] = level;
                let share = ((level - before) / (now - before)).clamp(0.0, 1.0);
                events.push(self.event(pixel, share * STEP_US as f64, on));
            }
        }
    }

    fn fire_at_random(&self, events: &mut Vec<CameraEvent>) {
        let chance = self.settings.background_hz * STEP_US as f64 / 1e6;
        if chance == 0.0 {
            return;
        }
        let first = (self.steps - 1).wrapping_mul(2 * self.now.len() as u64);
        for (pixel, counter) in (0..self.now.len()).zip((first..).step_by(2)) {
            if self.background.unit(counter) < chance {
                let detail = self.background.bits(counter.wrapping_add(1));
                let after_us = (detail >> 1) % STEP_US;
                events.push(self.event(pixel, after_us as f64, detail & 1 == 1));
            }
        }
    }

    /// Hot pixels fire at even intervals, each with a phase of its own.
    fn fire_hot(&self, events: &mut Vec<CameraEvent>) {
        let each_us = 1e6 / self.settings.hot_hz;
        let (from_us, to_us) = ((self.steps - 1) * STEP_US, self.steps * STEP_US);
        for &pixel in &self.hot {
            let phase_us = self.background.unit(u64::MAX - u64::from(pixel)) * each_us;
            let mut number = ((from_us as f64 - phase_us) / each_us).ceil().max(0.0);
            loop {
                let at_us = phase_us + number * each_us;
                if at_us >= to_us as f64 {
                    break;
                }
                events.push(self.event(pixel as usize, at_us - from_us as f64, true));
                number += 1.0;
            }
        }
    }
}

fn check(settings: &Settings) -> Result<(), Error> {
    let Settings { width, height, threshold, background_hz, hot_hz, hot_pixels, .. } = *settings;
    if !(1..=SIDE_MAX).contains(&width) || !(1..=SIDE_MAX).contains(&height) {
        return Err(Error::Sensor { width, height });
    }
    if !(0.01..=10.0).contains(&threshold) {
        return Err(Error::Threshold(threshold));
    }
    let rates = [background_hz, if hot_pixels == 0 { 1.0 } else { hot_hz }];
    if let Some(&rate) = rates.iter().find(|rate| !(0.0..=RATE_MAX_HZ).contains(*rate)) {
        return Err(Error::Rate(rate));
    }
    if hot_pixels > 0 && hot_hz == 0.0 {
        return Err(Error::Rate(hot_hz));
    }
    if u64::from(hot_pixels) > u64::from(width) * u64::from(height) {
        return Err(Error::HotPixels(hot_pixels));
    }
    let Motion { direction_rad, speed_px_per_step } = settings.motion;
    let (right, down) = settings.motion.velocity();
    if !(right.is_finite() && down.is_finite()) {
        return Err(Error::Motion { direction_rad, speed_px_per_step });
    }
    Ok(())
}

/// So many different pixels, drawn from the seed, in order.
fn hot_pixels(settings: &Settings, pixels: usize) -> Vec<u32> {
    let stream = Stream::new(settings.seed, Purpose::HotPixels);
    let mut hot = std::collections::BTreeSet::new();
    let mut counter = 0;
    while hot.len() < settings.hot_pixels as usize {
        let pixel = stream.below(counter, pixels as u64);
        hot.insert(u32::try_from(pixel).expect("within the sensor"));
        counter += 1;
    }
    hot.into_iter().collect()
}
