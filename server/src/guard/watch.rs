//! What a connection is held to from its frames: a preface in time, no flood, and no idling.
//!
//! Idle is a connection without an open stream, whatever else it says: pings don't count. A stream
//! is open from the client's HEADERS until the daemon ends it or the client resets it. Streams'
//! numbers only rise, so each is opened once, and the open ones are as few as HTTP/2's library
//! lets be open, and those that it is about to refuse.

use std::{
    collections::HashSet,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    flood::{Flood, Flooded},
    heads::{DATA, HEADERS, Heads, RST_STREAM},
    turn::Turn,
};

const PREFACE_BYTES: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

/// One connection, watched.
#[derive(Debug)]
pub(super) struct Watch {
    preface_left: usize,
    received: Heads,
    sent: Heads,
    flood: Flood,
    open: HashSet<u32>,
    /// The highest stream so far.
    last: u32,
    idle_since: Instant,
    idle_deadline: Duration,
    turn: Turn,
    /// The preface's deadline, then a look at whether the connection is idle.
    alarm: Pin<Box<Sleep>>,
}

impl Watch {
    pub(super) fn new(preface_deadline: Instant, idle_deadline: Duration) -> Self {
        Self {
            preface_left: PREFACE_BYTES,
            received: Heads::default(),
            sent: Heads::default(),
            flood: Flood::default(),
            open: HashSet::new(),
            last: 0,
            idle_since: Instant::now(),
            idle_deadline,
            turn: Turn::default(),
            alarm: Box::pin(sleep_until(preface_deadline)),
        }
    }

    /// These bytes came.
    pub(super) fn received(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.turn.read_bytes(bytes.len());
        if self.preface_left > 0 {
            let of_preface = self.preface_left.min(bytes.len());
            bytes = &bytes[of_preface..];
            self.preface_left -= of_preface;
            self.idle_since = Instant::now();
        }
        while let Some(head) = self.received.next(&mut bytes) {
            self.flood.received(head, Instant::now()).map_err(cut_off)?;
            match head.kind {
                HEADERS if head.stream > self.last => {
                    self.last = head.stream;
                    self.open.insert(head.stream);
                }
                RST_STREAM => self.ended(head.stream),
                DATA => self.turn.read_frame(),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether it is the turn of others, which then get it.
    pub(super) fn poll_turn(&mut self, context: &Context<'_>) -> Poll<()> {
        self.turn.poll(context)
    }

    /// These bytes went.
    pub(super) fn sent(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(head) = self.sent.next(&mut bytes) {
            self.flood.sent(head, Instant::now()).map_err(cut_off)?;
            if head.ends_stream() {
                self.ended(head.stream);
            }
        }
        Ok(())
    }

    fn ended(&mut self, stream: u32) {
        if self.open.remove(&stream) && self.open.is_empty() {
            self.idle_since = Instant::now();
        }
    }

    /// Waits until the connection has been silent or idle for too long.
    pub(super) fn poll_overdue(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.turn.rest();
        loop {
            ready!(self.alarm.as_mut().poll(context));
            if self.preface_left > 0 {
                return Poll::Ready(overdue("no HTTP/2 preface came in time"));
            }
            // The alarm isn't moved with each call, but looks again when the idling would be over.
            let now = Instant::now();
            let since = if self.open.is_empty() { self.idle_since } else { now };
            let deadline = since + self.idle_deadline;
            if deadline <= now {
                return Poll::Ready(overdue("no stream was open for too long"));
            }
            self.alarm.as_mut().reset(deadline);
        }
    }
}

fn overdue(why: &'static str) -> io::Error {
    tracing::debug!("closed a connection: {why}");
    io::Error::new(io::ErrorKind::TimedOut, why)
}

fn cut_off(flooded: Flooded) -> io::Error {
    tracing::warn!("closed a connection: {flooded}");
    io::Error::new(io::ErrorKind::InvalidData, flooded)
}
