//! Analogue frames of touch: what is behind an input port that takes them, and its encoder.
//!
//! A frame holds six values a whisker, [`COMPONENTS`] in this order: Fx, Fy, Fz \[mN\], Mx, My, Mz
//! \[µN·m\]. The network sees spikes of the shape [sides × kinds, rows, columns], so that
//! convolutions work on the array of whiskers; places without a whisker stay silent.

use crate::{input::filter::addresses, time::TickLength};

/// The values of a whisker, in their order.
pub const COMPONENTS: [&str; 6] = ["Fx", "Fy", "Fz", "Mx", "My", "Mz"];
/// The values of a whisker.
pub const COMPONENT_COUNT: u32 = 6;

/// Whiskers of one port.
const WHISKERS_MAX: usize = 4_096;
/// Afferents of one whisker.
const AFFERENTS_MAX: usize = 256;
/// Addresses of what is encoded.
const ADDRESSES_MAX: u32 = 1 << 22;
const VALUE_MAX: f32 = 1e9;
const GAP_US_MAX: u64 = 10_000_000;
const REFRACTORY_US: std::ops::RangeInclusive<u64> = 100..=1_000_000;
/// Crossings of one value between two frames; more are not told apart.
const CROSSINGS_MAX: f64 = 65_534.0;
const LEAK_MS: std::ops::RangeInclusive<f64> = 0.01..=1e6;
const GAIN_MAX: f64 = 1e9;

/// What is behind an input port of frames.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameSource {
    /// In the order of a frame's values.
    pub whiskers: Vec<Whisker>,
    /// What turns values into spikes.
    pub encoder: FrameEncoder,
    /// Values of a greater magnitude are as bad as NaN \[mN, µN·m\].
    pub value_max: f32,
    /// What a bad value does.
    pub bad_value: BadValue,
    /// Frames further apart are not interpolated: the value is held for so long, then there is no
    /// input until the next frame \[µs\].
    pub gap_us: u64,
}

/// A whisker and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whisker {
    /// Its name, "RA0" for example.
    pub name: String,
    /// Which side of the face.
    pub side: u32,
    /// From the top.
    pub row: u32,
    /// From the back.
    pub column: u32,
}

/// What a value does that is NaN, infinite or absurdly large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadValue {
    /// It is refused, and the session's policy for bad events decides.
    #[default]
    Refuse,
    /// The last good value of its channel stays; it is counted.
    Hold,
}

/// What turns values into spikes.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameEncoder {
    /// Primary afferents: integrate-and-fire neurons on the bending moment.
    Afferents(Afferents),
    /// One event for each level that a value crosses.
    LevelCrossing(LevelCrossing),
}

/// The afferents of each whisker.
///
/// Afferent k fires at the rate `[slow_hz m + rapid dm/dt]+`, where
/// `m = cos(direction) My + sin(direction) Mz` \[µN·m\].
#[derive(Clone, Debug, PartialEq)]
pub struct Afferents {
    /// Their kinds, in address order.
    pub kinds: Vec<Afferent>,
    /// The shortest interval between two spikes \[µs\].
    pub refractory_us: u64,
    /// Time constant with which the membrane forgets \[ms\]; `None`: it does not, and rates are
    /// proportional to the drive.
    pub leak_ms: Option<f64>,
}

/// One kind of afferent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Afferent {
    /// Preferred direction in the (My, Mz) plane \[degrees\].
    pub direction_deg: f64,
    /// Of a slowly adapting part: rate a moment \[Hz/µN·m\].
    pub slow_hz: f64,
    /// Of a rapidly adapting part: spikes a change of the moment \[1/µN·m\].
    pub rapid: f64,
}

/// Distances between levels; zero leaves a kind of value out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelCrossing {
    /// For forces \[mN\].
    pub force_mn: f64,
    /// For moments \[µN·m\].
    pub moment_unm: f64,
}

impl Default for Afferents {
    /// Eight directions, 45 degrees apart, slowly adapting ones first.
    fn default() -> Self {
        let directions = || (0..8).map(|step| f64::from(step) * 45.0);
        let slow = |direction_deg| Afferent { direction_deg, slow_hz: 20.0, rapid: 0.0 };
        let rapid = |direction_deg| Afferent { direction_deg, slow_hz: 0.0, rapid: 2.0 };
        let kinds = directions().map(slow).chain(directions().map(rapid)).collect();
        Self { kinds, refractory_us: 2_000, leak_ms: None }
    }
}

impl FrameSource {
    /// Frames of some whiskers, encoded by some encoder; bad values are refused.
    #[must_use]
    pub fn new(whiskers: Vec<Whisker>, encoder: FrameEncoder) -> Self {
        let bad_value = BadValue::Refuse;
        Self { whiskers, encoder, value_max: 1_000.0, bad_value, gap_us: 50_000 }
    }

    /// What a frame looks like: [whiskers, values].
    #[must_use]
    pub fn frame_shape(&self) -> [u32; 2] {
        [u32::try_from(self.whiskers.len()).unwrap_or(u32::MAX), COMPONENT_COUNT]
    }

    /// Kinds of spikes of one whisker.
    #[must_use]
    pub fn kinds(&self) -> u32 {
        match &self.encoder {
            FrameEncoder::Afferents(Afferents { kinds, .. }) => {
                u32::try_from(kinds.len()).unwrap_or(u32::MAX)
            }
            FrameEncoder::LevelCrossing(_) => 2 * COMPONENT_COUNT,
        }
    }

    /// What the network sees: [sides × kinds, rows, columns].
    #[must_use]
    pub fn encoded_shape(&self) -> [u32; 3] {
        let extent = |of: fn(&Whisker) -> u32| {
            self.whiskers.iter().map(of).max().map_or(0, |last| last.saturating_add(1))
        };
        let channels = extent(|whisker| whisker.side).saturating_mul(self.kinds());
        [channels, extent(|whisker| whisker.row), extent(|whisker| whisker.column)]
    }

    /// The address of a whisker's spikes of one kind. For level crossings kinds 0 to 5 are falls
    /// and 6 to 11 rises of the six values.
    #[must_use]
    pub fn address(&self, whisker: &Whisker, kind: u32) -> u32 {
        let [_, rows, columns] = self.encoded_shape();
        ((whisker.side * self.kinds() + kind) * rows + whisker.row) * columns + whisker.column
    }

    /// What a kind of spike stands for: "SA 45°", "Fx+".
    #[must_use]
    pub fn kind_name(&self, kind: u32) -> String {
        match &self.encoder {
            FrameEncoder::Afferents(Afferents { kinds, .. }) => {
                kinds.get(kind as usize).map_or_else(String::new, |afferent| {
                    let &Afferent { direction_deg, slow_hz, rapid } = afferent;
                    let adapts = match (slow_hz != 0.0, rapid != 0.0) {
                        (true, false) => "SA",
                        (false, true) => "RA",
                        _ => "SA+RA",
                    };
                    format!("{adapts} {direction_deg}°")
                })
            }
            FrameEncoder::LevelCrossing(_) => {
                let sign = if kind < COMPONENT_COUNT { '-' } else { '+' };
                format!("{}{sign}", COMPONENTS[(kind % COMPONENT_COUNT) as usize])
            }
        }
    }

    /// The most spikes at one address in one tick.
    #[must_use]
    pub fn multiplicity_max(&self, tick: TickLength) -> u32 {
        let most = match &self.encoder {
            FrameEncoder::Afferents(Afferents { refractory_us, .. }) => {
                tick.ns().div_ceil((*refractory_us).max(1) * 1_000) + 1
            }
            FrameEncoder::LevelCrossing(levels) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "saturates"
                )]
                let crossings = levels.crossings_max(self.value_max).ceil() as u64;
                crossings + 1
            }
        };
        u32::try_from(most.min(65_535)).unwrap_or(65_535)
    }

    /// What is wrong with it, by field.
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let mut need = |holds: bool, field, message: String| {
            if !holds {
                problems.push((field, message));
            }
        };
        let count = self.whiskers.len();
        let counts = (1..=WHISKERS_MAX).contains(&count);
        need(counts, "whiskers", format!("{count} whiskers; 1 to {WHISKERS_MAX} are possible"));
        let shape = self.encoded_shape();
        let fits = addresses(&shape).is_some_and(|size| (1..=ADDRESSES_MAX).contains(&size));
        need(fits || !counts, "whiskers", format!("spikes of shape {shape:?}, more than 2^22"));
        for (index, whisker) in self.whiskers.iter().enumerate() {
            let place = |other: &&Whisker| {
                other.name == whisker.name
                    || (other.side, other.row, other.column)
                        == (whisker.side, whisker.row, whisker.column)
            };
            let again = self.whiskers[..index.min(WHISKERS_MAX)].iter().find(place);
            if let Some(other) = again {
                need(false, "whiskers", format!("{:?} is where {:?} is", whisker.name, other.name));
            }
        }
        let allowed = self.value_max > 0.0 && self.value_max <= VALUE_MAX;
        need(allowed, "value_max", format!("{} is not above 0, up to {VALUE_MAX}", self.value_max));
        let gap = (1..=GAP_US_MAX).contains(&self.gap_us);
        need(gap, "gap", format!("{} µs is not in 1 to {GAP_US_MAX}", self.gap_us));
        match &self.encoder {
            FrameEncoder::Afferents(afferents) => afferents.problems(&mut need),
            FrameEncoder::LevelCrossing(levels) => levels.problems(self.value_max, &mut need),
        }
        problems
    }
}

impl Afferents {
    fn problems(&self, need: &mut impl FnMut(bool, &'static str, String)) {
        let count = self.kinds.len();
        let counts = (1..=AFFERENTS_MAX).contains(&count);
        need(counts, "afferents", format!("{count} kinds; 1 to {AFFERENTS_MAX} are possible"));
        for &Afferent { direction_deg, slow_hz, rapid } in &self.kinds {
            let gain = |gain: f64| (0.0..=GAIN_MAX).contains(&gain);
            let sound = direction_deg.abs() <= 360.0
                && gain(slow_hz)
                && gain(rapid)
                && slow_hz.max(rapid) > 0.0;
            need(
                sound,
                "afferents",
                format!(
                    "direction {direction_deg}°, slow {slow_hz}, rapid {rapid}: up to 360° and gains of \
                 0 to {GAIN_MAX}, not both 0"
                ),
            );
        }
        let rests = REFRACTORY_US.contains(&self.refractory_us);
        need(rests, "refractory", format!("{} µs is not in 100 to 1000000", self.refractory_us));
        let leaks = self.leak_ms.is_none_or(|leak_ms| LEAK_MS.contains(&leak_ms));
        need(leaks, "leak", format!("{:?} ms is not in 0.01 to 1000000", self.leak_ms));
    }
}

impl LevelCrossing {
    /// The most crossings of one value from frame to frame.
    fn crossings_max(&self, value_max: f32) -> f64 {
        let most = |step: f64| if step > 0.0 { 2.0 * f64::from(value_max) / step } else { 0.0 };
        most(self.force_mn).max(most(self.moment_unm))
    }

    fn problems(&self, value_max: f32, need: &mut impl FnMut(bool, &'static str, String)) {
        let &Self { force_mn, moment_unm } = self;
        let step = |step: f64| step >= 0.0 && step.is_finite();
        let sound = step(force_mn) && step(moment_unm) && force_mn.max(moment_unm) > 0.0;
        need(
            sound,
            "levels",
            format!("distances of {force_mn} mN and {moment_unm} µN·m; at least 0, and not both 0"),
        );
        let most = self.crossings_max(value_max);
        need(
            !sound || most <= CROSSINGS_MAX,
            "levels",
            format!(
                "values up to {value_max} cross {most} levels at once; {CROSSINGS_MAX} are possible"
            ),
        );
    }
}
