//! A source as users write it: a file, or `noise:320x240@1M` and its like.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use spiked_client::Geometry;

use super::Shape;
use crate::{Error, figures};

/// Events a second of a synthetic source, unless told otherwise.
const RATE_DEFAULT: f64 = 1e6;
/// The slowest and the fastest that are made \[events/s\].
const RATES: std::ops::RangeInclusive<f64> = 1.0..=1e9;
const CHANNELS_MAX: u32 = 1 << 24;

/// What a synthetic source shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Events at addresses drawn at random, at random moments.
    Noise,
    /// All events at one address.
    Pixel,
    /// A texture that moves before a synthetic camera.
    Texture,
}

const KINDS: [(&str, Kind); 3] =
    [("noise", Kind::Noise), ("pixel", Kind::Pixel), ("texture", Kind::Texture)];

/// A source, described.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// A file.
    Recording(PathBuf),
    /// Made here.
    Synthetic {
        /// What it shows.
        kind: Kind,
        /// Of which sensor, or of how many channels.
        shape: Shape,
        /// Events a second; of a texture its own.
        rate: f64,
    },
}

impl FromStr for Spec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Some((kind, rest)) = text.split_once(':') else {
            return Ok(Self::Recording(text.into()));
        };
        let Some(&(_, kind)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            if Path::new(text).exists() {
                return Ok(Self::Recording(text.into()));
            }
            let problem = "no such file, and no source that is made here: noise:WxH@RATE, pixel:WxH@RATE \
                           or texture:WxH, with a number of channels instead of WxH where there is no sensor";
            return Err(refused(text, problem));
        };
        let (shape, rate) = match rest.split_once('@') {
            None => (rest, RATE_DEFAULT),
            Some(_) if kind == Kind::Texture => {
                return Err(refused(text, "a texture has a rate of its own; --speed changes it"));
            }
            Some((shape, rate)) => {
                let rate = figures::parse(rate).filter(|rate| RATES.contains(rate));
                let problem = "expected a rate from 1 to 1G events a second, like @200k";
                (shape, rate.ok_or_else(|| refused(text, problem))?)
            }
        };
        let shape = shape_of(shape).map_err(|problem| refused(text, &problem))?;
        if kind == Kind::Texture && matches!(shape, Shape::Channels(_)) {
            return Err(refused(text, "a texture needs a sensor, like texture:64x64"));
        }
        Ok(Self::Synthetic { kind, shape, rate })
    }
}

fn shape_of(text: &str) -> Result<Shape, String> {
    if text.contains('x') {
        return text.parse::<Geometry>().map(Shape::Camera).map_err(|error| error.to_string());
    }
    let channels = text.parse().ok().filter(|channels| (1..=CHANNELS_MAX).contains(channels));
    channels
        .map(Shape::Channels)
        .ok_or_else(|| "expected a sensor's size, like 320x240, or a number of channels".to_owned())
}

fn refused(text: &str, problem: &str) -> Error {
    Error::SourceText { text: text.to_owned(), problem: problem.to_owned() }
}

impl fmt::Display for Spec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recording(path) => path.display().fmt(formatter),
            Self::Synthetic { kind, shape, rate } => {
                let name =
                    KINDS.iter().find(|(_, known)| known == kind).map_or("?", |(name, _)| name);
                match shape {
                    Shape::Camera(Geometry { width, height }) => {
                        write!(formatter, "{name}:{width}x{height}")?;
                    }
                    Shape::Channels(channels) => write!(formatter, "{name}:{channels}")?,
                }
                if *kind == Kind::Texture {
                    Ok(())
                } else {
                    write!(formatter, "@{}", figures::shown(*rate))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_files_or_a_kind_a_shape_and_a_rate() {
        let camera = Shape::Camera(Geometry { width: 320, height: 240 });
        let parsed = |text: &str| text.parse::<Spec>().expect("a source");
        assert_eq!(parsed("a b/street.es"), Spec::Recording("a b/street.es".into()));
        assert_eq!(
            parsed("noise:320x240@2.5M"),
            Spec::Synthetic { kind: Kind::Noise, shape: camera, rate: 2.5e6 }
        );
        assert_eq!(
            parsed("pixel:64"),
            Spec::Synthetic { kind: Kind::Pixel, shape: Shape::Channels(64), rate: 1e6 }
        );
        for text in ["noise:320x240@200k", "pixel:64@1M", "texture:64x64"] {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_source_says_what_would_be() {
        for (text, problem) in [
            ("noise:", "expected a sensor's size"),
            ("noise:0", "expected a sensor's size"),
            ("noise:64@fast", "expected a rate"),
            ("noise:64@0", "expected a rate"),
            ("texture:64", "a texture needs a sensor"),
            ("texture:64x64@1k", "a rate of its own"),
            ("nois:64", "no such file, and no source"),
            ("noise:0x5", ""),
        ] {
            let error = text.parse::<Spec>().expect_err(text).to_string();
            assert!(error.contains(problem) && error.contains(text), "{error}");
        }
    }
}
