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
/// Of the network `delay-line` \[ms\].
const DELAY_MS: u64 = 255;

/// What a client remembers of one life to the next.
#[derive(Default)]
pub(super) struct Memory {
    /// What the session is called; "one", if nothing is said.
    id: String,
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
    let session_id = if memory.id.is_empty() { "one".into() } else { memory.id.clone() };
    if memory.token.is_empty() {
        let network = "delay-line".into();
        let durability = durability.into();
        return v1::Open { session_id, network, durability, ..v1::Open::default() };
    }
    let resume_token = memory.token.clone().into();
    let output_from = Some(memory.next_output);
    v1::Open { session_id, resume_token, output_from, ..v1::Open::default() }
}

/// Reads what comes, until nothing does for a moment or the session is over. What a session says of a
/// disk without power nobody hears.
async fn read(disk: &Forgetful, reader: &mut Reader, memory: &mut Memory, moment: Duration) {
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
            Response::Ended(_) | Response::Error(_) if disk.is_dark() => return,
            Response::Ended(ended) => {
                assert_eq!(ended.reason(), v1::EndReason::Completed, "{}", ended.message);
                memory.completed = true;
            }
            Response::Error(error) => panic!("{}", error.message),
            _ => {}
        }
    }
}

/// How a life went, up to where the power did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Lived,
    /// Of what was called durable, something was not there.
    Lost,
}

/// One life: the sessions are made again, the client resumes, and the power goes.
fn live(
    disk: &Forgetful,
    root: &Path,
    durability: v1::Durability,
    memory: &mut Memory,
    batches: u64,
) -> Life {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pool = Pool::start(1, 8, None).unwrap();
    let lived = runtime.block_on(living(disk, root, &pool, durability, memory, batches));
    // The power goes: no task says another word. (A write under way ends, as it might.)
    drop(runtime);
    drop(pool);
    lived.unwrap_or_else(|error| {
        assert!(disk.is_dark(), "{error}");
        Life::Lived
    })
}

async fn living(
    disk: &Forgetful,
    root: &Path,
    pool: &Pool,
    durability: v1::Durability,
    memory: &mut Memory,
    batches: u64,
) -> Result<Life, Box<dyn std::error::Error>> {
    let repository = Arc::new(Repository::open(None)?);
    let data = Data::take(Arc::new(disk.clone()), root.to_owned())?;
    let limits = Limits {
        journal_snapshot_bytes: 8_000,
        journal_sync_interval: Duration::from_millis(2),
        ..Limits::default()
    };
    let registry = Registry::new(repository, pool.queue().clone(), Some(data), limits)?;
    registry.recover().await?;
    let open = open(durability, memory);
    let opened = registry.open("local", &open).await;
    if disk.is_dark() {
        return Ok(Life::Lived);
    }
    // What was begun is there again: with its network it is made anew, without it would not be found.
    let (session, rejoined) = match opened {
        Err(_) if !memory.token.is_empty() => return Ok(Life::Lost),
        opened => opened?,
    };
    assert_eq!(rejoined, !memory.token.is_empty());
    let (mut requests, inbound) = mpsc::channel(1_000);
    let inbound = Box::pin(inbound.map(|message| Ok(Some(message))));
    let mut reader = match session.attach(&open, inbound, rejoined).await {
        // More of its output was read than its journal makes again.
        Err(_) if rejoined && !disk.is_dark() => return Ok(Life::Lost),
        attached => attached?,
    };
    let Some(Response::Opened(opened)) = reader.next().await else { panic!("it opens") };
    memory.token = opened.resume_token.to_vec();
    if opened.accepted < memory.durable {
        return Ok(Life::Lost);
    }
    let last = BATCHES.min(opened.accepted + batches);
    for sequence in opened.accepted + 1..=last {
        // A session on a disk without power takes no more.
        let _ = requests.send(Request::Events(batch(sequence))).await;
        read(disk, &mut reader, memory, Duration::from_millis(1)).await;
    }
    if last == BATCHES {
        let _ = requests.send(Request::End(v1::EndOfInput {})).await;
        read(disk, &mut reader, memory, Duration::from_secs(5)).await;
    }
    Ok(Life::Lived)
}

/// What all the batches make.
fn expected() -> Vec<(u64, u32)> {
    let spikes = |sequence| {
        let time_us = (sequence + DELAY_MS) * 1_000;
        (0..CHANNELS).map(move |channel| (time_us, u32::try_from(channel).unwrap()))
    };
    (1..=BATCHES).flat_map(spikes).collect()
}

/// Lives one after another, until the session is complete or something of it is lost; says how many.
fn lives(disk: &Forgetful, durability: v1::Durability, seed: u64) -> (u64, Life) {
    let at = tempfile::tempdir().unwrap();
    let (mut memory, mut random) = (Memory::default(), Random::new(seed));
    let mut lives = 0;
    loop {
        lives += 1;
        if memory.token.is_empty() {
            // What the power left of an opening that nobody was told of is no session of the client's.
            memory.id = format!("one-{lives}");
        }
        // Every other time between two operations of its choice, else wherever the client stops.
        if random.below(2) == 0 {
            disk.lose_power_after(random.below(100));
        }
        let batches = 1 + random.below(20);
        if let Life::Lost = live(disk, at.path(), durability, &mut memory, batches) {
            return (lives, Life::Lost);
        }
        disk.lose_power_and_keep_some(&mut random);
        if memory.completed {
            assert!(memory.spikes == expected(), "{durability:?} {seed}: the spikes differ");
            return (lives, Life::Lived);
        }
    }
}

#[test]
fn what_was_called_durable_survives_power_loss() {
    let mut all = 0;
    for durability in [v1::Durability::Each, v1::Durability::Interval] {
        for seed in [1, 2, 3] {
            let (count, last) = lives(&Forgetful::new(), durability, seed);
            assert_eq!(last, Life::Lived, "{durability:?} {seed}: after {count} lives");
            all += count;
        }
    }
    assert!(all >= 100, "{all} lives");
}

/// The test above sees what it is for: where syncs do nothing, something is lost.
#[test]
fn where_syncs_do_nothing_something_is_lost() {
    for durability in [v1::Durability::Each, v1::Durability::Interval] {
        let mut last = (1..=3).map(|seed| lives(&Forgetful::lying(), durability, seed).1);
        assert!(last.any(|last| last == Life::Lost), "{durability:?}");
    }
}
