//! Many busy sessions at once, and what they add to a quiet one's latency.

use std::{
    env,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use spiked_client::{Client, Item, OpenOptions};
use tokio::time::timeout_at;

use crate::{
    daemon::Daemon,
    network::{NETWORK, events, load, quantile},
    print,
};

const SESSIONS: usize = 64;
const SPAN: Duration = Duration::from_secs(8);
const BATCH_US: u64 = 10_000;

/// Sends as fast as credit comes until the time is over; gives the events that were simulated.
async fn flood(client: Client, until: Instant) -> u64 {
    let (mut producer, mut output) =
        client.open(OpenOptions::new(NETWORK)).await.expect("opened").split();
    let feeding = async move {
        let mut batch = 0;
        while Instant::now() < until {
            let events = events(batch * BATCH_US, BATCH_US, 4_096);
            let promise_us = Some((batch + 1) * BATCH_US);
            if producer.send_batch(0, &events, promise_us).await.is_err() {
                break;
            }
            batch += 1;
        }
        std::future::pending().await
    };
    let reading = async {
        let mut simulated = 0;
        while let Ok(Some(Ok(item))) = timeout_at(until.into(), output.next()).await {
            if let Item::Acknowledgement(ack) = item {
                simulated = ack.events_accepted - ack.queue_events;
            }
        }
        simulated
    };
    tokio::select! {
        simulated = reading => simulated,
        () = feeding => 0,
    }
}

/// Latencies of a session that sends 100 events each millisecond, sorted \[µs\].
async fn quiet(client: &Client, until: Instant) -> Vec<f64> {
    let (mut producer, mut output) =
        client.open(OpenOptions::new(NETWORK)).await.expect("opened").split();
    let mut times = Vec::new();
    let mut batch = 0;
    while Instant::now() < until {
        let promise_us = (batch + 1) * 1_000;
        let at = Instant::now();
        producer
            .send_batch(0, &events(batch * 1_000, 1_000, 100), Some(promise_us))
            .await
            .expect("sent");
        while let Some(Ok(item)) = output.next().await {
            if matches!(item, Item::Acknowledgement(ack) if ack.simulated_to_us >= promise_us) {
                break;
            }
        }
        times.push(at.elapsed().as_secs_f64() * 1e6);
        tokio::time::sleep(Duration::from_millis(1)).await;
        batch += 1;
    }
    times.sort_by(f64::total_cmp);
    times
}

/// The flooding side, in a process of its own: says what each session had simulated.
#[expect(clippy::print_stdout, reason = "what the other process reads")]
pub(crate) async fn floods(address: &str) {
    let until = Instant::now() + SPAN;
    let mut floods = Vec::new();
    let mut client = Client::connect(address).await.expect("connected");
    for session in 0..SESSIONS {
        // Eight connections of eight.
        if session % 8 == 7 {
            client = Client::connect(address).await.expect("connected");
        }
        floods.push(flood(client.clone(), until));
    }
    let counts = futures::future::join_all(floods).await;
    let words: Vec<String> = counts.iter().map(u64::to_string).collect();
    println!("{}", words.join(" "));
}

pub(crate) async fn run() {
    let daemon = Daemon::start(&["--listen", "127.0.0.1:0"]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    load(&client).await;
    let alone = quiet(&client, Instant::now() + Duration::from_secs(2)).await;
    let until = Instant::now() + SPAN;
    let flooding = Command::new(env::current_exe().expect("a path"))
        .args(["flood", &daemon.address])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let beside = quiet(&client, until).await;
    let said = flooding.wait_with_output().expect("it ends").stdout;
    let said = String::from_utf8(said).expect("text");
    let mut counts: Vec<f64> =
        said.split_whitespace().map(|word| word.parse().expect("a count")).collect();
    counts.sort_by(f64::total_cmp);
    let all: f64 = counts.iter().sum();
    print(&format!(
        "{{\"bench\":\"fair_sessions\",\"sessions\":{SESSIONS},\"events_per_s\":{:.3e},\
         \"least\":{:.0},\"median\":{:.0},\"most\":{:.0}}}",
        all / SPAN.as_secs_f64(),
        counts[0],
        quantile(&counts, 0.5),
        quantile(&counts, 1.0)
    ));
    print(&format!(
        "{{\"bench\":\"noisy_neighbours\",\"unit\":\"us\",\"alone_p50\":{:.0},\"alone_p99\":{:.0},\
         \"beside_p50\":{:.0},\"beside_p99\":{:.0}}}",
        quantile(&alone, 0.5),
        quantile(&alone, 0.99),
        quantile(&beside, 0.5),
        quantile(&beside, 0.99)
    ));
}
