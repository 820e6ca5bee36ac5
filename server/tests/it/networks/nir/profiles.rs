//! Each profile's neurons against its line of the table in `docs/nir.md`, written out plainly.

#![expect(clippy::cast_possible_truncation, reason = "files hold single precision, spikes are few")]

use spiked_fuzz::Random;
use spiked_server::networks::nir::{Options, Profile};

use super::{
    STEP_NS, options, run,
    writer::{Parameter, file, input, node, output, row},
};

const H: f64 = 1e-4;
const STEPS: usize = 60;
const KINDS: [&str; 3] = ["IF", "LIF", "CubaLIF"];

/// A neuron behind one synapse with a bias, in a file's units.
#[derive(Clone, Copy, Debug)]
struct Neuron {
    kind: &'static str,
    weight: f64,
    bias: f64,
    tau: f64,
    tau_syn: f64,
    w_in: f64,
    r: f64,
    leak: f64,
    threshold: f64,
    reset: f64,
}

impl Neuron {
    /// Of middling numbers, so that it fires now and then; single precision, as files are.
    fn drawn(kind: &'static str, profile: Profile, random: &mut Random) -> Self {
        let mut within =
            |low: f64, high: f64| f64::from((low + random.share() * (high - low)) as f32);
        // What norse writes is its time constant times its step.
        let unit = if profile == Profile::Norse { H * H } else { H };
        let r = match (kind, profile) {
            ("IF", Profile::Sinabs) => within(0.2, 0.8),
            ("IF", _) => within(0.2, 0.8) / H,
            _ => within(1.0, 4.0),
        };
        Self {
            kind,
            weight: (within(1.0, 32.0)).round() / 16.0,
            bias: (within(-2.0, 4.0)).round() / 16.0,
            tau: f64::from((within(2.0, 8.0) * unit) as f32),
            tau_syn: f64::from((within(2.0, 8.0) * unit) as f32),
            w_in: within(0.5, 1.5),
            r: f64::from(r as f32),
            leak: if kind == "IF" { 0.0 } else { within(-0.3, 0.3) },
            threshold: within(0.5, 1.5),
            reset: within(-0.4, 0.2),
        }
    }

    fn file(&self) -> Vec<u8> {
        let one = |name: &'static str, value: f64| row(name, &[value as f32]);
        let mut own =
            vec![one("r", self.r), one("v_threshold", self.threshold), one("v_reset", self.reset)];
        if self.kind != "IF" {
            own.push(one("v_leak", self.leak));
        }
        match self.kind {
            "LIF" => own.push(one("tau", self.tau)),
            "CubaLIF" => own.extend([
                one("tau_mem", self.tau),
                one("tau_syn", self.tau_syn),
                one("w_in", self.w_in),
            ]),
            _ => {}
        }
        let weight: Parameter<'_> = ("weight", &[1, 1], vec![self.weight as f32]);
        let affine = node("w", "Affine", vec![weight, one("bias", self.bias)]);
        file(
            &[input(&[1.0]), affine, node("n", self.kind, own), output()],
            &[("input", "w"), ("w", "n"), ("n", "output")],
        )
    }

    /// The table's lines, step by step.
    fn stepped(&self, profile: Profile, given: &[u32]) -> Vec<u32> {
        use Profile::{Euler, Norse, Sinabs, SnntorchSubtract};
        let share = |tau: f64| if profile == Norse { H * H / tau } else { H / tau };
        let (m, s) = (share(self.tau), share(self.tau_syn));
        let (a, a_syn) = ((-H / self.tau).exp(), (-H / self.tau_syn).exp());
        let (mut v, mut i, mut owed) = (0.0, 0.0, 0.0);
        let mut fired = Vec::new();
        for &count in given {
            let arrived = self.weight * f64::from(count) + self.bias;
            let found: f64 = i;
            i = match profile {
                Sinabs => a_syn * (i + self.w_in * arrived),
                _ => i - s * i + self.w_in * s * arrived,
            };
            let x = match (self.kind, profile) {
                ("CubaLIF", Euler | Norse) => found,
                ("CubaLIF", _) => i,
                _ => arrived,
            };
            v = match (self.kind, profile) {
                ("IF", Sinabs) => v + self.r * x,
                ("IF", _) => v + H * self.r * x,
                (_, Sinabs) => a * v + (1.0 - a) * (self.leak + self.r * x),
                (_, Euler | Norse) => v + m * ((self.leak - v) + self.r * x),
                _ => (1.0 - m) * v + m * (self.leak + self.r * x),
            };
            v -= owed;
            owed = 0.0;
            let spikes = match profile {
                Sinabs if v >= self.threshold => (v / self.threshold).floor().min(255.0),
                Sinabs => 0.0,
                _ => f64::from(u8::from(v > self.threshold)),
            };
            match profile {
                Sinabs => v -= spikes * self.threshold,
                SnntorchSubtract => owed = spikes * self.threshold,
                _ if spikes > 0.0 => v = self.reset,
                _ => {}
            }
            fired.push(spikes as u32);
        }
        fired
    }

    /// The exact solution with crossings where they lie: what each step's input does at once, and
    /// what acts through the step. A spike's tick of 1 us is the first at or after its crossing.
    fn solved(&self, pulse: bool, given: &[u32]) -> Vec<u32> {
        let mut v = 0.0;
        let mut fired = vec![0; given.len() + 1];
        for (step, &count) in given.iter().enumerate() {
            let events = self.weight * f64::from(count);
            let x = if pulse { events + self.bias } else { self.bias };
            let mut at = 0.0;
            if !pulse {
                let rise = if self.kind == "IF" { 1.0 } else { 1.0 / self.tau };
                v += self.r * events * rise;
            }
            loop {
                let left = H - at;
                // When the threshold is met from here.
                let end = self.leak + self.r * x;
                let meets = match self.kind {
                    _ if v > self.threshold => 0.0,
                    "IF" => (self.threshold - v) / (self.r * x),
                    _ => self.tau * ((end - v) / (end - self.threshold)).ln(),
                };
                let rises = if self.kind == "IF" { x > 0.0 } else { end > self.threshold };
                if v > self.threshold || (rises && meets < left) {
                    at += meets;
                    v = self.reset;
                    // A pulse acts up to the end of its step, which is in the next one's first tick.
                    let tick = (at * 1e6).ceil() as usize - usize::from(pulse);
                    fired[step + tick / 100] += 1;
                    continue;
                }
                v = match self.kind {
                    "IF" => v + self.r * x * left,
                    _ => end + (v - end) * (-left / self.tau).exp(),
                };
                break;
            }
        }
        fired.truncate(given.len());
        fired
    }
}

fn given(random: &mut Random) -> Vec<u32> {
    (0..STEPS).map(|_| if random.once_in(3) { random.below(4) as u32 } else { 0 }).collect()
}

/// Seen to fail with each line of the table changed: see `docs/testing.md`.
#[test]
fn steps_are_those_of_the_table() {
    let mut random = Random::new(7);
    let discrete = Profile::ALL
        .into_iter()
        .filter(|profile| !matches!(profile, Profile::ExactPulse | Profile::ExactDirac));
    for profile in discrete {
        for kind in KINDS {
            let mut all = 0;
            for case in 0..30 {
                let neuron = Neuron::drawn(kind, profile, &mut random);
                let given = given(&mut random);
                let expected = neuron.stepped(profile, &given);
                let fired = run(&neuron.file(), options(profile), &given, STEPS);
                assert_eq!(fired[0], expected, "{profile}, case {case}: {neuron:?}");
                all += expected.iter().sum::<u32>();
            }
            assert!(all > 100, "{profile}, {kind}: {all} spikes tell little");
        }
    }
}

#[test]
fn crossings_are_those_of_the_solution() {
    let mut random = Random::new(8);
    for (profile, pulse) in [(Profile::ExactPulse, true), (Profile::ExactDirac, false)] {
        for kind in ["IF", "LIF"] {
            let mut all = 0;
            for case in 0..30 {
                let mut neuron = Neuron::drawn(kind, profile, &mut random);
                if !pulse {
                    // A Dirac of area 1 is 10 000 times a pulse of a step.
                    neuron.weight /= 8_192.0;
                    neuron.bias *= 2.0;
                }
                let given = given(&mut random);
                let expected = neuron.solved(pulse, &given);
                let fired = run(&neuron.file(), options(profile), &given, STEPS);
                assert_eq!(fired[0], expected, "{profile}, case {case}: {neuron:?}");
                all += expected.iter().sum::<u32>();
            }
            assert!(all > 100, "{profile}, {kind}: {all} spikes tell little");
        }
    }
}

/// A synaptic current in the exact solution: when it first drives the membrane over the threshold.
#[test]
fn an_exact_current_crosses_when_its_integral_does() {
    let mut random = Random::new(9);
    let mut crossed = 0;
    for case in 0..30 {
        let mut neuron = Neuron::drawn("CubaLIF", Profile::ExactDirac, &mut random);
        neuron.weight /= 8_192.0;
        let given = given(&mut random);
        // Steps of 1 us, the current exact and the membrane by its midpoint.
        let (dt, mut v, mut i) = (1e-6, 0.0, 0.0);
        let first = (0..STEPS * 100).find(|tick| {
            if tick % 100 == 0 {
                let count = f64::from(given[tick / 100]);
                i += neuron.w_in * neuron.weight * count / neuron.tau_syn;
            }
            let middle = i * (-dt / (2.0 * neuron.tau_syn)).exp() + neuron.w_in * neuron.bias;
            let end = neuron.leak + neuron.r * middle;
            v = end + (v - end) * (-dt / neuron.tau).exp();
            i *= (-dt / neuron.tau_syn).exp();
            v > neuron.threshold
        });
        let options = Options { profile: Profile::ExactDirac, step_ns: STEP_NS };
        let fired = run(&neuron.file(), options, &given, STEPS);
        let first = first.map(|tick| (tick + 1) / 100).filter(|&step| step < STEPS);
        assert_eq!(fired[0].iter().position(|&count| count > 0), first, "case {case}: {neuron:?}");
        crossed += usize::from(first.is_some());
    }
    assert!(crossed > 15, "{crossed} cross");
}

/// One unit without memory, or an integrator whose input is just its threshold.
#[test]
fn reaching_the_threshold_is_enough_in_sinabs_alone() {
    for profile in Profile::ALL {
        let r = if profile == Profile::Sinabs { 1.0 } else { 1e4 };
        let own = vec![row("r", &[r]), row("v_threshold", &[1.0])];
        // A pulse of a step is r times 100 us; a Dirac is r itself.
        let r_of_dirac = vec![row("r", &[1.0]), row("v_threshold", &[1.0])];
        let own = if profile == Profile::ExactDirac { r_of_dirac } else { own };
        let at = file(
            &[input(&[1.0]), node("n", "IF", own), output()],
            &[("input", "n"), ("n", "output")],
        );
        let fired = run(&at, options(profile), &[1, 0, 0], 3);
        let expected = u32::from(profile == Profile::Sinabs);
        assert_eq!(fired[0].iter().sum::<u32>(), expected, "{profile}");
    }
}

/// A Threshold compares the step's sum, bias included, and forgets it.
#[test]
fn a_threshold_has_no_memory() {
    // 2 events and the bias are just the first threshold, and above the second.
    for (least, expected) in [(2.5, [0, 0, 0, 1, 0]), (2.25, [0, 0, 1, 1, 0])] {
        for profile in Profile::ALL.into_iter().filter(|profile| *profile != Profile::ExactPulse) {
            let weight: Parameter<'_> = ("weight", &[1, 1], vec![1.0]);
            let affine = node("w", "Affine", vec![weight, row("bias", &[0.5])]);
            let threshold = node("n", "Threshold", vec![row("threshold", &[least])]);
            let bytes = file(
                &[input(&[1.0]), affine, threshold, output()],
                &[("input", "w"), ("w", "n"), ("n", "output")],
            );
            let fired = run(&bytes, options(profile), &[1, 1, 2, 3, 0], 5);
            assert_eq!(fired[0], expected, "{profile}, {least}");
        }
    }
}
