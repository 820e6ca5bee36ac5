//! One tick of many equal linear neurons in memory order, in plain loops over columns that the
//! compiler turns into vector instructions.
//!
//! Every lane goes from its base, a tick ago, to this tick along the closed form of `course`, and
//! takes what arrives. A lane that might cross its threshold on the way, by a bound on its slope
//! (excitation as at its base, inhibition as at the tick), is left as it was and flagged for the
//! exact search; so is one that what arrives lifts over it.
//!
//! The same loop is compiled for several widths of vectors. Nothing is fused and nothing added up
//! across lanes, so all give the same bits.
#![expect(unsafe_code, reason = "a loop for wide vectors may be called where there are some")]

use super::{bound::ROUNDING, parameters::Linear};
use crate::sums::Lane;

/// What all lanes have in common in a tick.
#[derive(Clone, Copy)]
pub(super) struct Common<const N: usize> {
    settled_mv: f64,
    /// What is left of v's distance from there.
    decay: f64,
    /// Of each state, what is left of it, what it adds to v, and what a quantum adds to it.
    fades: [f64; N],
    pushes: [f64; N],
    kicks_mv: [f64; N],
    /// What a quantum adds to v.
    jump_mv: f64,
    /// What v rises to at the most: what the drive adds, and a current of 1 mV, and what is kept of v.
    drive_mv: f64,
    current: f64,
    kept: f64,
    /// Below these, for certain: on the way, and after what arrives. Rounding is far less than what
    /// the ceiling is below the threshold.
    ceiling_mv: f64,
    threshold_mv: f64,
}

/// Some neurons, in columns of one length.
pub(super) struct Columns<'a, S, const N: usize> {
    pub(super) v_mv: &'a mut [f64],
    pub(super) modes: [&'a mut [f64]; N],
    /// What arrives at the receptor of each state \[quanta\].
    pub(super) sums: [&'a [S]; N],
    /// The same for v; empty if nothing moves it.
    pub(super) jumps: &'a [S],
    /// Set to 1 for lanes that want the exact search, else to 0.
    pub(super) flags: &'a mut [u8],
}

impl<const N: usize> Common<N> {
    /// For a tick that comes so many ticks after the neurons' base.
    pub(super) fn new(linear: &Linear, ticks: u64) -> Self {
        let (decay, steps) = linear.whole_ticks::<N>(ticks);
        let states = linear.states::<N>();
        // Of its way to where drive and currents draw it, v goes `1 - exp(-span leak)`, and no more
        // than this.
        let reach = (linear.leak * ticks as f64).min(1.0);
        let rounding_mv = linear.rounding_mv + ROUNDING * linear.threshold_mv.abs();
        Self {
            settled_mv: linear.settled_mv,
            decay,
            fades: steps.map(|step| step.decay),
            pushes: steps.map(|step| step.push),
            kicks_mv: states.each_ref().map(|mode| mode.kick_mv),
            jump_mv: linear.deltas().first().map_or(0.0, |delta| delta.kick_mv),
            drive_mv: linear.settled_mv * reach,
            current: reach,
            kept: 1.0 - reach,
            ceiling_mv: linear.threshold_mv - rounding_mv,
            threshold_mv: linear.threshold_mv,
        }
    }
}

/// Which loop is used. None changes a bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vectors {
    /// The widest that the processor has.
    #[default]
    Detected,
    /// The widest that the processor has, but no wider.
    AtMost256Bits,
    /// What every processor of the architecture has.
    Portable,
}

/// Brings the columns to their tick; whether any lane is flagged.
pub(super) fn sweep<S: Lane, const N: usize>(
    common: &Common<N>,
    columns: Columns<'_, S, N>,
    vectors: Vectors,
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if vectors != Vectors::Portable {
        let has_avx512 =
            is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
        if vectors == Vectors::Detected && has_avx512 {
            // SAFETY: the processor has what the function was compiled for.
            return unsafe { x86::sweep_avx512(common, columns) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has what the function was compiled for.
            return unsafe { x86::sweep_avx2(common, columns) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = vectors;
    sweep_lanes(common, columns)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Columns, Common, Lane, sweep_lanes};

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn sweep_avx512<S: Lane, const N: usize>(
        common: &Common<N>,
        columns: Columns<'_, S, N>,
    ) -> bool {
        sweep_lanes(common, columns)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn sweep_avx2<S: Lane, const N: usize>(
        common: &Common<N>,
        columns: Columns<'_, S, N>,
    ) -> bool {
        sweep_lanes(common, columns)
    }
}

#[inline(always)]
fn sweep_lanes<S: Lane, const N: usize>(common: &Common<N>, columns: Columns<'_, S, N>) -> bool {
    if columns.jumps.is_empty() {
        sweep_lanes_of::<S, N, false>(common, columns)
    } else {
        sweep_lanes_of::<S, N, true>(common, columns)
    }
}

#[inline(always)]
fn sweep_lanes_of<S: Lane, const N: usize, const JUMPS: bool>(
    common: &Common<N>,
    columns: Columns<'_, S, N>,
) -> bool {
    let Columns { v_mv, modes, sums, jumps, flags } = columns;
    // One length, which spares a check in every lane.
    let lanes = v_mv.len();
    let modes = modes.map(|modes| &mut modes[..lanes]);
    let sums = sums.map(|sums| &sums[..lanes]);
    let jumps = if JUMPS { &jumps[..lanes] } else { jumps };
    let flags = &mut flags[..lanes];
    let mut any = 0;
    for lane in 0..lanes {
        let base_mv = v_mv[lane];
        let (mut pushed_mv, mut current_mv) = (0.0, 0.0);
        let mut later = [0.0; N];
        for i in 0..N {
            let x = modes[i][lane];
            let faded = x * common.fades[i];
            let most = if x > faded { x } else { faded };
            (pushed_mv, current_mv) = match i {
                0 => (x * common.pushes[i], most),
                _ => (pushed_mv + x * common.pushes[i], current_mv + most),
            };
            later[i] = faded + sums[i][lane].to_f64() * common.kicks_mv[i];
        }
        let mut mv = common.settled_mv + (base_mv - common.settled_mv) * common.decay;
        if N > 0 {
            mv += pushed_mv;
        }
        if JUMPS {
            mv += jumps[lane].to_f64() * common.jump_mv;
        }
        let risen_mv = common.drive_mv + common.current * current_mv + common.kept * base_mv;
        let highest_mv = if risen_mv > base_mv { risen_mv } else { base_mv };
        let mut may_cross = highest_mv >= common.ceiling_mv;
        if JUMPS {
            may_cross |= mv >= common.threshold_mv;
        }
        v_mv[lane] = if may_cross { base_mv } else { mv };
        for i in 0..N {
            modes[i][lane] = if may_cross { modes[i][lane] } else { later[i] };
        }
        flags[lane] = u8::from(may_cross);
        any |= u8::from(may_cross);
    }
    any != 0
}
