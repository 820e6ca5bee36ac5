//! The closed loop by `step` over a Unix socket: 1 000 events in, a millisecond of simulation, the
//! spikes back.

use std::time::Instant;

use spiked_client::{AddressEvent, Client, OpenOptions, v1};

use crate::{
    daemon::Daemon,
    network::{events, load_with, quantile},
    print,
};

const STEPS: u64 = 3_000;
const STEP_US: u64 = 1_000;
const STEP_EVENTS: u64 = 1_000;

fn packed(events: &[AddressEvent], base_us: u64, sequence: u64) -> v1::EventBatch {
    let mut payload = Vec::with_capacity(events.len() * 8);
    for event in events {
        let offset = u32::try_from(event.time - base_us).expect("a short step");
        payload.extend_from_slice(&offset.to_le_bytes());
        payload.extend_from_slice(&event.index.to_le_bytes());
    }
    v1::EventBatch {
        sequence,
        base_time_us: base_us,
        layout: v1::Layout::Address.into(),
        count: u32::try_from(events.len()).expect("few"),
        payload: payload.into(),
        ..v1::EventBatch::default()
    }
}

pub(crate) async fn run() {
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("unix:{}", folder.path().join("socket").display());
    let daemon = Daemon::start(&["--listen", &listen]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    load_with(&client, "steps", 1.0).await;
    let options = OpenOptions { session_id: "loop".into(), ..OpenOptions::new("steps") };
    client.open_session(&options).await.expect("opened");
    let (mut times, mut spikes) = (Vec::new(), 0);
    for step in 0..STEPS {
        let base_us = step * STEP_US;
        let batch = packed(&events(base_us, STEP_US, STEP_EVENTS), base_us, step + 1);
        let began = Instant::now();
        let request = v1::StepSessionRequest {
            session_id: "loop".into(),
            events: vec![batch],
            until_us: base_us + STEP_US,
            output_from: None,
        };
        let answer = client.step_session(request).await.expect("a step");
        times.push(began.elapsed().as_secs_f64() * 1e6);
        spikes += answer.spikes.iter().map(|batch| u64::from(batch.count)).sum::<u64>();
    }
    assert!(spikes > STEPS * STEP_EVENTS / 2, "{spikes} spikes");
    times.sort_by(f64::total_cmp);
    print(&format!(
        "{{\"bench\":\"step_unix_1000\",\"unit\":\"us\",\"steps\":{STEPS},\"p50\":{:.0},\
         \"p99\":{:.0},\"max\":{:.0}}}",
        quantile(&times, 0.5),
        quantile(&times, 0.99),
        quantile(&times, 1.0)
    ));
}
