//! Whether the sensor sizes that a session gives are those that a network asks for.

use sim_core::network::{InputPort, InputShape, Network, SensorSize};

use crate::networks::error::Error;
use crate::networks::limits::SENSOR_PIXELS_MAX;
use crate::networks::name;

/// Checks the sizes, each by the name of its port.
pub(super) fn check(network: &Network, sensors: &[(String, SensorSize)]) -> Result<(), Error> {
    for (index, (port, size)) in sensors.iter().enumerate() {
        let refuse = |problem: String| refuse(network, port, problem);
        if sensors[..index].iter().any(|(earlier, _)| earlier == port) {
            return refuse("was given a size twice".into());
        }
        match network.inputs.iter().find(|input| input.name == *port) {
            Some(input) => fits(network, input, *size)?,
            None => {
                let known = network.inputs.iter().map(|input| input.name.as_str());
                return refuse(format!("does not exist{}", name::hint(port, known)));
            }
        }
    }
    let given = |input: &InputPort| sensors.iter().any(|(port, _)| *port == input.name);
    match open_ports(network).find(|input| !given(input)) {
        Some(input) => refuse(network, &input.name, "takes any sensor: say its size".into()),
        None => Ok(()),
    }
}

/// The ports that leave their size open.
pub(super) fn open_ports(network: &Network) -> impl Iterator<Item = &InputPort> {
    network.inputs.iter().filter(|input| input.shape == InputShape::Sensor(None))
}

fn fits(network: &Network, input: &InputPort, given: SensorSize) -> Result<(), Error> {
    let SensorSize { width, height } = given;
    let refuse = |problem: String| refuse(network, &input.name, problem);
    if !(1..=SENSOR_PIXELS_MAX).contains(&width) || !(1..=SENSOR_PIXELS_MAX).contains(&height) {
        return refuse(format!(
            "cannot be {width}x{height}: 1 to {SENSOR_PIXELS_MAX} pixels across and down"
        ));
    }
    match input.shape {
        InputShape::Sensor(Some(fixed)) if fixed != given => {
            refuse(format!("is {}x{}, not {width}x{height}", fixed.width, fixed.height))
        }
        InputShape::Sensor(_) => Ok(()),
        InputShape::Channels(_) => refuse("has channels, and no sensor's size".into()),
        InputShape::Frames(_) => refuse("takes frames, and has no sensor's size".into()),
    }
}

fn refuse(network: &Network, port: &str, problem: String) -> Result<(), Error> {
    Err(Error::SensorSize { name: network.name.clone(), port: port.into(), problem })
}
