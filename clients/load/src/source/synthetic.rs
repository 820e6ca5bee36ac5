//! Sources that are made here, the same for one seed on every machine.

use spiked_client::{AddressEvent, CameraEvent, Geometry};
use spiked_sensors::{
    MovingTexture, Settings, Switching, Trajectory,
    motion::twelve_directions,
    random::{Purpose, Stream},
};

use super::{EVENTS_MAX, Events, Kind, Shape, Source};
use crate::Error;

/// Length of a lap, as long as it holds no more and no fewer events than these.
const LAP_S: f64 = 1.0;
const LAP_EVENTS_MIN: f64 = 10_000.0;
const LAP_EVENTS_MAX: f64 = 4_000_000.0;
/// A texture's lap \[steps of a millisecond\], its speed and how long it keeps a direction.
const TEXTURE_STEPS: u64 = 2_000;
const TEXTURE_PX_PER_STEP: f64 = 0.4;
const TEXTURE_HELD: Switching = Switching::Held { steps: 325, jitter_steps: 75 };

/// Makes one lap.
pub(super) fn make(
    name: &str,
    kind: Kind,
    shape: Shape,
    rate: f64,
    seed: u64,
) -> Result<Source, Error> {
    let events = match (kind, shape) {
        (Kind::Texture, Shape::Camera(size)) => Events::Camera(texture(size, seed)?),
        (_, Shape::Camera(size)) => Events::Camera(
            moments(rate, seed)
                .map(|(t_us, random)| {
                    let random = if kind == Kind::Pixel { 0 } else { random };
                    let (x, rest) = split(random, size.width);
                    let (y, rest) = split(rest, size.height);
                    CameraEvent { t_us, x, y, on: rest & 1 == 0 }
                })
                .collect(),
        ),
        (_, Shape::Channels(channels)) => Events::Addresses(
            moments(rate, seed)
                .map(|(time, random)| {
                    let random = if kind == Kind::Pixel { 0 } else { random };
                    #[expect(clippy::cast_possible_truncation, reason = "a remainder of 32 bits")]
                    let index = (random % u64::from(channels)) as u32;
                    AddressEvent { time, index }
                })
                .collect(),
        ),
    };
    Source::of(name.to_owned(), shape, events)
}

/// A coordinate below an extent, and what is left of the random number.
fn split(random: u64, extent: u16) -> (u16, u64) {
    let extent = u64::from(extent);
    #[expect(clippy::cast_possible_truncation, reason = "a remainder of 16 bits")]
    let coordinate = (random % extent) as u16;
    (coordinate, random / extent)
}

/// Moments \[µs\] of a Poisson process at a rate, each with a random number.
fn moments(rate: f64, seed: u64) -> impl Iterator<Item = (u64, u64)> {
    let events = (rate * LAP_S).clamp(LAP_EVENTS_MIN, LAP_EVENTS_MAX);
    let numbers = Stream::new(seed, Purpose::Load);
    let mut now_us = 0.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    let count = (events as u64).min(EVENTS_MAX as u64);
    (0..count).map(move |number| {
        // Above zero, so that it has a logarithm.
        let uniform = 1.0 - numbers.unit(2 * number);
        now_us += -uniform.ln() * 1e6 / rate;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive")]
        let moment_us = now_us as u64;
        (moment_us, numbers.bits(2 * number + 1))
    })
}

fn texture(size: Geometry, seed: u64) -> Result<Vec<CameraEvent>, Error> {
    let (width, height) = (size.width, size.height);
    let settings = Settings { width, height, seed, ..Settings::default() };
    let mut camera = MovingTexture::new(settings, TEXTURE_PX_PER_STEP)?;
    let motions = twelve_directions(TEXTURE_PX_PER_STEP).to_vec();
    let trajectory = Trajectory::new(seed, motions, TEXTURE_HELD)?;
    let mut events = Vec::new();
    for (_, motion) in (0..TEXTURE_STEPS).zip(trajectory) {
        camera.step(motion, &mut events)?;
        if events.len() >= EVENTS_MAX {
            break;
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> Source {
        Source::make(&text.parse().expect("a source"), None, 7).expect("it can be made")
    }

    #[test]
    fn noise_has_its_rate_and_fills_its_sensor() {
        let source = made("noise:20x10@100k");
        assert!((source.rate() / 1e5 - 1.0).abs() < 0.02, "{}", source.rate());
        let Events::Camera(events) = &source.events else { panic!("of a camera") };
        let mut seen = [[[false; 2]; 20]; 10];
        for event in events {
            seen[usize::from(event.y)][usize::from(event.x)][usize::from(event.on)] = true;
        }
        assert!(seen.as_flattened().as_flattened().iter().all(|&seen| seen));
    }

    #[test]
    fn a_pixel_is_one_and_channels_are_as_many_as_said() {
        let Events::Addresses(events) = made("noise:5@20k").events else { panic!("channels") };
        assert_eq!(events.iter().map(|event| event.index).max(), Some(4));
        let Events::Camera(events) = made("pixel:20x10@20k").events else { panic!("a camera") };
        assert!(events.iter().all(|event| (event.x, event.y) == (0, 0)));
    }

    #[test]
    fn one_seed_makes_one_source() {
        let all = |seed| {
            let spec = "noise:64@50k".parse().expect("a source");
            let Events::Addresses(events) = Source::make(&spec, None, seed).expect("made").events
            else {
                panic!("channels")
            };
            events
        };
        assert_eq!(all(3), all(3));
        assert_ne!(all(3), all(4));
    }
}
