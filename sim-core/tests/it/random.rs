//! Networks drawn at random from a seed: all connectivity, all neurons, mixed delays, chains
//! without delay. Used by every property test.
//!
//! Two families: a camera, whiskers and a loop at ticks of 1 µs, whose sums and thresholds meet
//! exactly; and populations of every model at ticks of 1 ms (`mixed`).

pub(crate) mod changes;
pub(crate) mod mixed;
pub(crate) mod neurons;

use std::sync::Arc;

use sim_core::{network::*, *};

use changes::Change;
use mixed::Scope;

use crate::support::{Numbers, output, population};

/// A network without filters and its input.
pub(crate) struct Case {
    pub(crate) network: Network,
    /// By port.
    pub(crate) events: Vec<Vec<InputEvent>>,
    pub(crate) ticks: u64,
    /// What is set on the way.
    pub(crate) changes: Vec<Change>,
    /// Length of a tick \[µs\].
    pub(crate) tick_us: u64,
}

impl Case {
    /// All its output, for events that are all there from the start.
    pub(crate) fn run(&self, plan: &Arc<Plan>) -> Vec<Output> {
        self.run_and_note(plan).0
    }

    /// The same, and which changes were taken.
    pub(crate) fn run_and_note(&self, plan: &Arc<Plan>) -> (Vec<Output>, Vec<bool>) {
        let mut simulation = Simulation::new(Arc::clone(plan), Options::default());
        for (port, events) in (0..).zip(&self.events) {
            simulation.offer(InputId(port), events).expect("good events");
        }
        let mut taken = Vec::new();
        for change in &self.changes {
            simulation.run_until(Tick(change.tick)).expect("no excess");
            taken.push(change.make(&mut simulation));
        }
        simulation.run_until(Tick(self.ticks)).expect("no excess");
        (std::mem::take(simulation.outputs()), taken)
    }
}

/// Draws a case of either family.
pub(crate) fn case(seed: u64) -> Case {
    within(seed, Scope::Everything)
}

/// Draws a case that the reference simulator can follow.
pub(crate) fn for_reference(seed: u64) -> Case {
    within(seed, Scope::Reference)
}

fn within(seed: u64, scope: Scope) -> Case {
    let mut numbers = Numbers(seed);
    match numbers.below(3) {
        0 => sensing(seed),
        _ => mixed::case(seed, scope, &mut numbers),
    }
}

/// The first population is a grid behind a convolution, the others follow.
pub(crate) fn sensing(seed: u64) -> Case {
    let mut numbers = Numbers(seed);
    let camera = SensorSize { width: 3 + numbers.below(6), height: 3 + numbers.below(6) };
    let channels = 1 + numbers.below(9);
    let kernel = kernel(&mut numbers, camera);
    let grid = target_shape(&kernel, camera);
    let mut seen = population("seen", &grid, random_accumulator(&mut numbers));
    if numbers.below(3) > 0 {
        seen.winner_take_all = WinnerTakeAll::PerLocation;
    }
    let size = grid.iter().product();
    let cells = 1 + numbers.below(12);
    let populations = vec![
        seen,
        population("cells", &[cells], random_lif(&mut numbers)),
        population("copy", &[size], random_accumulator(&mut numbers)),
    ];
    let convolution = Connectivity::Convolution(Arc::new(kernel));
    let one_to_one = Connectivity::OneToOne {
        weight: numbers.sixteenth() * 2.0,
        delay_ticks: numbers.below(3) * numbers.below(30),
    };
    let delays = numbers.below(3);
    let rows = |numbers: &mut Numbers, from, to, least| {
        Connectivity::Explicit(Arc::new(synapses(numbers, from, to, least, delays)))
    };
    let mut look = Projection::new("look", "camera", "seen", convolution);
    look.axonal_delay_ticks = numbers.below(2) * numbers.below(5);
    look.dendritic_delay_ticks = numbers.below(2) * numbers.below(2_000);
    let projections = vec![
        look,
        Projection::new("touch", "whiskers", "cells", rows(&mut numbers, channels, cells, 0)),
        Projection::new("watch", "seen", "cells", rows(&mut numbers, size, cells, 0)),
        Projection::new("repeat", "seen", "copy", one_to_one),
        Projection::new("tell", "cells", "copy", rows(&mut numbers, cells, size, 0)),
        Projection::new("return", "cells", "cells", rows(&mut numbers, cells, cells, 1)),
        Projection::new("attend", "copy", "seen", rows(&mut numbers, size, size, 1)),
    ];
    let vote = ReadoutRule::Vote {
        window_ticks: 1 + u64::from(numbers.below(20)),
        every_ticks: 1 + u64::from(numbers.below(4)),
        labels: Vec::new(),
    };
    let ticks = 60;
    let sensor = InputShape::Sensor(Some(camera));
    let network = Network {
        name: format!("random {seed}"),
        inputs: vec![
            InputPort::new("camera", sensor),
            InputPort::new("whiskers", InputShape::Channels(vec![channels])),
        ],
        populations,
        projections,
        readouts: vec![Readout { name: "verdict".into(), source: "seen".into(), rule: vote }],
        outputs: vec![output("all", &["seen", "cells", "copy"]), output("verdict", &["verdict"])],
        ..Network::default()
    };
    let events = vec![
        events(&mut numbers, 2 * camera.width * camera.height, 150, ticks),
        events(&mut numbers, channels, 80, ticks),
    ];
    let changes = changes::changes(&network, ticks, &mut numbers);
    Case { network, events, ticks, changes, tick_us: 1 }
}

/// Neurons of a shape of fixed sizes.
pub(crate) fn size(shape: &[Extent]) -> u32 {
    let size = |extent: &Extent| match extent {
        Extent::Size(size) => *size,
        _ => panic!("fixed sizes"),
    };
    shape.iter().map(size).product()
}

/// What a kernel makes of a camera.
fn target_shape(kernel: &Convolution, camera: SensorSize) -> [u32; 3] {
    let [out_channels, .., rows, columns] = kernel.shape;
    let extent = |source: u32, side: u32| match kernel.border {
        Border::Valid => (source - (side - 1) * kernel.dilation - 1) / kernel.stride + 1,
        Border::Zero | Border::Wrap => source.div_ceil(kernel.stride),
    };
    [out_channels, extent(camera.height, rows), extent(camera.width, columns)]
}

fn events(numbers: &mut Numbers, addresses: u32, most: u32, ticks: u64) -> Vec<InputEvent> {
    let ticks = u32::try_from(ticks).expect("few ticks");
    let event = |numbers: &mut Numbers| InputEvent {
        time_us: numbers.below(ticks).into(),
        address: numbers.below(addresses),
        multiplicity: if numbers.below(5) == 0 { 1 + numbers.below(3) } else { 1 },
    };
    (0..numbers.below(most)).map(|_| event(numbers)).collect()
}

fn random_accumulator(numbers: &mut Numbers) -> Neuron {
    let threshold = f64::from(1 + numbers.below(24)) / 16.0;
    let rectify = if numbers.below(2) == 0 { Rectify::None } else { Rectify::Absolute };
    let strict = numbers.below(3) == 0;
    Neuron::Accumulator(AccumulatorParameters { threshold, rectify, strict })
}

fn random_lif(numbers: &mut Numbers) -> Neuron {
    Neuron::Lif(LifParameters {
        tau_ms: 0.002 + numbers.unit() * 0.03,
        rest_mv: numbers.sixteenth(),
        threshold_mv: 1.5,
        reset_mv: numbers.sixteenth(),
        drive_mv: numbers.below(2) as f64 * numbers.unit() * 5.0,
        refractory_ms: numbers.below(2) as f64 * numbers.unit() * 0.004,
        initial_mv: numbers.sixteenth(),
        strict: numbers.below(3) == 0,
        ..LifParameters::default()
    })
}

fn kernel(numbers: &mut Numbers, camera: SensorSize) -> Convolution {
    let border = [Border::Zero, Border::Valid, Border::Wrap][numbers.below(3) as usize];
    let side = |numbers: &mut Numbers, extent: u32| 1 + numbers.below(extent.min(4));
    let groups = 1 + numbers.below(2);
    let shape = [
        groups * (1 + numbers.below(4)),
        2 / groups,
        1 + numbers.below(4),
        side(numbers, camera.height),
        side(numbers, camera.width),
    ];
    let fits = |extent: u32, side: u32| (side - 1) * 2 < extent;
    let roomy = fits(camera.height, shape[3]) && fits(camera.width, shape[4]);
    let dilation = if roomy { 1 + numbers.below(2) } else { 1 };
    let even = camera.height.is_multiple_of(2) && camera.width.is_multiple_of(2);
    let stride = if even || border != Border::Wrap { 1 + numbers.below(2) } else { 1 };
    let weights = shape.iter().product::<u32>();
    Convolution {
        kernel: (0..weights).map(|_| numbers.sixteenth()).collect(),
        shape,
        kind: if numbers.below(2) == 0 {
            ConvolutionKind::Convolution
        } else {
            ConvolutionKind::CrossCorrelation
        },
        border,
        stride,
        dilation,
        groups,
        delay_step_ticks: 1 + numbers.below(9),
        keep: [1.0, 0.5, 0.1][numbers.below(3) as usize],
    }
}

fn synapses(
    numbers: &mut Numbers,
    from: u32,
    to: u32,
    least: u32,
    delays: u32,
) -> ExplicitSynapses {
    let most = [1, 20, 3_000][delays as usize];
    let mut synapses = ExplicitSynapses::default();
    for _ in 0..numbers.below(120) {
        synapses.sources.push(numbers.below(from));
        synapses.targets.push(numbers.below(to));
        synapses.weights.push(numbers.sixteenth());
        synapses.delays_ticks.push(least + numbers.below(most) * numbers.below(2));
    }
    synapses
}
