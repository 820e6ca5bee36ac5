//! P7 and P8 through power loss: whole lives of a daemon's sessions, each cut off in the middle, on a
//! disk that forgets what was not synced.

use std::{path::Path, sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _, channel::mpsc};
use spiked_fuzz::Random;
use spiked_proto::{
    layout::address::{self, AddressEvent},
    v1::{self, stream_request::Message as Request, stream_response::Message as Response},
};

use tokio::time::timeout;

use super::Forgetful;
use crate::{
    config::Limits,
    networks::Repository,
    session::{data::Data, pool::Pool, reader::Reader, registry::Registry},
};

pub(super) const BATCHES: u64 = 200;
const CHANNELS: u64 = 8;

/// What a client remembers of one life to the next.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) token: Vec<u8>,
    durable: u64,
    next_output: u64,
    spikes: Vec<(u64, u32)>,
    completed: bool,
}

/// One event a channel, of which the network makes one spike each, later.
pub(super) fn batch(sequence: u64) -> v1::EventBatch {
    let index = |channel| u32::try_from(channel).unwrap();
    let event = |channel| AddressEvent { time: sequence * 1_000 + channel, index: index(channel) };
    let events: Vec<_> = (0..CHANNELS).map(event).collect();
    let mut payload = Vec::new();
    address::encode(&events, 0, &mut payload).unwrap();
    v1::EventBatch {
        sequence,
        layout: v1::Layout::Address.into(),
        count: u32::try_from(events.len()).unwrap(),
        payload: payload.into(),
        promise_us: Some((sequence + 1) * 1_000),
        ..v1::EventBatch::default()
    }
}

pub(super) fn open(durability: v1::Durability, memory: &Memory) -> v1::Open {
    let session_id = "one".into();
    if memory.token.is_empty() {
        let network = "delay-line".into();
        let durability = durability.into();
        return v1::Open { session_id, network, durability, ..v1::Open::default() };
    }
    let resume_token = memory.token.clone().into();
    let output_from = Some(memory.next_output);
    v1::Open { session_id, resume_token, output_from, ..v1::Open::default() }
}

/// Reads what comes, until nothing does for a moment or the session is over.
async fn read(reader: &mut Reader, memory: &mut Memory, moment: Duration) {
    while let Ok(Some(message)) = timeout(moment, reader.next()).await {
        match message {
            Response::Spikes(batch) => {
                assert_eq!(batch.first_position, memory.next_output, "no gap, nothing twice");
                memory.next_output += u64::from(batch.count);
                let base = batch.base_time_us;
                let events = address::decode(&batch.payload, base, batch.count.into()).unwrap();
                memory.spikes.extend(events.map(|event| (event.time, event.index)));
            }
            Response::Acknowledgement(ack) => memory.durable = ack.durable,
            Response::Ended(ended) => {
                assert_eq!(ended.reason(), v1::EndReason::Completed, "{}", ended.message);
                memory.completed = true;
            }
            Response::Error(error) => panic!("{}", error.message),
            _ => {}
        }
    }
}

/// One life: the sessions are made again, the client resumes, and the power goes.
fn live(
    volume: &Arc<Forgetful>,
    root: &Path,
    durability: v1::Durability,
    memory: &mut Memory,
    batches: u64,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pool = Pool::start(1, 8, None).unwrap();
    runtime.block_on(async {
        let repository = Arc::new(Repository::open(None).unwrap());
        let data = Data::take(volume.clone(), root.to_owned()).unwrap();
        let limits = Limits {
            journal_snapshot_bytes: 8_000,
            journal_sync_interval: Duration::from_millis(2),
            ..Limits::default()
        };
        let registry = Registry::new(repository, pool.queue().clone(), Some(data), limits).unwrap();
        registry.recover().await.unwrap();
        let open = open(durability, memory);
        let (session, rejoined) = registry.open("local", &open).await.unwrap();
        assert_eq!(rejoined, !memory.token.is_empty());
        let (mut requests, inbound) = mpsc::channel(1_000);
        let inbound = Box::pin(inbound.map(|message| Ok(Some(message))));
        let mut reader = session.attach(&open, inbound, rejoined).await.unwrap();
        let Some(Response::Opened(opened)) = reader.next().await else { panic!("it opens") };
        memory.token = opened.resume_token.to_vec();
        assert!(opened.accepted >= memory.durable, "{} was durable", memory.durable);
        let last = BATCHES.min(opened.accepted + batches);
        for sequence in opened.accepted + 1..=last {
            requests.send(Request::Events(batch(sequence))).await.unwrap();
            read(&mut reader, memory, Duration::from_millis(1)).await;
        }
        if last == BATCHES {
            requests.send(Request::End(v1::EndOfInput {})).await.unwrap();
            read(&mut reader, memory, Duration::from_secs(5)).await;
        }
    });
    // The power goes: no task says another word. (A write under way ends, as it might.)
    drop(runtime);
    drop(pool);
    volume.lose_power();
}

/// Seen to fail with the sync taken out of `Journal::sync` and of the log.
#[test]
fn what_was_called_durable_survives_power_loss() {
    for (durability, seed) in [(v1::Durability::Each, 1), (v1::Durability::Interval, 2)] {
        for seed in [seed, seed + 10, seed + 20] {
            let at = tempfile::tempdir().unwrap();
            let volume = Arc::new(Forgetful::new());
            let (mut memory, mut random) = (Memory::default(), Random::new(seed));
            while !memory.completed {
                let batches = 1 + random.below(40);
                live(&volume, at.path(), durability, &mut memory, batches);
            }
            memory.spikes.sort_unstable();
            assert_eq!(memory.spikes.len() as u64, BATCHES * CHANNELS, "{durability:?} {seed}");
            memory.spikes.dedup();
            assert_eq!(memory.spikes.len() as u64, BATCHES * CHANNELS, "{durability:?} {seed}");
        }
    }
}
