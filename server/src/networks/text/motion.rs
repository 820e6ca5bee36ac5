//! Kernels in closed form: one class for each direction and speed of a moving texture.
//!
//! Velocities are in array coordinates, with y counted from the TOP: class k of n moves by
//! speed × (cos φ, sin φ) with φ = 2π k / n, so that classes go clockwise on the screen, from east
//! on. Speeds come one after the other, each with all its directions. What a class weighs is
//! [`MotionKernel`]'s to say; times become delays of the kernel, of one `delay_step` each.

use std::f64::consts::TAU;

use sim_core::connect::motion_kernel::MotionKernel;
use spiked_proto::v1::ArrayRef;

use super::network::Context;
use super::node::Node;
use super::part;

const DIRECTIONS_MAX: u32 = 3_600;
const DELAYS_MAX: u32 = 65_535;
const SIZE_MAX: u32 = 1_023;
/// Weights of one kernel: 256 MiB of them.
const WEIGHTS_MAX: u64 = 1 << 25;

/// The paper's: 21 delays of 1 ms, 17 by 17 pixels, Gaussians of 1 and 2.5 pixels, 30 ms.
const DELAYS: u32 = 21;
const SIZE: u32 = 17;
const CENTRE_PX: f64 = 1.0;
const SURROUND_PX: f64 = 2.5;
const TAU_MS: f64 = 30.0;

/// Reads `{ directions = 12, speed = "0.4 px/ms" }` and makes the kernel.
pub(super) fn kernel(context: &Context<'_>, node: &Node<'_>, step_ns: u64) -> Option<ArrayRef> {
    let table =
        node.table(&["directions", "speed", "delays", "size", "tau", "centre", "surround"], &[])?;
    let directions: Option<u32> =
        table.need("directions", "12").and_then(|node| node.whole(1..=DIRECTIONS_MAX));
    let speeds = table.need("speed", "\"0.4 px/ms\"").and_then(|node| speeds(&node, step_ns));
    let delays = table.get("delays").map_or(Some(DELAYS), |node| node.whole(1..=DELAYS_MAX));
    let size = table.get("size").map_or(Some(SIZE), |node| odd(&node));
    let tau_ms =
        table.get("tau").map_or(Some(TAU_MS), |node| positive(&node, node.duration()?.ms()));
    let width =
        |key, default| table.get(key).map_or(Some(default), |node| positive(&node, node.pixels()?));
    let (centre, surround) = (width("centre", CENTRE_PX), width("surround", SURROUND_PX));

    let (directions, speeds, delays, size) = (directions?, speeds?, delays?, size?);
    let kernel = MotionKernel {
        velocities_px_per_step: velocities(directions, &speeds),
        delays,
        size,
        tau_steps: tau_ms? / (step_ns as f64 / 1e6),
        centre_sigma_px: centre?,
        surround_sigma_px: surround?,
    };
    let classes = kernel.velocities_px_per_step.len() as u64;
    let weights = classes * 2 * u64::from(delays) * u64::from(size) * u64::from(size);
    if weights > WEIGHTS_MAX {
        return node.refuse(format!("makes {weights} weights, at most {WEIGHTS_MAX}"));
    }
    let classes = u32::try_from(classes).ok()?;
    context.arrays.keep_weights(node, &kernel.weights(), vec![classes, 2, delays, size, size])
}

/// One speed or several [px per step].
fn speeds(node: &Node<'_>, step_ns: u64) -> Option<Vec<f64>> {
    let speeds = node.items_or_one()?;
    if speeds.is_empty() || speeds.len() > 64 {
        return node.refuse(format!("has {} speeds, 1 to 64", speeds.len()));
    }
    let read = |node: &Node<'_>| positive(node, node.pixels_per_step(step_ns)?);
    part::all(speeds.iter().map(read).collect())
}

/// Velocity [x, y] of each class [px per step].
fn velocities(directions: u32, speeds: &[f64]) -> Vec<[f64; 2]> {
    let ring = |speed: f64| {
        (0..directions).map(move |k| {
            let (sin, cos) = libm::sincos(TAU * f64::from(k) / f64::from(directions));
            [speed * cos, speed * sin]
        })
    };
    speeds.iter().flat_map(|speed| ring(*speed)).collect()
}

fn odd(node: &Node<'_>) -> Option<u32> {
    let size: u32 = node.whole(1..=SIZE_MAX)?;
    if size % 2 == 1 {
        Some(size)
    } else {
        node.refuse(format!("{size} is even: it has no centre"))
    }
}

fn positive(node: &Node<'_>, value: f64) -> Option<f64> {
    if value > 0.0 { Some(value) } else { node.refuse(format!("{} is not above 0", node.shown())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches an angle that grows the other way: the second of four directions is down.
    #[test]
    fn classes_go_clockwise_on_the_screen_from_east_on_one_speed_after_the_other() {
        let expected =
            [[1., 0.], [0., 1.], [-1., 0.], [0., -1.], [2., 0.], [0., 2.], [-2., 0.], [0., -2.]];
        for (found, expected) in velocities(4, &[1.0, 2.0]).into_iter().zip(expected) {
            let off = (found[0] - expected[0]).abs() + (found[1] - expected[1]).abs();
            assert!(off < 1e-12, "{found:?} for {expected:?}");
        }
    }
}
