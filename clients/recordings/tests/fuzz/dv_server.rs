//! What a server of DV sends.

use spiked_fuzz::Target;
use spiked_recordings::{CameraEvent, Recording};

use crate::{Arriving, SENSOR, shared, surveyed};

/// Any server is read or refused, as the same however its bytes arrive.
#[test]
fn dv_servers() {
    let examples = ["dv_none.tcp", "dv_lz4.tcp", "dv_zstd.tcp"].map(shared).to_vec();
    let words: [&[u8]; 5] = [b"IOHE", b"EVTS", b"FRME", b"sizeX", b"typeIdentifier"];
    let target = Target::new("dv_servers", examples).words(&words).bytes_max(2_048);
    target.memory_bytes_max(16 << 20).run(|input| {
        let Ok(mut recording) = Recording::of_dv_server(input, "server") else { return false };
        if recording.set_geometry(SENSOR).is_err() {
            return true;
        }
        let portion = usize::from(input[input.len() - 1] % 64) + 1;
        let arriving = Arriving { bytes: input, portion };
        let mut arriving = Recording::of_dv_server(arriving, "server").expect("as it was whole");
        arriving.set_geometry(SENSOR).expect("as it was whole");
        let (events, fault, notes) = surveyed(recording);
        assert!(events.iter().all(|event: &CameraEvent| SENSOR.contains(event.x, event.y)));
        assert_eq!(surveyed(arriving), (events, fault, notes));
        true
    });
}
