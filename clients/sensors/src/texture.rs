//! A random texture that can be moved by any fraction of a pixel.
//!
//! White noise, band-passed to 0.02..=0.25 cycles/px, on a torus: what leaves on one side comes
//! in on the other. Moving it by `s` px turns the phase of wave `f` by `-2 pi f s`, which is exact.
//! Only waves with `f_x >= 0` are kept, those with `f_x > 0` at twice their amplitude, and the
//! image is the real part of their sum: it is real at every shift, and as the band ends at half
//! the Nyquist frequency, no wave is its own mirror image. The scalar transforms are used
//! throughout, so that the image does not depend on the processor's features.

use std::f64::consts::TAU;
use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlannerScalar};

use crate::error::Error;
use crate::random::{Purpose, Stream};

/// Lowest spatial frequency of the texture \[cycles/px\].
pub const BAND_LOW: f64 = 0.02;
/// Highest spatial frequency of the texture \[cycles/px\].
pub const BAND_HIGH: f64 = 0.25;
/// Shortest side \[px\]: below it the band holds hardly a wave.
pub const SIDE_MIN: u16 = 8;
/// Longest side \[px\]; a texture of this size takes about 100 MB.
pub const SIDE_MAX: u16 = 2_048;

/// A random image on a torus, drawn from a seed, that can be seen at any shift.
pub struct Texture {
    width: usize,
    height: usize,
    /// Waves, column after column: `[f_x][f_y]`, with `f_x` from 0 to the band's end.
    waves: Vec<Complex<f64>>,
    along_x: Arc<dyn Fft<f64>>,
    along_y: Arc<dyn Fft<f64>>,
    work: Workspace,
}

/// Buffers that live from one image to the next, so that seeing one allocates nothing.
struct Workspace {
    waves: Vec<Complex<f64>>,
    row: Vec<Complex<f64>>,
    phases_y: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Texture {
    /// Draws the texture of a seed, scaled so that its brightest or darkest pixel at shift
    /// (0, 0) is 1 or -1.
    ///
    /// # Errors
    ///
    /// A side outside [`SIDE_MIN`]`..=`[`SIDE_MAX`].
    pub fn new(width: u16, height: u16, seed: u64) -> Result<Self, Error> {
        let sides = SIDE_MIN..=SIDE_MAX;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(Error::Size { width, height });
        }
        let (width, height) = (usize::from(width), usize::from(height));
        let waves = band_of_white_noise(width, height, Stream::new(seed, Purpose::Texture));
        let mut planner = FftPlannerScalar::new();
        let (along_x, along_y) =
            (planner.plan_fft_inverse(width), planner.plan_fft_inverse(height));
        let scratch = scratch_for(&along_x, &along_y);
        let zeros = |count| vec![Complex::default(); count];
        let work = Workspace {
            waves: zeros(waves.len()),
            row: zeros(width),
            phases_y: zeros(height),
            scratch,
        };
        let mut texture = Self { width, height, waves, along_x, along_y, work };
        texture.scale_to_one();
        Ok(texture)
    }

    /// Pixels of an image.
    #[must_use]
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }

    /// The image moved by `(right, down)` px, row after row.
    ///
    /// # Panics
    ///
    /// If `image` does not hold [`pixels`](Self::pixels) values.
    pub fn see_at(&mut self, (right, down): (f64, f64), image: &mut [f64]) {
        assert_eq!(image.len(), self.pixels(), "the image has the texture's size");
        let (width, height) = (self.width, self.height);
        let Workspace { waves: turned, row, phases_y, scratch } = &mut self.work;

        for (index, phase) in phases_y.iter_mut().enumerate() {
            *phase = turn(frequency(index, height) * down);
        }
        let columns = self.waves.chunks_exact(height).zip(turned.chunks_exact_mut(height));
        for (index, (column, turned)) in columns.enumerate() {
            let phase_x = turn(frequency(index, width) * right);
            for ((turned, wave), phase_y) in turned.iter_mut().zip(column).zip(&*phases_y) {
                *turned = wave * phase_x * phase_y;
            }
            self.along_y.process_with_scratch(turned, scratch);
        }
        for (y, image_row) in image.chunks_exact_mut(width).enumerate() {
            row.fill(Complex::default());
            for (wave, column) in row.iter_mut().zip(turned.chunks_exact(height)) {
                *wave = column[y];
            }
            self.along_x.process_with_scratch(row, scratch);
            for (pixel, sum) in image_row.iter_mut().zip(&*row) {
                *pixel = sum.re;
            }
        }
    }

    fn scale_to_one(&mut self) {
        let mut image = vec![0.0; self.pixels()];
        self.see_at((0.0, 0.0), &mut image);
        let peak = image.iter().fold(0.0_f64, |peak, pixel| peak.max(pixel.abs()));
        for wave in &mut self.waves {
            *wave /= peak;
        }
    }
}

/// Spectrum of white noise, cut to the band and to `f_x >= 0`: columns of length `height`.
fn band_of_white_noise(width: usize, height: usize, noise: Stream) -> Vec<Complex<f64>> {
    let mut planner = FftPlannerScalar::new();
    let (along_x, along_y) = (planner.plan_fft_forward(width), planner.plan_fft_forward(height));
    let mut scratch = scratch_for(&along_x, &along_y);
    let columns = (0..width / 2).take_while(|&i| frequency(i, width) <= BAND_HIGH).count();

    let mut waves = vec![Complex::default(); columns * height];
    let mut row = vec![Complex::default(); width];
    let mut numbers = (0..).map(|counter| noise.normal(counter));
    for y in 0..height {
        row.fill_with(|| Complex::from(numbers.next().unwrap_or_default()));
        along_x.process_with_scratch(&mut row, &mut scratch);
        for (column, &wave) in waves.chunks_exact_mut(height).zip(&row) {
            column[y] = wave;
        }
    }
    for (x, column) in waves.chunks_exact_mut(height).enumerate() {
        along_y.process_with_scratch(column, &mut scratch);
        let mirrored = if x == 0 { 1.0 } else { 2.0 };
        for (y, wave) in column.iter_mut().enumerate() {
            let f = libm::hypot(frequency(x, width), frequency(y, height));
            *wave *= if (BAND_LOW..=BAND_HIGH).contains(&f) { mirrored } else { 0.0 };
        }
    }
    waves
}

/// Frequency of place `index` of a transform over `side` px \[cycles/px\], -0.5 to 0.5.
fn frequency(index: usize, side: usize) -> f64 {
    let cycles = index as f64;
    let side_px = side as f64;
    if 2 * index <= side { cycles / side_px } else { (cycles - side_px) / side_px }
}

/// The factor that moves a wave on by `cycles`.
fn turn(cycles: f64) -> Complex<f64> {
    let (sin, cos) = libm::sincos(-TAU * cycles);
    Complex::new(cos, sin)
}

fn scratch_for(along_x: &Arc<dyn Fft<f64>>, along_y: &Arc<dyn Fft<f64>>) -> Vec<Complex<f64>> {
    let count = along_x.get_inplace_scratch_len().max(along_y.get_inplace_scratch_len());
    vec![Complex::default(); count]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(texture: &mut Texture, shift: (f64, f64)) -> Vec<f64> {
        let mut image = vec![0.0; texture.pixels()];
        texture.see_at(shift, &mut image);
        image
    }

    fn assert_same(image: &[f64], expected: &[f64]) {
        let worst = image.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-9, "images differ by up to {worst}");
    }

    /// The pixel at (x, y) of the moved image was at (x - right, y - down). Catches a shift of
    /// the wrong sign (seen to fail with `turn` taking `+TAU`).
    #[test]
    fn a_move_by_whole_pixels_is_a_circular_shift() {
        for (width, height) in [(64, 64), (28, 28), (33, 16), (8, 21)] {
            let mut texture = Texture::new(width, height, 5).unwrap();
            let (width, height) = (usize::from(width), usize::from(height));
            let still = seen(&mut texture, (0.0, 0.0));
            for (right, down) in [(1, 0), (0, 1), (3, 5), (width - 1, 2)] {
                let expected: Vec<f64> = (0..width * height)
                    .map(|pixel| {
                        let (x, y) = (pixel % width, pixel / width);
                        let (x, y) = ((x + width - right) % width, (y + height - down) % height);
                        still[y * width + x]
                    })
                    .collect();
                assert_same(&seen(&mut texture, (right as f64, down as f64)), &expected);
            }
        }
    }

    /// Against a plain sum over all waves of the plain Fourier transform of the unmoved image.
    #[test]
    fn a_move_by_part_of_a_pixel_agrees_with_a_plain_fourier_sum() {
        const SIDE: usize = 12;
        let mut texture = Texture::new(12, 12, 9).unwrap();
        let still = seen(&mut texture, (0.0, 0.0));
        let (right, down) = (0.37, -1.61);
        let wrapped = |k: usize| {
            if k <= SIDE / 2 { k as f64 } else { k as f64 - SIDE as f64 }
        };
        let pixels = || (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));

        let mut expected = vec![0.0; SIDE * SIDE];
        for (kx, ky) in pixels() {
            let (fx, fy) = (wrapped(kx) / SIDE as f64, wrapped(ky) / SIDE as f64);
            let wave: Complex<f64> = pixels()
                .map(|(x, y)| turn(fx * x as f64 + fy * y as f64) * still[y * SIDE + x])
                .sum();
            for (x, y) in pixels() {
                let cycles = fx * (x as f64 - right) + fy * (y as f64 - down);
                expected[y * SIDE + x] += (wave * turn(-cycles)).re / (SIDE * SIDE) as f64;
            }
        }
        assert_same(&seen(&mut texture, (right, down)), &expected);
    }

    #[test]
    fn the_image_fills_minus_one_to_one_and_has_no_mean() {
        let mut texture = Texture::new(64, 48, 1).unwrap();
        let image = seen(&mut texture, (0.0, 0.0));
        let peak = image.iter().fold(0.0_f64, |peak, pixel| peak.max(pixel.abs()));
        assert!((peak - 1.0).abs() < 1e-9, "peak {peak}");
        assert!(image.iter().sum::<f64>().abs() < 1e-6);
    }

    #[test]
    fn the_band_is_kept_and_nothing_else() {
        let waves = band_of_white_noise(100, 100, Stream::new(4, Purpose::Texture));
        assert_eq!(waves.len(), 26 * 100, "columns 0 to 0.25 cycles/px");
        for (place, wave) in waves.iter().enumerate() {
            let f = frequency(place / 100, 100).hypot(frequency(place % 100, 100));
            let inside = (BAND_LOW..=BAND_HIGH).contains(&f);
            assert_eq!(wave.norm_sqr() > 0.0, inside, "wave {place} of {f} cycles/px");
        }
    }

    /// Waves with `f_x > 0` stand for their mirror images too, so they have four times the power
    /// of those with `f_x = 0`. Catches a texture that is striped one way.
    #[test]
    fn waves_that_stand_for_two_have_twice_the_amplitude() {
        let waves = band_of_white_noise(256, 256, Stream::new(4, Purpose::Texture));
        let mean_power = |waves: &[Complex<f64>]| {
            let inside = waves.iter().map(Complex::norm_sqr).filter(|&power| power > 0.0);
            inside.clone().sum::<f64>() / inside.count() as f64
        };
        let ratio = mean_power(&waves[256..]) / mean_power(&waves[..256]);
        assert!((3.0..5.5).contains(&ratio), "{ratio} times the power");
    }

    #[test]
    fn refuses_sides_that_are_too_short_or_too_long() {
        for (width, height) in [(7, 64), (64, 0), (2_049, 64), (64, u16::MAX)] {
            assert_eq!(
                Texture::new(width, height, 0).err(),
                Some(Error::Size { width, height }),
                "{width}x{height}"
            );
        }
    }
}
