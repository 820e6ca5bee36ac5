//! Inputs of frames: whiskers and their places, and the encoder.

use spiked_proto::v1;

use super::node::Node;
use super::part::all;
use super::quantity::Unit;

/// Whiskers of one port; the core says the same of other descriptions.
const WHISKERS_MAX: usize = 4_096;
/// Rows and columns of an array of whiskers.
const SIDE_MAX: u32 = 26;
/// Kinds of afferents of one whisker.
const KINDS_MAX: usize = 256;

/// Reads `frames = { ... }` and the `encoder` beside it.
pub(super) fn read(frames: &Node<'_>, encoder: Option<&Node<'_>>) -> Option<v1::FrameSource> {
    let table = frames.table(&["whiskers", "grid", "limit", "bad_value", "gap"], &[])?;
    let whiskers = match table.one_of(&["whiskers", "grid"])? {
        ("grid", grid) => self::grid(&grid),
        (_, names) => whiskers(&names),
    };
    let limit = table.get("limit").map_or(Some(0.0), |node| node.number());
    let words = [("refuse", v1::BadValue::Refuse), ("hold", v1::BadValue::Hold)];
    let bad_value = table
        .get("bad_value")
        .map_or(Some(v1::BadValue::Unspecified), |node| node.word(&words, &["drop frame"]));
    let gap_us = table.get("gap").map_or(Some(0), |node| node.microseconds());
    let Some(encoder) = encoder else {
        return frames.refuse("needs an encoder beside it: encoder = { afferents = {} }");
    };
    #[expect(clippy::cast_possible_truncation, reason = "rounded as a value of a frame is")]
    let value_max = limit? as f32;
    Some(v1::FrameSource {
        whiskers: whiskers?,
        value_max,
        bad_value: bad_value?.into(),
        gap_us: gap_us?,
        encoder: Some(self::encoder(encoder)?),
    })
}

/// [rows, columns] of the right side: "RA0" to "RA6", "RB0" and so on.
fn grid(node: &Node<'_>) -> Option<Vec<v1::Whisker>> {
    let items = node.items()?;
    let [rows, columns] = items.as_slice() else {
        return node.refuse(format!("has {} extents where [rows, columns] belong", items.len()));
    };
    let (rows, columns) = (rows.whole(1..=SIDE_MAX)?, columns.whole(1..=SIDE_MAX)?);
    let whisker = |row: u32, column: u32| {
        let letter = char::from_u32(u32::from('A') + row).unwrap_or('?');
        v1::Whisker { name: format!("R{letter}{column}"), side: 0, row, column }
    };
    let place = |row| (0..columns).map(move |column| whisker(row, column));
    Some((0..rows).flat_map(place).collect())
}

/// A list of names; sides are numbered in the order L, R where both are there.
fn whiskers(node: &Node<'_>) -> Option<Vec<v1::Whisker>> {
    let names = node.items()?;
    if names.is_empty() || names.len() > WHISKERS_MAX {
        return node.refuse(format!("has {} whiskers, 1 to {WHISKERS_MAX}", names.len()));
    }
    let mut whiskers = all(names.iter().map(whisker).collect())?;
    if whiskers.iter().all(|whisker| whisker.side == 1) {
        whiskers.iter_mut().for_each(|whisker| whisker.side = 0);
    }
    Some(whiskers)
}

/// "RA0": side, row, column.
fn whisker(node: &Node<'_>) -> Option<v1::Whisker> {
    let name = node.text()?;
    let parsed = || {
        let mut letters = name.chars();
        let side = match letters.next()? {
            'L' => 0,
            'R' => 1,
            _ => return None,
        };
        let row = letters.next().filter(char::is_ascii_uppercase)?;
        let digits = letters.as_str();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let column = digits.parse().ok().filter(|column| is_number && *column < SIDE_MAX)?;
        Some(v1::Whisker { name: name.into(), side, row: u32::from(row) - u32::from('A'), column })
    };
    let Some(whisker) = parsed() else {
        return node.refuse(format!(
            "{name:?} is no whisker: side (L or R), row (A to Z), column (0 to {})",
            SIDE_MAX - 1
        ));
    };
    Some(whisker)
}

fn encoder(node: &Node<'_>) -> Option<v1::frame_source::Encoder> {
    use v1::frame_source::Encoder;
    Some(match node.one_of(&["afferents", "levels"], &["izhikevich"])? {
        ("afferents", node) => Encoder::Afferents(afferents(&node)?),
        (_, node) => {
            let table = node.table(&["force", "moment"], &[])?;
            let step =
                |key: &str, unit| table.get(key).map_or(Some(0.0), |node| node.in_unit(unit));
            let (force, moment) = (step("force", Unit::Force), step("moment", Unit::Moment));
            Encoder::Levels(v1::LevelEncoder { force_mn: force?, moment_unm: moment? })
        }
    })
}

fn afferents(node: &Node<'_>) -> Option<v1::AfferentEncoder> {
    let table = node.table(&["kinds", "refractory", "leak"], &[])?;
    let kinds = table.get("kinds").map_or(Some(Vec::new()), |node| {
        let kinds = node.items()?;
        if kinds.is_empty() || kinds.len() > KINDS_MAX {
            return node.refuse(format!("has {} kinds, 1 to {KINDS_MAX}", kinds.len()));
        }
        all(kinds.iter().map(afferent).collect())
    });
    let refractory_us = table.get("refractory").map_or(Some(0), |node| node.microseconds());
    let leak_ms = table.get("leak").map_or(Some(0.0), |node| node.in_unit(Unit::Time));
    Some(v1::AfferentEncoder { kinds: kinds?, refractory_us: refractory_us?, leak_ms: leak_ms? })
}

/// { direction = "45 deg", slow = "20 Hz/uNm", rapid = "2 spikes/uNm" }
fn afferent(node: &Node<'_>) -> Option<v1::Afferent> {
    let table = node.table(&["direction", "slow", "rapid"], &[])?;
    let direction = table.need("direction", "\"45 deg\"").and_then(|n| n.in_unit(Unit::Angle));
    let gain = |key, unit| table.get(key).map_or(Some(0.0), |node| node.in_unit(unit));
    let (slow, rapid) = (gain("slow", Unit::RateOfMoment), gain("rapid", Unit::SpikesOfMoment));
    Some(v1::Afferent { direction_deg: direction?, slow_hz: slow?, rapid: rapid? })
}
