//! The session that goes on streaming while others attack.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use spiked_client::{AddressEvent, Client, Durability, Item, OpenOptions, v1::EndReason};

use super::wire::Way;

const TICK_US: u64 = 1_000;
const CHANNELS: u32 = 8;
/// Of the network `delay-line` \[ticks\].
const DELAY: u64 = 255;

/// What a session came to.
#[derive(Debug)]
pub(crate) struct Streamed {
    pub(crate) batches: u64,
    pub(crate) slowest: Duration,
}

/// A session under way.
pub(crate) struct Honest {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Streamed>,
}

impl Honest {
    /// Opens a session on a connection of its own and streams until it is stopped.
    pub(crate) fn start(way: impl Into<Way>) -> Self {
        Self::with(way.into(), options())
    }

    /// The same with a durable session.
    pub(crate) fn durable(address: &str, durability: Durability) -> Self {
        Self::with(address.into(), options().with_durability(durability))
    }

    fn with(way: Way, options: OpenOptions) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (opened, is_open) = std::sync::mpsc::channel();
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            run(async {
                let client = way.client().await.expect("the daemon listens");
                stream(
                    &client,
                    options,
                    || stopped.load(SeqCst),
                    || opened.send(()).expect("somebody waits"),
                )
                .await
            })
        });
        is_open.recv().expect("it opens");
        Self { stop, thread }
    }

    /// Ends its input and waits for the last spike.
    pub(crate) fn finish(self) -> Streamed {
        self.stop.store(true, SeqCst);
        self.thread.join().expect("every spike came")
    }
}

/// A small session on a new connection, from beginning to end.
pub(crate) fn small(way: impl Into<Way>) -> Result<Streamed, spiked_client::Error> {
    let way = way.into();
    run(async {
        let client = way.client().await?;
        client.list_sessions().await?;
        Ok(stream(&client, options(), || true, || ()).await)
    })
}

pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

fn options() -> OpenOptions {
    OpenOptions::new("delay-line").with_latency()
}

/// An event on each channel in each tick, and exactly these back, later by the delay.
async fn stream(
    client: &Client,
    options: OpenOptions,
    stop: impl Fn() -> bool,
    opened: impl FnOnce(),
) -> Streamed {
    let (mut producer, mut output) = client.open(options).await.expect("it opens").split();
    let latencies = producer.latencies().expect("they were asked for").clone();
    opened();
    let feed = async {
        let mut batches = 0;
        loop {
            let time = batches * TICK_US;
            let events: Vec<_> = (0..CHANNELS).map(|index| AddressEvent { time, index }).collect();
            producer.send_batch(0, &events, Some(time + TICK_US)).await.expect("it is taken");
            batches += 1;
            if stop() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        producer.finish().await.expect("it is taken");
        batches
    };
    let read = async {
        let mut spikes = 0;
        while let Some(item) = output.next().await {
            match item.expect("the daemon goes on") {
                Item::Spikes(batch) => {
                    for spike in batch.iter() {
                        let place = (spike.tick, spike.address, spike.multiplicity);
                        let (tick, channel) =
                            (spikes / u64::from(CHANNELS), spikes % u64::from(CHANNELS));
                        let channel = u32::try_from(channel).expect("few");
                        assert_eq!(place, (tick + DELAY, channel, 1), "spike {spikes}");
                        spikes += 1;
                    }
                }
                Item::Error(refusal) => panic!("{refusal}"),
                Item::Ended(ended) => assert_eq!(ended.reason(), EndReason::Completed),
                _ => {}
            }
        }
        spikes
    };
    let (batches, spikes) = tokio::join!(feed, read);
    assert_eq!(spikes, batches * u64::from(CHANNELS), "no spike is lost and none is doubled");
    let slowest = Duration::from_nanos(latencies.histogram_ns().max());
    Streamed { batches, slowest }
}
