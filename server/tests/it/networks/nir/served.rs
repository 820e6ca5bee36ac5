//! Files that frameworks wrote, in a daemon's folder of networks: a session's spikes are those that were
//! recorded.

use std::fs;

use spiked_proto::{
    layout::address,
    v1::{self, stream_request::Message as Request, stream_response::Message as Response},
};

use super::reproduced::{recorded, shared, spikes};
use crate::support::{Server, batch, open};

/// Events of one batch.
const BATCH_EVENTS: usize = 200;

/// A network of the folder, and a recording of it.
struct Served {
    file: &'static str,
    /// Of its recording, an archive or a table.
    recorded: &'static str,
    profile: &'static str,
    step_us: u64,
    tick_us: u64,
    /// Ticks by which a step's spikes are later: a pulse acts until the end of its step.
    late_ticks: u64,
}

const SERVED: [Served; 3] = [
    Served {
        file: "ff_lif_snntorch",
        recorded: "ff_lif_snntorch_io.npz",
        profile: "snntorch",
        step_us: 100,
        tick_us: 100,
        late_ticks: 0,
    },
    Served {
        file: "ff_lif_norse",
        recorded: "ff_lif_norse_io.npz",
        profile: "norse",
        step_us: 1_000,
        tick_us: 1_000,
        late_ticks: 0,
    },
    Served {
        file: "lif_norse",
        recorded: "lif_exact.csv",
        profile: "exact-pulse",
        step_us: 100,
        tick_us: 1,
        late_ticks: 1,
    },
];

impl Served {
    /// Steps, input and expected spikes, both [step, unit].
    fn recording(&self, test: &str) -> Option<(usize, Vec<u32>, Vec<u32>)> {
        if self.recorded.ends_with(".csv") {
            let [given, expected] = recorded(test, self.recorded)?;
            return Some((given.len(), given, expected));
        }
        let npz = shared(test, self.recorded)?;
        let (steps, given) = spikes(&npz, "input");
        Some((steps, given, spikes(&npz, "spikes").1))
    }

    /// What a session fires, [step, unit], where it is given this.
    async fn fired(&self, server: &Server, steps: usize, given: &[u32], units: usize) -> Vec<u32> {
        let origin = Some(v1::origin::Origin::TimeUs(0));
        let origin = Some(v1::Origin { origin });
        let mut session = server.open(v1::Open { origin, ..open(self.file) }).await.unwrap();
        let channels = given.len() / steps;
        let mut events = Vec::new();
        for (at, &count) in given.iter().enumerate() {
            let (step, channel) = (at / channels, u32::try_from(at % channels).unwrap());
            events.extend((0..count).map(|_| (step as u64 * self.step_us, channel)));
        }
        let mut sequence = 0;
        for events in events.chunks(BATCH_EVENTS) {
            sequence += 1;
            session.send(Request::Events(batch(sequence, events[0].0, events)));
        }
        let promise_us = (steps as u64 + 1) * self.step_us;
        session.send(Request::Heartbeat(v1::Heartbeat { promise_us }));
        session.send(Request::End(v1::EndOfInput {}));
        let mut fired = vec![0; steps * units];
        while let Some(answer) = session.next().await {
            let Response::Spikes(batch) = answer else { continue };
            let (payload, count) = (&batch.payload, batch.count.into());
            assert!(matches!(batch.layout(), v1::Layout::Address), "one spike a step");
            for spike in address::decode(payload, 0, count).unwrap() {
                let tick = batch.base_tick + spike.time / self.tick_us;
                let step = (tick - self.late_ticks) * self.tick_us / self.step_us;
                let step = usize::try_from(step).unwrap();
                if step < steps {
                    fired[step * units + spike.index as usize] += 1;
                }
            }
        }
        assert_eq!(
            session.record.reason(),
            v1::EndReason::Completed,
            "{:?}",
            session.record.errors
        );
        fired
    }
}

#[tokio::test]
async fn a_session_fires_what_the_framework_recorded() {
    let test = "a_session_fires_what_the_framework_recorded";
    for served in SERVED {
        let name = served.file;
        let Some(bytes) = shared(test, &format!("{name}.nir")) else { return };
        let Some((steps, given, expected)) = served.recording(test) else { return };
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(name);
        fs::create_dir(&own).unwrap();
        fs::write(own.join("trained.nir"), bytes).unwrap();
        let (profile, step_us) = (served.profile, served.step_us);
        let text = format!(
            "nir = {{ file = \"trained.nir\", profile = \"{profile}\", step = \"{step_us} us\" }}\n"
        );
        fs::write(own.join("network.toml"), text).unwrap();
        let server = Server::beside(folder.path()).await;
        let units = expected.len() / steps;
        let fired = served.fired(&server, steps, &given, units).await;
        assert!(expected.iter().any(|&count| count > 0));
        assert_eq!(fired, expected, "{name}");
    }
}
