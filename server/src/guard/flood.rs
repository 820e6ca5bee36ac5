//! How many frames a client may send that cost it nothing.
//!
//! HTTP/2's library bounds what such frames hold in memory, not how many there are: a ping is
//! answered and forgotten, a stream that is opened and reset is served and forgotten. So they are
//! counted here, in two buckets that fill again with time. Events travel in DATA, which is free:
//! credit and queues bound it.

use tokio::time::Instant;

use super::heads::{DATA, HEADERS, Head, RST_STREAM};

/// Streams that are given up at once: thirty times what a connection may have open.
const RESETS: Bucket = Bucket { max: 2_048.0, per_second: 100.0, level: 2_048.0, filled: None };
/// A client pings every few seconds and says its settings once.
const CONTROLS: Bucket = Bucket { max: 4_096.0, per_second: 100.0, level: 4_096.0, filled: None };
/// Each frame of output may be answered by updates of two windows, and by a ping with which some
/// libraries measure the way.
const CONTROLS_A_DATA: f64 = 4.0;

/// A client sent more than its share of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flooded {
    #[error("too many streams were reset")]
    Resets,
    #[error("too many frames that carry nothing")]
    Controls,
}

/// What one connection has left.
#[derive(Debug)]
pub(super) struct Flood {
    resets: Bucket,
    controls: Bucket,
}

impl Default for Flood {
    fn default() -> Self {
        Self { resets: RESETS, controls: CONTROLS }
    }
}

impl Flood {
    /// The client sent a frame.
    pub(super) fn received(&mut self, head: Head, now: Instant) -> Result<(), Flooded> {
        match head.kind {
            HEADERS => Ok(()),
            DATA if head.length > 0 || head.ends_stream() => Ok(()),
            RST_STREAM => self.resets.take(now).ok_or(Flooded::Resets),
            _ => self.controls.take(now).ok_or(Flooded::Controls),
        }
    }

    /// The daemon did. A stream that it resets is one that the client made it reset.
    pub(super) fn sent(&mut self, head: Head, now: Instant) -> Result<(), Flooded> {
        match head.kind {
            RST_STREAM => self.resets.take(now).ok_or(Flooded::Resets),
            DATA if head.length > 0 => {
                self.controls.put(CONTROLS_A_DATA);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Fills with time up to its brim.
#[derive(Debug)]
struct Bucket {
    max: f64,
    per_second: f64,
    level: f64,
    filled: Option<Instant>,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> Option<()> {
        let since = self.filled.map_or(0.0, |then| (now - then).as_secs_f64());
        self.filled = Some(now);
        self.put(since * self.per_second);
        (self.level >= 1.0).then(|| self.level -= 1.0)
    }

    fn put(&mut self, more: f64) {
        self.level = (self.level + more).min(self.max);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PING: u8 = 6;

    fn head(kind: u8, length: u32) -> Head {
        Head { kind, length, flags: 0, stream: 1 }
    }

    /// How many of a kind are taken at one moment.
    fn taken(flood: &mut Flood, kind: u8, now: Instant) -> usize {
        (0..100_000).take_while(|_| flood.received(head(kind, 4), now).is_ok()).count()
    }

    #[test]
    fn a_flood_ends_and_time_forgives() {
        let start = Instant::now();
        let mut flood = Flood::default();
        assert_eq!(taken(&mut flood, PING, start), 4_096);
        assert_eq!(flood.received(head(PING, 8), start), Err(Flooded::Controls));
        assert_eq!(taken(&mut flood, RST_STREAM, start), 2_048);
        assert_eq!(flood.sent(head(RST_STREAM, 4), start), Err(Flooded::Resets));
        assert_eq!(taken(&mut flood, PING, start + Duration::from_secs(3)), 300);
        assert_eq!(taken(&mut flood, PING, start + Duration::from_secs(3_600)), 4_096);
    }

    #[test]
    fn events_and_answers_to_output_are_free() {
        let now = Instant::now();
        let mut flood = Flood::default();
        assert_eq!(taken(&mut flood, DATA, now), 100_000);
        for _ in 0..100_000 {
            flood.sent(head(DATA, 1), now).unwrap();
            for _ in 0..4 {
                flood.received(head(PING, 8), now).unwrap();
            }
        }
        assert_eq!(flood.received(head(DATA, 0), now), Ok(()), "one more for free");
    }
}
