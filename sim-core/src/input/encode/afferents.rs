//! Primary afferents: integrate-and-fire neurons on the bending moment, exact between frames.
//!
//! `dv/dt = [slow m + rapid dm/dt]+ - v / leak`, a spike at `v = 1`, then `v = 0`. The drive is
//! straight between two frames, so v has a closed form and so, without a leak, has its crossing;
//! with a leak the crossing is bisected to the last bit. In the refractory time the membrane charges
//! no further than the threshold: the rate is the drive, and at most 1 / refractory.

use super::{FramePlan, Sink};
use crate::{
    math,
    network::{Afferents, COMPONENT_COUNT},
};

/// Just below the threshold.
const BELOW: f64 = 1.0 - f64::EPSILON;
/// Halvings after which a crossing is known to the last bit.
const HALVINGS: u32 = 64;
const MY: usize = 4;
const MZ: usize = 5;

/// One afferent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Membrane {
    /// In thresholds.
    pub(crate) v: f64,
    /// What is left of the refractory time at the last frame \[s\].
    pub(crate) refractory_s: f64,
}

/// Afferents as the plan holds them.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    kinds: Vec<Gains>,
    refractory_s: f64,
    leak_s: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Gains {
    y: f64,
    z: f64,
    slow_hz: f64,
    rapid: f64,
}

/// A drive that runs straight and is nowhere below zero.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from_s: f64,
    to_s: f64,
    /// At `from_s` \[Hz\].
    drive: f64,
    /// \[Hz/s\]
    slope: f64,
}

impl Cell {
    pub(super) fn new(afferents: &Afferents) -> Self {
        let gains = |afferent: &crate::network::Afferent| {
            let (y, z) = unit(afferent.direction_deg);
            Gains { y, z, slow_hz: afferent.slow_hz, rapid: afferent.rapid }
        };
        Self {
            kinds: afferents.kinds.iter().map(gains).collect(),
            refractory_s: afferents.refractory_us as f64 / 1e6,
            leak_s: afferents.leak_ms.map(|ms| ms / 1e3),
        }
    }

    pub(super) fn kinds(&self) -> usize {
        self.kinds.len()
    }

    /// Values run straight from those before to those after.
    pub(super) fn stretch(
        &self,
        plan: &FramePlan,
        membranes: &mut [Membrane],
        before: &[f32],
        after: &[f32],
        sink: &mut Sink<'_>,
    ) {
        let span_s = sink.span_s();
        let frames = before.chunks_exact(COMPONENT_COUNT as usize);
        let frames = frames.zip(after.chunks_exact(COMPONENT_COUNT as usize));
        for (whisker, (own, (before, after))) in
            membranes.chunks_exact_mut(self.kinds.len()).zip(frames).enumerate()
        {
            for (kind, (membrane, gains)) in own.iter_mut().zip(&self.kinds).enumerate() {
                let (from, to) = (gains.moment(before), gains.moment(after));
                let change = (to - from) / span_s;
                let drive = gains.slow_hz * from + gains.rapid * change;
                let slope = gains.slow_hz * change;
                let address = plan.address(whisker, kind);
                for piece in pieces(drive, slope, span_s).into_iter().flatten() {
                    membrane.run(self, piece, |at_s| sink.emit(at_s, address));
                }
                membrane.refractory_s = (membrane.refractory_s - span_s).max(0.0);
            }
        }
    }

    /// Nothing is felt for some time.
    pub(super) fn rest(&self, membranes: &mut [Membrane], span_s: f64) {
        let piece = Piece { from_s: 0.0, to_s: span_s, drive: 0.0, slope: 0.0 };
        for membrane in membranes {
            // Without a drive only a charge that waits for the refractory time could fire; what is
            // not felt does not.
            membrane.v = self.after(membrane.v, &piece, span_s).min(BELOW);
            membrane.refractory_s = (membrane.refractory_s - span_s).max(0.0);
        }
    }

    /// The membrane so long after a piece's beginning.
    fn after(&self, v: f64, piece: &Piece, span_s: f64) -> f64 {
        match self.leak_s {
            None => v + span_s * (piece.drive + 0.5 * piece.slope * span_s),
            Some(leak_s) => {
                let steady = leak_s * (piece.drive - piece.slope * leak_s);
                let decay = math::exp(-span_s / leak_s);
                ((v - steady) * decay + steady + piece.slope * leak_s * span_s).max(0.0)
            }
        }
    }

    /// When the membrane reaches the threshold within a piece, counted from its beginning \[s\].
    fn crossing(&self, v: f64, piece: &Piece) -> Option<f64> {
        let span_s = piece.to_s - piece.from_s;
        let Some(leak_s) = self.leak_s else {
            return straight(1.0 - v, piece).filter(|&at_s| at_s <= span_s);
        };
        // The course is convex or concave throughout: at most one peak, and before it at most one
        // crossing.
        let bend = v - leak_s * (piece.drive - piece.slope * leak_s);
        let mut last_s = span_s;
        if bend < 0.0 && piece.slope < 0.0 {
            let peak_s = -leak_s * math::ln(piece.slope * leak_s * leak_s / bend);
            last_s = span_s.min(peak_s.max(0.0));
        }
        if self.after(v, piece, last_s) < 1.0 {
            return None;
        }
        let (mut below_s, mut above_s) = (0.0, last_s);
        for _ in 0..HALVINGS {
            let middle_s = 0.5 * (below_s + above_s);
            if self.after(v, piece, middle_s) < 1.0 {
                below_s = middle_s;
            } else {
                above_s = middle_s;
            }
        }
        Some(above_s)
    }
}

impl Gains {
    /// The moment along the preferred direction \[µN·m\].
    fn moment(&self, whisker: &[f32]) -> f64 {
        self.y * f64::from(whisker[MY]) + self.z * f64::from(whisker[MZ])
    }
}

impl Membrane {
    /// Runs through a piece, and says when it fires.
    fn run(&mut self, cell: &Cell, mut piece: Piece, mut fires: impl FnMut(f64)) {
        loop {
            let free_s = self.refractory_s.clamp(piece.from_s, piece.to_s);
            if free_s > piece.from_s {
                self.v = cell.after(self.v, &piece, free_s - piece.from_s).min(1.0);
                piece = piece.from(free_s);
            }
            if self.refractory_s > piece.to_s {
                return;
            }
            let crossing = if self.v >= 1.0 { Some(0.0) } else { cell.crossing(self.v, &piece) };
            let Some(after_s) = crossing else {
                self.v = cell.after(self.v, &piece, piece.to_s - piece.from_s).min(BELOW);
                return;
            };
            piece = piece.from((piece.from_s + after_s).min(piece.to_s));
            self.v = 0.0;
            self.refractory_s = piece.from_s + cell.refractory_s;
            fires(piece.from_s);
        }
    }
}

impl Piece {
    /// What is left of it from a moment on.
    fn from(self, from_s: f64) -> Self {
        let drive = (self.drive + self.slope * (from_s - self.from_s)).max(0.0);
        Self { from_s, drive, ..self }
    }
}

/// Where a drive that runs straight is above zero, and what it is elsewhere.
fn pieces(drive: f64, slope: f64, span_s: f64) -> [Option<Piece>; 2] {
    let last = drive + slope * span_s;
    let all = Piece { from_s: 0.0, to_s: span_s, drive, slope };
    let silent = Piece { drive: 0.0, slope: 0.0, ..all };
    let zero_s = (-drive / slope).clamp(0.0, span_s);
    match (drive > 0.0, last > 0.0) {
        (false, false) => [Some(silent), None],
        (true, true) => [Some(all), None],
        (true, false) if last == 0.0 => [Some(all), None],
        (true, false) => {
            [Some(Piece { to_s: zero_s, ..all }), Some(Piece { from_s: zero_s, ..silent })]
        }
        (false, true) => {
            let rising = Piece { from_s: zero_s, drive: 0.0, ..all };
            [Some(Piece { to_s: zero_s, ..silent }), Some(rising)]
        }
    }
}

/// When a drive has brought so much, without a leak: the smaller root of a square equation, in the
/// form that loses no digits \[s\].
fn straight(needed: f64, piece: &Piece) -> Option<f64> {
    let square = piece.drive * piece.drive + 2.0 * piece.slope * needed;
    if square < 0.0 {
        return None;
    }
    let divisor = piece.drive + square.sqrt();
    (divisor > 0.0).then(|| 2.0 * needed / divisor)
}

/// The unit vector of a direction; exact at right angles.
fn unit(direction_deg: f64) -> (f64, f64) {
    let direction_deg = direction_deg.rem_euclid(360.0);
    match direction_deg {
        0.0 => (1.0, 0.0),
        90.0 => (0.0, 1.0),
        180.0 => (-1.0, 0.0),
        270.0 => (0.0, -1.0),
        _ => {
            let radians = direction_deg.to_radians();
            (math::cos(radians), math::sin(radians))
        }
    }
}
