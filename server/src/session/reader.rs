//! The reading end of a session's stream: output, errors and acknowledgements, merged when asked.
//!
//! An acknowledgement is computed at the moment it can leave: at once when nothing else is queued,
//! and between outputs now and then, so that credit flows while output does. Invariant: an
//! acknowledgement's `simulated_to` never runs ahead of the output sent before it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::Stream;
use sim_core::Tick;
use spiked_proto::v1::{self, stream_response::Message};

use super::{
    link::{Link, Over},
    output::Item,
};

/// Messages of output between two acknowledgements, while there is output.
const OUTPUTS_AN_ACKNOWLEDGEMENT: u32 = 32;

/// The messages of one session to its producer. Dropping it tells the session.
pub(crate) struct Reader {
    link: Arc<Link>,
    opened: Option<Box<v1::Opened>>,
    last: Box<v1::Acknowledgement>,
    /// Every tick below it is closed and its output sent.
    sent_to: Tick,
    since_acknowledgement: u32,
    /// The last message waits for errors that belong before it.
    ended: Option<Box<v1::Ended>>,
    over: bool,
}

impl Reader {
    /// Reads what the session has for its producer, beginning with `opened`.
    pub(crate) fn new(link: Arc<Link>, opened: v1::Opened) -> Self {
        Self {
            link,
            opened: Some(Box::new(opened)),
            last: Box::default(),
            sent_to: Tick(0),
            since_acknowledgement: 0,
            ended: None,
            over: false,
        }
    }

    fn next(&mut self) -> Option<Message> {
        if let Some(opened) = self.opened.take() {
            return Some(Message::Opened(*opened));
        }
        if let Some(error) = self.link.pop_error() {
            return Some(Message::Error(error));
        }
        if let Some(ended) = self.ended.take() {
            self.over = true;
            return Some(Message::Ended(*ended));
        }
        if self.since_acknowledgement >= OUTPUTS_AN_ACKNOWLEDGEMENT
            && let Some(acknowledgement) = self.acknowledge()
        {
            return Some(acknowledgement);
        }
        // Both are read before the outbox: what they promise is in it, or was.
        let closed = self.link.simulated.closed();
        let over = self.link.over().cloned();
        match self.link.pop_output() {
            Some(item) => self.output(item),
            None => {
                self.sent_to = self.sent_to.max(closed);
                match over {
                    Some(over) => self.end(over),
                    None => self.acknowledge(),
                }
            }
        }
    }

    fn output(&mut self, Item { message, closed }: Item) -> Option<Message> {
        self.sent_to = self.sent_to.max(closed);
        self.since_acknowledgement += 1;
        match Arc::unwrap_or_clone(message) {
            Message::Ended(ended) => {
                // Errors that came before the end have been queued by then.
                self.ended = Some(Box::new(self.finish(ended)));
                self.next()
            }
            other => Some(other),
        }
    }

    fn end(&mut self, over: Over) -> Option<Message> {
        let Over::Ended(reason, message) = over else {
            return None;
        };
        let output_position = self.link.simulated.output();
        let ended = v1::Ended { reason: reason.into(), message, r#final: None, output_position };
        self.ended = Some(Box::new(self.finish(ended)));
        self.next()
    }

    fn finish(&self, ended: v1::Ended) -> v1::Ended {
        v1::Ended { r#final: Some(self.link.acknowledgement(self.sent_to)), ..ended }
    }

    /// An acknowledgement, if it says anything that the last one didn't.
    fn acknowledge(&mut self) -> Option<Message> {
        self.since_acknowledgement = 0;
        let acknowledgement = self.link.acknowledgement(self.sent_to);
        let core_ns = acknowledgement.core_ns;
        if (v1::Acknowledgement { core_ns, ..*self.last }) == acknowledgement {
            return None;
        }
        *self.last = acknowledgement;
        Some(Message::Acknowledgement(acknowledgement))
    }
}

impl Stream for Reader {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        if self.over {
            return Poll::Ready(None);
        }
        self.link.reader.register(context.waker());
        match self.next() {
            Some(message) => Poll::Ready(Some(message)),
            None => Poll::Pending,
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.link.leave();
    }
}
