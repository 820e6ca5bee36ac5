use super::*;

fn with_receptor(kind: ReceptorKind) -> LifParameters {
    LifParameters { receptors: vec![Receptor::new("excite", kind)], ..Default::default() }
}

/// (what is changed, field named, part of the message)
type Refusal = (fn(&mut LifParameters), &'static str, &'static str);

const REFUSED: [Refusal; 15] = [
    (|p| p.tau_ms = 0.0, "tau", "0 ms"),
    (|p| p.tau_ms = f64::NAN, "tau", "NaN ms"),
    (|p| p.rest_mv = f64::INFINITY, "rest", "inf is not a number within 1e30 of 0"),
    (|p| p.threshold_mv = f64::NEG_INFINITY, "threshold", "-inf"),
    (|p| p.threshold_mv = f64::NAN, "threshold", "NaN"),
    (|p| p.reset_mv = 1.0, "reset", "1 mV is not below the threshold of 1 mV"),
    (|p| p.initial_mv = 1.5, "initial", "1.5 mV is not below"),
    (|p| p.refractory_ms = -1.0, "refractory", "-1 ms"),
    (|p| p.reset = Reset::Subtract { amount_mv: 0.0 }, "subtract", "0 mV"),
    (|p| p.adaptation = Some(Adaptation { tau_ms: -1.0, step_mv: 1.0 }), "adaptation.tau", "-1 ms"),
    (
        |p| p.adaptation = Some(Adaptation { tau_ms: 1.0, step_mv: -1.0 }),
        "adaptation.step",
        "-1 mV",
    ),
    (
        |p| *p = with_receptor(ReceptorKind::Alpha { tau_ms: f64::INFINITY }),
        "receptor.excite.tau",
        "inf ms",
    ),
    (
        |p| {
            *p = with_receptor(ReceptorKind::Delta);
            p.receptors[0].gain = f64::NAN;
        },
        "receptor.excite.gain",
        "NaN is not",
    ),
    (
        |p| p.receptors = vec![Receptor::new("twin", ReceptorKind::Delta); 2],
        "receptor.twin",
        "several receptors are named \"twin\"",
    ),
    (|p| (p.drive_mv, p.tau_ms) = (1e9, 1.0), "drive", "times a tick by its drive"),
];

#[test]
fn names_the_field_and_the_value_of_what_it_refuses() {
    for (change, field, part) in REFUSED {
        let mut parameters = LifParameters::default();
        change(&mut parameters);
        let problems = parameters.check(TickLength::MILLISECOND);
        let named = problems.iter().any(|(at, message)| at == field && message.contains(part));
        assert!(named, "{field}: {problems:?}");
    }
}

#[test]
fn refuses_more_extra_states_than_a_cell_holds() {
    let kind = ReceptorKind::Alpha { tau_ms: 1.0 };
    let receptor = |number: usize| Receptor::new(&number.to_string(), kind);
    let mut parameters =
        LifParameters { receptors: (0..4).map(receptor).collect(), ..Default::default() };
    assert_eq!(parameters.check(TickLength::MILLISECOND), []);
    parameters.adaptation = Some(Adaptation { tau_ms: 1.0, step_mv: 0.0 });
    let problems = parameters.check(TickLength::MILLISECOND);
    assert_eq!(problems[0].1, "make 9 extra states of a neuron; 8 are possible");
}

#[test]
fn takes_a_neuron_without_leak_and_one_without_threshold() {
    for (tau_ms, threshold_mv) in [(f64::INFINITY, 1.0), (20.0, f64::INFINITY)] {
        let parameters =
            LifParameters { tau_ms, threshold_mv, drive_mv: 2.0, ..Default::default() };
        assert_eq!(parameters.check(TickLength::MICROSECOND), []);
    }
}

#[test]
fn finds_every_number_by_its_name() {
    let mut parameters = LifParameters {
        reset: Reset::Subtract { amount_mv: 1.0 },
        adaptation: Some(Adaptation { tau_ms: 2.0, step_mv: 3.0 }),
        ..with_receptor(ReceptorKind::Exponential { tau_ms: 4.0 })
    };
    parameters.receptors[0].name = "apical.nmda".into();
    for (name, expected) in [
        ("subtract", 1.0),
        ("adaptation.tau", 2.0),
        ("adaptation.step", 3.0),
        ("receptor.apical.nmda.tau", 4.0),
        ("receptor.apical.nmda.gain", 1.0),
    ] {
        assert_eq!(parameters.field_mut(name), Some(&mut { expected }), "{name}");
    }
    for (number, name) in LifParameters::FIELDS.into_iter().enumerate() {
        *parameters.field_mut(name).unwrap() = number as f64;
    }
    assert_eq!((parameters.tau_ms, parameters.initial_mv), (0.0, 6.0));
    assert_eq!(parameters.field_mut("receptor.other.tau"), None);
}
