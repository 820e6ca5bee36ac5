//! What can be asked of a synthetic sensor that it cannot do; each error carries the value.

use crate::texture::{SIDE_MAX, SIDE_MIN};

/// Settings or motions that a synthetic sensor refuses.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The texture's band holds too few waves, or the sensor would not fit in memory.
    #[error("sensor of {width}x{height} px: each side must have {SIDE_MIN} to {SIDE_MAX} px")]
    Size {
        /// Columns asked for.
        width: u16,
        /// Rows asked for.
        height: u16,
    },
    /// Selectivity must be a finite number above zero.
    #[error("selectivity {0}: must be finite and above 0")]
    Selectivity(f64),
    /// Noise must be a finite number, zero or above.
    #[error("noise {0}: must be finite, and 0 or more")]
    Noise(f64),
    /// A step must last.
    #[error("a step of 0 us: must last 1 us or more")]
    StepWithoutLength,
    /// A motion that leads nowhere.
    #[error("motion at {direction_rad} rad with {speed_px_per_step} px per step: must be finite")]
    Motion {
        /// Direction asked for \[rad\].
        direction_rad: f64,
        /// Speed asked for \[px per step\].
        speed_px_per_step: f64,
    },
    /// A trajectory needs motions to choose from.
    #[error("a trajectory of no motions")]
    NoMotions,
    /// Every motion needs a successor that is a clear turn.
    #[error("motion {index} of the trajectory has no other at 60 degrees or more to turn to")]
    NoTurn {
        /// Place of the motion in the list.
        index: usize,
    },
    /// An array of whiskers has 1 to 10 rows and columns, and at most 60 whiskers.
    #[error("{rows} rows of {columns} whiskers: 1 to 10 of each, and at most 60 whiskers")]
    Array {
        /// Rows asked for.
        rows: u32,
        /// Columns asked for.
        columns: u32,
    },
    /// Frames take time, and ten million are enough.
    #[error("{frames} frames every {period_ns} ns: at most 10000000, some time apart")]
    Frames {
        /// Frames asked for.
        frames: u64,
        /// Time between them \[ns\].
        period_ns: u64,
    },
    /// A motion must be held for one step at least.
    #[error("motions held for {steps} steps give or take {jitter_steps}: must be 1 or more")]
    Hold {
        /// Steps asked for.
        steps: u32,
        /// Jitter asked for \[steps\].
        jitter_steps: u32,
    },
    /// A sensor has pixels, and not too many.
    #[error("sensor of {width}x{height} px: each side must have 1 to {SIDE_MAX} px")]
    Sensor {
        /// Columns asked for.
        width: u16,
        /// Rows asked for.
        height: u16,
    },
    /// A threshold of contrast is a share of luminance.
    #[error("threshold {0}: must be from 0.01 to 10")]
    Threshold(f64),
    /// Pixels fire by themselves at some rate.
    #[error("rate {0} Hz: must be 0 to 1000, and of hot pixels more than 0")]
    Rate(f64),
    /// There are not so many pixels.
    #[error("{0} hot pixels: more than the sensor has")]
    HotPixels(u32),
    /// Gratings and bars have lengths, and bars are narrower than their period.
    #[error("length {0} px: must be from 0.1 to 1e6, and a bar narrower than its period")]
    Length(f64),
    /// An image has as many values as pixels, and some.
    #[error("an image of {width}x{height} px with another number of values, or none")]
    Image {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
}
