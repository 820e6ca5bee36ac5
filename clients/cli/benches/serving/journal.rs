//! What a journal costs, and how soon a session is back after a crash.

use std::{
    env,
    time::{Duration, Instant},
};

use spiked_client::{Client, Durability, Item, OpenOptions};

use crate::{
    daemon::Daemon,
    network::{NETWORK, events, load},
    print,
};

const BATCH_EVENTS: u64 = 16_384;
const BATCH_US: u64 = 2_000;
const ROUNDS: usize = 3;

/// Seconds of one run; a minute with `JOURNAL_SECONDS=60`.
fn span() -> Duration {
    let seconds = env::var("JOURNAL_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(5))
}

/// Events a second, lossless, with and without a journal, in turn.
pub(crate) async fn throughput() {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(rate(Durability::None).await);
        with.push(rate(Durability::Interval).await);
    }
    for rates in [&mut without, &mut with] {
        rates.sort_by(f64::total_cmp);
    }
    let (without, with) = (without[ROUNDS / 2], with[ROUNDS / 2]);
    print(&format!(
        "{{\"bench\":\"journal_interval\",\"unit\":\"events per second\",\"runs\":{ROUNDS},\
         \"seconds\":{},\"without\":{without:.3e},\"with\":{with:.3e},\"cost\":{:.3}}}",
        span().as_secs(),
        1.0 - with / without
    ));
}

async fn rate(durability: Durability) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("plain");
    let daemon = Daemon::start(&["--listen", "127.0.0.1:0", "--data", data]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    load(&client).await;
    let options = OpenOptions::new(NETWORK).with_durability(durability);
    let (mut producer, mut output) = client.open(options).await.expect("opened").split();
    let began = Instant::now();
    let until = began + span();
    let feeding = async move {
        let mut sent = 0;
        // The same events each time, with other times, so that making them costs little.
        let mut made = events(0, BATCH_US, BATCH_EVENTS);
        while Instant::now() < until {
            let promise_us = Some(made[0].time + BATCH_US);
            producer.send_batch(0, &made, promise_us).await.expect("sent");
            made.iter_mut().for_each(|event| event.time += BATCH_US);
            sent += BATCH_EVENTS;
        }
        producer.finish().await.expect("finished");
        sent
    };
    let reading = async {
        let mut accepted = 0;
        while let Some(item) = output.next().await {
            if let Item::Ended(ended) = item.expect("no error") {
                accepted = ended.r#final.expect("a position").events_accepted;
            }
        }
        (accepted, began.elapsed())
    };
    let (sent, (accepted, took)) = tokio::join!(feeding, reading);
    assert_eq!(sent, accepted, "nothing is lost");
    sent as f64 / took.as_secs_f64()
}

/// A million journaled events, a kill, and the time until the daemon listens again, and until the
/// session stands where it stood.
pub(crate) async fn recovery() {
    const EVENTS: u64 = 1_000_000;
    let empty = tempfile::tempdir().expect("a folder");
    let (mut bare, mut full, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let data = empty.path().to_str().expect("plain");
        bare.push(Daemon::start(&["--listen", "127.0.0.1:0", "--data", data]).started);
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().to_str().expect("plain");
        let arguments = ["--listen", "127.0.0.1:0", "--data", data];
        let mut daemon = Daemon::start(&arguments);
        let client = Client::connect(&daemon.address).await.expect("connected");
        load(&client).await;
        let options = OpenOptions {
            session_id: "kept".into(),
            ..OpenOptions::new(NETWORK).with_durability(Durability::Interval)
        };
        let (mut producer, mut output) = client.open(options).await.expect("opened").split();
        let batches = EVENTS / 1_000;
        for batch in 0..batches {
            let events = events(batch * 10_000, 10_000, 1_000);
            let promise_us = Some((batch + 1) * 10_000);
            producer.send_batch(0, &events, promise_us).await.expect("sent");
        }
        while let Some(Ok(item)) = output.next().await {
            if matches!(item, Item::Acknowledgement(ack) if ack.durable == batches) {
                break;
            }
        }
        daemon.kill();
        let since = Instant::now();
        let again = Daemon::start(&arguments);
        full.push(again.started);
        let client = Client::connect(&again.address).await.expect("connected");
        loop {
            let sessions = client.list_sessions().await.expect("listed");
            let position = sessions[0].position.expect("it runs");
            assert_eq!(position.accepted, batches);
            if position.simulated_to_us == batches * 10_000 {
                break;
            }
        }
        whole.push(since.elapsed());
    }
    for times in [&mut bare, &mut full, &mut whole] {
        times.sort();
    }
    print(&format!(
        "{{\"bench\":\"recovery_million_events\",\"unit\":\"s\",\"runs\":{ROUNDS},\
         \"start\":{:.3},\"start_with_session\":{:.3},\"simulated_again\":{:.3}}}",
        bare[ROUNDS / 2].as_secs_f64(),
        full[ROUNDS / 2].as_secs_f64(),
        whole[ROUNDS / 2].as_secs_f64()
    ));
}
