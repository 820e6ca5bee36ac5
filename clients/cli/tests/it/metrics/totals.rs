//! What sessions did adds up, counts once, and is never taken back.

use std::{fs, time::Duration};

use spiked_client::{AddressEvent, Client, Durability, EventPolicy, Item, OpenOptions};

use super::{Totals, daemon, named, scrape::Scrape, step, volley};
use crate::process::Daemon;

/// The delay line, which takes one event a tick on each channel.
const STRICT: &str = r#"
name = "strict"
tick = "1 ms"
input.line = { channels = 8, max_events_per_tick = 1 }
population.echo = { shape = 8, neuron = { accumulator = { threshold = 1.0 } } }
projection.hold = { from = "line", to = "echo", one_to_one = { weight = 1.0, delay = "255 ms" } }
"#;

/// Waits until so many sessions run.
async fn until_running(daemon: &Daemon, count: u64) -> Scrape {
    for _ in 0..200 {
        let scrape = Scrape::of(daemon);
        if scrape.sum_where("spiked_sessions", &[("state", "running")]) == count {
            return scrape;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("five seconds, and not {count} sessions");
}

/// Seen to fail with what an ended session did forgotten.
#[tokio::test]
async fn a_scrape_says_what_a_session_was_told_and_goes_on_saying_it() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("strict")).expect("made");
    fs::write(folder.path().join("strict/network.toml"), STRICT).expect("written");
    let daemon = daemon(&["--networks", folder.path().to_str().expect("plain")]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    let network = "strict".into();
    let options = OpenOptions { network, bad_event: EventPolicy::Drop, ..named("told") };
    let (mut producer, mut output) = client.open(options).await.expect("opened").split();
    let mut earlier = Totals::of(&Scrape::of(&daemon));
    for batch in 0..20 {
        let mut events = volley(batch * 1_000);
        // One that is off the line, and one that is too many in its tick.
        events.push(AddressEvent { time: batch * 1_000, index: 700 });
        events.push(AddressEvent { time: batch * 1_000, index: 3 });
        producer.send_batch(0, &events, Some((batch + 1) * 1_000)).await.expect("sent");
        let now = Totals::of(&Scrape::of(&daemon));
        assert!(now.events >= earlier.events && now.dropped >= earlier.dropped);
        earlier = now;
    }
    producer.finish().await.expect("finished");
    let mut told = None;
    while let Some(item) = output.next().await {
        if let Item::Ended(ended) = item.expect("the stream lives") {
            told = ended.r#final;
        }
    }
    let told = told.expect("a last position");
    let expected = Totals::told(&told);
    assert_eq!((expected.events, expected.dropped, expected.spikes), (200, 40, 160), "{told:?}");
    let scrape = until_running(&daemon, 0).await;
    assert_eq!(Totals::of(&scrape), expected);
    let labels = [("network", "strict"), ("tenant", "local")];
    assert_eq!(scrape.sum_where("spiked_spikes_total", &labels), 160);
    let cause = |cause| [("cause", cause)];
    let drops = told.drops.expect("drops");
    for (name, count) in [("outside", drops.outside), ("multiplicity", drops.multiplicity)] {
        assert_eq!(scrape.sum_where("spiked_events_dropped_total", &cause(name)), count, "{name}");
        assert_eq!(count, 20);
    }
    // Seconds with a fraction are not exact to the last nanosecond.
    let core_ns = (scrape.value("spiked_core_seconds_total") * 1e9).round();
    #[expect(clippy::cast_precision_loss, reason = "a tolerance follows")]
    let told_ns = told.core_ns as f64;
    assert!(core_ns >= told_ns && told_ns > 0.0, "{core_ns} where {told_ns} was told");
    for kind in ["queue", "core", "wire"] {
        assert!(scrape.sum(&format!("spiked_{kind}_latency_seconds_count")) > 0, "{kind}");
    }
    assert_eq!(scrape.sum("spiked_queue_events"), 0);

    // Another one adds to it.
    client.open_session(&named("more")).await.expect("opened");
    let position = step(&client, "more", 1, &volley(0), 300_000, None).await;
    let now = Totals::of(&Scrape::of(&daemon));
    assert_eq!((now.events, now.spikes), (208, 160 + position.spikes));
    assert_eq!(position.spikes, 8);
    // A batch that came before is a duplicate and no event.
    step(&client, "more", 1, &volley(0), 300_000, None).await;
    let scrape = Scrape::of(&daemon);
    assert_eq!(Totals::of(&scrape), now);
    assert_eq!(scrape.sum("spiked_duplicates_total"), 1);
    client.close_session("more").await.expect("closed");
    assert_eq!(Totals::of(&until_running(&daemon, 0).await), now);
}

fn durable(data: &std::path::Path) -> Daemon {
    daemon(&["--data", data.to_str().expect("plain")])
}

/// Seen to fail, on a restored session, with the figures of its producers' past not subtracted.
#[tokio::test]
async fn what_a_session_brings_from_its_past_counts_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut running = durable(folder.path());
    let client = Client::connect(&running.address).await.expect("connected");
    client.open_session(&named("one").with_durability(Durability::Each)).await.expect("opened");
    for batch in 0..10 {
        step(&client, "one", batch + 1, &volley(batch * 1_000), (batch + 1) * 1_000, None).await;
    }
    let told = step(&client, "one", 11, &volley(10_000), 400_000, None).await;
    let before = Totals::of(&Scrape::of(&running));
    assert_eq!(before, Totals::told(&told));
    assert_eq!((before.events, before.spikes, before.batches), (88, 88, 11));
    let journaled = Scrape::of(&running);
    assert!(journaled.value("spiked_journal_bytes_total") > 88.0 * 8.0);
    assert!(journaled.value("spiked_journal_syncs_total") >= 11.0);
    assert_eq!(journaled.sum("spiked_journal_failures_total"), 0);

    let sha256 = client.snapshot_session("one").await.expect("taken").snapshot_sha256;
    client.restore_session(sha256.clone(), "restored").await.expect("restored");
    assert_eq!(Totals::of(&Scrape::of(&running)), before, "restored");
    client.fork_session("one", "forked").await.expect("forked");
    assert_eq!(Totals::of(&Scrape::of(&running)), before, "forked");
    client.rewind_session("one", sha256).await.expect("rewound");
    assert_eq!(Totals::of(&Scrape::of(&running)), before, "rewound");
    client.close_session("forked").await.expect("closed");
    let scrape = until_running(&running, 2).await;
    assert_eq!(Totals::of(&scrape), before, "closed");

    // What a restored session does is news.
    let told = step(&client, "restored", 12, &volley(500_000), 900_000, None).await;
    assert_eq!((told.events_accepted, told.spikes), (96, 96));
    let after = Totals::of(&Scrape::of(&running));
    assert_eq!((after.events, after.spikes, after.batches), (96, 96, 12));

    // A daemon that makes sessions again of their journals has done nothing itself.
    running.kill();
    let again = durable(folder.path());
    let client = Client::connect(&again.address).await.expect("connected");
    let scrape = until_running(&again, 2).await;
    let nothing = Totals { events: 0, dropped: 0, spikes: 0, deliveries: 0, batches: 0 };
    assert_eq!(Totals::of(&scrape), nothing);
    let told = step(&client, "restored", 13, &volley(1_000_000), 1_400_000, Some(96)).await;
    assert_eq!((told.events_accepted, told.spikes), (104, 104));
    let now = Totals::of(&Scrape::of(&again));
    assert_eq!((now.events, now.spikes, now.batches), (8, 8, 1));

    // Put to rest, and woken by another daemon.
    assert_eq!(again.end_with("TERM").code(), Some(0));
    let last = durable(folder.path());
    let client = Client::connect(&last.address).await.expect("connected");
    let scrape = Scrape::of(&last);
    let resting = [("state", "resting")];
    assert_eq!(scrape.sum_where("spiked_sessions", &resting), 2);
    let told = step(&client, "one", 12, &volley(500_000), 900_000, Some(88)).await;
    assert_eq!((told.events_accepted, told.spikes), (96, 96));
    let scrape = Scrape::of(&last);
    let now = Totals::of(&scrape);
    assert_eq!((now.events, now.spikes, now.batches), (8, 8, 1));
    assert_eq!(scrape.sum_where("spiked_sessions", &resting), 1);
}

/// A session that rests is known by its network, and woken it goes on counting.
#[tokio::test]
async fn a_session_that_rests_and_wakes_counts_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = durable(folder.path());
    let client = Client::connect(&daemon.address).await.expect("connected");
    let lease = Some(Duration::from_millis(300));
    let options = OpenOptions { lease, ..named("nap") }.with_durability(Durability::Never);
    client.open_session(&options).await.expect("opened");
    step(&client, "nap", 1, &volley(0), 300_000, None).await;
    let before = Totals::of(&Scrape::of(&daemon));
    assert_eq!((before.events, before.spikes), (8, 8));
    let scrape = until_running(&daemon, 0).await;
    let resting = [("state", "resting"), ("network", "delay-line")];
    assert_eq!(scrape.sum_where("spiked_sessions", &resting), 1);
    assert_eq!(Totals::of(&scrape), before, "at rest");
    let told = step(&client, "nap", 2, &volley(400_000), 800_000, Some(8)).await;
    assert_eq!(told.spikes, 16);
    let now = Totals::of(&Scrape::of(&daemon));
    assert_eq!((now.events, now.spikes, now.batches), (16, 16, 2));
}
