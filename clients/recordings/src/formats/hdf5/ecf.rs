//! Chunks that ECF has packed (filter 36559, Prophesee's `hdf5_ecf`, 2022): up to 65 535 events.
//!
//! A u32 holds the number of events above two bits: 2, all is packed in records; 1, columns and polarities
//! are. The first time follows as u64, then the other times as runs, then either records of 24 bits, four in
//! three u32, or rows as runs and after them records of 12 bits, four in three u16, or columns as masks and
//! polarities as runs. All numbers are little-endian, and a run's count that is all ones stands behind it.

/// An event, unpacked: u16 x, u16 y, i16 p, two bytes of nothing, i64 t \[µs\].
pub(super) const EVENT_BYTES: usize = 16;
/// No chunk holds more.
const EVENTS_MAX: usize = 65_535;

const ALL_PACKED: u32 = 2;
const COLUMNS_PACKED: u32 = 1;

/// Unpacks a chunk of at most so many bytes, or says what is wrong with it.
pub(super) fn unpack(chunk: &[u8], bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut words = Words { rest: chunk };
    let head = u32::from_le_bytes(words.next()?);
    let count = (head >> 2) as usize;
    if count > EVENTS_MAX || count * EVENT_BYTES > bytes_max {
        return Err(format!("claims {count} events, expected {} at most", bytes_max / EVENT_BYTES));
    }
    let mut events = Events { count, ..Events::default() };
    events.times(&mut words)?;
    if head & ALL_PACKED != 0 {
        events.all(&mut words)?;
    } else {
        events.rows(&mut words)?;
        if head & COLUMNS_PACKED != 0 {
            events.columns_and_polarities(&mut words)?;
        } else {
            events.columns(&mut words)?;
            events.polarities(&mut words)?;
        }
    }
    Ok(events.records())
}

/// What of a chunk is still to be read.
struct Words<'a> {
    rest: &'a [u8],
}

impl Words<'_> {
    fn next<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (word, rest) = self.rest.split_first_chunk().ok_or("ends inside a chunk")?;
        self.rest = rest;
        Ok(*word)
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.next().map(|[byte]| byte)
    }

    fn half(&mut self) -> Result<u16, String> {
        self.next().map(u16::from_le_bytes)
    }

    fn halves(&mut self) -> Result<[u16; 3], String> {
        Ok([self.half()?, self.half()?, self.half()?])
    }

    fn three(&mut self) -> Result<[u32; 3], String> {
        let mut word = || self.next().map(u32::from_le_bytes);
        Ok([word()?, word()?, word()?])
    }

    /// A run's count, which stands behind where its place is all ones.
    fn count(&mut self, count: u16, all_ones: u16) -> Result<u16, String> {
        if count == all_ones { self.half() } else { Ok(count) }
    }
}

#[derive(Default)]
struct Events {
    /// In the chunk.
    count: usize,
    t_us: Vec<u64>,
    x: Vec<u16>,
    y: Vec<u16>,
    p: Vec<u8>,
}

/// Appends a run, which must not be empty nor longer than what is missing.
fn run<T: Copy>(to: &mut Vec<T>, value: T, times: u16, whole: usize) -> Result<(), String> {
    let (times, missing) = (usize::from(times), whole - to.len());
    if times == 0 || times > missing {
        return Err(format!("has a run of {times} where {missing} are missing"));
    }
    to.resize(to.len() + times, value);
    Ok(())
}

impl Events {
    /// A byte is 4 bits of time since the last run and 4 bits of count. Where the time is all ones, the
    /// count's bits and those of the bytes that follow in this way are a long time, lowest first.
    fn times(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        let mut t_us = u64::from_le_bytes(words.next()?);
        let (mut long_us, mut shift) = (0_u64, 0);
        while self.t_us.len() < self.count {
            let byte = words.byte()?;
            let (step, low) = (byte >> 4, byte & 15);
            if step == 15 {
                if shift >= u64::BITS {
                    return Err("has a time of more than 64 bits".into());
                }
                long_us |= u64::from(low) << shift;
                shift += 4;
                continue;
            }
            let sum = t_us.checked_add(long_us).and_then(|t_us| t_us.checked_add(step.into()));
            t_us = sum.ok_or("has a time of more than 64 bits")?;
            (long_us, shift) = (0, 0);
            let times = words.count(low.into(), 15)?;
            run(&mut self.t_us, t_us, times, self.count)?;
        }
        Ok(())
    }

    fn rows(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        while self.y.len() < self.count {
            let word = words.half()?;
            let times = words.count(word & 31, 31)?;
            run(&mut self.y, word >> 5, times, self.count)?;
        }
        Ok(())
    }

    /// Records of a row in 11 bits, a column in 11 and a polarity.
    fn all(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        while self.y.len() < self.count {
            let [a, b, c] = words.three()?;
            let records =
                [a >> 8, a & 0xFF | b >> 16 << 8, b & 0xFFFF | c >> 24 << 16, c & 0xFF_FFFF];
            for record in records.into_iter().take(self.count - self.y.len()) {
                self.y.push((record >> 12 & 0x7FF) as u16);
                self.x.push((record >> 1 & 0x7FF) as u16);
                self.p.push((record & 1) as u8);
            }
        }
        Ok(())
    }

    /// Records of a column in 11 bits and a polarity.
    fn columns_and_polarities(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        while self.x.len() < self.count {
            let [a, b, c] = words.halves()?;
            let records = [a >> 4, a & 0xF | b >> 8 << 4, b & 0xFF | c >> 12 << 8, c & 0xFFF];
            for record in records.into_iter().take(self.count - self.x.len()) {
                self.x.push(record >> 1);
                self.p.push((record & 1) as u8);
            }
        }
        Ok(())
    }

    /// A column and a mask of the five behind it, the nearest highest. Masks of the last word may reach
    /// over the end.
    fn columns(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        while self.x.len() < self.count {
            let word = words.half()?;
            let nearby = (0..5).filter(|bit| word >> (4 - bit) & 1 == 1).map(|bit| bit + 1);
            let columns = std::iter::once(0).chain(nearby).map(|step| (word >> 5) + step);
            self.x.extend(columns.take(self.count - self.x.len()));
        }
        Ok(())
    }

    fn polarities(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        while self.p.len() < self.count {
            let byte = words.byte()?;
            let times = words.count((byte & 127).into(), 127)?;
            run(&mut self.p, byte >> 7, times, self.count)?;
        }
        Ok(())
    }

    fn records(&self) -> Vec<u8> {
        let mut records = Vec::with_capacity(self.count * EVENT_BYTES);
        for (((t_us, x), y), p) in self.t_us.iter().zip(&self.x).zip(&self.y).zip(&self.p) {
            records.extend_from_slice(&x.to_le_bytes());
            records.extend_from_slice(&y.to_le_bytes());
            records.extend_from_slice(&[*p, 0, 0, 0]);
            records.extend_from_slice(&t_us.to_le_bytes());
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// t, x, y, p of three events, of which the second lies in the third's moment and row.
    const EVENTS: [(u64, u16, u16, u8); 3] = [(5, 10, 3, 1), (25, 11, 3, 1), (25, 7, 3, 1)];

    fn halves(halves: &[u16]) -> Vec<u8> {
        halves.iter().flat_map(|half| half.to_le_bytes()).collect()
    }

    /// The same events, packed in each of the three styles.
    fn chunks() -> [Vec<u8>; 3] {
        let head = |style: u32| (3 << 2 | style).to_le_bytes().to_vec();
        // One event at 5 µs; a pause of 20 in two bytes, and two events behind it.
        let times = [&5_u64.to_le_bytes()[..], &[0x01, 0xF4, 0xF1, 0x02]].concat();
        let rows = halves(&[3 << 5 | 3]);
        let masks = [halves(&[10 << 5 | 0b1_0000, 7 << 5]), vec![0x80 | 3]].concat();
        let [a, b, c] = EVENTS.map(|(_, x, _, p)| x << 1 | u16::from(p));
        let columns = halves(&[a << 4 | b & 15, b >> 4 << 8 | c & 0xFF, c >> 8 << 12]);
        let [a, b, c] =
            EVENTS.map(|(_, x, y, p)| u32::from(y) << 12 | u32::from(x) << 1 | u32::from(p));
        let words = [a << 8 | b & 0xFF, b >> 8 << 16 | c & 0xFFFF, c >> 16 << 24];
        let all: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        [
            [head(0), times.clone(), rows.clone(), masks].concat(),
            [head(COLUMNS_PACKED), times.clone(), rows, columns].concat(),
            [head(ALL_PACKED), times, all].concat(),
        ]
    }

    #[test]
    fn every_style_unpacks_to_the_same_events() {
        let record = |(t_us, x, y, p): (u64, u16, u16, u8)| {
            [&halves(&[x, y])[..], &[p, 0, 0, 0], &t_us.to_le_bytes()].concat()
        };
        let expected = EVENTS.map(record).concat();
        for chunk in chunks() {
            assert_eq!(unpack(&chunk, 3 * EVENT_BYTES), Ok(expected.clone()));
        }
    }

    /// Seen to fail with noughts for what is missing.
    #[test]
    fn a_chunk_cut_anywhere_is_refused() {
        for chunk in chunks() {
            for cut in 0..chunk.len() {
                let told = unpack(&chunk[..cut], 3 * EVENT_BYTES);
                assert_eq!(told, Err("ends inside a chunk".into()), "cut at byte {cut}");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let [masks, ..] = chunks();
        let with = |at: usize, byte: u8| {
            let mut chunk = masks.clone();
            chunk[at] = byte;
            unpack(&chunk, 3 * EVENT_BYTES)
        };
        for (at, byte, said) in [
            (0, 4 << 2, "claims 4 events, expected 3 at most"),
            (12, 0x04, "has a run of 4 where 3 are missing"),
            (12, 0x00, "has a run of 0 where 3 are missing"),
            (16, 3 << 5 | 4, "has a run of 4 where 3 are missing"),
        ] {
            assert_eq!(with(at, byte), Err(said.into()), "byte {at}");
        }
        // The latest time that there is, and a microsecond more.
        let late = [&(1_u32 << 2).to_le_bytes()[..], &u64::MAX.to_le_bytes(), &[0x11]].concat();
        let told = unpack(&late, EVENT_BYTES);
        assert_eq!(told, Err("has a time of more than 64 bits".into()));
    }
}
