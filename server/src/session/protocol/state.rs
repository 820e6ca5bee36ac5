//! The protocol's state as bytes of a snapshot.

use sim_core::Plan;
use spiked_proto::v1;

use super::{
    Protocol, Status, backlog::Backlog, outstanding::Outstanding, producer::Producer,
    sequence::Numbers,
};
use crate::session::{
    codec::{Damaged, Reader, Writer},
    positions::Level,
    settings::{Capacity, Settings},
};

const SECTION: &str = "protocol";

impl Protocol {
    /// All of it that is not in the plan. Sensors' clocks are left out: they are heard anew.
    pub(crate) fn save(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.settings.save(&mut out);
        out.option(self.origin_us);
        out.u64(self.promised_us);
        out.u64(u64::from(self.ended));
        self.backlog.save(&mut out);
        for producer in &self.producers {
            producer.save(&mut out);
        }
        out.0
    }

    /// The protocol whose state [`save`](Self::save) gave.
    pub(crate) fn load(bytes: &[u8], plan: &Plan, capacity: Capacity) -> Result<Self, Damaged> {
        let from = &mut Reader::new(SECTION, bytes);
        let mut protocol = Self::new(Settings::load(from)?, plan, capacity);
        protocol.origin_us = from.option()?;
        protocol.promised_us = from.u64()?;
        protocol.ended = from.flag()?;
        protocol.backlog = Backlog::load(from, protocol.producers.len())?;
        for producer in &mut protocol.producers {
            producer.load(from)?;
        }
        from.end()?;
        protocol.check_waiting(from)?;
        protocol.observe(&Level::default());
        Ok(protocol)
    }
}

impl Protocol {
    /// What waits can be taken back from what its producer has given.
    fn check_waiting(&self, from: &Reader<'_>) -> Result<(), Damaged> {
        for (index, Producer { status, held, .. }) in self.producers.iter().enumerate() {
            let (charge, entries, counted) = self.backlog.waiting_of(index);
            let given = (*held, status.events_applied, status.events_counted);
            if charge > given.0 || entries > given.1 || counted > given.2 {
                return Err(from.damaged(format!("more of producer {index} waits than it gave")));
            }
        }
        Ok(())
    }
}

impl Producer {
    fn save(&self, out: &mut Writer) {
        self.numbers.save(out);
        self.status.save(out);
        let flags = u64::from(self.ended);
        for value in [self.promise_us, self.last_event_us, self.reported, self.held, flags] {
            out.u64(value);
        }
        self.outstanding.save(out);
        out.u64(self.ports.len() as u64);
        for port in &self.ports {
            port.save(out);
        }
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        self.numbers = Numbers::load(from)?;
        self.status = Status::load(from)?;
        self.status.accepted = self.numbers.accepted();
        self.promise_us = from.u64()?;
        self.last_event_us = from.u64()?;
        self.reported = from.u64()?;
        self.held = from.tally()?;
        self.ended = from.flag()?;
        self.outstanding = Outstanding::load(from)?;
        let ports = from.u64()?;
        if ports != self.ports.len() as u64 {
            return Err(from.damaged(format!("{ports} ports")));
        }
        for port in &mut self.ports {
            port.load(from)?;
            let bad_values = port.frames.as_ref().map_or(0, |frames| frames.bad_values);
            self.status.drops.values = from.check_tally(self.status.drops.values + bad_values)?;
        }
        Ok(())
    }
}

impl Status {
    fn save(&self, out: &mut Writer) {
        let drops = &self.drops;
        for value in [
            self.events_seen,
            self.events_applied,
            self.events_counted,
            self.duplicates,
            self.charged_events,
            self.charged_bytes,
            self.refused,
            drops.late,
            drops.outside,
            drops.multiplicity,
            drops.overload,
            drops.words,
        ] {
            out.u64(value);
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            accepted: 0,
            events_seen: from.tally()?,
            events_applied: from.tally()?,
            events_counted: from.tally()?,
            duplicates: from.tally()?,
            charged_events: from.tally()?,
            charged_bytes: from.tally()?,
            refused: from.tally()?,
            drops: v1::Drops {
                late: from.tally()?,
                outside: from.tally()?,
                multiplicity: from.tally()?,
                overload: from.tally()?,
                words: from.tally()?,
                // Known from the ports.
                values: 0,
                // The core's.
                between_samples: 0,
            },
        })
    }
}
