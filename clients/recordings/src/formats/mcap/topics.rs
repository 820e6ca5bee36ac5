//! Which topics an MCAP file has, and which of them is read.

use std::collections::BTreeMap;

use super::{packet::Kind, records, unreadable};
use crate::Fault;

/// ROS knows no name that long.
const NAME_BYTES_MAX: usize = 1_024;
/// More topics or types than any robot has.
const ENTRIES_MAX: usize = 4_096;
/// Of a file without a camera, so many topics are named.
const NAMED_MAX: usize = 8;
/// The serialisation that ROS 2 writes.
const CDR: &str = "cdr";

/// A topic, with the type of its messages.
pub(super) struct Channel {
    pub(super) topic: String,
    pub(super) type_name: String,
    /// Whose messages hold a camera's events that can be read.
    pub(super) kind: Option<Kind>,
    /// Why not, where the type is a camera's.
    unread: Option<&'static str>,
    /// Messages that were not read.
    passed: u64,
}

/// What a file has declared so far.
#[derive(Default)]
pub(super) struct Topics {
    types: BTreeMap<u16, Type>,
    channels: BTreeMap<u16, Channel>,
    /// The channel whose camera spoke first.
    chosen: Option<u16>,
}

struct Type {
    name: String,
    kind: Option<Kind>,
    unread: Option<&'static str>,
}

impl Topics {
    /// Notes a type of messages; the definition tells whether its fields are those that are known.
    pub(super) fn add_type(
        &mut self,
        schema: &records::Schema<'_>,
        offset: u64,
    ) -> Result<(), Fault> {
        let records::Schema { id, name, encoding, definition } = *schema;
        checked("type", name, self.types.len(), offset)?;
        let kind = Kind::of(name);
        let is_other = |kind: &Kind| {
            encoding == "ros2msg" && !definition.is_empty() && !is_defined(*kind, definition)
        };
        let unread = kind.as_ref().is_some_and(is_other).then_some("with other fields");
        let entry = Type { name: name.to_owned(), kind, unread };
        self.types.entry(id).or_insert(entry);
        Ok(())
    }

    /// Notes a topic. Files declare one again in front of its messages and behind all of them.
    pub(super) fn add(&mut self, channel: &records::Channel<'_>, offset: u64) -> Result<(), Fault> {
        checked("topic", channel.topic, self.channels.len(), offset)?;
        if let Some(there) = self.channels.get(&channel.id) {
            if there.topic == channel.topic {
                return Ok(());
            }
            let (id, first, second) = (channel.id, &there.topic, channel.topic);
            let problem = format!("channel {id} is {first:?} first and {second:?} later");
            return Err(unreadable(offset, problem));
        }
        let of_type = self.types.get(&channel.schema);
        let type_name = of_type.map_or("of no type", |of_type| of_type.name.as_str()).to_owned();
        let of_camera = of_type.filter(|of_type| of_type.kind.is_some());
        let unread = of_camera.and_then(|of_type| match channel.encoding == CDR {
            true => of_type.unread,
            false => Some("not as ROS 2 writes it"),
        });
        let kind = of_camera.and_then(|of_type| of_type.kind).filter(|_| unread.is_none());
        let topic = channel.topic.to_owned();
        let entry = Channel { topic, type_name, kind, unread, passed: 0 };
        self.channels.insert(channel.id, entry);
        Ok(())
    }

    /// The channel of a message, if it is the camera's or could be; others are counted.
    pub(super) fn heard(&mut self, id: u16, offset: u64) -> Result<Option<&Channel>, Fault> {
        let chosen = self.chosen.and_then(|chosen| self.channels.get(&chosen));
        let topic = chosen.map(|channel| channel.topic.clone());
        let Some(channel) = self.channels.get_mut(&id) else {
            let problem = format!("a message of channel {id}, which is declared nowhere before it");
            return Err(unreadable(offset, problem));
        };
        // A topic may have several channels, one for each that publishes.
        let is_read = channel.kind.is_some() && topic.is_none_or(|topic| topic == channel.topic);
        if !is_read {
            channel.passed += 1;
            return Ok(None);
        }
        Ok(Some(channel))
    }

    /// A message of this channel was none of a camera's.
    pub(super) fn pass(&mut self, id: u16) {
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.passed += 1;
        }
    }

    /// From here on no other topic is read.
    pub(super) fn choose(&mut self, id: u16) {
        self.chosen.get_or_insert(id);
    }

    /// The channel that is read, once one has spoken.
    pub(super) fn read(&self) -> Option<&Channel> {
        self.channels.get(&self.chosen?)
    }

    /// The file is at its end.
    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.channels.values().any(|channel| channel.kind.is_some()) {
            return Ok(());
        }
        let named = self.channels.values().take(NAMED_MAX).map(|channel| {
            let unread = channel.unread.map(|why| format!(", {why}")).unwrap_or_default();
            format!("{} ({}{unread})", channel.topic, channel.type_name)
        });
        let mut topics = named.collect::<Vec<_>>().join(", ");
        match self.channels.len() {
            0 => topics = "no topic at all".into(),
            count @ 9.. => topics += &format!(" and {} more", count - NAMED_MAX),
            _ => {}
        }
        Err(Fault::NoCamera { topics })
    }

    /// Messages of topics that are not read, for the summary.
    pub(super) fn others(&self) -> Vec<(u64, String)> {
        let (mut others, mut cameras, mut names) = (0, 0, Vec::new());
        for channel in self.channels.values() {
            match channel.kind {
                Some(_) if channel.passed > 0 => {
                    cameras += channel.passed;
                    names.push(channel.topic.as_str());
                }
                _ => others += channel.passed,
            }
        }
        names.dedup();
        let of_cameras = format!("messages of further topics of events ({})", names.join(", "));
        vec![(others, "messages of other topics".to_owned()), (cameras, of_cameras)]
    }
}

/// Refuses names and numbers of entries beyond all bounds.
fn checked(what: &str, name: &str, count: usize, offset: u64) -> Result<(), Fault> {
    if name.len() > NAME_BYTES_MAX {
        let problem = format!("a {what} whose name has {} bytes", name.len());
        return Err(unreadable(offset, problem));
    }
    if count >= ENTRIES_MAX {
        return Err(unreadable(offset, format!("more than {ENTRIES_MAX} {what}s")));
    }
    Ok(())
}

/// Whether a definition, as ROS 2 writes it, has the fields of a kind. Behind it stand those of the types
/// that it uses, each behind a line of `=` and one of `MSG: ` with its name.
fn is_defined(kind: Kind, definition: &[u8]) -> bool {
    let text = String::from_utf8_lossy(definition);
    let mut parts = vec![(String::new(), Vec::new())];
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with("====") {
            parts.push((String::new(), Vec::new()));
            continue;
        }
        let Some((name, fields)) = parts.last_mut() else { return false };
        if let Some(of) = line.strip_prefix("MSG:") {
            // `a/msg/B` and `a/B` are the same.
            *name = of.trim().replace("/msg/", "/");
        } else if let (Some(field), false) = (line.split_whitespace().nth(1), line.contains('=')) {
            fields.push(field.to_owned());
        }
    }
    let (own, of_events) = kind.fields();
    let has = |part: Option<&(String, Vec<String>)>, fields: &[&str]| {
        part.is_some_and(|(_, found)| found == fields)
    };
    let nested = of_events
        .is_none_or(|(name, fields)| has(parts.iter().skip(1).find(|(of, _)| of == name), fields));
    has(parts.first(), own) && nested
}
