//! `spiked verify`: does a NIR file do here what it did where it was trained?

use std::{fs, path::Path};

use serde_json::json;
use spiked_server::networks::{
    nir::{self, Fired, Options, Profile, STEP_DEFAULT_NS},
    text::npz_array,
};

use crate::{args::VerifyArguments, failure::Failure, network, terminal};

/// The recorded spikes of the neurons that leave the network.
const OUTPUT: &str = "spikes";
/// The recorded spikes of the layer before.
const HIDDEN: &str = "hidden_spikes";

/// What a framework recorded.
struct Recorded {
    input: Vec<u32>,
    steps: usize,
    /// By what it is called in the file.
    layers: Vec<Layer>,
    step_ns: Option<u64>,
}

struct Layer {
    array: &'static str,
    units: usize,
    counts: Vec<u32>,
}

/// How one profile did.
struct Outcome {
    profile: Profile,
    result: Result<Compared, String>,
}

struct Compared {
    /// The first difference in the order of steps, then of layers and units.
    first: Option<Difference>,
    differences: usize,
}

struct Difference {
    node: String,
    unit: usize,
    step: usize,
    expected: u32,
    got: u32,
}

/// Tries every profile, or the one that was named.
pub(crate) fn verify(arguments: &VerifyArguments) -> Result<(), Failure> {
    let recorded = Recorded::read(&arguments.io)?;
    let step_ns = match arguments.step {
        Some(step) => network::step_ns(step.0)?,
        None => recorded.step_ns.unwrap_or(STEP_DEFAULT_NS),
    };
    let profiles = arguments.profile.map_or_else(|| Profile::ALL.to_vec(), |one| vec![one]);
    let outcomes = profiles.into_iter().map(|profile| {
        let options = Options { profile, step_ns };
        Ok(Outcome { profile, result: run(&arguments.file, options, &recorded)? })
    });
    let outcomes = outcomes.collect::<Result<Vec<_>, Failure>>()?;
    let text = match arguments.json {
        true => format!("{}\n", as_json(&outcomes, step_ns, &recorded)),
        false => as_text(&outcomes, step_ns, &recorded),
    };
    terminal::print(&text)?;
    if outcomes.iter().any(Outcome::reproduces) {
        return Ok(());
    }
    Err(Failure::failed("no profile reproduces what was recorded"))
}

/// Runs one profile. The inner error is the profile's, the outer one the user's.
fn run(
    file: &Path,
    options: Options,
    recorded: &Recorded,
) -> Result<Result<Compared, String>, Failure> {
    let described = match nir::read(file, options) {
        Ok(described) => described,
        // What concerns no node concerns no profile.
        Err(error) if error.node.is_none() => return Err(Failure::used_wrongly(error)),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let fired = match nir::replay(&described, options, &recorded.input, recorded.steps) {
        Ok(fired) => fired,
        Err(error @ nir::ReplayError::Input(_)) => return Err(Failure::used_wrongly(error)),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let outputs: Vec<&str> = described
        .network
        .outputs
        .iter()
        .flat_map(|port| &port.sources)
        .map(String::as_str)
        .collect();
    recorded.compare(&fired, &outputs).map(Ok)
}

impl Recorded {
    fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let wrong = |message: String| Failure::used_wrongly(format!("{shown}: {message}"));
        let file = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let spikes = |name| spikes(&file, name).map_err(wrong);
        let (steps, _, input) =
            spikes("input")?.ok_or_else(|| wrong("holds no array \"input\"".into()))?;
        let mut layers = Vec::new();
        for array in [HIDDEN, OUTPUT] {
            if let Some((found, units, counts)) = spikes(array)? {
                if found != steps {
                    return Err(wrong(format!(
                        "{array} has {found} steps where input has {steps}"
                    )));
                }
                layers.push(Layer { array, units, counts });
            }
        }
        if layers.is_empty() {
            return Err(wrong(format!("holds no array {OUTPUT:?} or {HIDDEN:?}")));
        }
        let step_ns = step_ns(&file).map_err(wrong)?;
        Ok(Self { input, steps, layers, step_ns })
    }

    /// Compares layer by layer. The output is the population that leaves the network; a hidden
    /// layer is the only other one of its size.
    fn compare(&self, fired: &[Fired], outputs: &[&str]) -> Result<Compared, Failure> {
        let mut all = Vec::new();
        for layer in &self.layers {
            let is_output = |one: &&Fired| outputs.contains(&one.population.as_str());
            let wanted = layer.array == OUTPUT;
            let mut fit =
                fired.iter().filter(|one| is_output(one) == wanted && one.units == layer.units);
            let (Some(one), None) = (fit.next(), fit.next()) else {
                let (array, units) = (layer.array, layer.units);
                let kind = if wanted { "output" } else { "hidden" };
                return Err(Failure::used_wrongly(format!(
                    "{array} has {units} units, which fits not just one {kind} node of the network"
                )));
            };
            let pairs = layer.counts.iter().zip(&one.counts).enumerate();
            let differing = pairs.filter(|(_, (expected, got))| expected != got);
            all.extend(differing.map(|(at, (&expected, &got))| Difference {
                node: one.population.clone(),
                unit: at % layer.units.max(1),
                step: at / layer.units.max(1),
                expected,
                got,
            }));
        }
        let differences = all.len();
        // Stable: of one step, hidden layers come first, as what they do comes first.
        all.sort_by_key(|difference| difference.step);
        Ok(Compared { first: all.into_iter().next(), differences })
    }
}

impl Outcome {
    fn reproduces(&self) -> bool {
        matches!(&self.result, Ok(Compared { first: None, .. }))
    }
}

/// Steps, units, and spikes as [step, unit].
type Spikes = (usize, usize, Vec<u32>);

/// An array of spikes; none where it isn't there.
fn spikes(file: &[u8], name: &str) -> Result<Option<Spikes>, String> {
    let Some((shape, numbers)) = npz_array(file, name)? else {
        return Ok(None);
    };
    let Some((&steps, rest)) = shape.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Err(format!("array {name:?} has shape {shape:?}; [step, unit] is needed"));
    };
    let is_count =
        |number: &f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number);
    if let Some(at) = numbers.iter().position(|number| !is_count(number)) {
        return Err(format!(
            "entry {at} of array {name:?} is {}, no number of spikes",
            numbers[at]
        ));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked")]
    let counts = numbers.into_iter().map(|number| number as u32).collect();
    let units = rest.iter().map(|&extent| extent as usize).product();
    Ok(Some((steps as usize, units, counts)))
}

/// The length of a step, which a recording may hold in seconds.
fn step_ns(file: &[u8]) -> Result<Option<u64>, String> {
    let Some((_, numbers)) = npz_array(file, "dt")? else {
        return Ok(None);
    };
    let dt_s = numbers.first().copied().unwrap_or_default();
    let ns = (dt_s * 1e9).round();
    if !(1.0..=1e9).contains(&ns) {
        return Err(format!("dt is {dt_s} s; 1 ns to 1 s is possible"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked")]
    Ok(Some(ns as u64))
}

/// The profile to look at where none reproduces what was recorded: fewest differences first.
fn nearest(outcomes: &[Outcome]) -> Option<(Profile, usize, &Difference)> {
    let compared = outcomes.iter().filter_map(|Outcome { profile, result }| {
        let Compared { first, differences } = result.as_ref().ok()?;
        Some((*profile, *differences, first.as_ref()?))
    });
    compared.min_by_key(|(_, differences, _)| *differences)
}

fn as_text(outcomes: &[Outcome], step_ns: u64, recorded: &Recorded) -> String {
    let arrays: Vec<&str> = recorded.layers.iter().map(|layer| layer.array).collect();
    let what = format!(
        "{} in {} steps of {} us",
        arrays.join(" and "),
        recorded.steps,
        step_ns as f64 / 1e3
    );
    let mut rows = vec![("compared", what.into())];
    for Outcome { profile, result } in outcomes {
        let told = match result {
            Ok(Compared { first: None, .. }) => "reproduces every spike".to_owned(),
            Ok(Compared { differences, .. }) => format!("differs in {differences} places"),
            Err(problem) => format!("cannot run: {problem}"),
        };
        rows.push((profile.name(), told.into()));
    }
    if !outcomes.iter().any(Outcome::reproduces)
        && let Some((profile, _, Difference { node, unit, step, expected, got })) =
            nearest(outcomes)
    {
        let line = format!(
            "{profile}, node {node:?}, unit {unit}, step {step}: {expected} expected, {got} came"
        );
        rows.push(("first difference", line.into()));
    }
    terminal::table(rows)
}

fn as_json(outcomes: &[Outcome], step_ns: u64, recorded: &Recorded) -> serde_json::Value {
    let arrays: Vec<&str> = recorded.layers.iter().map(|layer| layer.array).collect();
    let shown = |Difference { node, unit, step, expected, got }: &Difference| json!({ "node": node, "unit": unit, "step": step, "expected": expected, "got": got });
    let profiles: Vec<_> = outcomes
        .iter()
        .map(|Outcome { profile, result }| match result {
            Ok(Compared { first, differences }) => json!({
                "profile": profile.name(),
                "reproduces": first.is_none(),
                "differences": differences,
                "first": first.as_ref().map(shown),
            }),
            Err(problem) => {
                json!({ "profile": profile.name(), "reproduces": false, "problem": problem })
            }
        })
        .collect();
    let reproduced = outcomes.iter().find(|outcome| outcome.reproduces());
    json!({
        "profile": reproduced.map(|outcome| outcome.profile.name()),
        "step_ns": step_ns,
        "steps": recorded.steps,
        "compared": arrays,
        "profiles": profiles,
    })
}
