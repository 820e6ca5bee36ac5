//! The size of a sensor, as headers and users write it: `640x480`.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The size of a camera's sensor, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// Columns: `x` is below this.
    pub width: u16,
    /// Rows: `y` is below this.
    pub height: u16,
}

impl Geometry {
    /// Whether a pixel lies on the sensor.
    #[must_use]
    pub const fn contains(&self, x: u16, y: u16) -> bool {
        x < self.width && y < self.height
    }
}

impl fmt::Display for Geometry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.width, self.height)
    }
}

/// A text that is no sensor size.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no sensor size: expected WIDTHxHEIGHT, each from 1 to 65535, like 640x480")]
pub struct GeometryError(pub String);

impl FromStr for Geometry {
    type Err = GeometryError;

    fn from_str(text: &str) -> Result<Self, GeometryError> {
        let side = |digits: &str| digits.parse::<u16>().ok().filter(|&pixels| pixels > 0);
        text.split_once('x')
            .and_then(|(width, height)| Some((side(width)?, side(height)?)))
            .map(|(width, height)| Self { width, height })
            .ok_or_else(|| GeometryError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let geometry = Geometry { width: 640, height: 480 };
        assert_eq!(geometry.to_string().parse(), Ok(geometry));
    }

    #[test]
    fn refuses_what_is_no_size() {
        for text in ["", "x", "640", "640x", "x480", "0x480", "640x0", "65536x1", "640 x 480"] {
            assert_eq!(text.parse::<Geometry>(), Err(GeometryError(text.to_owned())));
        }
    }
}
