//! `spiked demo`: sees which way a texture moves, and doesn't with its delays turned round.

use crate::process::{Told, tell};

fn share(told: &Told) -> f64 {
    let value = told.value("right");
    value.split(' ').next().and_then(|share| share.parse().ok()).expect("a share")
}

#[test]
fn sees_which_way_the_texture_moves() {
    let told = tell(["demo"]).done();
    assert!(share(&told) >= 0.80);
    let changes = told.stdout.lines().filter(|line| line.contains(" s  moves ")).count();
    assert!(changes >= 10, "{}", told.stdout);
    assert!(told.value("latency").starts_with("p50 "));
}

/// The mutation that the demo's gate is seen to fail under: delay k becomes delay last − k.
#[test]
fn with_reversed_delays_it_does_not_and_fails() {
    let told = tell(["demo", "--reverse-delays"]);
    assert_eq!(told.status, Some(1), "{}", told.stdout);
    assert!(share(&told) < 0.2, "{}", told.stdout);
    assert!(told.stderr.starts_with("error: the direction was right in 0."), "{}", told.stderr);
}
