//! Convolutions: a kernel from a file, from the text itself, or in closed form, and how it is laid.

use spiked_proto::v1;

use super::array::Named;
use super::network::Context;
use super::node::Node;
use super::{motion, part};

pub(super) fn read(context: &Context<'_>, node: &Node<'_>) -> Option<v1::Convolution> {
    let table = node.table(
        &["kernel", "kind", "border", "stride", "dilation", "groups", "delay_step", "keep"],
        &["bias", "padding", "transposed"],
    )?;
    let delay_step_ticks = match table.get("delay_step") {
        Some(node) => node.ticks(context.tick_ns, 1),
        None => Some(1),
    };
    let kernel = table.need("kernel", "\"kernel.npy\"");
    // One meaning alone fits a kernel whose motion is stated: that of a convolution.
    let in_closed_form = kernel.as_ref().is_some_and(|kernel| kernel.peek("motion"));
    let kernel = kernel.zip(delay_step_ticks).and_then(|(kernel, delay_step_ticks)| {
        self::kernel(context, &kernel, u64::from(delay_step_ticks) * context.tick_ns)
    });
    let kinds = [
        ("convolution", v1::ConvolutionKind::Convolution),
        ("cross-correlation", v1::ConvolutionKind::CrossCorrelation),
    ];
    let kind = match table.get("kind") {
        Some(node) => node.word(&kinds, &[]),
        None if in_closed_form => Some(v1::ConvolutionKind::Convolution),
        None => table.refuse(
            "kind is missing, and the two are mirror images: kind = \"convolution\", or \
             \"cross-correlation\" (as torch's conv layers)",
        ),
    };
    let borders =
        [("zero", v1::Border::Zero), ("valid", v1::Border::Valid), ("wrap", v1::Border::Wrap)];
    let border = table.need("border", "\"zero\", \"valid\" or \"wrap\"");
    let border = border.and_then(|node| node.word(&borders, &["reflect", "same"]));
    let count = |key| table.get(key).map_or(Some(1), |node| node.whole(1..=65_535));
    let (stride, dilation, groups) = (count("stride"), count("dilation"), count("groups"));
    let keep = table.get("keep").map_or(Some(1.0), |node| share(&node));
    Some(v1::Convolution {
        kernel: Some(kernel?),
        kind: kind?.into(),
        stride: stride?,
        border: border?.into(),
        dilation: dilation?,
        groups: groups?,
        delay_step_ticks: delay_step_ticks?,
        keep: keep?,
    })
}

/// A share, above 0.
fn share(node: &Node<'_>) -> Option<f64> {
    let share = node.number()?;
    if share > 0.0 && share <= 1.0 {
        return Some(share);
    }
    node.refuse(format!("{} is not in (0, 1]", node.shown()))
}

fn kernel(context: &Context<'_>, node: &Node<'_>, step_ns: u64) -> Option<v1::ArrayRef> {
    if node.peek("motion") {
        let (_, node) = node.one_of(&["motion"], &[])?;
        return motion::kernel(context, &node, step_ns);
    }
    let kernel = if node.peek("values") || node.peek("shape") {
        in_place(context, node)?
    } else {
        context.arrays.weights(&Named::read(node)?)?
    };
    if kernel.shape.len() == 5 {
        return Some(kernel);
    }
    node.refuse(format!(
        "has the shape {:?}, where five extents belong: \
         [out channel, in channel ÷ groups, delay, height, width]",
        kernel.shape
    ))
}

/// { shape = [1, 2, 3, 1, 1], values = [0.5, ...] }, row-major.
fn in_place(context: &Context<'_>, node: &Node<'_>) -> Option<v1::ArrayRef> {
    let table = node.table(&["shape", "values"], &[])?;
    let shape = table.need("shape", "[1, 2, 3, 1, 1]")?.items()?;
    let shape = part::all(shape.iter().map(|node| node.whole(1..=u32::MAX)).collect());
    let values = table.need("values", "[0.5, -0.5]")?.items()?;
    let count = values.len() as u64;
    let values = part::all(values.iter().map(Node::number).collect());
    let (shape, values) = (shape?, values?);
    let needed =
        shape.iter().try_fold(1_u64, |product, &extent| product.checked_mul(u64::from(extent)));
    if needed != Some(count) {
        return node.refuse(format!("has {count} values, which its shape {shape:?} doesn't fit"));
    }
    context.arrays.keep_weights(node, &values, shape)
}
