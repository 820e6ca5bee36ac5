//! What a contrast camera looks at: luminances of a plane that moves past.

use std::{f64::consts::TAU, sync::Arc};

use super::Settings;
use crate::{error::Error, texture::Texture};

/// Luminance runs from this to its mirror above 1, so that its logarithm is finite.
const CONTRAST: f64 = 0.9;

/// What is in front of the camera.
#[derive(Clone, Debug)]
pub enum Scene {
    /// A random texture, drawn from the seed.
    Texture,
    /// Waves of luminance across the motion.
    Grating {
        /// From crest to crest \[px\].
        wavelength_px: f64,
    },
    /// Bright bars on a dark ground, across the motion.
    Bars {
        /// Of a bar \[px\].
        width_px: f64,
        /// From bar to bar \[px\].
        period_px: f64,
    },
    /// An image, again and again beside itself.
    Image(Arc<Image>),
}

/// An image of grey values.
#[derive(Clone, Debug)]
pub struct Image {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// [row, column], 0 for black to 1 for white.
    pub values: Vec<f64>,
}

impl Image {
    /// The value between pixels, on the torus.
    fn at(&self, x: f64, y: f64) -> f64 {
        let (x, y) = (x.rem_euclid(self.width as f64), y.rem_euclid(self.height as f64));
        let (left, top) = (x.floor(), y.floor());
        let (right_share, low_share) = (x - left, y - top);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "on the torus")]
        let value = |dx: usize, dy: usize| {
            let (x, y) = ((left as usize + dx) % self.width, (top as usize + dy) % self.height);
            self.values[y * self.width + x]
        };
        let row = |dy| value(0, dy) * (1.0 - right_share) + value(1, dy) * right_share;
        row(0) * (1.0 - low_share) + row(1) * low_share
    }
}

/// A scene as one camera sees it.
pub(super) struct View {
    scene: Scene,
    texture: Option<Texture>,
    width: usize,
    /// Of the motion, as (x, y).
    along: (f64, f64),
}

impl View {
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        let Settings { width, height, seed, .. } = *settings;
        let texture = match &settings.scene {
            Scene::Texture => Some(Texture::new(width, height, seed)?),
            Scene::Grating { wavelength_px } if !is_length(*wavelength_px) => {
                return Err(Error::Length(*wavelength_px));
            }
            Scene::Bars { width_px, period_px } => {
                let wrong = [*width_px, *period_px].into_iter().find(|&length| !is_length(length));
                if let Some(wrong) = wrong.or((width_px >= period_px).then_some(*width_px)) {
                    return Err(Error::Length(wrong));
                }
                None
            }
            Scene::Image(image) => {
                let Image { width, height, values } = image.as_ref();
                if values.is_empty() || values.len() != width * height {
                    return Err(Error::Image { width: *width, height: *height });
                }
                None
            }
            Scene::Grating { .. } => None,
        };
        let (sin, cos) = libm::sincos(settings.motion.direction_rad);
        let scene = settings.scene.clone();
        Ok(Self { scene, texture, width: width.into(), along: (cos, sin) })
    }

    /// The logarithm of each pixel's luminance, row after row, the scene having moved so far.
    pub(super) fn logarithms(&mut self, (right, down): (f64, f64), to: &mut [f64]) {
        if let Some(texture) = &mut self.texture {
            texture.see_at((right, down), to);
            to.iter_mut().for_each(|value| *value = logarithm(*value));
            return;
        }
        let (cos, sin) = self.along;
        for (index, pixel) in to.iter_mut().enumerate() {
            let (column, row) = (index % self.width, index / self.width);
            let (x, y) = (column as f64 - right, row as f64 - down);
            let along = x * cos + y * sin;
            let value = match &self.scene {
                Scene::Grating { wavelength_px } => libm::sin(TAU * along / wavelength_px),
                Scene::Bars { width_px, period_px } => {
                    2.0 * bar(along, *width_px, *period_px) - 1.0
                }
                Scene::Image(image) => 2.0 * image.at(x, y) - 1.0,
                Scene::Texture => 0.0,
            };
            *pixel = logarithm(value);
        }
    }
}

fn is_length(length_px: f64) -> bool {
    (0.1..=1e6).contains(&length_px)
}

/// Whether a place is on a bar that begins at 0, as a share: edges are a pixel wide, as a pixel is.
fn bar(along: f64, width_px: f64, period_px: f64) -> f64 {
    let from_middle = (along - 0.5 * (width_px - period_px)).rem_euclid(period_px);
    let distance = (from_middle - 0.5 * period_px).abs();
    (0.5 * width_px - distance + 0.5).clamp(0.0, 1.0)
}

/// Of a luminance around 1, by a value from -1 to 1.
fn logarithm(value: f64) -> f64 {
    libm::log(1.0 + CONTRAST * value.clamp(-1.0, 1.0))
}
