//! A slow simulator that anyone can check by eye: every synapse written out, every tick visited,
//! every sum added up from the whole history of spikes.
//!
//! It shares the description's types and the closed form of a membrane with the core, and nothing
//! else: no calendar, no quanta, no layouts, no windows. Weights must be exact in few bits, so that
//! f64 sums are exact in any order.

use std::collections::BTreeMap;

use sim_core::{InputEvent, network::*};

/// One synapse: from source index to target index.
struct Synapse {
    source: u32,
    target: u32,
    delay: u64,
    weight: f64,
}

/// (tick, population, index, multiplicity), in that order.
pub(crate) type Fired = (u64, usize, u32, u32);

struct Membrane {
    v: f64,
    since: (u64, f64),
}

/// Runs a network of fixed sizes without filters at a tick of 1 µs.
pub(crate) fn simulate(network: &Network, events: &[Vec<InputEvent>], ticks: u64) -> Vec<Fired> {
    let sources: Vec<&str> = network.inputs.iter().map(|input| input.name.as_str()).collect();
    let names: Vec<&str> = network.populations.iter().map(|each| each.name.as_str()).collect();
    let synapses: Vec<Vec<Synapse>> =
        network.projections.iter().map(|each| written_out(network, each)).collect();
    // history[name][tick][index] = multiplicity
    let mut history: BTreeMap<&str, BTreeMap<u64, BTreeMap<u32, u32>>> = BTreeMap::new();
    for (name, events) in sources.iter().zip(events) {
        for event in events {
            let tick = history.entry(name).or_default().entry(event.time_us).or_default();
            *tick.entry(event.address).or_default() += event.multiplicity;
        }
    }
    let mut membranes: Vec<Vec<Membrane>> = network.populations.iter().map(at_rest).collect();
    let mut fired = Vec::new();
    for tick in 0..ticks {
        // Without an order, populations are visited until nothing changes any more: enough for
        // chains without delay as long as there are populations.
        let mut done: BTreeMap<usize, BTreeMap<u32, u32>> = BTreeMap::new();
        for id in evaluation_order(network) {
            let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
            for (projection, synapses) in network.projections.iter().zip(&synapses) {
                if projection.target != names[id] {
                    continue;
                }
                let Some(past) = history.get(projection.source.as_str()) else { continue };
                for synapse in synapses {
                    let Some(emitted) = tick.checked_sub(synapse.delay) else { continue };
                    let times = past.get(&emitted).and_then(|tick| tick.get(&synapse.source));
                    if let Some(&times) = times {
                        *sums.entry(synapse.target).or_default() +=
                            synapse.weight * f64::from(times);
                    }
                }
            }
            let spikes = who_fires(&network.populations[id], &mut membranes[id], tick, &sums);
            if !spikes.is_empty() {
                history.entry(names[id]).or_default().insert(tick, spikes.clone());
            }
            done.insert(id, spikes);
        }
        for (id, spikes) in done {
            fired.extend(spikes.into_iter().map(|(index, times)| (tick, id, index, times)));
        }
    }
    fired
}

fn extents(shape: &[Extent]) -> Vec<u32> {
    let size = |extent: &Extent| match extent {
        Extent::Size(size) => *size,
        _ => panic!("the reference takes fixed sizes"),
    };
    shape.iter().map(size).collect()
}

fn size(population: &Population) -> u32 {
    extents(&population.shape).iter().product()
}

fn at_rest(population: &Population) -> Vec<Membrane> {
    let v = match &population.neuron {
        Neuron::Lif(lif) => lif.initial_mv - lif.rest_mv,
        _ => 0.0,
    };
    (0..size(population)).map(|_| Membrane { v, since: (0, 0.0) }).collect()
}

/// Sources before targets along projections that can have no delay.
fn evaluation_order(network: &Network) -> Vec<usize> {
    let position = |name: &str| network.populations.iter().position(|each| each.name == name);
    let mut order: Vec<usize> = Vec::new();
    while order.len() < network.populations.len() {
        let ready = (0..network.populations.len()).find(|&id| {
            !order.contains(&id)
                && network.projections.iter().all(|projection| {
                    let source = position(&projection.source);
                    position(&projection.target) != Some(id)
                        || source.is_none_or(|source| order.contains(&source))
                        || written_out(network, projection).iter().all(|each| each.delay > 0)
                })
        });
        order.push(ready.expect("no cycle without delay"));
    }
    order
}

fn shape_of(network: &Network, name: &str) -> Vec<u32> {
    for input in &network.inputs {
        if input.name == name {
            return match &input.shape {
                InputShape::Sensor(Some(size)) => vec![2, size.height, size.width],
                InputShape::Sensor(None) => panic!("the reference takes fixed sizes"),
                InputShape::Channels(shape) => shape.clone(),
            };
        }
    }
    let found = network.populations.iter().find(|population| population.name == name);
    extents(&found.expect("a part of that name").shape)
}

fn written_out(network: &Network, projection: &Projection) -> Vec<Synapse> {
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
        Connectivity::Dense { .. } | Connectivity::Random(_) => panic!("not here"),
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

fn who_fires(
    population: &Population,
    membranes: &mut [Membrane],
    tick: u64,
    sums: &BTreeMap<u32, f64>,
) -> BTreeMap<u32, u32> {
    let mut fired = BTreeMap::new();
    match &population.neuron {
        Neuron::Lif(lif) => {
            for (index, membrane) in (0..).zip(membranes) {
                let sum = sums.get(&index).copied().unwrap_or(0.0);
                let times = advance(lif, membrane, tick, sum);
                if times > 0 {
                    fired.insert(index, times);
                }
            }
        }
        Neuron::Accumulator(parameters) => {
            let value = |sum: f64| match parameters.rectify {
                Rectify::None => sum,
                Rectify::Absolute => sum.abs(),
            };
            let fires = |sum: f64| {
                let value = value(sum);
                value > parameters.threshold
                    || (value == parameters.threshold && !parameters.strict)
            };
            for (&index, &sum) in sums {
                let beaten = population.winner_take_all == WinnerTakeAll::PerLocation
                    && rivals(population, index).any(|rival| {
                        let other = value(sums.get(&rival).copied().unwrap_or(0.0));
                        other > value(sum) || (other == value(sum) && rival < index)
                    });
                if fires(sum) && !beaten {
                    fired.insert(index, 1);
                }
            }
        }
        _ => panic!("the reference has no such model"),
    }
    fired
}

/// The other channels at the same place.
fn rivals(population: &Population, index: u32) -> impl Iterator<Item = u32> {
    let shape = extents(&population.shape);
    let places = shape[1] * shape[2];
    (0..shape[0]).map(move |c| c * places + index % places).filter(move |&rival| rival != index)
}

fn advance(lif: &LifParameters, membrane: &mut Membrane, tick: u64, sum: f64) -> u32 {
    // A tick of 1 µs.
    let tau = lif.tau_ms / 0.001;
    let refractory = lif.refractory_ms / 0.001;
    let (threshold, reset) = (lif.threshold_mv - lif.rest_mv, lif.reset_mv - lif.rest_mv);
    let later = |(tick, fraction): (u64, f64), ticks: f64| {
        let whole = (fraction + ticks).floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "short runs")]
        let whole_ticks = whole as u64;
        (tick + whole_ticks, fraction + ticks - whole)
    };
    let mut fired = 0;
    loop {
        if lif.drive_mv <= threshold {
            break;
        }
        let rise = (lif.drive_mv - membrane.v) / (lif.drive_mv - threshold);
        let crossing = later(membrane.since, tau * libm::log(rise));
        if crossing > (tick, 0.0) {
            break;
        }
        fired += 1;
        *membrane = Membrane { v: reset, since: later(crossing, refractory) };
    }
    if sum != 0.0 && membrane.since <= (tick, 0.0) {
        let elapsed = (tick - membrane.since.0) as f64 - membrane.since.1;
        let decay = libm::exp(-elapsed / tau);
        let v = lif.drive_mv + (membrane.v - lif.drive_mv) * decay + sum;
        if v > threshold || (v == threshold && !lif.strict) {
            fired += 1;
            *membrane = Membrane { v: reset, since: later((tick, 0.0), refractory) };
        } else {
            *membrane = Membrane { v, since: (tick, 0.0) };
        }
    }
    fired
}
