//! The reading end of a watcher's stream. What it reads comes from the session's host, which never
//! waits for it.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
};

use futures::Stream;
use spiked_proto::v1::{self, stream_response::Message as Made, watch_session_response::Message};

use super::{
    link::Link,
    outlet::{End, Outlet, Passage},
};

/// Watchers of one session: each costs the host a little on every message.
pub(super) const WATCHERS_MAX: u32 = 64;

/// A watcher's messages. Dropping it tells the session.
pub(crate) struct Watching {
    link: Arc<Link>,
    outlet: Arc<Outlet>,
    opened: Option<Box<v1::Opened>>,
    over: bool,
}

impl Watching {
    /// Begins with `opened`.
    pub(crate) fn new(link: Arc<Link>, outlet: Arc<Outlet>, opened: v1::Opened) -> Self {
        Self { link, outlet, opened: Some(Box::new(opened)), over: false }
    }

    /// Says from which position it reads.
    pub(crate) fn from(mut self, position: u64) -> Self {
        if let Some(opened) = &mut self.opened {
            opened.output_position = position;
        }
        self
    }

    fn next(&mut self) -> Option<Message> {
        if let Some(opened) = self.opened.take() {
            return Some(Message::Opened(*opened));
        }
        // Read before the queue: what belongs before the end is in it, or was.
        let end = self.outlet.ends().cloned();
        loop {
            return match self.outlet.take() {
                Some(Passage::Output(item)) => match shown(Arc::unwrap_or_clone(item.message)) {
                    Some(message) => Some(message),
                    None => continue,
                },
                Some(Passage::Missed(messages)) => Some(Message::Missed(v1::Missed { messages })),
                Some(Passage::Events(batch)) => Some(Message::Events(batch)),
                Some(Passage::Probe(values)) => Some(Message::Probe(values)),
                None => end.map(|end| match self.outlet.missed_at_end() {
                    0 => self.end(end),
                    messages => Message::Missed(v1::Missed { messages }),
                }),
            };
        }
    }

    fn end(&mut self, End { reason, message }: End) -> Message {
        self.over = true;
        let closed = self.link.simulated.closed();
        Message::Ended(v1::Ended {
            reason: reason.into(),
            message,
            r#final: Some(self.link.acknowledgement(0, closed)),
            output_position: self.link.simulated.output(),
        })
    }
}

impl Stream for Watching {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        if self.over {
            self.outlet.deliver();
            return Poll::Ready(None);
        }
        self.outlet.reader().register(context.waker());
        match self.next() {
            Some(message) => Poll::Ready(Some(message)),
            None => Poll::Pending,
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Ordering: Relaxed, a figure.
        self.link.watchers.fetch_sub(1, Relaxed);
        self.outlet.leave();
    }
}

fn shown(made: Made) -> Option<Message> {
    match made {
        Made::Spikes(spikes) => Some(Message::Spikes(spikes)),
        Made::Decision(decision) => Some(Message::Decision(decision)),
        Made::Value(value) => Some(Message::Value(value)),
        Made::Opened(_) | Made::Acknowledgement(_) | Made::Error(_) | Made::Ended(_) => None,
    }
}
