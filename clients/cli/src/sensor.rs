//! How large the sensor behind a recording is: from its header, or from the user.

use std::path::Path;

use spiked_recordings::{Geometry, Recording};

use crate::{failure::Failure, terminal};

/// Sizes of sensors that are sold, for guessing from a largest pixel.
const COMMON: [(u16, u16); 8] = [
    (128, 128),
    (240, 180),
    (304, 240),
    (320, 240),
    (346, 260),
    (640, 480),
    (1_280, 720),
    (2_048, 2_048),
];

/// Opens a recording, with the size of its sensor if the user gives one.
pub(crate) fn open(file: &Path, given: Option<Geometry>) -> Result<Recording, Failure> {
    sized(spiked_recordings::open(file)?, given)
}

/// The same to see what it holds, be it a camera's events or others.
pub(crate) fn survey(file: &Path, given: Option<Geometry>) -> Result<Recording, Failure> {
    sized(spiked_recordings::survey(file)?, given)
}

fn sized(mut recording: Recording, given: Option<Geometry>) -> Result<Recording, Failure> {
    if let Some(geometry) = given {
        recording.set_geometry(geometry)?;
    }
    Ok(recording)
}

/// The size of a recording's sensor. Where nobody knows it, the file is read to its end, so that
/// the user can be told what it must hold at least.
pub(crate) fn required(recording: &mut Recording, file: &Path) -> Result<Geometry, Failure> {
    if let Some(geometry) = recording.geometry() {
        return Ok(geometry);
    }
    let bar = terminal::reading_bar(recording.bytes_total());
    let mut events = Vec::new();
    // What is wrong with the file comes later: first of all it needs a size.
    while recording.next_events(&mut events).is_ok_and(|count| count > 0) {
        events.clear();
        bar.set_position(recording.bytes_read());
    }
    bar.finish_and_clear();
    let name = file.display();
    let Some(largest) = recording.largest_pixel() else {
        let message = format!("{name} names no sensor size in its header, and holds no events");
        return Err(Failure::used_wrongly(message).with_hint(hint(None)));
    };
    let (x, y) = largest;
    let message =
        format!("{name} names no sensor size in its header; its largest pixel is ({x}, {y})");
    Err(Failure::used_wrongly(message).with_hint(hint(Some(largest))))
}

fn hint(largest: Option<(u16, u16)>) -> String {
    let (width, height) = largest.map_or((640, 480), guess);
    format!("say how large it is, for example --geometry {width}x{height}")
}

/// The smallest sensor sold that has this pixel.
pub(crate) fn guess((x, y): (u16, u16)) -> (u16, u16) {
    let fits = |&(width, height): &(u16, u16)| x < width && y < height;
    let tight = (x.saturating_add(1), y.saturating_add(1));
    COMMON.into_iter().find(fits).unwrap_or(tight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_a_sensor_that_has_the_pixel() {
        assert_eq!(guess((639, 479)), (640, 480));
        assert_eq!(guess((0, 250)), (346, 260));
        assert_eq!(guess((5_000, 3)), (5_001, 4));
    }
}
