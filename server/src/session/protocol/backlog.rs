//! Input that waits where it can still be dropped, for sessions that drop the oldest.
//!
//! A piece is what one message led to. Dropping takes a piece's events; what else it says (promises
//! above all) stays, in order, and is handed over with the next piece.

use std::collections::VecDeque;

use sim_core::{InputEvent, InputId};

use crate::session::{
    chunk::{Chunk, Op},
    codec::{Damaged, Reader, Writer},
};

/// A piece weighs as much as so many events at least, so that tiny ones are bounded too.
const PIECE_WEIGHT: u64 = 16;

/// What one message led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) chunk: Chunk,
    pub(super) producer: usize,
    /// What its batch took of the credit in events.
    pub(super) charge: u64,
    /// What its entries stand for.
    pub(super) counted: u64,
    /// Its latest event \[µs\].
    pub(super) latest_us: u64,
}

/// Pieces, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    pieces: VecDeque<Piece>,
    /// What dropped pieces said beside their events.
    carried: Chunk,
    weight: u64,
}

impl Backlog {
    /// What all pieces weigh \[events\].
    pub(super) const fn weight(&self) -> u64 {
        self.weight
    }

    /// Nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.carried.is_empty()
    }

    /// Appends a piece; pieces without events become one.
    pub(super) fn push(&mut self, piece: Piece) {
        if piece.chunk.is_empty() {
            return;
        }
        if piece.charge == 0
            && let Some(last) = self.pieces.back_mut()
            && last.charge == 0
        {
            for op in piece.chunk.ops {
                last.chunk.push(op);
            }
            return;
        }
        self.weight += piece.weight();
        self.pieces.push_back(piece);
    }

    /// Takes the oldest piece for the simulation, and all that dropped ones said before it.
    pub(super) fn hand(&mut self, into: &mut Chunk) -> Option<Piece> {
        into.append(&mut self.carried);
        let mut piece = self.pieces.pop_front()?;
        self.weight -= piece.weight();
        into.append(&mut piece.chunk);
        Some(piece)
    }

    /// Drops the events of the oldest piece that has any.
    pub(super) fn drop_oldest(&mut self) -> Option<Piece> {
        let at = self.pieces.iter().position(|piece| piece.charge > 0)?;
        let mut dropped = None;
        for piece in self.pieces.drain(..=at) {
            self.weight -= piece.weight();
            for op in piece.chunk.ops.iter().filter(|op| !matches!(op, Op::Events { .. })) {
                self.carried.push(*op);
            }
            dropped = Some(piece);
        }
        dropped
    }

    pub(super) fn save(&self, out: &mut Writer) {
        save_ops(&self.carried.ops, out);
        out.u64(self.pieces.len() as u64);
        for piece in &self.pieces {
            save_ops(&piece.chunk.ops, out);
            out.u64(piece.chunk.events.len() as u64);
            for event in &piece.chunk.events {
                out.u64(event.time_us);
                out.u64(u64::from(event.address) << 32 | u64::from(event.multiplicity));
            }
            let rest = [piece.producer as u64, piece.charge, piece.counted, piece.latest_us];
            rest.into_iter().for_each(|value| out.u64(value));
        }
    }

    pub(super) fn load(from: &mut Reader<'_>, producers: usize) -> Result<Self, Damaged> {
        let carried = Chunk { ops: load_ops(from)?, ..Chunk::default() };
        let mut backlog = Self { carried, ..Self::default() };
        for _ in 0..from.u64()? {
            let mut chunk = Chunk { ops: load_ops(from)?, ..Chunk::default() };
            for _ in 0..from.u64()? {
                let (time_us, packed) = (from.u64()?, from.u64()?);
                let address = u32::try_from(packed >> 32).unwrap_or(u32::MAX);
                let multiplicity = u32::try_from(packed & u64::from(u32::MAX)).unwrap_or(0);
                chunk.events.push(InputEvent { time_us, address, multiplicity });
            }
            let counts = chunk.ops.iter().map(|op| match op {
                Op::Events { count, .. } => *count,
                _ => 0,
            });
            if counts.fold(0_usize, usize::saturating_add) != chunk.events.len() {
                return Err(from.damaged("a waiting piece's counts do not fit its events"));
            }
            let producer = usize::try_from(from.u64()?).unwrap_or(usize::MAX);
            if producer >= producers {
                return Err(from.damaged(format!("a piece of producer {producer}")));
            }
            let (charge, counted, latest_us) = (from.u64()?, from.u64()?, from.u64()?);
            let piece = Piece { chunk, producer, charge, counted, latest_us };
            let weight = backlog.weight.checked_add(piece.weight());
            backlog.weight = weight.ok_or_else(|| from.damaged("too much waits"))?;
            backlog.pieces.push_back(piece);
        }
        Ok(backlog)
    }
}

impl Piece {
    /// What it takes of the bound \[events\].
    pub(super) fn weight(&self) -> u64 {
        self.charge.max(PIECE_WEIGHT)
    }
}

fn save_ops(ops: &[Op], out: &mut Writer) {
    out.u64(ops.len() as u64);
    for op in ops {
        let (kind, first, second) = match *op {
            Op::Origin { time_us } => (0, time_us, 0),
            Op::Events { port, count } => (1, port.0.into(), count as u64),
            Op::Promise { time_us } => (2, time_us, 0),
            Op::End { run_to_us: None, failed } => (3, 0, u64::from(failed)),
            Op::End { run_to_us: Some(time_us), failed } => (4, time_us, u64::from(failed)),
        };
        [kind, first, second].into_iter().for_each(|value| out.u64(value));
    }
}

fn load_ops(from: &mut Reader<'_>) -> Result<Vec<Op>, Damaged> {
    let mut ops = Vec::new();
    for _ in 0..from.u64()? {
        let (kind, first, second) = (from.u64()?, from.u64()?, from.u64()?);
        ops.push(match kind {
            0 => Op::Origin { time_us: first },
            1 => {
                let port = u16::try_from(first).map_err(|_| from.damaged("a port's number"))?;
                let count = usize::try_from(second).map_err(|_| from.damaged("a count"))?;
                Op::Events { port: InputId(port), count }
            }
            2 => Op::Promise { time_us: first },
            3 => Op::End { run_to_us: None, failed: second > 0 },
            4 => Op::End { run_to_us: Some(first), failed: second > 0 },
            _ => return Err(from.damaged(format!("a step of kind {kind}"))),
        });
    }
    Ok(ops)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(at_us: u64, events: u64) -> Piece {
        let event = InputEvent { time_us: at_us, address: 1, multiplicity: 1 };
        let count = usize::try_from(events).unwrap();
        let mut chunk = Chunk { events: vec![event; count], ..Chunk::default() };
        chunk.push(Op::Events { port: InputId(0), count });
        chunk.push(Op::Promise { time_us: at_us });
        Piece { chunk, producer: 0, charge: events, counted: events, latest_us: at_us }
    }

    #[test]
    fn dropping_keeps_promises_and_their_order() {
        let mut backlog = Backlog::default();
        for at_us in [1, 2, 3] {
            backlog.push(piece(at_us, 100));
        }
        assert_eq!(backlog.weight(), 300);
        assert_eq!(backlog.drop_oldest().unwrap().latest_us, 1);
        assert_eq!(backlog.drop_oldest().unwrap().latest_us, 2);
        let mut handed = Chunk::default();
        assert_eq!(backlog.hand(&mut handed).unwrap().latest_us, 3);
        let events = Op::Events { port: InputId(0), count: 100 };
        let promise = |time_us| Op::Promise { time_us };
        assert_eq!(handed.ops, [promise(2), events, promise(3)]);
        assert!(backlog.is_empty());
    }

    #[test]
    fn survives_saving() {
        let mut backlog = Backlog::default();
        backlog.push(piece(1, 2));
        backlog.push(piece(2, 3));
        backlog.drop_oldest();
        let mut saved = Writer::default();
        backlog.save(&mut saved);
        let loaded = Backlog::load(&mut Reader::new("backlog", &saved.0), 1);
        assert_eq!(loaded, Ok(backlog));
        for cut in 0..saved.0.len() {
            assert!(Backlog::load(&mut Reader::new("backlog", &saved.0[..cut]), 1).is_err());
        }
    }
}
