//! Which way, and how fast: the ground truth of a moving texture.
//!
//! Array coordinates: x counts columns from the left, y counts rows from the TOP, as in every
//! array of this project. A motion of direction `phi` goes by `speed * (cos phi, sin phi)` in
//! them, so 0 degrees is to the right and 90 degrees is DOWN the screen; angles grow clockwise as
//! seen. Compass names are as seen on the screen, north up: 0 is E, 90 is S, 180 is W, 270 is N.

use std::f64::consts::{PI, TAU};

/// Directions on each ring of speed.
pub const DIRECTIONS: usize = 12;

/// Speeds of the paper's set, each with its ring of directions.
pub const SPEEDS: usize = 3;

/// Compass names of the twelve directions, 30 degrees apart from east on, clockwise on the screen.
pub const COMPASS: [&str; DIRECTIONS] =
    ["E", "ESE", "SSE", "S", "SSW", "WSW", "W", "WNW", "NNW", "N", "NNE", "ENE"];

/// A constant motion of the whole image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Direction \[rad\], from +x (right) towards +y (down).
    pub direction_rad: f64,
    /// Speed \[px per step\].
    pub speed_px_per_step: f64,
}

impl Motion {
    /// Direction `index` of a ring of twelve, 30 degrees apart from east on, clockwise as seen.
    #[must_use]
    pub fn of_twelve(index: usize, speed_px_per_step: f64) -> Self {
        Self { direction_rad: ring_angle_rad(index as f64), speed_px_per_step }
    }

    /// Velocity (x, y) \[px per step\] in array coordinates: y counts downwards.
    #[must_use]
    pub fn velocity(&self) -> (f64, f64) {
        let (sin, cos) = libm::sincos(self.direction_rad);
        (self.speed_px_per_step * cos, self.speed_px_per_step * sin)
    }

    /// Angle between the directions of two motions \[rad\], 0 to pi.
    #[must_use]
    pub fn angle_to(&self, other: &Self) -> f64 {
        let turn = (self.direction_rad - other.direction_rad).rem_euclid(TAU);
        if turn > PI { TAU - turn } else { turn }
    }

    /// Compass name of the direction as seen on the screen, north up.
    #[must_use]
    pub fn compass(&self) -> &'static str {
        compass(self.direction_rad)
    }
}

/// The 36 motions of Grimaldi and Perrinet (2023) at `[DIRECTIONS * s + k]`: speeds
/// `0.5 * 2^(2 s / 3 - 1)`, that is 0.25, 0.397 and 0.630 px a step, directions 30 degrees apart,
/// the middle ring turned by 15 degrees.
#[must_use]
pub fn motions_of_paper() -> [Motion; DIRECTIONS * SPEEDS] {
    std::array::from_fn(|class| {
        let (s, k) = (class / DIRECTIONS, class % DIRECTIONS);
        Motion {
            direction_rad: ring_angle_rad(k as f64 + 0.5 * (s % 2) as f64),
            speed_px_per_step: 0.5 * libm::exp2(2.0 * s as f64 / 3.0 - 1.0),
        }
    })
}

/// Twelve motions of one speed, at the directions that [`COMPASS`] names.
#[must_use]
pub fn twelve_directions(speed_px_per_step: f64) -> [Motion; DIRECTIONS] {
    std::array::from_fn(|index| Motion::of_twelve(index, speed_px_per_step))
}

/// Name of the compass point of twelve that is nearest to a direction \[rad\] in array
/// coordinates. Half-way between two points, the one that is clockwise on the screen.
#[must_use]
pub fn compass(direction_rad: f64) -> &'static str {
    let points = (direction_rad / ring_angle_rad(1.0)).rem_euclid(DIRECTIONS as f64);
    // What rounding takes off a half must not pick the other neighbour.
    let nearest = libm::floor(points + 0.5 + 1e-9);
    #[expect(clippy::cast_possible_truncation, reason = "0 to DIRECTIONS, and NaN becomes 0")]
    let index = nearest as usize % DIRECTIONS;
    COMPASS[index]
}

/// Angle of place `index` on a ring of [`DIRECTIONS`] \[rad\].
fn ring_angle_rad(index: f64) -> f64 {
    TAU * index / DIRECTIONS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_set_has_three_rings_and_the_middle_one_is_turned() {
        let motions = motions_of_paper();
        for (s, speed) in [0.25, 0.396_850_262_992_05, 0.629_960_524_947_44].into_iter().enumerate()
        {
            let ring = &motions[s * DIRECTIONS..(s + 1) * DIRECTIONS];
            assert!(ring.iter().all(|motion| (motion.speed_px_per_step - speed).abs() < 1e-12));
            let first_deg = ring[0].direction_rad.to_degrees();
            assert!((first_deg - if s == 1 { 15.0 } else { 0.0 }).abs() < 1e-9);
        }
    }

    /// Catches an angle that grows the other way: names are shown to people, and y counts down.
    #[test]
    fn names_are_as_seen_on_a_screen_whose_rows_count_down() {
        for (name, (sign_x, sign_y)) in
            [("E", (1, 0)), ("S", (0, 1)), ("W", (-1, 0)), ("N", (0, -1)), ("NNE", (1, -1))]
        {
            let index = COMPASS.iter().position(|&point| point == name).unwrap();
            let motion = Motion::of_twelve(index, 1.0);
            let sign = |component: f64| i32::from(component > 1e-9) - i32::from(component < -1e-9);
            let (x, y) = motion.velocity();
            assert_eq!((sign(x), sign(y)), (sign_x, sign_y), "{name}");
            assert_eq!(motion.compass(), name);
        }
    }

    #[test]
    fn every_direction_has_the_name_of_the_nearest_point() {
        for (index, name) in COMPASS.into_iter().enumerate() {
            for off_deg in [-14.9, -5.0, 0.0, 14.9] {
                for turns in [-2.0, 0.0, 3.0] {
                    let degrees = 30.0 * index as f64 + off_deg + 360.0 * turns;
                    assert_eq!(compass(degrees.to_radians()), name, "{degrees} degrees");
                }
            }
        }
        assert_eq!(motions_of_paper()[DIRECTIONS].compass(), "ESE", "15 degrees goes clockwise");
    }

    #[test]
    fn the_angle_between_two_motions_is_the_shorter_way_round() {
        let [east, .., east_north_east] = twelve_directions(1.0);
        assert!((east.angle_to(&east_north_east).to_degrees() - 30.0).abs() < 1e-9);
        assert!((east.angle_to(&Motion::of_twelve(6, 2.0)).to_degrees() - 180.0).abs() < 1e-9);
    }
}
