//! Early stopping: a network that lives in samples, beside one that is made anew for each.

use std::{cell::Cell, sync::Arc};

use proptest::{prelude::*, test_runner::TestRunner};
use sim_core::{network::*, *};

use crate::{
    random::{Case, case, size},
    same_result::{at_least, disturbed},
    support::{Numbers, accumulator, output, plan, population, run, spikes},
};

/// How samples are stopped.
#[derive(Clone, Copy, Debug)]
struct Stops {
    threshold: f64,
    scale: f64,
    after_ticks: u64,
    within_ticks: u64,
}

impl Stops {
    fn readout(self, source: &str) -> Readout {
        let Self { threshold, scale, after_ticks, within_ticks } = self;
        let (begins, labels) = ("sample".into(), Vec::new());
        let rule =
            ReadoutRule::Confidence { begins, threshold, scale, after_ticks, within_ticks, labels };
        Readout { name: "verdict".into(), source: source.into(), rule }
    }
}

/// (tick, class, votes, votes of all, millionths, ticks).
type Decided = (u64, u32, u64, u64, u32, u64);

fn decided(outputs: &[Output]) -> Vec<Decided> {
    let decision = |output: &Output| match output {
        Output::Decision(d) => {
            let Verdict { confidence_ppm, ticks } = d.verdict.expect("of a sample");
            Some((d.tick.0, d.class, d.votes, d.votes_total, confidence_ppm, ticks))
        }
        Output::Spike(_) => None,
    };
    outputs.iter().filter_map(decision).collect()
}

/// A random network that lives in samples, the same network without a readout, and where samples
/// begin. None if its parts go by the session's time.
struct Sampled {
    case: Case,
    plain: Network,
    stops: Stops,
    /// Rising \[ticks\].
    begins: Vec<u64>,
}

fn sampled(seed: u64) -> Option<Sampled> {
    let mut numbers = Numbers(seed ^ 0x5a5a);
    let mut case = case(seed);
    case.changes.clear();
    for population in &mut case.network.populations {
        population.noise.clear();
        population.drive_steps.clear();
        population.clock_ticks = 1;
    }
    for port in &mut case.network.inputs {
        let period_us = case.tick_us * u64::from(numbers.below(6));
        port.filters.extend((period_us > 0).then_some(Filter::Refractory { period_us }));
    }
    // Of two events of one time and address, the first to arrive passes a refractory filter.
    for events in &mut case.events {
        events.sort_by_key(|event| (event.time_us, event.address));
        events.dedup_by_key(|event| (event.time_us, event.address));
    }
    case.network.inputs.push(InputPort::new("sample", InputShape::Channels(vec![1])));
    let ticks = u32::try_from(case.ticks).expect("few");
    let mut begins: Vec<u64> =
        (0..1 + numbers.below(6)).map(|_| numbers.below(ticks).into()).collect();
    begins.sort_unstable();
    let within = numbers.below(1 + ticks / 2);
    let event = |&tick: &u64| InputEvent::new(tick * case.tick_us, 0);
    case.events.push(begins.iter().map(event).collect());
    begins.dedup();
    let stops = Stops {
        threshold: f64::from(numbers.below(11)) / 10.0,
        scale: 0.1 + numbers.unit(),
        after_ticks: 1 + u64::from(numbers.below(1 + within / 2)),
        within_ticks: 1 + u64::from(within),
    };
    let source = case.network.populations[0].name.clone();
    case.network.readouts = vec![stops.readout(&source)];
    case.network.outputs.truncate(1);
    let mut plain = case.network.clone();
    plain.readouts.clear();
    case.network.outputs.push(output("verdict", &["verdict"]));
    Plan::new(&case.network, &[]).ok()?;
    Some(Sampled { case, plain, stops, begins })
}

/// What samples give that are each run alone, by a simulation of its own that knows no samples, and
/// how many events lie in none.
#[expect(clippy::disallowed_methods, reason = "an expectation, compared with tolerance")]
fn one_by_one(sampled: &Sampled) -> (Vec<(u64, u32, u32)>, Vec<Decided>, u64) {
    let Sampled { case, plain, begins, stops } = sampled;
    let plan = plan(plain);
    let first_of_source = || {
        let OutputKind::Spikes { ranges } = &plan.outputs()[0].kind else { panic!("spikes") };
        let name = &plain.populations[0].name;
        ranges.iter().find(|range| range.population == *name).expect("it leaves").first_address
    };
    let (first, shape) = (first_of_source(), &plain.populations[0].shape);
    let (classes, members) = (size(&shape[..1]), size(&shape[1..]));
    let (mut all, mut decisions) = (Vec::new(), Vec::new());
    let mut inside = 0;
    for (position, &begin) in begins.iter().enumerate() {
        let next = begins.get(position + 1).copied().unwrap_or(case.ticks);
        let ticks = (next - begin).min(stops.within_ticks);
        let shifted = |event: &InputEvent| {
            let tick = event.time_us / case.tick_us;
            let is_here = (begin..begin + ticks).contains(&tick);
            let time_us = event.time_us.checked_sub(begin * case.tick_us)?;
            is_here.then_some(InputEvent { time_us, ..*event })
        };
        let events: Vec<Vec<InputEvent>> =
            case.events.iter().map(|port| port.iter().filter_map(shifted).collect()).collect();
        let fired = spikes(&run(&plan, &events, ticks * case.tick_us));
        let mut counts = vec![0_u64; classes as usize];
        let mut stop = None;
        for tick in 0..ticks {
            let here = fired.iter().filter(|&&(at, address, _)| {
                at == tick && (first..first + classes * members).contains(&address)
            });
            for &(_, address, times) in here {
                counts[((address - first) / members) as usize] += u64::from(times);
            }
            let most = *counts.iter().max().expect("a class");
            let shares =
                counts.iter().map(|&count| (stops.scale * (count as f64 - most as f64)).exp());
            let confidence = 1.0 / shares.sum::<f64>();
            let may_stop = tick + 1 >= stops.after_ticks;
            let is_over = tick + 1 == stops.within_ticks;
            if may_stop && (confidence > stops.threshold || is_over) {
                let class = counts.iter().position(|&count| count == most).expect("the most");
                let class = u32::try_from(class).expect("few classes");
                let ppm = format!("{:.0}", confidence * 1e6).parse().expect("millionths");
                let total = counts.iter().sum();
                decisions.push((begin + tick, class, most, total, ppm, tick + 1));
                stop = Some(tick);
                break;
            }
        }
        let last = stop.unwrap_or(ticks - 1);
        let seen = fired.iter().filter(|spike| spike.0 <= last);
        all.extend(seen.map(|&(tick, address, times)| (begin + tick, address, times)));
        let is_inside = |event: &&InputEvent| event.time_us / case.tick_us <= last;
        let counted = events.iter().flatten().filter(is_inside);
        inside += counted.map(|event| u64::from(event.multiplicity)).sum::<u64>();
    }
    let sent: u64 = case.events.iter().flatten().map(|event| u64::from(event.multiplicity)).sum();
    (all, decisions, sent - inside)
}

/// Softmaxes that are as good as equal to the threshold, or lie between two millionths, may be
/// rounded otherwise here.
fn is_close(ours: &[Decided], expected: &[Decided]) -> bool {
    let alike = |(a, b): (&Decided, &Decided)| {
        (a.0, a.1, a.2, a.3, a.5) == (b.0, b.1, b.2, b.3, b.5) && a.4.abs_diff(b.4) <= 1
    };
    ours.len() == expected.len() && ours.iter().zip(expected).all(alike)
}

/// However the flow is cut and the state restored, over however many workers. Seen to fail with filters
/// that remember the sample before, with spikes left in flight, with neurons at rest since tick 0, with
/// workers that meet later than after a tick, and with a restored sample that began a tick later or
/// has forgotten what came between samples.
#[test]
fn each_sample_is_what_a_simulation_of_its_own_would_make_of_it() {
    let (taken, stopped) = (Cell::new(0), Cell::new(0));
    let tested = TestRunner::new(at_least(1_500)).run(&any::<(u64, u64)>(), |(seed, cuts)| {
        let Some(sampled) = sampled(seed) else { return Ok(()) };
        let case = &sampled.case;
        let plan = plan(&case.network);
        let mut simulation = Simulation::new(Arc::clone(&plan), Options::default());
        for (port, events) in (0..).zip(&case.events) {
            simulation.offer(InputId(port), events).expect("good events");
        }
        simulation.run_until(Tick(case.ticks)).expect("no excess");
        let outputs = std::mem::take(simulation.outputs());
        let (all, decisions, outside) = one_by_one(&sampled);
        prop_assert_eq!(spikes(&outputs), all);
        let ours = decided(&outputs);
        prop_assert!(is_close(&ours, &decisions), "{:?}, not {:?}", ours, decisions);
        let counters = simulation.counters();
        prop_assert_eq!(counters.events_outside_samples, outside);
        prop_assert!(outputs.is_sorted_by_key(Output::order), "output is in order");
        prop_assert!(disturbed(case, &mut Numbers(cuts)) == outputs, "the same, disturbed");
        taken.set(taken.get() + 1);
        let early = ours.iter().filter(|each| each.5 < sampled.stops.within_ticks).count();
        stopped.set(stopped.get() + early);
        Ok(())
    });
    tested.unwrap_or_else(|error| panic!("{error}"));
    assert!(taken.get() >= 500 && stopped.get() >= 200, "{taken:?} networks, {stopped:?} stops");
}

const CLASSES: u32 = 10;
const NEURONS_EACH: u32 = 8;
const SAMPLE_TICKS: u64 = 32;
/// From one sample to the next: longer than any, and than the delay.
const APART_TICKS: u64 = 40;
const DELAY_TICKS: u32 = 3;

/// Channels in, each onto one neuron of its class, some ticks later.
fn evidence(stops: Stops) -> Network {
    let shape = [CLASSES, NEURONS_EACH];
    let later = Connectivity::OneToOne { weight: 1.0, delay_ticks: DELAY_TICKS };
    Network {
        tick: TickLength::MILLISECOND,
        inputs: vec![
            InputPort::new("in", InputShape::Channels(shape.into())),
            InputPort::new("sample", InputShape::Channels(vec![1])),
        ],
        populations: vec![population("classes", &shape, accumulator(0.5, Rectify::None))],
        projections: vec![Projection::new("see", "in", "classes", later)],
        readouts: vec![stops.readout("classes")],
        outputs: vec![output("spikes", &["classes"]), output("verdict", &["verdict"])],
        ..Network::default()
    }
}

/// Samples of drifting evidence: in each tick 0.3 of every class's channels have an event, and so many
/// more of the right one that they stand out by 0.2 to 2 standard deviations.
fn drifting(samples: u64, numbers: &mut Numbers) -> (Vec<Vec<InputEvent>>, Vec<u32>) {
    let (mut events, mut begins, mut right) = (Vec::new(), Vec::new(), Vec::new());
    for sample in 0..samples {
        let (class, stands_out) = (numbers.below(CLASSES), 0.2 + 1.8 * numbers.unit());
        let deviation = (0.3 * 0.7 / f64::from(NEURONS_EACH)).sqrt();
        right.push(class);
        begins.push(InputEvent::new(sample * APART_TICKS * 1_000, 0));
        for tick in 0..SAMPLE_TICKS {
            for channel in 0..CLASSES * NEURONS_EACH {
                let is_right = channel / NEURONS_EACH == class;
                let share = if is_right { 0.3 + stands_out * deviation } else { 0.3 };
                if numbers.unit() < share {
                    let time_us = (sample * APART_TICKS + tick) * 1_000;
                    events.push(InputEvent::new(time_us, channel));
                }
            }
        }
    }
    (vec![events, begins], right)
}

/// The gates of dynamic confidence (Li et al. 2023): with a threshold of 1 the accuracy is that of the
/// whole time; some threshold needs at most 0.6 of the time and loses at most 0.2 points; a higher
/// threshold is no worse, but for chance; and no spike of a stopped sample comes after its stop.
#[test]
fn stopping_early_saves_time_and_no_accuracy() {
    const SAMPLES: u64 = 2_000;
    let (events, right) = drifting(SAMPLES, &mut Numbers(1));
    let end_us = SAMPLES * APART_TICKS * 1_000;
    let thresholds = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0];
    let mut measured = Vec::new();
    for threshold in thresholds {
        let stops = Stops { threshold, scale: 0.5, after_ticks: 1, within_ticks: SAMPLE_TICKS };
        let outputs = run(&plan(&evidence(stops)), &events, end_us);
        let decisions = decided(&outputs);
        assert_eq!(decisions.len() as u64, SAMPLES, "one each");
        for (tick, ..) in spikes(&outputs) {
            let stop = decisions[usize::try_from(tick / APART_TICKS).expect("few")].0;
            assert!(tick <= stop, "a spike at {tick} of a sample that stopped at {stop}");
        }
        let hits = decisions.iter().zip(&right).filter(|(d, right)| d.1 == **right).count();
        let ticks: u64 = decisions.iter().map(|d| d.5).sum();
        measured.push((hits as f64 / SAMPLES as f64, ticks as f64 / SAMPLES as f64));
    }
    let whole = whole_time(&events, &right);
    let &(last, ticks) = measured.last().expect("some");
    assert_eq!((last, ticks), (whole, SAMPLE_TICKS as f64), "at 1, the fixed time");
    let saves = |&(accuracy, ticks): &(f64, f64)| {
        ticks <= 0.6 * SAMPLE_TICKS as f64 && whole - accuracy <= 0.002
    };
    assert!(measured.iter().any(saves), "{measured:?} against {whole}");
    for pair in measured.windows(2) {
        assert!(pair[1].0 >= pair[0].0 - 0.004, "{measured:?}");
        assert!(pair[1].1 >= pair[0].1, "{measured:?}");
    }
}

/// What is under way when a sample stops reaches nobody: not the next sample, which begins in the tick
/// behind, and not the time between two.
#[test]
fn spikes_that_are_under_way_at_a_stop_are_dropped() {
    let stops = Stops { threshold: 0.5, scale: 9.0, after_ticks: 1, within_ticks: SAMPLE_TICKS };
    let at = |(tick, class): (u64, u32)| InputEvent::new(tick * 1_000, class * NEURONS_EACH);
    // Each decides when its first event arrives, three ticks on; the others are under way then.
    let events = [(0, 2), (1, 5), (2, 5), (3, 5), (4, 1), (5, 6), (6, 6), (7, 6), (20, 3)].map(at);
    let begins = [0, 4, 20].map(|tick| InputEvent::new(tick * 1_000, 0));
    let outputs = run(&plan(&evidence(stops)), &[events.to_vec(), begins.to_vec()], 40_000);
    let of_class = |tick, class: u32| (tick, class * NEURONS_EACH, 1);
    assert_eq!(spikes(&outputs), [of_class(3, 2), of_class(7, 1), of_class(23, 3)]);
    let told: Vec<_> = decided(&outputs).iter().map(|each| (each.0, each.1, each.3)).collect();
    assert_eq!(told, [(3, 2, 1), (7, 1, 1), (23, 3, 1)]);
}

/// The share of samples told by counting input events over the whole time that a sample has, less the
/// delay: by hand, without the readout.
fn whole_time(events: &[Vec<InputEvent>], right: &[u32]) -> f64 {
    let mut counts = vec![[0_u32; CLASSES as usize]; right.len()];
    for event in &events[0] {
        let tick = event.time_us / 1_000;
        if tick % APART_TICKS + u64::from(DELAY_TICKS) < SAMPLE_TICKS {
            let sample = usize::try_from(tick / APART_TICKS).expect("few");
            counts[sample][(event.address / NEURONS_EACH) as usize] += 1;
        }
    }
    let told = |counts: &[u32; CLASSES as usize]| {
        let most = counts.iter().max().expect("a class");
        u32::try_from(counts.iter().position(|count| count == most).expect("the most"))
    };
    let hits = counts.iter().zip(right).filter(|(counts, right)| told(counts) == Ok(**right));
    hits.count() as f64 / right.len() as f64
}

#[test]
fn what_goes_by_the_sessions_time_has_no_samples() {
    let stops = Stops { threshold: 0.9, scale: 1.0, after_ticks: 1, within_ticks: 5 };
    type Change = fn(&mut Network);
    let refused: [(Change, &str); 8] = [
        (
            |n| {
                n.populations.push(Population::new(
                    "p",
                    &[1],
                    Neuron::Poisson(PoissonParameters { rate_hz: 5.0 }),
                ))
            },
            "population.p.neuron: sources go by the session's time; \"verdict\" has samples",
        ),
        (
            |n| n.populations[0].clock_ticks = 2,
            "population.classes.clock: clocks of more than a tick go by the session's time",
        ),
        (
            |n| {
                let again = Readout { name: "again".into(), ..n.readouts[0].clone() };
                n.readouts.push(again);
            },
            "readout.again.confidence: samples are stopped by \"verdict\" already",
        ),
        (
            |n| set(n, |begins, _, _| *begins = "classes".into()),
            "readout.verdict.confidence.begins: no input port is named \"classes\"",
        ),
        (
            |n| n.inputs[1].shape = InputShape::Sensor(Some(SensorSize { width: 1, height: 1 })),
            "readout.verdict.confidence.begins: \"sample\" is not a port of channels without filters",
        ),
        (
            |n| set(n, |_, threshold, _| *threshold = 1.5),
            "readout.verdict.confidence.threshold: 1.5 is not in 0 to 1",
        ),
        (
            |n| set(n, |_, _, scale| *scale = f64::NAN),
            "readout.verdict.confidence.scale: NaN is not above 0",
        ),
        (
            |n| set(n, |_, _, scale| *scale = 0.0),
            "readout.verdict.confidence.scale: 0 is not above 0",
        ),
    ];
    for (change, expected) in refused {
        let mut network = evidence(stops);
        change(&mut network);
        let error = Plan::new(&network, &[]).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let never = Stops { after_ticks: 9, ..stops };
    let error = Plan::new(&evidence(never), &[]).expect_err("too late").to_string();
    let expected = "readout.verdict.confidence.within: 5 ticks, and a sample may not stop before 9";
    assert!(error.contains(expected), "{error}");
}

fn set(network: &mut Network, change: impl FnOnce(&mut String, &mut f64, &mut f64)) {
    let ReadoutRule::Confidence { begins, threshold, scale, .. } = &mut network.readouts[0].rule
    else {
        panic!("on confidence");
    };
    change(begins, threshold, scale);
}
