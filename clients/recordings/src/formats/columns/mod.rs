//! Events whose values stand in arrays: `t`, `x`, `y` and `p` of one length, or one array of records with
//! these fields.
//!
//! Names may be the longer ones of text files (`timestamps`, `polarity`, …). Times of whole numbers are µs,
//! others seconds; a polarity above 0 is ON. The arrays are read side by side, a portion at a time.

mod element;

pub(crate) use self::element::{Element, Field, Header};
use super::{FromFile, records::Sensor};
use crate::{CameraEvent, Fault, Geometry, WordCounts};

/// Events that are read at once.
const PORTION_EVENTS: u64 = 16_384;

const NAMES: [&[&str]; 4] = [
    &["t", "t_us", "ts", "time", "timestamp", "timestamps"],
    &["x"],
    &["y"],
    &["p", "pol", "polarity", "polarities", "on"],
];
const MEANT: [&str; 4] = ["t", "x", "y", "p"];

/// The elements of an array, read from its first on.
pub(super) trait Elements: Send {
    /// Appends so many bytes, or those that are left; says how many bytes of the file that took, about.
    fn read(&mut self, bytes: u64, out: &mut Vec<u8>) -> Result<u64, Fault>;
}

/// An array, at its first element.
pub(super) struct Array {
    pub(super) name: String,
    pub(super) header: Header,
    elements: Box<dyn Elements>,
    /// Elements that are read and not given out.
    bytes: Vec<u8>,
}

impl Array {
    pub(super) fn new(name: &str, header: Header, elements: Box<dyn Elements>) -> Self {
        Self { name: name.to_owned(), header, elements, bytes: Vec::new() }
    }

    /// Reads so many elements; says how many bytes of the file that took.
    fn fill(&mut self, count: u64) -> Result<u64, Fault> {
        let bytes = count * self.header.element_bytes as u64;
        self.bytes.clear();
        let taken = self.elements.read(bytes, &mut self.bytes)?;
        if (self.bytes.len() as u64) < bytes {
            return Err(array_fault(&self.name, "ends before its last element".into()));
        }
        Ok(taken)
    }

    /// Elements that are read, whole ones.
    fn filled(&self) -> u64 {
        (self.bytes.len() / self.header.element_bytes) as u64
    }
}

pub(crate) fn array_fault(name: &str, problem: String) -> Fault {
    Fault::Array { name: name.to_owned(), problem }
}

/// Where a value of an event stands: in which array, and there in which bytes of an element.
struct Column {
    array: usize,
    at: usize,
    element: Element,
}

impl Column {
    fn value(&self, arrays: &[Array], number: usize) -> f64 {
        let array = &arrays[self.array];
        self.element.value(&array.bytes[number * array.header.element_bytes + self.at..])
    }

    fn whole(&self, arrays: &[Array], number: usize) -> Option<u64> {
        let array = &arrays[self.array];
        self.element.whole(&array.bytes[number * array.header.element_bytes + self.at..])
    }
}

/// The events of arrays.
pub(super) struct Events {
    arrays: Vec<Array>,
    t: Column,
    x: Column,
    y: Column,
    p: Column,
    /// Added to every time.
    offset_us: i64,
    /// Events to come.
    left: u64,
    given: u64,
    bytes_read: u64,
    sensor: Sensor,
    counts: WordCounts,
}

impl Events {
    /// The events of arrays; their times count from an offset \[µs\].
    pub(super) fn of(arrays: Vec<Array>, offset_us: i64) -> Result<Self, Fault> {
        let found = |names: &[&str], meant: &str| {
            let of_array = arrays.iter().enumerate().find_map(|(array, each)| {
                let is_it = names.contains(&each.name.as_str()) && each.header.fields.len() == 1;
                is_it.then(|| Column { array, at: 0, element: each.header.fields[0].element })
            });
            let of_field = || {
                arrays.iter().enumerate().find_map(|(array, each)| {
                    let mut fields = each.header.fields.iter();
                    let field = fields.find(|field| names.contains(&field.name.as_str()))?;
                    Some(Column { array, at: field.at, element: field.element })
                })
            };
            of_array.or_else(of_field).ok_or_else(|| {
                let there: Vec<_> = arrays.iter().map(|array| array.name.as_str()).collect();
                let problem = format!("isn't there: it holds {}", there.join(", "));
                array_fault(meant, problem)
            })
        };
        let [t, x, y, p] = [0, 1, 2, 3].map(|which| found(NAMES[which], MEANT[which]));
        let (t, x, y, p) = (t?, x?, y?, p?);
        let left = arrays[t.array].header.length;
        for column in [&x, &y, &p] {
            let other = &arrays[column.array];
            if other.header.length != left {
                let (name, length) = (&arrays[t.array].name, other.header.length);
                let problem = format!("has {length} elements, but {name:?} has {left}");
                return Err(array_fault(&other.name, problem));
            }
        }
        let (sensor, counts) = (Sensor(None), WordCounts::default());
        let bytes_read = 0;
        Ok(Self { arrays, t, x, y, p, offset_us, left, given: 0, bytes_read, sensor, counts })
    }

    /// Events to come.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// Reads so many elements of each array; says how many are there of all, and why no more.
    fn fill(&mut self, count: u64) -> (u64, Option<Fault>) {
        let mut used = [self.t.array, self.x.array, self.y.array, self.p.array];
        used.sort_unstable();
        let (mut there, mut fault) = (count, None);
        for (place, &array) in used.iter().enumerate() {
            if used[..place].contains(&array) {
                continue;
            }
            match self.arrays[array].fill(count) {
                Ok(bytes) => self.bytes_read += bytes,
                Err(cause) => {
                    there = there.min(self.arrays[array].filled());
                    fault.get_or_insert(cause);
                }
            }
        }
        (there, fault)
    }

    /// The event at a place of the portion.
    fn event(&self, number: usize) -> Result<CameraEvent, Fault> {
        let arrays = self.arrays.as_slice();
        let wrong = |column: &Column, expected: &str| {
            let event = self.given + number as u64;
            let value = column.value(arrays, number);
            let problem = format!("has {value} as element {event}, {expected}");
            array_fault(&arrays[column.array].name, problem)
        };
        let pixel = |column: &Column| {
            let side = column.whole(arrays, number).and_then(|side| u16::try_from(side).ok());
            side.ok_or_else(|| wrong(column, "expected a whole number from 0 to 65535"))
        };
        let t_us = if self.t.element.is_whole() {
            self.t.whole(arrays, number)
        } else {
            let t_us = (self.t.value(arrays, number) * 1e6).round();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            (0.0..1e18).contains(&t_us).then_some(t_us as u64)
        };
        let t_us = t_us.and_then(|t_us| t_us.checked_add_signed(self.offset_us));
        let t_us = t_us.ok_or_else(|| wrong(&self.t, "expected a time of 0 or more"))?;
        let on = self.p.value(arrays, number) > 0.0;
        Ok(CameraEvent { t_us, x: pixel(&self.x)?, y: pixel(&self.y)?, on })
    }
}

impl FromFile for Events {
    fn next(&mut self, out: &mut Vec<CameraEvent>) -> Result<bool, Fault> {
        let count = self.left.min(PORTION_EVENTS);
        let (there, fault) = self.fill(count);
        let mut number = 0;
        while (number as u64) < there {
            let event = self.event(number)?;
            self.sensor.check(event.x, event.y, self.given + number as u64)?;
            self.counts.events += 1;
            out.push(event);
            number += 1;
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        self.given += count;
        self.left -= count;
        Ok(self.left > 0)
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.sensor = Sensor(Some(geometry));
    }

    fn counts(&self) -> Option<&WordCounts> {
        Some(&self.counts)
    }
}
