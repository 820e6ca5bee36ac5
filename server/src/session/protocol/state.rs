//! The protocol's state as bytes of a snapshot.

use sim_core::Plan;
use spiked_proto::v1;

use super::{Protocol, Status, sequence::Numbers};
use crate::session::{
    codec::{Damaged, Reader, Writer},
    settings::Settings,
};

const SECTION: &str = "protocol";

impl Protocol {
    /// All of it that is not in the plan.
    pub(crate) fn save(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.settings.save(&mut out);
        self.numbers.save(&mut out);
        self.status.save(&mut out);
        out.option(self.origin_us);
        for value in [self.promise_us, self.last_event_us, self.reported, u64::from(self.ended)] {
            out.u64(value);
        }
        out.u64(self.ports.len() as u64);
        for port in &self.ports {
            port.save(&mut out);
        }
        out.0
    }

    /// The protocol whose state [`save`](Self::save) gave.
    pub(crate) fn load(bytes: &[u8], plan: &Plan) -> Result<Self, Damaged> {
        let from = &mut Reader::new(SECTION, bytes);
        let mut protocol = Self::new(Settings::load(from)?, plan);
        protocol.numbers = Numbers::load(from)?;
        protocol.status = Status::load(from)?;
        protocol.status.accepted = protocol.numbers.accepted();
        protocol.origin_us = from.option()?;
        protocol.promise_us = from.u64()?;
        protocol.last_event_us = from.u64()?;
        protocol.reported = from.u64()?;
        protocol.ended = from.flag()?;
        let ports = from.u64()?;
        if ports != protocol.ports.len() as u64 {
            return Err(from.damaged(format!("{ports} ports")));
        }
        for port in &mut protocol.ports {
            port.load(from)?;
        }
        from.end()?;
        Ok(protocol)
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
            events_seen: from.u64()?,
            events_applied: from.u64()?,
            events_counted: from.u64()?,
            duplicates: from.u64()?,
            charged_events: from.u64()?,
            charged_bytes: from.u64()?,
            refused: from.u64()?,
            drops: v1::Drops {
                late: from.u64()?,
                outside: from.u64()?,
                multiplicity: from.u64()?,
                overload: from.u64()?,
                words: from.u64()?,
            },
        })
    }
}
