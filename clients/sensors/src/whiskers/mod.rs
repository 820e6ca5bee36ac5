//! An array of whiskers: forces and moments at the base of each, frame by frame, and the truth.
//!
//! Quasi-static: at each moment the whisker's course crosses the plane of contact at one point,
//! which whisking moves to and fro; where that point lies within a [`Shape`], the shape has pushed
//! it out along its normal, and the [`Beam`] says what that takes. A whisker that is pushed too far
//! slips past, and is free until it has left the shape.

mod beam;
mod scene;

use std::f64::consts::{PI, TAU};

pub use self::{
    beam::{Beam, Load},
    scene::{Moving, Shape, along},
};
use crate::{
    error::Error,
    random::{Purpose, Stream},
};

/// Values of a whisker: Fx, Fy, Fz \[mN\], Mx, My, Mz \[µN·m\].
pub const COMPONENTS: usize = 6;
/// Rows and columns of an array.
pub const SIDE_MAX: u32 = 10;
/// Whiskers of an array.
pub const WHISKERS_MAX: u32 = 60;
const FRAMES_MAX: u64 = 10_000_000;
/// Keratin, as in WHISKiT \[Pa\].
const YOUNG_PA: f64 = 5e9;
/// Tips are so much thinner than bases.
const TAPER: f64 = 15.0;
/// Between neighbours in the plane of contact \[mm\].
const PITCH_MM: f64 = 2.0;
/// Where the plane of contact lies, along the whiskers \[mm\].
const DEPTH_MM: f64 = 12.0;
/// A whisker slips past what pushes it further than this \[mm\].
const SLIP_MM: f64 = 1.5;
const WHISK_HZ: f64 = 8.0;
const PROTRACTION_DEG: f64 = 35.0;
const RETRACTION_DEG: f64 = 10.0;

/// What is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// From the top.
    pub rows: u32,
    /// From the back.
    pub columns: u32,
    /// Time between frames \[ns\].
    pub period_ns: u64,
    /// So many frames.
    pub frames: u64,
    /// Whiskers sweep to and fro at 8 Hz, 35° forward and 10° back.
    pub whisking: bool,
    /// What there is to touch.
    pub scene: Vec<Moving>,
    /// Lengths and radii vary from whisker to whisker by this seed.
    pub seed: u64,
}

/// What was felt, and what was there.
#[derive(Clone, Debug, PartialEq)]
pub struct Touch {
    /// "RA0" and so on, in the order of a frame's values.
    pub names: Vec<String>,
    /// Time between frames \[ns\].
    pub period_ns: u64,
    /// [frame, whisker, component]
    pub values: Vec<f32>,
    /// [frame, whisker]
    pub contacts: Vec<bool>,
    /// When each whisker was first touched, to the last bit of the search \[s\].
    pub first_contacts_s: Vec<Option<f64>>,
}

/// A whisker and its place in the plane of contact.
#[derive(Clone, Copy, Debug)]
struct Whisker {
    beam: Beam,
    rest_mm: [f64; 2],
}

/// Whether a whisker touches something, or has slipped past it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Hold {
    #[default]
    Free,
    Touches,
    Slipped,
}

/// Plays the scene.
///
/// # Errors
///
/// An array without whiskers or of too many, no time between frames, or too many frames.
pub fn play(settings: &Settings) -> Result<Touch, Error> {
    let whiskers = array(settings)?;
    let count = whiskers.len();
    let mut touch = Touch {
        names: names(settings),
        period_ns: settings.period_ns,
        values: Vec::new(),
        contacts: Vec::new(),
        first_contacts_s: vec![None; count],
    };
    let mut holds = vec![vec![Hold::Free; settings.scene.len()]; count];
    for frame in 0..settings.frames {
        let at_s = seconds(frame, settings.period_ns);
        for (index, (whisker, holds)) in whiskers.iter().zip(&mut holds).enumerate() {
            let (values, touches) = feel(whisker, settings, at_s, holds);
            touch.values.extend(values);
            touch.contacts.push(touches);
            if touches && touch.first_contacts_s[index].is_none() {
                let before_s =
                    frame.checked_sub(1).map_or(at_s, |before| seconds(before, settings.period_ns));
                let first_s = first_contact(whisker, settings, before_s, at_s);
                touch.first_contacts_s[index] = Some(first_s);
            }
        }
    }
    Ok(touch)
}

fn seconds(frame: u64, period_ns: u64) -> f64 {
    frame as f64 * period_ns as f64 / 1e9
}

fn array(settings: &Settings) -> Result<Vec<Whisker>, Error> {
    let &Settings { rows, columns, period_ns, frames, seed, .. } = settings;
    let side = 1..=SIDE_MAX;
    if !side.contains(&rows) || !side.contains(&columns) || rows * columns > WHISKERS_MAX {
        return Err(Error::Array { rows, columns });
    }
    if period_ns == 0 || frames > FRAMES_MAX {
        return Err(Error::Frames { frames, period_ns });
    }
    let stream = Stream::new(seed, Purpose::Whiskers);
    let whisker = |index: u32| {
        let (row, column) = (index / columns, index % columns);
        let vary = |place: u64| 0.9 + 0.2 * stream.unit(u64::from(index) * 2 + place);
        // Rear whiskers are longer and thicker, as in the rat.
        let rear = 1.0 - f64::from(column) / f64::from(columns);
        let length_mm = (22.0 + 18.0 * rear) * vary(0);
        let radius_mm = (0.05 + 0.04 * rear) * vary(1);
        let across = |at: u32, of: u32| PITCH_MM * (f64::from(at) - f64::from(of - 1) / 2.0);
        Whisker {
            beam: Beam::new(length_mm, radius_mm, radius_mm / TAPER, YOUNG_PA),
            rest_mm: [across(column, columns), -across(row, rows)],
        }
    };
    Ok((0..rows * columns).map(whisker).collect())
}

fn names(settings: &Settings) -> Vec<String> {
    let letters = "ABCDEFGHIJ".chars().take(settings.rows as usize);
    let row = |letter| (0..settings.columns).map(move |column| format!("R{letter}{column}"));
    letters.flat_map(row).collect()
}

/// How far forward the whiskers are \[rad\].
fn whisk_rad(at_s: f64) -> f64 {
    let (middle, swing) =
        ((PROTRACTION_DEG - RETRACTION_DEG) / 2.0, (PROTRACTION_DEG + RETRACTION_DEG) / 2.0);
    // At rest in the beginning: the middle's share is made up by the phase.
    let phase = -libm::asin(middle / swing);
    (middle + swing * libm::sin(TAU * WHISK_HZ * at_s + phase)) * PI / 180.0
}

/// Where a whisker would cross the plane of contact if nothing was there.
fn crossing_mm(whisker: &Whisker, whisking: bool, at_s: f64) -> [f64; 2] {
    let forward_mm = if whisking { DEPTH_MM * libm::tan(whisk_rad(at_s)) } else { 0.0 };
    [whisker.rest_mm[0] + forward_mm, whisker.rest_mm[1]]
}

/// Forces and moments at the base of a whisker, in its own axes.
fn feel(
    whisker: &Whisker,
    settings: &Settings,
    at_s: f64,
    holds: &mut [Hold],
) -> ([f32; COMPONENTS], bool) {
    let point_mm = crossing_mm(whisker, settings.whisking, at_s);
    let mut sum = [0.0; COMPONENTS];
    let mut touches = false;
    for (hold, shape) in holds.iter_mut().zip(&settings.scene) {
        let depth = shape.depth(at_s, point_mm);
        *hold = match (depth, *hold) {
            (None, _) => Hold::Free,
            (Some(_), Hold::Slipped) => Hold::Slipped,
            (Some(depth), _) if depth.mm > SLIP_MM => Hold::Slipped,
            _ => Hold::Touches,
        };
        if let (Some(depth), Hold::Touches) = (depth, *hold) {
            touches = true;
            let contact_mm = DEPTH_MM.min(0.95 * whisker.beam.length_mm);
            let load = whisker.beam.load(contact_mm, depth.mm);
            let [y, z] = depth.out;
            // M = c x × f: a push to +y turns about +z, one to +z about -y.
            let felt = [
                -load.axial_mn,
                load.force_mn * y,
                load.force_mn * z,
                0.0,
                -load.moment_unm * z,
                load.moment_unm * y,
            ];
            sum.iter_mut().zip(felt).for_each(|(sum, more)| *sum += more);
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "as a sensor rounds")]
    let values = sum.map(|value| value as f32);
    (values, touches)
}

/// When, between two frames, a whisker comes to touch something: halved to the last bit.
fn first_contact(whisker: &Whisker, settings: &Settings, before_s: f64, at_s: f64) -> f64 {
    let touches = |at_s: f64| {
        let point_mm = crossing_mm(whisker, settings.whisking, at_s);
        settings.scene.iter().any(|shape| shape.depth(at_s, point_mm).is_some())
    };
    if before_s >= at_s || touches(before_s) {
        return before_s;
    }
    let (mut free_s, mut touched_s) = (before_s, at_s);
    for _ in 0..60 {
        let middle_s = 0.5 * (free_s + touched_s);
        if touches(middle_s) {
            touched_s = middle_s;
        } else {
            free_s = middle_s;
        }
    }
    touched_s
}
