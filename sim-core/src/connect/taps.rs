//! From a kernel to taps: what one source place throws at which target place, when.
//!
//! A tap is relative: the target row is `y / stride + dy`, the column `x / stride + dx`, for source
//! places of one phase `(y mod stride, x mod stride)`. Only weights that are kept and don't round
//! to zero become taps.

use crate::network::description::{Border, Convolution, ConvolutionKind};

/// One weight of a kernel, as seen from a source place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tap {
    pub(crate) delay_index: u32,
    pub(crate) in_channel: u32,
    /// `(y mod stride) * stride + x mod stride`
    pub(crate) phase: u32,
    pub(crate) dy: i32,
    pub(crate) dx: i32,
    pub(crate) out_channel: u32,
    pub(crate) weight: f64,
}

/// Height or width of the target, given the source's and the kernel's.
pub(crate) fn target_extent(kernel: &Convolution, source: u32, kernel_extent: u32) -> Option<u32> {
    let reach = (kernel_extent - 1) * kernel.dilation;
    match kernel.border {
        Border::Zero | Border::Wrap => Some(source.div_ceil(kernel.stride)),
        Border::Valid => source.checked_sub(reach + 1).map(|last| last / kernel.stride + 1),
    }
}

/// How far a kernel place moves what a source place throws, in source places.
fn shift(kernel: &Convolution, place: u32, extent: u32) -> i64 {
    let (place, last) = (i64::from(place), i64::from(extent) - 1);
    let centre = last / 2;
    let places = match (kernel.border, kernel.kind) {
        (Border::Zero | Border::Wrap, ConvolutionKind::Convolution) => place - centre,
        (Border::Zero | Border::Wrap, ConvolutionKind::CrossCorrelation) => centre - place,
        (Border::Valid, ConvolutionKind::Convolution) => place - last,
        (Border::Valid, ConvolutionKind::CrossCorrelation) => -place,
    };
    places * i64::from(kernel.dilation)
}

/// Every tap of the kept weights, in no particular order.
pub(crate) fn taps(kernel: &Convolution, kept: &[bool]) -> Vec<Tap> {
    let [out_channels, group_channels, delays, height, width] = kernel.shape;
    let mut taps = Vec::new();
    let mut position = 0;
    for out_channel in 0..out_channels {
        let group = out_channel / (out_channels / kernel.groups);
        for channel in 0..group_channels {
            let in_channel = group * group_channels + channel;
            for delay_index in 0..delays {
                for row in 0..height {
                    for column in 0..width {
                        let weight = kernel.kernel[position];
                        if kept[position] && weight != 0.0 {
                            let place = [shift(kernel, row, height), shift(kernel, column, width)];
                            let tap = |(phase, dy, dx)| Tap {
                                delay_index,
                                in_channel,
                                phase,
                                dy,
                                dx,
                                out_channel,
                                weight,
                            };
                            taps.extend(phases(kernel.stride, place).map(tap));
                        }
                        position += 1;
                    }
                }
            }
        }
    }
    taps
}

/// The phases of the source that a shift brings onto a target place: at most one.
fn phases(stride: u32, [dy, dx]: [i64; 2]) -> impl Iterator<Item = (u32, i32, i32)> {
    let stride = i64::from(stride);
    let (phase_y, phase_x) = ((-dy).rem_euclid(stride), (-dx).rem_euclid(stride));
    let target = |phase: i64, shift: i64| {
        i32::try_from((phase + shift) / stride).expect("validation bounds a kernel's extents")
    };
    let phase = u32::try_from(phase_y * stride + phase_x).expect("validation bounds a stride");
    std::iter::once((phase, target(phase_y, dy), target(phase_x, dx)))
}
