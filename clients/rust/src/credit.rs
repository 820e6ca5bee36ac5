//! The producer waits here for room in the daemon.
//!
//! Credit is cumulative: how much may have been sent in all since the session was opened. The
//! output half writes each acknowledgement; the producing half compares it with what it has sent.

use tokio::sync::watch;

use crate::{Error, tables::Clock, v1};

/// Events and bytes of payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
}

impl Amount {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            events: self.events.saturating_add(other.events),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    fn within(self, limit: &v1::Credit) -> bool {
        self.events <= limit.events && self.bytes <= limit.bytes
    }
}

/// What the output half has last heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) acknowledgement: v1::Acknowledgement,
    pub(crate) over: bool,
}

impl Standing {
    fn covers(&self, sent: Amount) -> bool {
        let none = v1::Credit::default();
        sent.within(self.acknowledgement.credit.as_ref().unwrap_or(&none))
    }

    /// The daemon has all that was sent and has simulated all that it may, and events still wait:
    /// without another promise nothing moves.
    fn is_stalled(&self, sent: &Sent, clock: Clock) -> bool {
        let position = &self.acknowledgement;
        !position.rate_limited
            && position.accepted >= sent.sequence
            && position.queue_events > 0
            && sent.promise_us.is_none_or(|promise_us| clock.has_closed(position, promise_us))
    }
}

/// What the producing half has sent so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) amount: Amount,
    pub(crate) sequence: u64,
    pub(crate) promise_us: Option<u64>,
}

/// The producing half's end.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) standing: watch::Receiver<Standing>,
    pub(crate) clock: Clock,
}

impl Gate {
    /// Waits until `cost` more may be sent.
    pub(crate) async fn wait(&mut self, sent: &Sent, cost: Amount) -> Result<(), Error> {
        let after = sent.amount.plus(cost);
        loop {
            {
                let standing = self.standing.borrow_and_update();
                if standing.over {
                    return Err(Error::InputOver);
                }
                if standing.covers(after) {
                    return Ok(());
                }
                if standing.is_stalled(sent, self.clock) {
                    return Err(Error::PromiseStalled {
                        queue_events: standing.acknowledgement.queue_events,
                        promise_us: sent.promise_us,
                    });
                }
            }
            if self.standing.changed().await.is_err() {
                let over = self.standing.borrow().over;
                return Err(if over { Error::InputOver } else { Error::OutputDropped });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn standing(events: u64, queue_events: u64, simulated_to_us: u64) -> Standing {
        let acknowledgement = v1::Acknowledgement {
            accepted: 1,
            queue_events,
            simulated_to_us,
            simulated_to_tick: simulated_to_us / 1_000,
            credit: Some(v1::Credit { events, bytes: events * 8 }),
            ..v1::Acknowledgement::default()
        };
        Standing { acknowledgement, over: false }
    }

    const ONE: Amount = Amount { events: 1, bytes: 8 };

    fn sent(promise_us: Option<u64>) -> Sent {
        Sent { amount: Amount { events: 10, bytes: 80 }, sequence: 1, promise_us }
    }

    #[test]
    fn waits_until_the_sum_of_all_that_was_sent_is_covered() {
        let (write, read) = watch::channel(standing(10, 0, 0));
        let mut gate = Gate { standing: read, clock: Clock { tick_ns: 1_000_000 } };
        assert!(gate.wait(&sent(None), ONE).now_or_never().is_none());
        write.send_replace(standing(11, 0, 0));
        assert!(matches!(gate.wait(&sent(None), ONE).now_or_never(), Some(Ok(()))));
    }

    #[test]
    fn says_so_when_only_a_promise_could_make_room() {
        let (_write, read) = watch::channel(standing(10, 10, 2_000));
        let mut gate = Gate { standing: read, clock: Clock { tick_ns: 1_000_000 } };
        for (promise_us, stalled) in [(None, true), (Some(2_999), true), (Some(3_000), false)] {
            let waited = gate.wait(&sent(promise_us), ONE).now_or_never();
            let is_stalled = matches!(waited, Some(Err(Error::PromiseStalled { .. })));
            assert_eq!(is_stalled, stalled, "{promise_us:?}");
        }
    }

    #[test]
    fn a_rate_passes_by_itself() {
        let mut limited = standing(10, 10, 2_000);
        limited.acknowledgement.rate_limited = true;
        let (_write, read) = watch::channel(limited);
        let mut gate = Gate { standing: read, clock: Clock { tick_ns: 1_000_000 } };
        assert!(gate.wait(&sent(None), ONE).now_or_never().is_none());
    }

    #[test]
    fn ends_with_the_session_and_with_the_output() {
        let (write, read) = watch::channel(standing(10, 0, 0));
        let mut gate = Gate { standing: read, clock: Clock { tick_ns: 1_000 } };
        let over = Standing { over: true, ..standing(10, 0, 0) };
        write.send_replace(over);
        let waited = gate.wait(&sent(None), ONE).now_or_never();
        assert!(matches!(waited, Some(Err(Error::InputOver))));
        write.send_replace(standing(10, 0, 0));
        drop(write);
        let waited = gate.wait(&sent(None), ONE).now_or_never();
        assert!(matches!(waited, Some(Err(Error::OutputDropped))));
    }
}
