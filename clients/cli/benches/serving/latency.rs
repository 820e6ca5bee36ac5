//! From sending a batch to the acknowledgement that it is simulated, beside a bare server that gives
//! the same batches back, and one that only acknowledges them: 1 000 batches a second of 1 000 events.

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use spiked_client::{Client, Item, OpenOptions};
use tokio::time::sleep_until;

use crate::{
    daemon::Daemon,
    echo::Answer,
    network::{NETWORK, events, load, quantile},
    print,
};

const ROUNDS: usize = 5;
const BATCHES: u64 = 2_000;
const BATCH_EVENTS: u64 = 1_000;
const PERIOD_US: u64 = 1_000;

/// Alternates the three, so that what else the machine does meets all.
pub(crate) async fn run() {
    let mut ours = Vec::new();
    let mut echoes = [Answer::Batch, Answer::Acknowledgement].map(|answer| (answer, Vec::new()));
    for _ in 0..ROUNDS {
        for (answer, runs) in &mut echoes {
            let mut command = Command::new(env::current_exe().expect("a path"));
            let echo = Daemon::of(command.args(["echo", answer.name()]));
            runs.push(measure(&echo.address, false).await);
        }
        let daemon = Daemon::start(&["--listen", "127.0.0.1:0"]);
        ours.push(measure(&daemon.address, true).await);
    }
    for (share, name) in [(0.5, "p50"), (0.99, "p99")] {
        let sorted = |runs: &[Vec<f64>]| {
            let mut values: Vec<f64> = runs.iter().map(|run| quantile(run, share)).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let ours = sorted(&ours);
        let middle = ROUNDS / 2;
        let beside: String = echoes
            .iter()
            .map(|(answer, runs)| {
                let echo = sorted(runs)[middle];
                let (answer, ratio) = (answer.name(), ours[middle] / echo);
                format!(",\"{answer}_back\":{echo:.1},\"ratio_to_{answer}_back\":{ratio:.2}")
            })
            .collect();
        print(&format!(
            "{{\"bench\":\"latency_{name}\",\"unit\":\"us\",\"runs\":{ROUNDS},\"min\":{:.1},\
             \"median\":{:.1},\"max\":{:.1}{beside}}}",
            ours[0],
            ours[middle],
            ours[ROUNDS - 1],
        ));
    }
}

/// Latencies of one run, sorted \[µs\].
async fn measure(address: &str, loads: bool) -> Vec<f64> {
    let client = Client::connect(address).await.expect("connected");
    if loads {
        load(&client).await;
    }
    let (mut producer, mut output) =
        client.open(OpenOptions::new(NETWORK)).await.expect("opened").split();
    let began = Instant::now();
    let (sent, mut sendings) = tokio::sync::mpsc::unbounded_channel();
    let feeding = async move {
        for batch in 0..BATCHES {
            let due = began + Duration::from_micros(batch * PERIOD_US);
            sleep_until(due.into()).await;
            let events = events(batch * PERIOD_US, PERIOD_US, BATCH_EVENTS);
            let promise_us = (batch + 1) * PERIOD_US;
            sent.send((promise_us, Instant::now())).expect("somebody reads");
            producer.send_batch(0, &events, Some(promise_us)).await.expect("sent");
        }
        producer
    };
    let reading = async move {
        let (mut latencies, mut waiting) = (Vec::new(), None);
        while let Some(Ok(item)) = output.next().await {
            let reached_us = match item {
                Item::Acknowledgement(ack) => ack.simulated_to_us,
                // Only what an echo gives back: the network doesn't fire.
                Item::Spikes(spikes) => {
                    let last = spikes.iter().last();
                    last.map_or(0, |event| (event.time_us / PERIOD_US + 1) * PERIOD_US)
                }
                _ => continue,
            };
            loop {
                let next = waiting.take().or_else(|| sendings.try_recv().ok());
                let Some((promise_us, at)) = next else { break };
                if reached_us < promise_us {
                    waiting = Some((promise_us, at));
                    break;
                }
                latencies.push(Instant::now().duration_since(at).as_secs_f64() * 1e6);
            }
            if reached_us >= BATCHES * PERIOD_US {
                break;
            }
        }
        latencies
    };
    let (_producer, mut latencies) = tokio::join!(feeding, reading);
    latencies.sort_by(f64::total_cmp);
    latencies
}
