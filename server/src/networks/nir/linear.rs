//! Nodes without memory as lists of synapses: what each entry of their input adds to which entries
//! of their output, and how much later.

use super::{Refusal, graph::Node};

/// Of synapses of one node, and of one path through several.
pub(super) const ENTRIES_MAX: usize = 8 << 20;

/// A linear node.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) shape: Vec<u32>,
    pub(super) columns: Columns,
    pub(super) bias: Option<Vec<f64>>,
    /// For each entry of the input \[s\].
    pub(super) delay_s: Option<Vec<f64>>,
}

/// For each entry of the input, entries of the output and their weights.
#[derive(Clone, Debug)]
pub(super) enum Columns {
    /// The entry at the same place alone, with a weight of one where there are none: a file's few
    /// bytes may stand for millions of them.
    Diagonal(Option<Vec<f64>>),
    Each(Vec<Vec<(u32, f64)>>),
}

impl Columns {
    /// How many entries of the output one of the input reaches.
    pub(super) fn reached(&self, index: u32) -> usize {
        match self {
            Self::Diagonal(_) => 1,
            Self::Each(columns) => columns[index as usize].len(),
        }
    }

    pub(super) fn of(&self, index: u32) -> impl Iterator<Item = (u32, f64)> {
        let (same, others) = match self {
            Self::Diagonal(None) => (Some((index, 1.0)), &[][..]),
            Self::Diagonal(Some(scale)) => (Some((index, scale[index as usize])), &[][..]),
            Self::Each(columns) => (None, columns[index as usize].as_slice()),
        };
        same.into_iter().chain(others.iter().copied())
    }
}

/// What a node does to an input of this shape; `None` for nodes that are not linear.
pub(super) fn map(node: &Node, input: &[u32]) -> Result<Option<Map>, Refusal> {
    let map = match node.kind.as_str() {
        "Input" | "Output" if node.is_inner => diagonal(input, None),
        "Affine" | "Linear" => matrix(node, input)?,
        "Scale" => diagonal(input, Some(each(node, "scale", size(input))?)),
        "Flatten" => Map { shape: flattened(node, input)?, ..diagonal(input, None) },
        "Delay" => {
            let delays = each(node, "delay", size(input))?;
            if let Some(delay) = delays.iter().find(|delay| !(0.0..1e6).contains(*delay)) {
                return Err(node.refuse(format!("a delay of {delay} s; 0 to 1e6 s is possible")));
            }
            Map { delay_s: Some(delays), ..diagonal(input, None) }
        }
        "Conv1d" | "Conv2d" => convolution(node, input)?,
        "SumPool2d" | "AvgPool2d" => pool(node, input)?,
        _ => return Ok(None),
    };
    Ok(Some(map))
}

/// Entries of a shape; shapes come from files whose numbers were counted, or are checked here.
pub(super) fn size(shape: &[u32]) -> usize {
    shape.iter().fold(1_usize, |size, &extent| size.saturating_mul(extent as usize))
}

/// One value an entry; a single one is meant for all.
pub(super) fn each(node: &Node, name: &str, size: usize) -> Result<Vec<f64>, Refusal> {
    let (_, numbers) = node.need(name)?;
    spread(node, name, numbers, size)
}

pub(super) fn spread(
    node: &Node,
    name: &str,
    numbers: &[f64],
    size: usize,
) -> Result<Vec<f64>, Refusal> {
    if numbers.len() == size {
        return Ok(numbers.to_vec());
    }
    match numbers {
        [only] => Ok(vec![*only; size]),
        _ => Err(node.refuse(format!("{name} has {} values for {size} units", numbers.len()))),
    }
}

fn diagonal(input: &[u32], scale: Option<Vec<f64>>) -> Map {
    let columns = Columns::Diagonal(scale);
    Map { shape: input.to_vec(), columns, bias: None, delay_s: None }
}

fn matrix(node: &Node, input: &[u32]) -> Result<Map, Refusal> {
    let (shape, weights) = node.need("weight")?;
    let &[rows, columns] = shape else {
        return Err(node.refuse(format!("weight has shape {shape:?}; [out, in] is possible")));
    };
    if size(input) != columns as usize {
        return Err(node.refuse(format!("weight takes {columns} inputs and gets {input:?}")));
    }
    let of = |column: usize| {
        (0..rows).map(move |row| (row, weights[row as usize * columns as usize + column]))
    };
    let columns = (0..columns as usize).map(|column| of(column).collect());
    let columns = Columns::Each(columns.collect());
    let bias = match node.kind.as_str() {
        "Affine" => Some(each(node, "bias", rows as usize)?),
        _ => None,
    };
    Ok(Map { shape: vec![rows], columns, bias, delay_s: None })
}

fn flattened(node: &Node, input: &[u32]) -> Result<Vec<u32>, Refusal> {
    let rank = i64::try_from(input.len()).unwrap_or(i64::MAX);
    let dimension = |name: &str, default: f64| {
        let value = node.numbers(name).and_then(|(_, n)| n.first().copied()).unwrap_or(default);
        #[expect(clippy::cast_possible_truncation, reason = "it saturates, and is then refused")]
        let value = value as i64;
        let from_start = if value < 0 { value + rank } else { value };
        usize::try_from(from_start).ok().filter(|&d| d < input.len())
    };
    // Without a batch in front, one dimension flattens to itself even where it starts at 1.
    if input.len() <= 1 {
        return Ok(input.to_vec());
    }
    match (dimension("start_dim", 1.0), dimension("end_dim", -1.0)) {
        (Some(start), Some(end)) if start <= end => {
            let middle = size(&input[start..=end]);
            let middle = u32::try_from(middle).map_err(|_| node.refuse("is too large"))?;
            Ok([&input[..start], &[middle], &input[end + 1..]].concat())
        }
        _ => Err(node.refuse(format!("start_dim and end_dim do not fit {input:?}"))),
    }
}

/// A kernel on a field of rows and columns; one row for one dimension.
struct Kernel<'a> {
    input: [usize; 3],
    out_channels: usize,
    groups: usize,
    size: [usize; 2],
    stride: [usize; 2],
    /// Before the first row and column.
    before: [usize; 2],
    /// Before and after together.
    padding: [usize; 2],
    dilation: [usize; 2],
    /// By out channel, in channel of its group, row and column.
    weight: &'a dyn Fn(usize, usize, usize, usize) -> f64,
}

fn convolution(node: &Node, input: &[u32]) -> Result<Map, Refusal> {
    let flat = node.kind == "Conv1d";
    let (shape, weights) = node.need("weight")?;
    let wide = |shape: &[u32]| match (flat, shape) {
        (true, &[a, b, c]) => Some([a as usize, b as usize, 1, c as usize]),
        (false, &[a, b, c, d]) => Some([a, b, c, d].map(|extent| extent as usize)),
        _ => None,
    };
    let [out_channels, in_each, height, width] = wide(shape)
        .ok_or_else(|| node.refuse(format!("weight has shape {shape:?}, which is no kernel's")))?;
    let input = field(node, input, flat)?;
    let groups = whole(node, "groups", 1, 1)?[0];
    if weights.is_empty()
        || groups == 0
        || input[0] != in_each * groups
        || out_channels % groups != 0
    {
        let message = format!("{groups} groups of {in_each} channels where {} come", input[0]);
        return Err(node.refuse(message));
    }
    let pair = |name, default| along(node, name, default, flat);
    let (stride, dilation) = (pair("stride", 1)?, pair("dilation", 1)?);
    let size = [height, width];
    let (before, padding) = match node.word("padding") {
        Some("valid") => ([0, 0], [0, 0]),
        Some("same") => {
            let all = [0, 1].map(|d: usize| dilation[d].saturating_mul(size[d].max(1) - 1));
            (all.map(|all| all / 2), all)
        }
        Some(word) => return Err(node.refuse(format!("padding {word:?} is unknown"))),
        None => {
            let mut each = pair("padding", 0)?;
            if flat {
                each[0] = 0;
            }
            (each, each.map(|each| each.saturating_mul(2)))
        }
    };
    let weight = |o: usize, i: usize, y: usize, x: usize| {
        weights[((o * in_each + i) * height + y) * width + x]
    };
    let weight = &weight;
    let kernel =
        Kernel { input, out_channels, groups, size, stride, before, padding, dilation, weight };
    let mut map = kernel.laid(node, flat)?;
    if let Some((_, bias)) = node.numbers("bias") {
        let channels = spread(node, "bias", bias, out_channels)?;
        let places = self::size(&map.shape) / out_channels.max(1);
        let repeated = channels.iter().flat_map(|&b| std::iter::repeat_n(b, places));
        map.bias = Some(repeated.collect());
    }
    Ok(map)
}

fn pool(node: &Node, input: &[u32]) -> Result<Map, Refusal> {
    let input = field(node, input, false)?;
    let size = along(node, "kernel_size", 0, false)?;
    let padding = along(node, "padding", 0, false)?;
    let share =
        if node.kind == "AvgPool2d" { 1.0 / (size[0] as f64 * size[1] as f64) } else { 1.0 };
    let kernel = Kernel {
        input,
        out_channels: input[0],
        groups: input[0],
        size,
        stride: along(node, "stride", 1, false)?,
        before: padding,
        padding: padding.map(|each| each.saturating_mul(2)),
        dilation: [1, 1],
        weight: &|_, _, _, _| share,
    };
    kernel.laid(node, false)
}

/// Channels, rows and columns.
fn field(node: &Node, input: &[u32], flat: bool) -> Result<[usize; 3], Refusal> {
    match (flat, input) {
        (true, &[c, n]) => Ok([c as usize, 1, n as usize]),
        (false, &[c, h, w]) => Ok([c, h, w].map(|extent| extent as usize)),
        _ => Err(node.refuse(format!("gets an input of shape {input:?}, which is no field"))),
    }
}

/// One or two whole numbers; one counts for both directions, or for the only one.
fn along(node: &Node, name: &str, default: usize, flat: bool) -> Result<[usize; 2], Refusal> {
    let found = whole(node, name, default, 2)?;
    Ok(if flat { [1, found[0]] } else { [found[0], *found.last().unwrap_or(&found[0])] })
}

fn whole(node: &Node, name: &str, default: usize, most: usize) -> Result<Vec<usize>, Refusal> {
    let Some((_, numbers)) = node.numbers(name) else {
        return Ok(vec![default]);
    };
    let fits = |number: &f64| number.fract() == 0.0 && (0.0..=1e6).contains(number);
    if numbers.is_empty() || numbers.len() > most || !numbers.iter().all(fits) {
        return Err(node.refuse(format!("{name} is {numbers:?}")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked")]
    Ok(numbers.iter().map(|&number| number as usize).collect())
}

impl Kernel<'_> {
    fn out(&self, direction: usize) -> Option<usize> {
        let reach = self.dilation[direction].checked_mul(self.size[direction].checked_sub(1)?)? + 1;
        let room = (self.input[direction + 1] + self.padding[direction]).checked_sub(reach)?;
        Some(room.checked_div(self.stride[direction])? + 1)
    }

    fn laid(&self, node: &Node, flat: bool) -> Result<Map, Refusal> {
        let nothing = || node.refuse("its kernel does not fit its input, or it has no stride");
        let (rows, columns) = (self.out(0).ok_or_else(nothing)?, self.out(1).ok_or_else(nothing)?);
        let in_each = self.input[0] / self.groups.max(1);
        let count = [self.out_channels, rows, columns, in_each, self.size[0], self.size[1]];
        let count = count.iter().try_fold(1_usize, |all, &one| all.checked_mul(one));
        if count.is_none_or(|count| count > ENTRIES_MAX) {
            return Err(node.refuse(format!("has more than {ENTRIES_MAX} synapses")));
        }
        let [channels, height, width] = self.input;
        let mut all = vec![Vec::new(); channels * height * width];
        let out_each = self.out_channels / self.groups.max(1);
        for out in 0..self.out_channels {
            for place in 0..rows * columns {
                let (row, column) = (place / columns, place % columns);
                let target = u32::try_from(out * rows * columns + place);
                let target = target.map_err(|_| node.refuse("is too large"))?;
                for inner in 0..in_each * self.size[0] * self.size[1] {
                    let (ky, kx) = (inner / self.size[1] % self.size[0], inner % self.size[1]);
                    let channel = inner / (self.size[0] * self.size[1]);
                    let y = (row * self.stride[0] + ky * self.dilation[0])
                        .checked_sub(self.before[0])
                        .filter(|&y| y < height);
                    let x = (column * self.stride[1] + kx * self.dilation[1])
                        .checked_sub(self.before[1])
                        .filter(|&x| x < width);
                    if let (Some(y), Some(x)) = (y, x) {
                        let source = (out / out_each.max(1)) * in_each + channel;
                        let weight = (self.weight)(out, channel, ky, kx);
                        all[(source * height + y) * width + x].push((target, weight));
                    }
                }
            }
        }
        let extents = [self.out_channels, rows, columns].map(u32::try_from);
        let shape = extents.into_iter().collect::<Result<Vec<u32>, _>>();
        let mut shape = shape.map_err(|_| node.refuse("is too large"))?;
        if flat {
            shape.remove(1);
        }
        Ok(Map { shape, columns: Columns::Each(all), bias: None, delay_s: None })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::networks::nir::hdf5::Value;

    /// A shape of a few bytes stands for millions of units, node after node. Found by hostile files:
    /// with a list for each unit, a file of 35 kB took a second and a half.
    #[test]
    fn what_hands_on_unit_by_unit_holds_nothing_a_unit() {
        for (kind, name) in [("Input", ""), ("Flatten", ""), ("Scale", "scale"), ("Delay", "delay")]
        {
            let one = Value::Numbers { shape: vec![1], numbers: vec![2.0] };
            let node = Node {
                name: "one".into(),
                kind: kind.into(),
                values: BTreeMap::from([(name.into(), one)]),
                from: BTreeSet::new(),
                is_inner: true,
            };
            let map = map(&node, &[1_000, 2_000]).unwrap().unwrap();
            let weight = if kind == "Scale" { 2.0 } else { 1.0 };
            assert!(matches!(map.columns, Columns::Diagonal(_)), "{kind}");
            assert_eq!(map.columns.of(1_999_999).collect::<Vec<_>>(), [(1_999_999, weight)]);
            assert_eq!(map.columns.reached(1_999_999), 1);
        }
    }
}
