//! Every synapse of a projection, written out.

use sim_core::network::*;

use super::{
    draws::{CONNECTIVITY, DELAY, Key, below, unit_open},
    extents,
};

/// One synapse: from source index to target index.
pub(super) struct Synapse {
    pub(super) source: u32,
    pub(super) target: u32,
    pub(super) delay: u64,
    pub(super) weight: f64,
}

fn shape_of(network: &Network, name: &str) -> Vec<u32> {
    for input in &network.inputs {
        if input.name == name {
            return match &input.shape {
                InputShape::Sensor(Some(size)) => vec![2, size.height, size.width],
                InputShape::Sensor(None) => panic!("the reference takes fixed sizes"),
                InputShape::Channels(shape) => shape.clone(),
                InputShape::Frames(source) => source.encoded_shape().to_vec(),
            };
        }
    }
    let found = network.populations.iter().find(|population| population.name == name);
    extents(&found.expect("a part of that name").shape)
}

pub(super) fn written_out(network: &Network, projection: &Projection) -> Vec<Synapse> {
    let extra =
        u64::from(projection.axonal_delay_ticks) + u64::from(projection.dendritic_delay_ticks);
    let source = shape_of(network, &projection.source);
    let target = shape_of(network, &projection.target);
    match &projection.connectivity {
        Connectivity::OneToOne { weight, delay_ticks } => (0..source.iter().product())
            .map(|index| Synapse {
                source: index,
                target: index,
                delay: extra + u64::from(*delay_ticks),
                weight: *weight,
            })
            .collect(),
        Connectivity::Explicit(synapses) => (0..synapses.sources.len())
            .map(|at| Synapse {
                source: synapses.sources[at],
                target: synapses.targets[at],
                delay: extra + u64::from(synapses.delays_ticks[at]),
                weight: synapses.weights[at],
            })
            .collect(),
        Connectivity::Convolution(kernel) => convolved(kernel, &source, &target, extra),
        Connectivity::Dense { weights, delay_ticks } => {
            let [sources, targets] = [&source, &target].map(|shape| shape.iter().product());
            dense(weights, [sources, targets], extra + u64::from(*delay_ticks))
        }
        Connectivity::Random(random) => {
            let [sources, targets] = [&source, &target].map(|shape| shape.iter().product());
            drawn(network, projection, random, [sources, targets], extra)
        }
    }
}

/// `B(c, y, x) = sum K(c, p, d, ky, kx) A(p, t - d, source place)`, place by place.
fn convolved(kernel: &Convolution, source: &[u32], target: &[u32], extra: u64) -> Vec<Synapse> {
    let [out_channels, in_channels, delays, rows, columns] = kernel.shape;
    let kept = largest_of_each_class(kernel);
    let mut synapses = Vec::new();
    let mut at = 0;
    for c in 0..out_channels {
        let group = c / (out_channels / kernel.groups);
        for p in 0..in_channels {
            for d in 0..delays {
                for ky in 0..rows {
                    for kx in 0..columns {
                        let weight = kernel.kernel[at];
                        let keep = kept[at];
                        at += 1;
                        if !keep {
                            continue;
                        }
                        for y in 0..target[1] {
                            for x in 0..target[2] {
                                let sy = source_place(kernel, y, ky, rows, source[1]);
                                let sx = source_place(kernel, x, kx, columns, source[2]);
                                let (Some(sy), Some(sx)) = (sy, sx) else { continue };
                                let channel = group * in_channels + p;
                                synapses.push(Synapse {
                                    source: (channel * source[1] + sy) * source[2] + sx,
                                    target: (c * target[1] + y) * target[2] + x,
                                    delay: extra + u64::from(d * kernel.delay_step_ticks),
                                    weight,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    synapses
}

/// The source row (or column) that a target row sees through a kernel row.
fn source_place(
    kernel: &Convolution,
    target: u32,
    k: u32,
    extent: u32,
    source: u32,
) -> Option<u32> {
    let (k, last) = (i64::from(k), i64::from(extent) - 1);
    let centre = last / 2;
    let dilation = i64::from(kernel.dilation);
    let first = i64::from(target) * i64::from(kernel.stride);
    let place = match (kernel.kind, kernel.border) {
        (ConvolutionKind::CrossCorrelation, Border::Valid) => first + k * dilation,
        (ConvolutionKind::Convolution, Border::Valid) => first + (last - k) * dilation,
        (ConvolutionKind::CrossCorrelation, _) => first + (k - centre) * dilation,
        (ConvolutionKind::Convolution, _) => first - (k - centre) * dilation,
    };
    let place = match kernel.border {
        Border::Wrap => place.rem_euclid(i64::from(source)),
        Border::Zero | Border::Valid => place,
    };
    u32::try_from(place).ok().filter(|&place| place < source)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a size")]
fn largest_of_each_class(kernel: &Convolution) -> Vec<bool> {
    let size = kernel.kernel.len() / kernel.shape[0] as usize;
    let count = ((size as f64 * kernel.keep).round() as usize).max(1);
    let mut kept = Vec::new();
    for class in kernel.kernel.chunks(size) {
        let better = |a: usize, b: usize| {
            class[b].abs() > class[a].abs() || (class[b].abs() == class[a].abs() && b < a)
        };
        let rank = |a: usize| (0..size).filter(|&b| better(a, b)).count();
        kept.extend((0..size).map(|a| rank(a) < count));
    }
    kept
}

/// [target, source], row-major.
fn dense(weights: &Values, [sources, targets]: [u32; 2], delay: u64) -> Vec<Synapse> {
    let mut synapses = Vec::new();
    for target in 0..targets {
        for source in 0..sources {
            let weight = match weights {
                Values::Same(weight) => *weight,
                Values::Each(weights) => weights[(target * sources + source) as usize],
                _ => panic!("the reference draws no weights"),
            };
            synapses.push(Synapse { source, target, delay, weight });
        }
    }
    synapses
}

/// Each rule as `connect::drawn` documents it, synapse by synapse in the order of their numbers.
fn drawn(
    network: &Network,
    projection: &Projection,
    random: &RandomConnectivity,
    [sources, targets]: [u32; 2],
    extra: u64,
) -> Vec<Synapse> {
    let position = network.projections.iter().position(|each| each.name == projection.name);
    let position = position.expect("its own projection") as u64;
    let key = |purpose| match random.seed {
        Some(seed) => Key::new(seed, purpose),
        None => Key::new(network.seed, purpose).with(position),
    };
    let (ends, delays) = (key(CONNECTIVITY), key(DELAY));
    let alone = projection.source == projection.target && !random.allow_self;
    let others = |side: u32| side - u32::from(alone);
    let other = |choice: u32, own: u32| choice + u32::from(alone && choice >= own);
    let mut synapses = Vec::new();
    let mut add = |source: u32, target: u32, number: u64| {
        let delay = match random.delays_ticks {
            Delays::Same(ticks) => ticks,
            Delays::Uniform { min, max } => min + below(delays.draw(number), max - min + 1),
            Delays::Rounded { .. } => panic!("the reference draws whole delays only"),
        };
        let Values::Same(weight) = random.weights else {
            panic!("the reference draws no weights");
        };
        synapses.push(Synapse { source, target, delay: extra + u64::from(delay), weight });
    };
    match random.rule {
        RandomRule::FixedInDegree(degree) => {
            for number in 0..targets * degree {
                let target = number / degree;
                let choice = below(ends.draw(number.into()), others(sources));
                add(other(choice, target), target, number.into());
            }
        }
        RandomRule::FixedOutDegree(degree) => {
            for number in 0..sources * degree {
                let source = number / degree;
                let choice = below(ends.draw(number.into()), others(targets));
                add(source, other(choice, source), number.into());
            }
        }
        RandomRule::FixedTotal(total) => {
            for number in 0..total {
                let product = u128::from(ends.draw(number)) * u128::from(targets);
                let target = u32::try_from(product >> 64).expect("below the targets");
                let left = u64::try_from(product & u128::from(u64::MAX)).expect("64 bits");
                add(other(below(left, others(sources)), target), target, number);
            }
        }
        RandomRule::Pairwise { probability } => {
            for target in 0..targets {
                let key = ends.with(target.into());
                let (mut source, mut counter) = (0.0, 0);
                loop {
                    let u = unit_open(key.draw(counter));
                    source += (libm::log(u) / libm::log1p(-probability)).floor();
                    if source >= f64::from(sources) {
                        break;
                    }
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "small"
                    )]
                    let at = source as u32;
                    if !(alone && at == target) {
                        add(at, target, u64::from(target) * u64::from(sources) + u64::from(at));
                    }
                    (source, counter) = (source + 1.0, counter + 1);
                }
            }
        }
    }
    synapses
}
