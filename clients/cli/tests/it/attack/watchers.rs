//! As many watchers of one session as there may be, none of which reads.

use std::time::Duration;

use spiked_client::{AddressEvent, Item, OpenOptions, Reason, Watch, WatchItem, v1};

use super::{Ground, Told, honest::run, unread::fan, wire::Way};

const WATCHERS_MAX: usize = 64;
/// Each of eight ticks of 4 096 spikes: far more than is kept for who is slow.
const BATCHES: u64 = 512;
const TICKS: u64 = 8;
const TICK_US: u64 = 1_000;
const CHANNELS: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(120);

struct Watched {
    spikes: u64,
    missed: u64,
}

impl Told for Watched {
    fn told(&self) -> String {
        format!("{} spikes made, {} messages missed", self.spikes, self.missed)
    }
}

/// Feeds a session to its end and reads what it makes; how many spikes that is.
async fn fed(session: spiked_client::Session) -> u64 {
    let (mut producer, mut output) = session.split();
    let feed = async {
        for batch in 0..BATCHES {
            let base = batch * TICKS * TICK_US;
            let of_tick = |tick| (0..CHANNELS).map(move |index| (base + tick * TICK_US, index));
            let events: Vec<_> = (0..TICKS)
                .flat_map(of_tick)
                .map(|(time, index)| AddressEvent { time, index })
                .collect();
            let promise_us = Some(base + TICKS * TICK_US);
            producer.send_batch(0, &events, promise_us).await.expect("it is taken");
        }
        producer.finish().await.expect("it is taken");
    };
    let read = async {
        let (mut spikes, mut last) = (0, None);
        while let Some(item) = output.next().await {
            match item.expect("the session goes on") {
                Item::Spikes(batch) => spikes += batch.len() as u64,
                Item::Ended(ended) => last = Some(ended.reason()),
                _ => {}
            }
        }
        assert_eq!(last, Some(v1::EndReason::Completed));
        spikes
    };
    tokio::join!(feed, read).1
}

/// What a watcher sees and is told that it missed, up to the end.
async fn rest(mut watch: Watch) -> (u64, u64) {
    let (mut seen, mut missed, mut last) = (0, 0, None);
    while let Some(item) = watch.next().await {
        match item.expect("a watcher is not cut off") {
            WatchItem::Spikes(batch) => seen += batch.len() as u64,
            WatchItem::Missed(messages) => missed += messages,
            WatchItem::Ended(ended) => last = Some(ended.reason()),
            _ => {}
        }
    }
    assert_eq!(last, Some(v1::EndReason::Completed));
    (seen, missed)
}

async fn attack(way: &Way) -> Watched {
    let client = way.client().await.expect("the daemon listens");
    let options = OpenOptions { session_id: "watched".into(), ..OpenOptions::new("fan") };
    let session = client.open(options).await.expect("it opens");
    let mut watches = Vec::new();
    for _ in 0..WATCHERS_MAX / 16 {
        let client = way.client().await.expect("the daemon listens");
        for _ in 0..16 {
            watches.push(client.watch_session("watched").await.expect("there is room"));
        }
    }
    let refused = client.watch_session("watched").await.expect_err("there is no room");
    assert_eq!(refused.reason(), Some(Reason::Limit), "{refused}");
    let spikes = fed(session).await;
    assert_eq!(spikes, BATCHES * TICKS * 4_096, "the session gives all to who reads");
    let mut all_missed = 0;
    // All at once: those of one connection share its window.
    let rests: Vec<_> = watches.into_iter().map(|watch| tokio::spawn(rest(watch))).collect();
    for rest in rests {
        let (seen, missed) = rest.await.expect("it is read to its end");
        assert!(missed > 0 && seen < spikes, "saw {seen} of {spikes}, missed {missed}");
        all_missed += missed;
    }
    Watched { spikes, missed: all_missed }
}

/// Seen to fail without the bound on watchers, and without the bounds on what waits for one.
#[test]
fn sixty_four_that_stall() {
    // What waits is shared; beside it each has a stream's window on its way.
    fan().through("stalled watchers", 128, |ground: &Ground| {
        run(async {
            let attacked = tokio::time::timeout(PATIENCE, attack(&ground.way));
            attacked.await.expect("the session does not wait for those who watch")
        })
    });
}
