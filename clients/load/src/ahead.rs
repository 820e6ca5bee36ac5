//! Batches made before they are due: at that moment there is nothing to do but to send.
//!
//! Stands between the flow, which says what is sent and when, and the session that sends it. A few
//! batches lie here, made in the time that is left until the next is due; where none is left, one is
//! made when it is needed, and what that takes is the generator's own lateness.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use spiked_client::{Error, PackedBatch};

use crate::flow::{Batch, Cut, Filled, Flow};

/// Batches that lie ready.
const BATCHES_MAX: usize = 4;
/// Events that lie ready, in more than one batch \[8 bytes each\].
const EVENTS_MAX: usize = 16_384;

/// A batch that can leave.
pub(crate) struct Ready {
    pub(crate) batch: Batch,
    pub(crate) packed: PackedBatch,
}

/// The next batches of a session.
pub(crate) struct Ahead {
    /// Stands behind the last of them.
    flow: Flow,
    cut: Cut,
    port: u32,
    room: Filled,
    ready: VecDeque<Ready>,
    /// What the last one took to be made.
    took: Duration,
}

impl Ahead {
    /// Of what a flow gives next, for an input port.
    pub(crate) fn new(flow: &Flow, cut: Cut, port: u32) -> Self {
        let (flow, room) = (flow.clone(), flow.room());
        Self { flow, cut, port, room, ready: VecDeque::new(), took: Duration::ZERO }
    }

    /// The next batch, which is made now if it isn't ready.
    pub(crate) fn first(&mut self) -> Result<&Batch, Error> {
        if self.ready.is_empty() {
            self.make()?;
        }
        Ok(&self.ready[0].batch)
    }

    /// Makes further ones, as long as there is room and time before a moment.
    pub(crate) fn fill(&mut self, until: Instant) -> Result<(), Error> {
        // The next may take longer than the last.
        while self.has_room() && Instant::now() + 2 * self.took < until {
            self.make()?;
        }
        Ok(())
    }

    /// The next batch, if it is ready, to be sent.
    pub(crate) fn take(&mut self) -> Option<Ready> {
        self.ready.pop_front()
    }

    fn has_room(&self) -> bool {
        let events: usize = self.ready.iter().map(|ready| ready.batch.count).sum();
        self.ready.len() < BATCHES_MAX && events < EVENTS_MAX
    }

    fn make(&mut self) -> Result<(), Error> {
        let began = Instant::now();
        let batch = self.flow.next(&self.cut);
        self.flow.fill(&batch, &mut self.room);
        let packed = self.room.pack(self.port, batch.promise_us)?;
        self.ready.push_back(Ready { batch, packed });
        self.took = began.elapsed();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use spiked_client::Geometry;

    use super::*;
    use crate::{
        flow::Pace,
        source::{Kind, Shape, Source, Spec},
    };

    fn flow() -> Flow {
        let shape = Shape::Camera(Geometry { width: 32, height: 24 });
        let spec = Spec::Synthetic { kind: Kind::Noise, shape, rate: 1e6 };
        Flow::phased(Arc::new(Source::make(&spec, None, 0).expect("noise")), 1, 3)
    }

    fn cut(events_max: usize) -> Cut {
        let gather = Duration::from_millis(1);
        Cut { pace: Pace::Speed(1.0), gather, events_max, burst: None }
    }

    /// What is taken is what the flow gives at that moment, however much lay ready in between.
    #[test]
    fn what_lies_ready_is_what_the_flow_gives() {
        let (mut flow, cut) = (flow(), cut(700));
        let mut ahead = Ahead::new(&flow, cut, 5);
        let mut room = flow.room();
        for number in 0..40 {
            if number % 3 != 0 {
                ahead.fill(Instant::now() + Duration::from_secs(60)).expect("packed");
            }
            let first = *ahead.first().expect("packed");
            let taken = ahead.take().expect("it is ready");
            let mut sent = flow.clone();
            let batch = flow.next(&cut);
            flow.fill(&batch, &mut room);
            let packed = room.pack(5, batch.promise_us).expect("packed");
            assert_eq!((first, taken.batch, taken.packed), (batch, batch, packed));
            sent.pass(&batch);
            assert_eq!(sent.given(), flow.given());
        }
    }

    #[test]
    fn little_lies_ready_however_much_time_there_is() {
        let soon = Instant::now() + Duration::from_secs(60);
        for (events_max, batches) in [(700, BATCHES_MAX), (9_000, 2), (100_000, 1)] {
            let long = Cut { gather: Duration::from_secs(1), ..cut(events_max) };
            let mut ahead = Ahead::new(&flow(), long, 0);
            ahead.fill(soon).expect("packed");
            assert_eq!(ahead.ready.len(), batches);
        }
    }

    #[test]
    fn nothing_is_made_ahead_without_time() {
        let mut ahead = Ahead::new(&flow(), cut(700), 0);
        ahead.first().expect("packed");
        ahead.fill(Instant::now()).expect("nothing to do");
        assert_eq!(ahead.ready.len(), 1);
    }
}
