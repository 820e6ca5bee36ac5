//! Closed-form kernels for moving textures: no data, no training.
//!
//! `K_c(p, d, dx) = s_p [G(|dx - v_c d|; centre) - G(|dx - v_c d|; surround)] exp(-d / tau)`, with
//! s = +1 for ON and -1 for OFF, G a normalised Gaussian in the plane, and each class scaled to
//! unit length. After the heterogeneous-delay network of Grimaldi and Perrinet (2023), whose
//! learned kernels look like this.

use crate::math::exp;

/// What the kernels are tuned to. Delays count steps of the kernel, whatever a step lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct MotionKernel {
    /// One class each: [vx, vy], x to the right, y down \[pixels a step\].
    pub velocities_px_per_step: Vec<[f64; 2]>,
    /// Delays 0 to this less one \[steps\].
    pub delays: u32,
    /// Height and width \[pixels\], odd.
    pub size: u32,
    /// How fast old events lose weight \[steps\].
    pub tau_steps: f64,
    /// Spread of the excitatory centre \[pixels\].
    pub centre_sigma_px: f64,
    /// Spread of the inhibitory surround \[pixels\].
    pub surround_sigma_px: f64,
}

impl MotionKernel {
    /// The paper's extents: 21 delays, 17 x 17 pixels, and the spreads that match its kernels.
    #[must_use]
    pub fn new(velocities_px_per_step: Vec<[f64; 2]>) -> Self {
        Self {
            velocities_px_per_step,
            delays: 21,
            size: 17,
            tau_steps: 30.0,
            centre_sigma_px: 1.0,
            surround_sigma_px: 2.5,
        }
    }

    /// Shape of [`Self::weights`]: [class, polarity, delay, height, width].
    #[must_use]
    pub fn shape(&self) -> [u32; 5] {
        let classes = crate::sums::to_u32(self.velocities_px_per_step.len());
        [classes, 2, self.delays, self.size, self.size]
    }

    /// The weights, row-major, laid for a *convolution* (the target at x gets K(dx) of x - dx).
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        self.velocities_px_per_step.iter().flat_map(|&velocity| self.class(velocity)).collect()
    }

    fn class(&self, velocity: [f64; 2]) -> Vec<f64> {
        let mut on = Vec::new();
        let centre = (i64::from(self.size) - 1) / 2;
        for delay in 0..self.delays {
            for row in 0..i64::from(self.size) {
                for column in 0..i64::from(self.size) {
                    let place = [(column - centre) as f64, (row - centre) as f64];
                    on.push(self.weight(velocity, f64::from(delay), place));
                }
            }
        }
        let length = (2.0 * on.iter().map(|weight| weight * weight).sum::<f64>()).sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        let off = on.iter().map(|weight| -weight * scale);
        off.chain(on.iter().map(|weight| weight * scale)).collect()
    }

    fn weight(&self, [vx, vy]: [f64; 2], delay: f64, [x, y]: [f64; 2]) -> f64 {
        let (dx, dy) = (x - vx * delay, y - vy * delay);
        let squared = dx * dx + dy * dy;
        let gaussian = |sigma: f64| {
            let variance = sigma * sigma;
            exp(-squared / (2.0 * variance)) / (2.0 * std::f64::consts::PI * variance)
        };
        let profile = gaussian(self.centre_sigma_px) - gaussian(self.surround_sigma_px);
        profile * exp(-delay / self.tau_steps)
    }
}
