//! How long a peer may take nothing of what it is sent.
//!
//! Keepalive alone does not end a connection whose peer reads no more: it says goodbye first, and
//! that waits behind all else that is yet to be written.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

/// As long as keepalive takes to give up a peer that is silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection's writes: whether one waits, and until when it may.
#[derive(Debug)]
pub(super) struct Writing {
    patience: Duration,
    /// Rings when a write has waited for too long.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Default for Writing {
    fn default() -> Self {
        Self { patience: PATIENCE, alarm: None }
    }
}

impl Writing {
    /// What a write came to; one that waits fails once none has made way for too long.
    pub(super) fn poll<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.alarm = None;
            return written;
        }
        let patience = self.patience;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(alarm.as_mut().poll(context));
        let message = format!("the peer took nothing for {} s", patience.as_secs());
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test]
    async fn only_a_write_that_waits_all_along_fails() {
        let patience = Duration::from_secs(2);
        let mut writing = Writing { patience, ..Writing::default() };
        for _ in 0..2 {
            let waits = poll_fn(|context| writing.poll::<()>(Poll::Pending, context));
            assert!(timeout(patience.mul_f32(0.6), waits).await.is_err(), "it waits still");
            let done = poll_fn(|context| writing.poll(Poll::Ready(Ok(7)), context));
            assert_eq!(done.await.unwrap(), 7);
        }
        let began = Instant::now();
        let failed = poll_fn(|context| writing.poll::<()>(Poll::Pending, context)).await;
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= patience);
    }
}
