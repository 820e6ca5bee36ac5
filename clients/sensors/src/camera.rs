//! Event camera over a moving texture: motions in, events out, one step at a time.
//!
//! The rule of Grimaldi and Perrinet (2023), with `I` in -1..=1 plus normal noise on every frame:
//! `d_t = I_t - I_{t-1} - theta e_{t-1}`, `e_t = [d_t > theta] - [d_t < -theta]`, where `theta` is
//! the selectivity times the standard deviation of `I_t - I_{t-1}` over pixels and time.
//! Step `k` covers `[k step_us, (k + 1) step_us)`; its events are spread over it by a hash of
//! seed, step and pixel, and come in order of (t, y, x).

use spiked_proto::layout::camera::CameraEvent;

use crate::error::Error;
use crate::motion::{Motion, twelve_directions};
use crate::random::{Purpose, Stream};
use crate::texture::Texture;
use crate::truth::Truth;

/// Steps in each of the twelve directions over which a streaming camera sets its threshold. With
/// it a 64x64 camera gives as many events as with a whole movie's, to 3 % (tests/it/camera.rs).
const CALIBRATION_STEPS: usize = 8;

/// How a synthetic event camera looks at its texture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Columns \[px\].
    pub width: u16,
    /// Rows \[px\].
    pub height: u16,
    /// Threshold of an event, in standard deviations of the change in a step. At 64x64 a pixel
    /// gives about 200 events/s at 1, 28 at 2, and 1.5 at 3.
    pub selectivity: f64,
    /// Standard deviation of the noise on each pixel of each frame; the image spans -1 to 1.
    pub noise: f64,
    /// Seed of the texture, the noise and the times of events within their steps.
    pub seed: u64,
    /// Length of a step \[us\].
    pub step_us: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { width: 64, height: 64, selectivity: 1.0, noise: 0.001, seed: 0, step_us: 1_000 }
    }
}

impl Settings {
    fn check(&self) -> Result<(), Error> {
        if !(self.selectivity.is_finite() && self.selectivity > 0.0) {
            return Err(Error::Selectivity(self.selectivity));
        }
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return Err(Error::Noise(self.noise));
        }
        if self.step_us == 0 {
            return Err(Error::StepWithoutLength);
        }
        Ok(())
    }
}

/// An event camera in front of a texture that moves as it is told, for as long as it is told.
pub struct MovingTexture {
    settings: Settings,
    texture: Texture,
    noise: Stream,
    times: Stream,
    /// Change of brightness that makes an event.
    threshold: f64,
    /// How far the texture has moved, on its torus \[px\].
    position: (f64, f64),
    /// Steps taken, so the number of the next.
    steps: u64,
    frame: Vec<f64>,
    frame_before: Vec<f64>,
    /// Last step's event of each pixel: 1, 0 or -1.
    polarity: Vec<i8>,
}

impl MovingTexture {
    /// A camera for endless streaming. Its threshold is set from a run over the same texture, in
    /// all directions at the given speed, and stays.
    ///
    /// # Errors
    ///
    /// Settings out of range, or a speed that is not finite.
    pub fn new(settings: Settings, speed_px_per_step: f64) -> Result<Self, Error> {
        let run = twelve_directions(speed_px_per_step)
            .into_iter()
            .flat_map(|motion| std::iter::repeat_n(motion, CALIBRATION_STEPS));
        Self::calibrated(settings, run)
    }

    /// A camera whose threshold is set from this run, and which stands at its beginning again.
    fn calibrated(
        settings: Settings,
        run: impl IntoIterator<Item = Motion>,
    ) -> Result<Self, Error> {
        let mut camera = Self::uncalibrated(settings)?;
        let deviation = camera.deviation_of_changes(run)?;
        camera.threshold = settings.selectivity * deviation;
        camera.rewind();
        Ok(camera)
    }

    fn uncalibrated(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let texture = Texture::new(settings.width, settings.height, settings.seed)?;
        let pixels = texture.pixels();
        let mut camera = Self {
            settings,
            texture,
            noise: Stream::new(settings.seed, Purpose::Noise),
            times: Stream::new(settings.seed, Purpose::EventTime),
            threshold: f64::INFINITY,
            position: (0.0, 0.0),
            steps: 0,
            frame: vec![0.0; pixels],
            frame_before: vec![0.0; pixels],
            polarity: vec![0; pixels],
        };
        camera.rewind();
        Ok(camera)
    }

    /// Plays one step and appends its events, in order of (t, y, x).
    ///
    /// # Errors
    ///
    /// A motion that is not finite; nothing has moved then.
    pub fn step(&mut self, motion: Motion, events: &mut Vec<CameraEvent>) -> Result<(), Error> {
        self.advance(motion)?;
        let first = events.len();
        self.emit(events);
        // Stable, and the events of one time were appended row by row.
        events[first..].sort_by_key(|event| event.t_us);
        Ok(())
    }

    /// Steps taken so far, which is the number of the next step.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Change of brightness that makes an event; the image spans -1 to 1.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// What this camera was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Moves the texture on by one step and takes its picture.
    fn advance(&mut self, motion: Motion) -> Result<(), Error> {
        let (right, down) = motion.velocity();
        if !(right.is_finite() && down.is_finite()) {
            let Motion { direction_rad, speed_px_per_step } = motion;
            return Err(Error::Motion { direction_rad, speed_px_per_step });
        }
        // On the torus, so that the position loses no precision however long the stream.
        self.position.0 = (self.position.0 + right).rem_euclid(f64::from(self.settings.width));
        self.position.1 = (self.position.1 + down).rem_euclid(f64::from(self.settings.height));
        self.steps += 1;
        std::mem::swap(&mut self.frame, &mut self.frame_before);
        self.expose();
        Ok(())
    }

    /// Takes the picture of frame `steps`; frame 0 is what the first step is compared with.
    fn expose(&mut self) {
        self.texture.see_at(self.position, &mut self.frame);
        let first = self.counter_of_frame(self.steps);
        for (pixel, counter) in self.frame.iter_mut().zip(first..) {
            *pixel += self.settings.noise * self.noise.normal(counter);
        }
    }

    /// Applies the event rule to the last two pictures.
    fn emit(&mut self, events: &mut Vec<CameraEvent>) {
        let step = self.steps - 1;
        let step_us = u64::from(self.settings.step_us);
        let first = self.counter_of_frame(step);
        let addresses = (0..self.settings.height)
            .flat_map(|y| (0..self.settings.width).map(move |x| (x, y)))
            .zip(first..);
        let changes = self.frame.iter().zip(&self.frame_before).map(|(now, before)| now - before);
        for ((polarity, change), ((x, y), counter)) in
            self.polarity.iter_mut().zip(changes).zip(addresses)
        {
            let change = change - self.threshold * f64::from(*polarity);
            *polarity = i8::from(change > self.threshold) - i8::from(change < -self.threshold);
            if *polarity != 0 {
                let t_us = step * step_us + self.times.below(counter, step_us);
                events.push(CameraEvent { t_us, x, y, on: *polarity > 0 });
            }
        }
    }

    /// Standard deviation, over all pixels and steps of a run, of the change in a step.
    fn deviation_of_changes(
        &mut self,
        run: impl IntoIterator<Item = Motion>,
    ) -> Result<f64, Error> {
        let (mut count, mut sum, mut sum_of_squares) = (0.0, 0.0, 0.0);
        for motion in run {
            self.advance(motion)?;
            for (now, before) in self.frame.iter().zip(&self.frame_before) {
                let change = now - before;
                sum += change;
                sum_of_squares += change * change;
            }
            count += self.frame.len() as f64;
        }
        let mean: f64 = sum / count;
        Ok((sum_of_squares / count - mean * mean).max(0.0).sqrt())
    }

    /// Back to before the first step, after a run that emitted nothing. Noise is numbered, so the
    /// run that follows sees the same pictures.
    fn rewind(&mut self) {
        self.position = (0.0, 0.0);
        self.steps = 0;
        self.expose();
    }

    /// Number of the first pixel of a frame, counted over all frames.
    fn counter_of_frame(&self, frame: u64) -> u64 {
        let pixels = u64::from(self.settings.width) * u64::from(self.settings.height);
        frame.wrapping_mul(pixels)
    }
}

/// Events of a finished movie, and what was played.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// In order of (t, y, x).
    pub events: Vec<CameraEvent>,
    /// Which motion was played when.
    pub truth: Truth,
}

/// Records one step for each motion given, with the threshold from the whole movie, as in the
/// paper. The movie is played twice, so that it need not be kept.
///
/// # Errors
///
/// Settings out of range, or a motion that is not finite.
pub fn record(settings: Settings, motions: &[Motion]) -> Result<Recording, Error> {
    let mut camera = MovingTexture::calibrated(settings, motions.iter().copied())?;
    let (mut events, mut truth) = (Vec::new(), Truth::default());
    for &motion in motions {
        truth.note(camera.steps(), motion);
        camera.step(motion, &mut events)?;
    }
    Ok(Recording { events, truth })
}

/// Records a movie of one motion, with the threshold from the whole movie.
///
/// # Errors
///
/// Settings out of range, or a motion that is not finite.
pub fn movie(settings: Settings, motion: Motion, steps: usize) -> Result<Vec<CameraEvent>, Error> {
    Ok(record(settings, &vec![motion; steps])?.events)
}
