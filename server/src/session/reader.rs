//! The reading end of a producer's stream: output, errors and acknowledgements, merged when asked.
//!
//! An acknowledgement is computed at the moment it can leave: at once when nothing else is queued,
//! and between outputs now and then, so that credit flows while output does. Invariant: an
//! acknowledgement's `simulated_to` never runs ahead of the output sent before it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::Stream;
use sim_core::Tick;
use spiked_proto::v1::{self, stream_response::Message};
use tokio::time::{Sleep, sleep};

use super::{
    link::Link,
    outlet::{End, Outlet, Passage},
    output::Item,
};

/// Messages of output between two acknowledgements, while there is output.
const OUTPUTS_AN_ACKNOWLEDGEMENT: u32 = 32;
/// How long small answers wait for company, where they do.
const COMPANY: Duration = Duration::from_micros(500);
/// How long a stream stays open after its last message for the last report.
const LAST_REPORT: Duration = Duration::from_secs(10);

/// The messages of one session to one producer. Dropping it tells the session.
pub(crate) struct Reader {
    link: Arc<Link>,
    outlet: Arc<Outlet>,
    producer: usize,
    opened: Option<Box<v1::Opened>>,
    last: Box<v1::Acknowledgement>,
    /// Every tick below it is closed and its output sent.
    sent_to: Tick,
    since_acknowledgement: u32,
    /// Small answers wait for company.
    gathers: bool,
    company: Option<Pin<Box<Sleep>>>,
    over: bool,
    /// When a last report is waited for no longer.
    report_due: Option<Pin<Box<Sleep>>>,
}

impl Reader {
    /// Reads what the session has for a producer, beginning with `opened`.
    pub(crate) fn new(
        link: Arc<Link>,
        outlet: Arc<Outlet>,
        producer: usize,
        opened: v1::Opened,
        gathers: bool,
    ) -> Self {
        Self {
            link,
            outlet,
            producer,
            opened: Some(Box::new(opened)),
            last: Box::default(),
            sent_to: Tick(0),
            since_acknowledgement: 0,
            gathers,
            company: None,
            over: false,
            report_due: None,
        }
    }

    fn next(&mut self) -> Option<Message> {
        if let Some(opened) = self.opened.take() {
            return Some(Message::Opened(*opened));
        }
        if let Some(error) = self.outlet.take_error() {
            return Some(Message::Error(error));
        }
        if self.since_acknowledgement >= OUTPUTS_AN_ACKNOWLEDGEMENT
            && let Some(acknowledgement) = self.acknowledge()
        {
            return Some(acknowledgement);
        }
        // Both are read before the queue: what they promise is in it, or was.
        let complete_to = self.outlet.complete_to();
        let end = self.outlet.ends().cloned();
        match self.outlet.take() {
            Some(Passage::Output(item)) => Some(self.output(item)),
            // What watchers are told does not come here.
            Some(_) => self.next(),
            None => {
                self.sent_to = self.sent_to.max(complete_to);
                match end {
                    Some(end) => Some(self.end(end)),
                    None => self.acknowledge(),
                }
            }
        }
    }

    fn output(&mut self, Item { message, closed }: Item) -> Message {
        self.sent_to = self.sent_to.max(closed);
        self.since_acknowledgement += 1;
        Arc::unwrap_or_clone(message)
    }

    fn end(&mut self, End { reason, message }: End) -> Message {
        // Errors that came before the end have been queued by then.
        if let Some(error) = self.outlet.take_error() {
            return Message::Error(error);
        }
        self.over = true;
        let output_position = self.link.simulated.output();
        let r#final = Some(self.link.acknowledgement(self.producer, self.sent_to));
        Message::Ended(v1::Ended { reason: reason.into(), message, r#final, output_position })
    }

    /// An acknowledgement, if it says anything that the last one didn't.
    fn acknowledge(&mut self) -> Option<Message> {
        self.since_acknowledgement = 0;
        let acknowledgement = self.link.acknowledgement(self.producer, self.sent_to);
        let core_ns = acknowledgement.core_ns;
        if (v1::Acknowledgement { core_ns, ..*self.last }) == acknowledgement {
            return None;
        }
        *self.last = acknowledgement;
        Some(Message::Acknowledgement(acknowledgement))
    }

    /// Waits for the last report of a reader that reports. One that never comes leaves the session
    /// as a broken stream does.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.outlet.is_held() {
            self.outlet.deliver();
            return Poll::Ready(());
        }
        let due = self.report_due.get_or_insert_with(|| Box::pin(sleep(LAST_REPORT)));
        due.as_mut().poll(context)
    }

    /// Waits for company, once after each time that everything was said.
    fn poll_company(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.gathers || self.opened.is_some() || self.outlet.ends().is_some() {
            return Poll::Ready(());
        }
        let company = self.company.get_or_insert_with(|| Box::pin(sleep(COMPANY)));
        if company.is_elapsed() {
            return Poll::Ready(());
        }
        company.as_mut().poll(context)
    }
}

impl Stream for Reader {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.outlet.reader().register(context.waker());
        if self.over {
            return self.poll_close(context).map(|()| None);
        }
        ready!(self.poll_company(context));
        match self.next() {
            Some(message) => Poll::Ready(Some(message)),
            None => {
                self.company = None;
                Poll::Pending
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.outlet.leave();
    }
}
