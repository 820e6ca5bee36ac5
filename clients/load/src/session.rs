//! One session of a load: its batches leave when they are due, and what comes back is measured.
//!
//! Two halves on one thread. The feeding half follows the schedule and never waits for answers; what
//! holds it up is the daemon's credit, and that counts as the daemon's delay. The reading half finds
//! for each answer the batch that it is about.

use std::{
    cell::RefCell,
    collections::VecDeque,
    time::{Duration, Instant},
};

use spiked_client::{
    Client, Error as ClientError, Item, Output, Producer, Session, Spikes,
    v1::{self, Acknowledgement, Decision, Drops, EndReason, Ended},
};
use tokio::sync::{Notify, watch};

use crate::{
    Error,
    ahead::{Ahead, Ready},
    flow::{Batch, Cut, Filled, Flow, ticks},
    measure::{Measures, ns},
    records::Records,
    room::{let_in, room},
    timer::Timer,
};

/// How long after its end a load is waited for.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// Batches behind the last answer that spikes may still be about.
const BEHIND_MAX: usize = 1_024;

/// What a session is to do.
pub(crate) struct Part<'a> {
    pub(crate) number: usize,
    pub(crate) flow: Flow,
    pub(crate) cut: Cut,
    /// Of the input port.
    pub(crate) port: u32,
    /// When its schedule begins, and how long it is.
    pub(crate) start: Instant,
    pub(crate) length: Duration,
    /// Turns true when the load is to end early.
    pub(crate) stop: watch::Receiver<bool>,
    /// Where its latencies and counts go; faults measure nothing.
    pub(crate) measures: Option<&'a RefCell<Measures>>,
    /// Keep what comes back, to be compared.
    pub(crate) records: bool,
    /// How long to wait between one answer and the next.
    pub(crate) reading_pause: Option<Duration>,
}

/// What became of a session.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Its input.
    pub(crate) flow: Option<Flow>,
    pub(crate) events_sent: u64,
    /// The last positions.
    pub(crate) position: Acknowledgement,
    /// It came to its own end.
    pub(crate) completed: bool,
    pub(crate) refusals: Vec<String>,
    pub(crate) records: Option<Records>,
    /// Latencies as the daemon has them.
    pub(crate) of_daemon: Option<v1::GetLatenciesResponse>,
}

impl Played {
    /// Events that the daemon has dropped.
    pub(crate) fn dropped(&self) -> u64 {
        dropped(&self.position)
    }

    /// Sent = taken + dropped, at the end.
    pub(crate) fn is_conserved(&self) -> bool {
        self.events_sent == self.position.events_accepted + self.dropped()
    }
}

/// Events dropped by any cause.
pub(crate) fn dropped(position: &Acknowledgement) -> u64 {
    let Drops { late, outside, multiplicity, overload, .. } = position.drops.unwrap_or_default();
    late + outside + multiplicity + overload
}

/// A batch that was sent.
struct Sent {
    sequence: u64,
    /// Ticks below it are closed by the batch's promise.
    promise_tick: u64,
    due: Instant,
    left: Instant,
}

/// What both halves know.
#[derive(Default)]
struct Shared {
    /// Not simulated yet.
    waiting: VecDeque<Sent>,
    /// Of those, how many are accepted.
    accepted: usize,
    /// Simulated, and later spikes may be about them: promised tick and intended moment.
    behind: VecDeque<(u64, Instant)>,
    position: Acknowledgement,
    events_sent: u64,
    refusals: Vec<String>,
    records: Option<Records>,
}

/// Plays a session to its end.
pub(crate) async fn play(
    client: &Client,
    session: Session,
    part: Part<'_>,
) -> Result<Played, Error> {
    let shared =
        RefCell::new(Shared { records: part.records.then(Records::default), ..Shared::default() });
    let (tick_ns, id) = (session.tables().tick_ns.max(1), session.tables().session_id.clone());
    let drained = Notify::new();
    let (number, room) = (part.number, room(&session));
    let (producer, output) = session.split();
    let reading = Reading {
        shared: &shared,
        measures: part.measures,
        drained: &drained,
        pause: part.reading_pause,
    };
    let feeding = async {
        let mut part = part;
        let mut producer = producer;
        let fed = feed(&mut part, &mut producer, &shared, tick_ns, room).await;
        if fed.is_ok() {
            // Its latencies can be asked for as long as the session is there.
            let _ = tokio::time::timeout(DRAIN_MAX, until_drained(&shared, &drained)).await;
        }
        let of_daemon = match part.measures {
            Some(_) => client.latencies(&id).await.ok(),
            None => None,
        };
        let finished = match fed {
            Ok(()) => producer.finish().await.map_err(Error::from),
            Err(error) => Err(error),
        };
        match finished {
            // The reading half knows why.
            Ok(()) | Err(Error::Client(ClientError::InputOver | ClientError::OutputDropped)) => {}
            Err(error) => return Err(error),
        }
        Ok((part.flow, of_daemon))
    };
    let ((flow, of_daemon), ended) = tokio::try_join!(feeding, reading.reap(output))?;
    let shared = shared.into_inner();
    let completed = ended.reason() == EndReason::Completed;
    if !completed && shared.refusals.is_empty() {
        return Err(Error::EndedEarly { session: number, message: ended.message });
    }
    Ok(Played {
        flow: Some(flow),
        events_sent: shared.events_sent,
        position: ended.r#final.unwrap_or(shared.position),
        completed,
        refusals: shared.refusals,
        records: shared.records,
        of_daemon,
    })
}

/// Waits until everything that was sent is simulated.
async fn until_drained(shared: &RefCell<Shared>, drained: &Notify) {
    while !shared.borrow().waiting.is_empty() {
        drained.notified().await;
    }
}

/// Sends batch after batch, each when it is due, until the length is over.
async fn feed(
    part: &mut Part<'_>,
    producer: &mut Producer,
    shared: &RefCell<Shared>,
    tick_ns: u64,
    room: usize,
) -> Result<(), Error> {
    let timer = Timer::new(part.number);
    let mut ahead = Ahead::new(&part.flow, part.cut, part.port);
    let end = part.start + part.length;
    let mut sequence = 0;
    let mut free_at = part.start;
    loop {
        let due = part.start + ahead.first()?.due;
        ahead.fill(due)?;
        if due >= end || Instant::now() >= end || !wait_until(due, &timer, &mut part.stop).await {
            return Ok(());
        }
        let woke = Instant::now();
        let Some(Ready { batch, packed }) = ahead.take() else { return Ok(()) };
        let_in(producer, batch.count, packed, room).await?;
        part.flow.pass(&batch);
        sequence += 1;
        let left = Instant::now();
        let promise_tick = ticks(batch.promise_us, tick_ns);
        let sent = Sent { sequence, promise_tick, due, left };
        let mut shared = shared.borrow_mut();
        shared.waiting.push_back(sent);
        shared.events_sent += batch.count as u64;
        if let Some(measures) = part.measures {
            let mut measures = measures.borrow_mut();
            measures.counts.events_sent += batch.count as u64;
            measures.counts.batches += 1;
            // What the daemon held up is not the generator's fault.
            let own = woke.saturating_duration_since(due.max(free_at));
            if let Some(latencies) = measures.at(due) {
                latencies.own_lateness.saturating_record(ns(own));
            }
        }
        free_at = left;
    }
}

/// False where the load is to end early.
async fn wait_until(due: Instant, timer: &Timer, stop: &mut watch::Receiver<bool>) -> bool {
    while Instant::now() < due {
        tokio::select! {
            () = timer.wait_until(due) => {}
            stopped = stop.wait_for(|stop| *stop) => {
                // Nobody can stop it any more: it ends by itself.
                if stopped.is_ok() { return false; }
                tokio::time::sleep_until(due.into()).await;
            }
        }
    }
    !*stop.borrow()
}

/// Sends one batch.
pub(crate) async fn send(
    producer: &mut Producer,
    port: u32,
    events: &Filled,
    batch: &Batch,
) -> Result<(), ClientError> {
    producer.send_packed(events.pack(port, batch.promise_us)?).await
}

/// The reading half.
struct Reading<'a> {
    shared: &'a RefCell<Shared>,
    measures: Option<&'a RefCell<Measures>>,
    drained: &'a Notify,
    pause: Option<Duration>,
}

impl Reading<'_> {
    /// Takes everything up to the session's end.
    async fn reap(&self, mut output: Output) -> Result<Ended, Error> {
        let ended = loop {
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
            }
            match output.next().await {
                Some(Ok(Item::Ended(ended))) => {
                    if let Some(position) = &ended.r#final {
                        self.position(*position, Instant::now());
                    }
                    break Ok(ended);
                }
                Some(Ok(item)) => self.take(item),
                Some(Err(error)) => break Err(error.into()),
                None => {
                    let message = "the stream closed without an end".to_owned();
                    break Err(ClientError::Broken(message).into());
                }
            }
        };
        // Whoever waits for what was sent waits in vain.
        self.shared.borrow_mut().waiting.clear();
        self.drained.notify_one();
        ended
    }

    fn take(&self, item: Item) {
        match item {
            Item::Acknowledgement(position) => self.position(position, Instant::now()),
            Item::Spikes(spikes) => self.spikes(&spikes, Instant::now()),
            Item::Decision(decision) => self.decision(&decision, Instant::now()),
            Item::Error(refusal) => self.shared.borrow_mut().refusals.push(refusal.to_string()),
            _ => {}
        }
    }

    fn position(&self, position: Acknowledgement, now: Instant) {
        let shared = &mut *self.shared.borrow_mut();
        let done = |position: &Acknowledgement| position.events_accepted - position.queue_events;
        if let Some(measures) = self.measures {
            let mut measures = measures.borrow_mut();
            measures.counts.events_simulated += done(&position) - done(&shared.position);
            measures.counts.events_dropped += dropped(&position) - dropped(&shared.position);
            let accepted = shared.waiting.iter().skip(shared.accepted);
            let accepted = accepted.take_while(|sent| sent.sequence <= position.accepted);
            let mut count = 0;
            for sent in accepted {
                count += 1;
                if let Some(latencies) = measures.at(sent.due) {
                    let since = now.saturating_duration_since(sent.due);
                    latencies.accepted.saturating_record(ns(since));
                }
            }
            shared.accepted += count;
        }
        while let Some(sent) = shared.waiting.front()
            && sent.promise_tick <= position.simulated_to_tick
        {
            if let Some(measures) = self.measures
                && let Some(latencies) = measures.borrow_mut().at(sent.due)
            {
                let since = |moment| ns(now.saturating_duration_since(moment));
                latencies.simulated.saturating_record(since(sent.due));
                latencies.simulated_from_sending.saturating_record(since(sent.left));
            }
            shared.behind.push_back((sent.promise_tick, sent.due));
            shared.waiting.pop_front();
            shared.accepted = shared.accepted.saturating_sub(1);
        }
        while shared.behind.len() > BEHIND_MAX {
            shared.behind.pop_front();
        }
        shared.position = position;
        if shared.waiting.is_empty() {
            self.drained.notify_one();
        }
    }

    fn spikes(&self, spikes: &Spikes, now: Instant) {
        let shared = &mut *self.shared.borrow_mut();
        let mut measures = self.measures.map(RefCell::borrow_mut);
        if let Some(measures) = &mut measures {
            measures.counts.spikes += spikes.len() as u64;
        }
        let mut last = None;
        for spike in spikes.iter() {
            if let Some(records) = &mut shared.records {
                records.spike(&spike);
            }
            // Spikes of one tick came for one reason.
            let due = match last {
                Some((tick, due)) if tick == spike.tick => due,
                _ => due_of(&shared.behind, &shared.waiting, spike.tick),
            };
            last = Some((spike.tick, due));
            if let (Some(measures), Some(due)) = (&mut measures, due)
                && let Some(latencies) = measures.at(due)
            {
                latencies.spike.saturating_record(ns(now.saturating_duration_since(due)));
            }
        }
    }

    fn decision(&self, decision: &Decision, now: Instant) {
        let shared = &mut *self.shared.borrow_mut();
        if let Some(records) = &mut shared.records {
            records.decision(decision);
        }
        let Some(measures) = self.measures else { return };
        let mut measures = measures.borrow_mut();
        measures.counts.decisions += 1;
        let due = due_of(&shared.behind, &shared.waiting, decision.tick);
        if let Some(due) = due
            && let Some(latencies) = measures.at(due)
        {
            latencies.spike.saturating_record(ns(now.saturating_duration_since(due)));
        }
    }
}

/// When the batch was due whose promise closed a tick. Promises rise.
fn due_of(
    behind: &VecDeque<(u64, Instant)>,
    waiting: &VecDeque<Sent>,
    tick: u64,
) -> Option<Instant> {
    let at = behind.partition_point(|(promise_tick, _)| *promise_tick <= tick);
    if let Some((_, due)) = behind.get(at) {
        return Some(*due);
    }
    let at = waiting.partition_point(|sent| sent.promise_tick <= tick);
    waiting.get(at).map(|sent| sent.due)
}
