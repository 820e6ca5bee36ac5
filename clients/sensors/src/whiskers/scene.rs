//! What the array meets: shapes in the plane of contact, standing or moving at a constant speed.
//!
//! The plane lies across the array at a fixed depth: y runs from the back to the front, z from below
//! to above \[mm\]. A shape says how deep a point lies within it and which way is out.

/// A shape, placed at time 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// All behind a straight front that moves in its direction; the front passes the middle of the
    /// plane when `lead_mm` has been covered.
    Edge {
        /// Where it moves, from +y towards +z \[rad\].
        direction_rad: f64,
        /// How far before the middle it starts \[mm\].
        lead_mm: f64,
    },
    /// The same, but only so wide.
    Bar {
        /// Where it moves \[rad\].
        direction_rad: f64,
        /// How far before the middle its front starts \[mm\].
        lead_mm: f64,
        /// From its front to its back \[mm\].
        width_mm: f64,
    },
    /// A disc.
    Circle {
        /// Its middle \[mm\].
        centre_mm: [f64; 2],
        /// \[mm\]
        radius_mm: f64,
    },
    /// An upright rectangle.
    Box {
        /// Its middle \[mm\].
        centre_mm: [f64; 2],
        /// Half its sides \[mm\].
        half_mm: [f64; 2],
    },
}

/// A shape that moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moving {
    /// What it is.
    pub shape: Shape,
    /// How fast; edges and bars move in their direction, the others in this one \[mm/s\].
    pub speed_mm_s: f64,
    /// Where circles and boxes move \[rad\].
    pub heading_rad: f64,
}

/// The point so far from the middle in a direction \[mm\].
#[must_use]
pub fn along(direction_rad: f64, distance_mm: f64) -> [f64; 2] {
    [distance_mm * libm::cos(direction_rad), distance_mm * libm::sin(direction_rad)]
}

/// How deep a point lies in a shape, and the way out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Depth {
    pub(super) mm: f64,
    pub(super) out: [f64; 2],
}

impl Moving {
    /// How deep a point lies within the shape at a time; `None` outside.
    pub(super) fn depth(&self, at_s: f64, point_mm: [f64; 2]) -> Option<Depth> {
        let moved_mm = self.speed_mm_s * at_s;
        let (sin, cos) = (libm::sin(self.heading_rad), libm::cos(self.heading_rad));
        let centred = |centre: [f64; 2]| {
            [point_mm[0] - centre[0] - moved_mm * cos, point_mm[1] - centre[1] - moved_mm * sin]
        };
        match self.shape {
            Shape::Edge { direction_rad, lead_mm } => {
                behind(point_mm, direction_rad, moved_mm - lead_mm)
            }
            Shape::Bar { direction_rad, lead_mm, width_mm } => {
                let depth = behind(point_mm, direction_rad, moved_mm - lead_mm)?;
                (depth.mm <= width_mm).then_some(depth)
            }
            Shape::Circle { centre_mm, radius_mm } => {
                let from = centred(centre_mm);
                let distance = libm::hypot(from[0], from[1]);
                let out = match distance > 0.0 {
                    true => from.map(|part| part / distance),
                    false => [1.0, 0.0],
                };
                (distance < radius_mm).then_some(Depth { mm: radius_mm - distance, out })
            }
            Shape::Box { centre_mm, half_mm } => {
                let from = centred(centre_mm);
                let [y, z] = [half_mm[0] - from[0].abs(), half_mm[1] - from[1].abs()];
                let side = |part: f64| if part < 0.0 { -1.0 } else { 1.0 };
                let nearest = match y < z {
                    true => Depth { mm: y, out: [side(from[0]), 0.0] },
                    false => Depth { mm: z, out: [0.0, side(from[1])] },
                };
                (y > 0.0 && z > 0.0).then_some(nearest)
            }
        }
    }
}

/// How far behind a front a point lies.
fn behind(point_mm: [f64; 2], direction_rad: f64, front_mm: f64) -> Option<Depth> {
    let out = [libm::cos(direction_rad), libm::sin(direction_rad)];
    let mm = front_mm - (point_mm[0] * out[0] + point_mm[1] * out[1]);
    (mm > 0.0).then_some(Depth { mm, out })
}
