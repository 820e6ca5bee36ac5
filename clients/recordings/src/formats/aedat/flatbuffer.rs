//! As much of the FlatBuffers format as AEDAT 4 needs, with every bound checked.

/// A table of a buffer, at a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    buffer: &'a [u8],
    at: usize,
    /// The table of offsets of its fields.
    fields: usize,
}

fn u16_at(buffer: &[u8], at: usize) -> Option<u16> {
    buffer.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(buffer: &[u8], at: usize) -> Option<usize> {
    let value = buffer.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
    usize::try_from(value).ok()
}

impl<'a> Table<'a> {
    /// The root of a buffer, which begins with its offset.
    pub(super) fn root(buffer: &'a [u8]) -> Option<Self> {
        let at = u32_at(buffer, 0)?;
        let back = i32::from_le_bytes(*buffer.get(at..)?.first_chunk()?);
        let fields = usize::try_from(i64::try_from(at).ok()? - i64::from(back)).ok()?;
        u16_at(buffer, fields)?;
        Some(Self { buffer, at, fields })
    }

    /// Where a field's value lies; `None` where the table has none.
    fn field(&self, number: usize) -> Option<usize> {
        let entry = 4 + 2 * number;
        if entry + 2 > usize::from(u16_at(self.buffer, self.fields)?) {
            return None;
        }
        match u16_at(self.buffer, self.fields + entry)? {
            0 => None,
            offset => self.at.checked_add(offset.into()),
        }
    }

    pub(super) fn int32(&self, number: usize) -> Option<i32> {
        let bytes = self.buffer.get(self.field(number)?..)?.first_chunk()?;
        Some(i32::from_le_bytes(*bytes))
    }

    pub(super) fn int64(&self, number: usize) -> Option<i64> {
        let bytes = self.buffer.get(self.field(number)?..)?.first_chunk()?;
        Some(i64::from_le_bytes(*bytes))
    }

    /// A vector of elements of so many bytes; `Some` and empty where the table has none, `None` where it
    /// does not lie within the buffer.
    pub(super) fn vector(&self, number: usize, element_bytes: usize) -> Option<&'a [u8]> {
        let Some(field) = self.field(number) else {
            return Some(&[]);
        };
        let vector = field.checked_add(u32_at(self.buffer, field)?)?;
        let bytes = u32_at(self.buffer, vector)?.checked_mul(element_bytes)?;
        let begin = vector.checked_add(4)?;
        self.buffer.get(begin..begin.checked_add(bytes)?)
    }

    pub(super) fn text(&self, number: usize) -> Option<&'a str> {
        std::str::from_utf8(self.vector(number, 1)?).ok()
    }
}

/// The four letters behind the root's offset.
pub(super) fn identifier(buffer: &[u8]) -> Option<[u8; 4]> {
    buffer.get(4..)?.first_chunk().copied()
}
