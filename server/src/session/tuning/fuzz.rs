//! Hostile requests to read and set weights and parameters: see `spiked-fuzz`.

use sim_core::{Budget, InputEvent, InputId, Options, TickLength, network::*};
use spiked_fuzz::{Random, Target};

use super::*;

/// Ticks of 1 ms that a network runs before a request comes, and again behind it.
const TICKS: u64 = 20;

/// Projections of both kinds that are set, one that cannot be, and neurons of three models.
fn network() -> Network {
    let synapses = ExplicitSynapses {
        sources: vec![0, 1, 2, 0, 0],
        targets: vec![1, 2, 0, 2, 2],
        weights: vec![0.5, 0.25, -0.5, 0.75, 0.25],
        delays_ticks: vec![1, 9, 4, 9, 9],
    };
    let each = |weight| Connectivity::OneToOne { weight, delay_ticks: 3 };
    let varied =
        Vary { parameter: "threshold".into(), values: Values::Each(vec![10.0, 11.0, 12.0].into()) };
    let mut cells = Population::new("cells", &[3], Neuron::Lif(LifParameters::default()));
    cells.vary = vec![varied];
    let sums = AccumulatorParameters { threshold: 0.5, rectify: Rectify::None, strict: false };
    let clocked = Neuron::Izhikevich(IzhikevichParameters::default());
    Network {
        tick: TickLength::MILLISECOND,
        inputs: vec![InputPort::new("in", InputShape::Channels(vec![3]))],
        populations: vec![
            cells,
            Population::new("sums", &[3], Neuron::Accumulator(sums)),
            Population::new("clocked", &[3], clocked),
        ],
        projections: vec![
            Projection::new("feed", "in", "cells", each(30.0)),
            Projection::new("across", "cells", "sums", Connectivity::Explicit(synapses.into())),
            Projection::new("on", "sums", "clocked", each(15.0)),
        ],
        outputs: vec![OutputPort { name: "spikes".into(), sources: vec!["cells".into()] }],
        ..Network::default()
    }
}

/// A session's simulation that has run for a while, and has input ahead.
fn running(plan: &Arc<Plan>) -> Simulation {
    let mut simulation = Simulation::new(Arc::clone(plan), Options::default());
    let events = (0..60).map(|n| InputEvent::new(1_000 * u64::from(n), n % 3));
    simulation.offer(InputId(0), &events.collect::<Vec<_>>()).unwrap();
    run_on(&mut simulation);
    simulation
}

fn run_on(simulation: &mut Simulation) {
    let until = simulation.simulated_to().0 + TICKS;
    simulation.promise(InputId(0), until * 1_000).unwrap();
    simulation.advance_until(Budget::UNLIMITED, Tick(until)).unwrap();
}

/// A request as the wire has it, behind a byte that says which.
const KINDS: u8 = 4;

fn examples() -> Vec<Vec<u8>> {
    let weights = v1::SetWeightsRequest {
        session_id: "one".into(),
        projection: "across".into(),
        sources: vec![0, 2, 0],
        synapses: vec![0, 0, 2],
        targets: Vec::new(),
        weights: vec![0.125, -0.75, 2.0],
    };
    let by_target = v1::SetWeightsRequest {
        projection: "feed".into(),
        sources: vec![1, 2],
        synapses: Vec::new(),
        targets: vec![1, 2],
        weights: vec![7.0, 8.0],
        ..weights.clone()
    };
    let change = |name: &str, neurons: &[u32], values: &[f64]| v1::ParameterChange {
        name: name.into(),
        neurons: neurons.to_vec(),
        values: values.to_vec(),
    };
    let parameters = |population: &str, changes: &[v1::ParameterChange]| v1::SetParametersRequest {
        session_id: "one".into(),
        population: population.into(),
        changes: changes.to_vec(),
    };
    let both = [change("threshold", &[2, 0], &[20.0, 9.0]), change("tau_ms", &[], &[7.0])];
    let read_weights = v1::GetWeightsRequest {
        projection: "across".into(),
        from: Some(v1::SynapsePlace { source: 0, synapse: 1 }),
        sources: 2,
        ..v1::GetWeightsRequest::default()
    };
    let read_parameters = v1::GetParametersRequest {
        population: "cells".into(),
        names: vec!["threshold".into()],
        from_neuron: 1,
        neurons: 9,
        ..v1::GetParametersRequest::default()
    };
    vec![
        [&[0], weights.encode_to_vec().as_slice()].concat(),
        [&[0], by_target.encode_to_vec().as_slice()].concat(),
        [&[1], parameters("cells", &both).encode_to_vec().as_slice()].concat(),
        [&[1], parameters("sums", &[change("threshold", &[], &[2.0])]).encode_to_vec().as_slice()]
            .concat(),
        [&[1], parameters("clocked", &[change("d", &[1], &[6.0])]).encode_to_vec().as_slice()]
            .concat(),
        [&[2], read_weights.encode_to_vec().as_slice()].concat(),
        [&[3], read_parameters.encode_to_vec().as_slice()].concat(),
    ]
}

/// Gives a value or an index of a request another: damage to its bytes seldom leaves one that is
/// sound and strange.
fn set_a_value(bytes: &mut Vec<u8>, random: &mut Random) {
    let Some((&kind, message)) = bytes.split_first() else { return };
    let drawn = f64::from_bits(random.next());
    let value = *random.of(&[0.0, -0.0, 1e-300, -1.0, 0.1, 100.0, 1e9, f64::MAX, f64::NAN, drawn]);
    let index = u32::try_from(random.below(4)).unwrap();
    match kind % KINDS {
        0 => {
            let Ok(mut request) = v1::SetWeightsRequest::decode(message) else { return };
            let at = random.index(request.sources.len().max(1));
            match random.below(3) {
                0 => request.sources.iter_mut().skip(at).take(1).for_each(|one| *one = index),
                1 => request.synapses.iter_mut().skip(at).take(1).for_each(|one| *one = index),
                _ => request.weights.iter_mut().skip(at).take(1).for_each(|one| *one = value),
            }
            *bytes = [&[0], request.encode_to_vec().as_slice()].concat();
        }
        1 => {
            let Ok(mut request) = v1::SetParametersRequest::decode(message) else { return };
            for change in &mut request.changes {
                let at = random.index(change.values.len().max(1));
                change.values.iter_mut().skip(at).take(1).for_each(|one| *one = value);
                if random.once_in(4) {
                    change.neurons.iter_mut().take(1).for_each(|one| *one = index);
                }
            }
            *bytes = [&[1], request.encode_to_vec().as_slice()].concat();
        }
        _ => {}
    }
}

/// Applies what was checked; what is refused leaves everything as it was, what is taken is there, is
/// set once more to no effect, and is part of the next snapshot.
fn holds(plan: &Arc<Plan>, setting: Setting) -> bool {
    let mut bytes = Vec::new();
    setting.append_to(&mut bytes);
    assert_eq!(Setting::decode(setting.is_parameters(), &bytes).as_ref(), Some(&setting));
    let mut simulation = running(plan);
    let before = simulation.snapshot();
    let change = Change::new(simulation.simulated_to(), Arc::new(setting));
    let mut saved = Writer::default();
    change.save(&mut saved);
    assert_eq!(Change::load(&mut Reader::new("change", &saved.0)).as_ref(), Ok(&change));
    change.apply(&mut simulation);
    if let Err((field, problem)) = change.outcome().unwrap() {
        assert!(!field.is_empty() && !problem.is_empty());
        assert_eq!(simulation.snapshot(), before, "{field}: {problem}");
        return false;
    }
    assert!(is_there(&simulation, &change.setting));
    let once = simulation.snapshot();
    let again = Change::new(change.at, Arc::clone(&change.setting));
    again.apply(&mut simulation);
    assert_eq!((again.outcome(), simulation.snapshot()), (Some(&Ok(())), once.clone()));
    let mut restored = Simulation::restore(Arc::clone(plan), &once).unwrap();
    for simulation in [&mut simulation, &mut restored] {
        run_on(simulation);
    }
    assert_eq!(simulation.snapshot(), restored.snapshot());
    true
}

/// Whether reading gives what was set: parameters as they are, weights to a quantum.
fn is_there(simulation: &Simulation, setting: &Setting) -> bool {
    match setting {
        Setting::Weights(set) => {
            let projection = set.projection.clone();
            let request = v1::GetWeightsRequest { projection, ..Default::default() };
            let page = weights::read(simulation, &request).unwrap();
            let places = page.sources.iter().zip(&page.synapses).zip(&page.weights);
            let places: Vec<_> = places.collect();
            set.sources.iter().zip(&set.synapses).zip(&set.weights).all(
                |((source, synapse), weight)| {
                    let found = places.iter().find(|(place, _)| *place == (source, synapse));
                    found.is_some_and(|(_, read)| (**read - weight).abs() <= 1e-3)
                },
            )
        }
        Setting::Parameters(set) => {
            let population = set.population.clone();
            let request = v1::GetParametersRequest { population, ..Default::default() };
            let page = parameters::read(simulation, &request).unwrap();
            set.changes.iter().all(|change| {
                let read = page.parameters.iter().find(|read| read.name == change.name).unwrap();
                let all: Vec<u32> = (0..).take(read.values.len()).collect();
                let neurons = if change.neurons.is_empty() { &all } else { &change.neurons };
                let set = change.values.iter().cycle();
                neurons
                    .iter()
                    .zip(set)
                    .all(|(&neuron, value)| read.values[neuron as usize] == *value)
            })
        }
    }
}

/// Any request is refused by its field or does what it says.
#[test]
fn tuning_requests() {
    let plan = Arc::new(Plan::new(&network(), &[]).unwrap());
    let target = Target::new("tuning_requests", examples()).repair(&set_a_value);
    target.words(&[b"cells", b"sums", b"clocked", b"feed", b"across", b"on"]).bytes_max(512).run(
        |input| {
            let Some((&kind, message)) = input.split_first() else { return false };
            let refused = |error: Error| assert!(!error.to_string().is_empty());
            match kind % KINDS {
                0 => {
                    let Ok(request) = v1::SetWeightsRequest::decode(message) else { return false };
                    let setting = Setting::weights(&plan, request).map_err(refused);
                    setting.is_ok_and(|setting| holds(&plan, setting))
                }
                1 => {
                    let Ok(request) = v1::SetParametersRequest::decode(message) else {
                        return false;
                    };
                    let setting = Setting::parameters(&plan, request).map_err(refused);
                    setting.is_ok_and(|setting| holds(&plan, setting))
                }
                2 => {
                    let Ok(request) = v1::GetWeightsRequest::decode(message) else { return false };
                    let page = weights::read(&running(&plan), &request).map_err(refused);
                    page.is_ok_and(|page| page.sources.len() == page.weights.len())
                }
                _ => {
                    let Ok(request) = v1::GetParametersRequest::decode(message) else {
                        return false;
                    };
                    let page = parameters::read(&running(&plan), &request).map_err(refused);
                    page.is_ok_and(|page| !page.parameters.is_empty())
                }
            }
        },
    );
}
