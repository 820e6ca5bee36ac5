//! Linear nodes against their definitions: a `sinabs` integrator of threshold 1 fires as often as
//! the whole numbers that it gets add up to.

#![expect(clippy::cast_possible_truncation, reason = "small whole numbers")]

use spiked_fuzz::Random;
use spiked_server::networks::nir::Profile;

use super::{
    options, run,
    writer::{Node, Parameter, file, input, node, output, row},
};

/// What arrives at the last node, for an input of one step.
fn sums(shape: &[f32], nodes: Vec<Node<'_>>, units: usize, given: &[u32]) -> Vec<u32> {
    let names: Vec<String> = nodes.iter().map(|node| node.0.to_owned()).collect();
    let mut path: Vec<&str> = vec!["input"];
    path.extend(names.iter().map(String::as_str));
    path.extend(["out", "output"]);
    let edges: Vec<(&str, &str)> = path.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let mut all = vec![input(shape)];
    all.extend(nodes);
    all.extend([super::writer::integrators("out", units, 1.0, 1.0), output()]);
    run(&file(&all, &edges), options(Profile::Sinabs), given, 1).pop().unwrap()
}

/// A convolution as torch defines it: kernel, places, what lies outside is 0.
struct Field {
    input: [usize; 3],
    out_channels: usize,
    groups: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// Before the first row and column, and in all.
    before: [usize; 2],
    all: [usize; 2],
}

impl Field {
    fn out(&self, axis: usize) -> usize {
        let reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
        (self.input[axis + 1] + self.all[axis] - reach) / self.stride[axis] + 1
    }

    fn convolved(&self, weights: &[f32], bias: &[f32], given: &[u32]) -> Vec<u32> {
        let [_, height, width] = self.input;
        let (in_each, out_each) = (self.input[0] / self.groups, self.out_channels / self.groups);
        let mut results = Vec::new();
        for (out, &bias) in bias.iter().enumerate().take(self.out_channels) {
            for place in 0..self.out(0) * self.out(1) {
                let (row, column) = (place / self.out(1), place % self.out(1));
                let mut sum = bias;
                for inner in 0..in_each {
                    for ky in 0..self.kernel[0] {
                        for kx in 0..self.kernel[1] {
                            let y = row * self.stride[0] + ky * self.dilation[0];
                            let x = column * self.stride[1] + kx * self.dilation[1];
                            let inside = (self.before[0]..self.before[0] + height).contains(&y)
                                && (self.before[1]..self.before[1] + width).contains(&x);
                            if inside {
                                let channel = out / out_each * in_each + inner;
                                let (y, x) = (y - self.before[0], x - self.before[1]);
                                let at = (channel * height + y) * width + x;
                                let weight = ((out * in_each + inner) * self.kernel[0] + ky)
                                    * self.kernel[1]
                                    + kx;
                                sum += weights[weight] * given[at] as f32;
                            }
                        }
                    }
                }
                results.push(sum as u32);
            }
        }
        results
    }
}

fn pair(name: &'static str, [a, b]: [usize; 2]) -> Parameter<'static> {
    row(name, &[a as f32, b as f32])
}

fn wholes(random: &mut Random, count: usize, below: u64) -> Vec<f32> {
    (0..count).map(|_| random.below(below) as f32).collect()
}

fn one_to(random: &mut Random, most: usize) -> usize {
    1 + random.index(most)
}

#[test]
fn convolutions_are_those_of_torch() {
    let mut random = Random::new(11);
    for case in 0..60 {
        let (groups, flat, same) = (one_to(&mut random, 2), random.once_in(3), random.once_in(3));
        let both = |random: &mut Random, most| [one_to(random, most), one_to(random, most)];
        let mut field = Field {
            input: [groups * one_to(&mut random, 2), 5 + random.index(3), 5 + random.index(3)],
            out_channels: groups * one_to(&mut random, 2),
            groups,
            kernel: both(&mut random, 3),
            stride: if same { [1, 1] } else { both(&mut random, 2) },
            dilation: both(&mut random, 2),
            before: [random.index(3), random.index(3)],
            all: [0, 0],
        };
        if flat {
            (field.input[1], field.kernel[0], field.before[0]) = (1, 1, 0);
            (field.stride[0], field.dilation[0]) = (1, 1);
        }
        field.all = field.before.map(|before| 2 * before);
        if same {
            field.all = [0, 1].map(|axis| field.dilation[axis] * (field.kernel[axis] - 1));
            field.before = field.all.map(|all| all / 2);
        }
        let in_each = field.input[0] / groups;
        let [height, width] = field.kernel;
        let count = field.out_channels * in_each * height * width;
        let (weights, bias) =
            (wholes(&mut random, count, 3), wholes(&mut random, field.out_channels, 4));
        let inputs = field.input.iter().product();
        let given: Vec<u32> = (0..inputs).map(|_| random.below(3) as u32).collect();

        let mut extents = vec![field.out_channels as u64, in_each as u64];
        extents.extend(if flat { vec![width as u64] } else { vec![height as u64, width as u64] });
        let mut own = vec![
            ("weight", extents.as_slice(), weights.clone()),
            row("bias", &bias),
            row("groups", &[groups as f32]),
        ];
        if flat {
            own.push(row("stride", &[field.stride[1] as f32]));
            own.push(row("dilation", &[field.dilation[1] as f32]));
        } else {
            own.push(pair("stride", field.stride));
            own.push(pair("dilation", field.dilation));
        }
        own.push(match (same, flat) {
            (true, _) => ("padding:same", &[], vec![]),
            (false, true) => row("padding", &[field.before[1] as f32]),
            (false, false) => pair("padding", field.before),
        });
        let mut shape: Vec<f32> = field.input.iter().map(|&extent| extent as f32).collect();
        if flat {
            shape.remove(1);
        }
        let node = node("c", if flat { "Conv1d" } else { "Conv2d" }, own);
        let units = field.out_channels * field.out(0) * field.out(1);
        let expected = field.convolved(&weights, &bias, &given);
        assert_eq!(sums(&shape, vec![node], units, &given), expected, "case {case}");
    }
}

#[test]
fn pools_add_up_or_take_the_mean() {
    let mut random = Random::new(12);
    for case in 0..20 {
        let field = Field {
            input: [2, 5, 6],
            out_channels: 2,
            groups: 2,
            kernel: [2, 2],
            stride: [one_to(&mut random, 2), one_to(&mut random, 2)],
            dilation: [1, 1],
            before: [random.index(2), random.index(2)],
            all: [0, 0],
        };
        let field = Field { all: field.before.map(|before| 2 * before), ..field };
        let given: Vec<u32> = (0..60).map(|_| random.below(4) as u32).collect();
        let units = 2 * field.out(0) * field.out(1);
        let sum = field.convolved(&[1.0; 8], &[0.0; 2], &given);
        let own = || {
            vec![
                pair("kernel_size", field.kernel),
                pair("stride", field.stride),
                pair("padding", field.before),
            ]
        };
        let shape = [2.0, 5.0, 6.0];
        let pooled = sums(&shape, vec![node("p", "SumPool2d", own())], units, &given);
        assert_eq!(pooled, sum, "case {case}");
        // The mean of four, made whole again.
        let four = node("s", "Scale", vec![row("scale", &[4.0])]);
        let pooled = sums(&shape, vec![node("p", "AvgPool2d", own()), four], units, &given);
        assert_eq!(pooled, sum, "case {case}");
    }
}

/// Flatten begins at 1 unless it is told otherwise, as torch and NIR have it.
#[test]
fn flattening_leaves_the_first_extent_alone() {
    let given = [1, 2, 3, 4, 5, 6, 7, 8];
    let weight: Parameter<'_> = ("weight", &[2, 2, 1], vec![1.0, 0.0, 0.0, 1.0]);
    let conv = node("c", "Conv1d", vec![weight, row("stride", &[1.0])]);
    let flat = node("f", "Flatten", vec![]);
    assert_eq!(sums(&[2.0, 2.0, 2.0], vec![flat, conv], 8, &given), given);
}

/// Delays in a row add up, to the nearest tick.
#[test]
fn delays_in_a_row_add_up() {
    let delay = |name, seconds: f32| node(name, "Delay", vec![row("delay", &[seconds])]);
    let bytes = file(
        &[
            input(&[1.0]),
            delay("a", 1.6e-4),
            delay("b", 2.9e-4),
            super::writer::integrators("out", 1, 1.0, 1.0),
            output(),
        ],
        &[("input", "a"), ("a", "b"), ("b", "out"), ("out", "output")],
    );
    let mut given = [0; 8];
    given[0] = 1;
    let fired = run(&bytes, options(Profile::Sinabs), &given, 8).pop().unwrap();
    assert_eq!(fired, [0, 0, 0, 0, 0, 1, 0, 0], "2 and 3 ticks");
}

/// Two ways into one neuron: weights of the same synapse and biases add up.
#[test]
fn ways_that_meet_add_up() {
    let affine = |name, weight: f32, bias: f32| {
        node(name, "Affine", vec![("weight", &[1, 1], vec![weight]), row("bias", &[bias])])
    };
    let bytes = file(
        &[
            input(&[1.0]),
            affine("a", 2.0, 3.0),
            affine("b", 5.0, 7.0),
            affine("c", 2.0, 1.0),
            super::writer::integrators("out", 1, 1.0, 1.0),
            output(),
        ],
        &[("input", "a"), ("input", "b"), ("a", "c"), ("b", "c"), ("c", "out"), ("out", "output")],
    );
    let fired = run(&bytes, options(Profile::Sinabs), &[1], 1).pop().unwrap();
    assert_eq!(fired, [2 * (2 + 5) + 2 * (3 + 7) + 1]);
}
