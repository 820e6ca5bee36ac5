//! What plays: the synthetic camera before its texture, on a thread of its own, a step ahead.

use std::thread;

use spiked_client::CameraEvent;
use spiked_sensors::{
    Motion, MovingTexture, Settings, Switching, Trajectory, motion::twelve_directions,
};
use tokio::sync::mpsc;

use crate::failure::Failure;

/// The sensor's columns and rows; the network `demo` is made for them.
pub(super) const SIDE: u16 = 64;
/// Length of a step, and of a tick of the network \[µs\].
pub(super) const STEP_US: u64 = 1_000;
/// How fast the texture moves \[pixels a step\].
const SPEED: f64 = 0.4;
/// At this selectivity a pixel gives about 28 events a second.
const SELECTIVITY: f64 = 2.0;
/// A direction is held for 250 to 400 steps.
const HELD: Switching = Switching::Held { steps: 325, jitter_steps: 75 };
/// Steps that wait to be sent.
const STEPS_AHEAD: usize = 64;

/// One step of the camera.
pub(super) struct Step {
    pub(super) number: u64,
    pub(super) motion: Motion,
    pub(super) events: Vec<CameraEvent>,
}

/// Plays so many steps, or until nobody takes them any more.
pub(super) fn play(seed: u64, steps: u64) -> Result<mpsc::Receiver<Step>, Failure> {
    let settings = Settings {
        width: SIDE,
        height: SIDE,
        selectivity: SELECTIVITY,
        seed,
        ..Settings::default()
    };
    let mut camera = MovingTexture::new(settings, SPEED).map_err(Failure::failed)?;
    let motions = twelve_directions(SPEED).to_vec();
    let trajectory = Trajectory::new(seed, motions, HELD).map_err(Failure::failed)?;
    let (played, taken) = mpsc::channel(STEPS_AHEAD);
    thread::spawn(move || {
        for (number, motion) in (0..steps).zip(trajectory) {
            let mut events = Vec::new();
            let step = camera.step(motion, &mut events).map(|()| Step { number, motion, events });
            // Motions of the list are finite, which is all that a step asks for.
            let Ok(step) = step else { return };
            if played.blocking_send(step).is_err() {
                return;
            }
        }
    });
    Ok(taken)
}
