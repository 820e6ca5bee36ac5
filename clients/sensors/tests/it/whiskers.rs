//! Beams against closed forms and numbers, and what an array feels of a scene.

use std::f64::consts::PI;

use spiked_sensors::whiskers::{Beam, COMPONENTS, Moving, Settings, Shape, Touch, play};

/// A rod in small pieces, each with a spring: deflection and slope at the contact, and the energy.
fn pieces(beam: &Beam, contact_mm: f64, force_mn: f64) -> (f64, f64, f64) {
    const PIECES: u32 = 200_000;
    let (mut deflection_mm, mut slope, mut energy) = (0.0, 0.0, 0.0);
    let step_mm = contact_mm / f64::from(PIECES);
    for piece in 0..PIECES {
        let s_mm = (f64::from(piece) + 0.5) * step_mm;
        let moment = force_mn * (contact_mm - s_mm);
        let bend = moment / beam.stiffness_at(s_mm) * step_mm;
        deflection_mm += bend * (contact_mm - s_mm);
        slope += bend;
        energy += 0.5 * moment * bend;
    }
    (deflection_mm, slope, energy)
}

#[test]
fn a_rod_bends_as_its_pieces_do_and_stores_the_work_done() {
    let beam = Beam::new(30.0, 0.09, 0.006, 5e9);
    for contact_mm in [3.0, 12.0, 25.0, 29.5] {
        let (deflection_mm, slope, energy) = pieces(&beam, contact_mm, 0.7);
        let load = beam.load(contact_mm, deflection_mm);
        assert!((load.force_mn / 0.7 - 1.0).abs() < 1e-6, "{load:?} at {contact_mm} mm");
        assert!((beam.slope(contact_mm) * 0.7 / slope - 1.0).abs() < 1e-6);
        let work = 0.5 * load.force_mn * deflection_mm;
        assert!((work / energy - 1.0).abs() < 1e-6, "{work} done, {energy} stored");
        assert!((load.moment_unm - 0.7 * contact_mm).abs() < 1e-6, "moments balance: {load:?}");
    }
}

#[test]
fn without_taper_and_to_a_point_it_is_the_textbooks_rod() {
    // A cylinder: f = 3 E I d / c³.
    let cylinder = Beam::new(30.0, 0.1, 0.1 - 1e-12, 5e9);
    let stiffness = 5e6 * PI / 4.0 * 1e-4;
    let force = cylinder.load(10.0, 0.5).force_mn;
    assert!((force / (3.0 * stiffness * 0.5 / 1e3) - 1.0).abs() < 1e-6, "{force}");
    // A cone, Birdwell et al. (2007): f = 3 pi E r^4 (L - c) d / (4 L c³).
    let cone = Beam::new(30.0, 0.1, 0.0, 5e9);
    let force = cone.load(20.0, 0.5).force_mn;
    let expected = 3.0 * PI * 5e6 * 1e-4 * 10.0 * 0.5 / (4.0 * 30.0 * 8e3);
    assert!((force / expected - 1.0).abs() < 1e-9, "{force} for {expected}");
}

fn settings(scene: Vec<Moving>) -> Settings {
    Settings {
        rows: 5,
        columns: 6,
        period_ns: 1_000_000,
        frames: 800,
        whisking: false,
        scene,
        seed: 3,
    }
}

fn edge(direction_rad: f64) -> Moving {
    let shape = Shape::Edge { direction_rad, lead_mm: 10.0 };
    Moving { shape, speed_mm_s: 40.0, heading_rad: 0.0 }
}

fn frame(touch: &Touch, frame: usize, whisker: usize) -> &[f32] {
    let first = (frame * touch.names.len() + whisker) * COMPONENTS;
    &touch.values[first..first + COMPONENTS]
}

#[test]
fn an_edge_touches_whiskers_in_order_and_pushes_them_its_way() {
    for step in 0..8 {
        let direction_rad = f64::from(step) * PI / 4.0;
        let touch = play(&settings(vec![edge(direction_rad)])).unwrap();
        assert_eq!(touch.names.len(), 30);
        let (sin, cos) = direction_rad.sin_cos();
        for (whisker, first_s) in touch.first_contacts_s.iter().enumerate() {
            let (row, column) = (whisker / 6, whisker % 6);
            let place = [2.0 * column as f64 - 5.0, 4.0 - 2.0 * row as f64];
            let expected_s = (10.0 + place[0] * cos + place[1] * sin) / 40.0;
            let first_s = first_s.expect("every whisker is touched");
            assert!((first_s - expected_s).abs() < 1e-9, "{first_s} for {expected_s}");
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let later = frame(&touch, (first_s * 1e3) as usize + 10, whisker);
            let force = f64::from(later[1]).hypot(later[2].into());
            assert!(force > 0.0 && later[0] < 0.0, "{later:?}");
            assert!((f64::from(later[1]) / force - cos).abs() < 1e-5, "{later:?}");
            assert!((f64::from(later[2]) / force - sin).abs() < 1e-5, "{later:?}");
            // M = c x × f, at 12 mm.
            assert!((later[4] + 12.0 * later[2]).abs() < 1e-4, "{later:?}");
            assert!((later[5] - 12.0 * later[1]).abs() < 1e-4, "{later:?}");
        }
        // Each slips past in the end.
        assert!(touch.values[touch.values.len() - 180..].iter().all(|value| *value == 0.0));
    }
}

#[test]
fn whisking_meets_what_stands_in_the_way_eight_times_a_second() {
    let shape = Shape::Box { centre_mm: [14.0, 0.0], half_mm: [6.0, 3.0] };
    let scene = vec![Moving { shape, speed_mm_s: 0.0, heading_rad: 0.0 }];
    let still = play(&settings(scene.clone())).unwrap();
    assert!(still.contacts.iter().all(|touches| !touches));
    assert!(still.values.iter().all(|value| *value == 0.0), "nothing is felt of nothing");
    let settings = Settings { whisking: true, frames: 1_000, ..settings(scene) };
    let touch = play(&settings).unwrap();
    // RC5 is the foremost of the middle row.
    let own: Vec<bool> = touch.contacts.iter().skip(17).step_by(30).copied().collect();
    let begins = own.windows(2).filter(|pair| !pair[0] && pair[1]).count();
    assert!((8..=16).contains(&begins), "{begins} contacts a second");
    assert_eq!(play(&settings).unwrap(), touch, "a seed says all");
}

#[test]
fn a_disc_pushes_away_from_its_middle() {
    let shape = Shape::Circle { centre_mm: [0.0, 0.0], radius_mm: 2.6 };
    let scene = vec![Moving { shape, speed_mm_s: 0.0, heading_rad: 0.0 }];
    let touch = play(&Settings { frames: 1, ..settings(scene) }).unwrap();
    let felt = |whisker: usize| frame(&touch, 0, whisker);
    // RC3 is at (1, 0), deeper than a whisker bears; RB3 at (1, 2) and RB2 at (-1, 2), just within.
    assert_eq!(felt(15), [0.0; COMPONENTS], "it has slipped past");
    assert!(felt(9)[1] > 0.0 && felt(9)[2] > 0.0, "{:?}", felt(9));
    assert!(felt(8)[1] < 0.0 && felt(8)[2] > 0.0, "{:?}", felt(8));
}

#[test]
fn arrays_that_cannot_be_are_refused() {
    for (rows, columns) in [(0, 3), (3, 0), (11, 1), (8, 8)] {
        let refused = play(&Settings { rows, columns, ..settings(Vec::new()) });
        assert!(refused.is_err(), "{rows} x {columns}");
    }
    assert!(play(&Settings { period_ns: 0, ..settings(Vec::new()) }).is_err());
}
