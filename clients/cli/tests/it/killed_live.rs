//! What live pace and the overload policy decided is in the journal: a daemon that is killed makes the
//! same output again, bit for bit.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use spiked_fuzz::Random;
use spiked_proto::{
    layout::address,
    v1::{
        self, stream_request::Message as Request, stream_response::Message as Response,
        stream_service_client::StreamServiceClient,
    },
};
use tokio::{sync::mpsc, time::sleep};
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::{
    killed::{NETWORK, WINDOW_US, events},
    process::{Daemon, spiked},
};

const KILLS: u64 = 6;
/// In a life, one every millisecond.
const BATCHES: u64 = 120;
const BATCH_EVENTS: u64 = 24;
/// Far less than a burst.
const QUEUE_EVENTS: u64 = 400;
const BURST_EVENTS: u64 = 600;
const LATENESS_US: u64 = 3_000;
/// What is sent late is so by more than any delay of this machine.
const LATE_US: u64 = 100_000;

fn serve(folder: &Path) -> Daemon {
    let mut command = spiked(["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--networks").arg(folder.join("networks"));
    command.arg("--data").arg(folder.join("data"));
    command.arg("--set").arg(format!("limits.queue_events={QUEUE_EVENTS}"));
    Daemon::run(command)
}

/// A sensor's batch of a millisecond: now and then a burst, now and then one that comes far too late.
fn batch(sequence: u64) -> v1::EventBatch {
    let window = 1_000 + sequence;
    let base_us = window * WINDOW_US;
    let mut sent = events(window);
    match sequence % 20 {
        7 => {
            let event = |at: u64| address::AddressEvent {
                time: base_us + at,
                index: u32::try_from(at % 64).expect("few"),
            };
            sent = (0..BURST_EVENTS).map(event).collect();
        }
        13 => sent.iter_mut().for_each(|event| event.time -= LATE_US),
        _ => {}
    }
    let base_us = sent.first().map_or(base_us, |event| event.time);
    let mut payload = Vec::new();
    address::encode(&sent, base_us, &mut payload).expect("in order");
    v1::EventBatch {
        sequence,
        base_time_us: base_us,
        layout: v1::Layout::Address.into(),
        count: u32::try_from(sent.len()).expect("few"),
        payload: payload.into(),
        ..v1::EventBatch::default()
    }
}

/// Events that batches up to a number hold.
fn sent_upto(sequence: u64) -> u64 {
    (1..=sequence).map(|sequence| u64::from(batch(sequence).count)).sum()
}

fn open(durability: v1::Durability) -> v1::Open {
    v1::Open {
        session_id: "sensor".into(),
        network: "lively".into(),
        pace: v1::Pace::Live.into(),
        lateness_us: LATENESS_US,
        overload: v1::Overload::DropOldest.into(),
        durability: durability.into(),
        ..v1::Open::default()
    }
}

/// (tick, address) of every spike, by its position.
type Spikes = BTreeMap<u64, (u64, u32)>;

/// What one life of the daemon told.
#[derive(Default)]
struct Life {
    opened: Option<v1::Opened>,
    spikes: Spikes,
    last: Option<v1::Acknowledgement>,
    ended: Option<v1::Ended>,
}

impl Life {
    fn note(&mut self, message: Response) {
        match message {
            Response::Opened(opened) => self.opened = Some(opened),
            Response::Acknowledgement(acknowledgement) => {
                let drops = acknowledgement.drops.expect("drops");
                let settled = acknowledgement.events_accepted + drops.late + drops.overload;
                assert_eq!(settled, sent_upto(acknowledgement.accepted), "{acknowledgement:?}");
                self.last = Some(acknowledgement);
            }
            Response::Spikes(batch) => {
                let read = address::decode(&batch.payload, 0, batch.count.into()).expect("plain");
                // Ticks of 100 µs.
                let spikes = read.map(|spike| (batch.base_tick + spike.time / 100, spike.index));
                self.spikes.extend((batch.first_position..).zip(spikes));
            }
            Response::Error(error) => assert_eq!(error.reason(), v1::Reason::Late, "{error:?}"),
            Response::Ended(ended) => self.ended = Some(ended),
            other => panic!("{other:?}"),
        }
    }

    fn opened(&self) -> &v1::Opened {
        self.opened.as_ref().expect("it opened")
    }
}

/// Feeds a session in the sensor's own time and reads it, until the daemon is gone or all is over.
async fn live(address: String, open: v1::Open, batches: u64, kill: impl FnOnce()) -> Life {
    let mut client =
        StreamServiceClient::connect(format!("http://{address}")).await.expect("it listens");
    let (requests, receiver) = mpsc::unbounded_channel();
    // A stream that broke takes nothing more.
    let say = |message| drop(requests.send(v1::StreamRequest { message: Some(message) }));
    say(Request::Open(open));
    let answers = client.stream(UnboundedReceiverStream::new(receiver)).await.expect("it opens");
    let mut answers = answers.into_inner();
    let mut life = Life::default();
    life.note(answers.message().await.expect("it opens").and_then(|m| m.message).expect("opened"));
    let accepted = life.opened().accepted;
    let feeding = async {
        // A sensor's clock is as fast as the daemon's.
        let began = Instant::now();
        for (number, sequence) in (1..).zip(accepted + 1..=accepted + batches) {
            say(Request::Events(batch(sequence)));
            let due = Duration::from_micros(WINDOW_US) * number;
            sleep(due.saturating_sub(began.elapsed())).await;
        }
        kill();
    };
    let reading = async {
        // A stream that broke says nothing more.
        while let Ok(Some(answer)) = answers.message().await {
            if let Some(message) = answer.message {
                life.note(message);
            }
        }
    };
    tokio::join!(feeding, reading);
    life
}

/// Everything that was read before a kill is made again after it, at its position, though no two lives of
/// the daemon see the same clock.
async fn killed(durability: v1::Durability, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let networks = folder.path().join("networks/lively");
    std::fs::create_dir_all(&networks).expect("made");
    std::fs::write(networks.join("network.toml"), NETWORK).expect("written");
    let mut random = Random::new(seed);
    let (mut known, mut again): (Spikes, usize) = Default::default();
    let mut next = open(durability);
    let (mut reached_tick, mut drops_before) = (0, v1::Drops::default());
    for _ in 0..KILLS {
        let mut daemon = serve(folder.path());
        let address = daemon.address.clone();
        let batches = BATCHES / 2 + random.below(BATCHES);
        let life = live(address, next, batches, || daemon.kill()).await;
        for (position, spike) in &life.spikes {
            if let Some(before) = known.insert(*position, *spike) {
                assert_eq!(before, *spike, "position {position} was another before the kill");
                again += 1;
            }
        }
        let last = life.last.expect("something was acknowledged");
        let drops = last.drops.expect("drops");
        // A life that was killed while it still replayed has not come to all of them again.
        if last.simulated_to_tick >= reached_tick {
            assert!(drops.late >= drops_before.late && drops.overload >= drops_before.overload);
            (reached_tick, drops_before) = (last.simulated_to_tick, drops);
        }
        next = v1::Open {
            resume_token: life.opened().resume_token.clone(),
            output_from: Some(0),
            ..open(durability)
        };
    }
    assert!(again > 2_000, "{again} spikes that came twice prove little");

    let daemon = serve(folder.path());
    let mut client = StreamServiceClient::connect(format!("http://{}", daemon.address))
        .await
        .expect("it listens");
    let messages = [Request::Open(next), Request::End(v1::EndOfInput {})];
    let messages = messages.map(|message| v1::StreamRequest { message: Some(message) });
    let answers = client.stream(tokio_stream::iter(messages)).await.expect("it opens");
    let (mut answers, mut life) = (answers.into_inner(), Life::default());
    while let Some(answer) = answers.message().await.expect("it goes on") {
        life.note(answer.message.expect("a message"));
    }
    let last = life.ended.expect("an end").r#final.expect("a final position");
    let drops = last.drops.expect("drops");
    assert!(drops.late > 0 && drops.overload > 0, "{drops:?}");
    assert_eq!(last.events_accepted + drops.late + drops.overload, sent_upto(last.accepted));
    // On a machine that has much else to do most are late; some must not be.
    assert!(last.events_accepted > BATCH_EVENTS * 10, "{last:?}");
    let same = known.iter().all(|(position, spike)| life.spikes.get(position) == Some(spike));
    assert!(same, "what was read before differs from the whole");
    let gapless = life.spikes.keys().copied().eq(0..life.spikes.len() as u64);
    assert!(gapless, "each position once");
}

#[tokio::test]
async fn what_the_clock_and_the_load_decided_is_decided_again_after_a_kill() {
    for (durability, seed) in [(v1::Durability::Never, 1), (v1::Durability::Each, 2)] {
        killed(durability, seed).await;
    }
}
