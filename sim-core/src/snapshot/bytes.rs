//! Little-endian numbers and checksummed sections. Bytes may be anything: nothing here panics.

use crate::error::SnapshotError;

/// Version of every section's body.
const SECTION_VERSION: u32 = 1;
/// A count beyond this was not counted.
const TALLY_MAX: u64 = 1 << 62;

pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    pub(super) fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    pub(super) fn section(&mut self, id: u32, body: impl FnOnce(&mut Self)) {
        let mut inner = Self::new();
        body(&mut inner);
        self.u32(id);
        self.u32(SECTION_VERSION);
        self.u64(inner.0.len() as u64);
        self.u32(crc32fast::hash(&inner.0));
        self.raw(&inner.0);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    section: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, section: 0 }
    }

    pub(super) fn value(&self, message: String) -> SnapshotError {
        SnapshotError::Value { section: self.section, message }
    }

    pub(super) fn raw(&mut self, needed: usize) -> Result<&'a [u8], SnapshotError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let Some(bytes) = rest.get(..needed) else {
            let (offset, left) = (self.offset, rest.len());
            return Err(SnapshotError::Truncated { offset, needed, left });
        };
        self.offset += needed;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    pub(super) fn u32(&mut self) -> Result<u32, SnapshotError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, SnapshotError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// How often something has happened: less often than would take centuries.
    pub(super) fn tally(&mut self) -> Result<u64, SnapshotError> {
        let count = self.u64()?;
        if count <= TALLY_MAX { Ok(count) } else { Err(self.value(format!("{count} of a kind"))) }
    }

    /// A tick that is over at `now`.
    pub(super) fn before(&mut self, now: u64) -> Result<u64, SnapshotError> {
        let tick = self.u64()?;
        if tick < now {
            return Ok(tick);
        }
        Err(self.value(format!("something in tick {tick}, which is not over")))
    }

    pub(super) fn finite(&mut self) -> Result<f64, SnapshotError> {
        let value = f64::from_bits(self.u64()?);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(self.value(format!("{value} is not finite")))
        }
    }

    /// An index below a limit.
    pub(super) fn below(&mut self, limit: u32) -> Result<u32, SnapshotError> {
        let index = self.u32()?;
        if index < limit {
            return Ok(index);
        }
        Err(self.value(format!("index {index} is not below {limit}")))
    }

    /// A number of items that each take so many bytes at least, so that a lie allocates nothing.
    pub(super) fn count(&mut self, item_bytes: usize) -> Result<usize, SnapshotError> {
        let count = self.u64()?;
        let left = self.bytes.len() - self.offset;
        match usize::try_from(count) {
            Ok(count) if count <= left / item_bytes => Ok(count),
            _ => Err(self.value(format!("{count} items in {left} bytes"))),
        }
    }

    /// The body of the next section.
    pub(super) fn section(&mut self, id: u32) -> Result<Self, SnapshotError> {
        self.section = id;
        let (found, version) = (self.u32()?, self.u32()?);
        if found != id || version != SECTION_VERSION {
            return Err(self.value(format!("section {found} of version {version} in its place")));
        }
        let length = self.u64()?;
        let found = self.u32()?;
        let body = self.raw(usize::try_from(length).unwrap_or(usize::MAX))?;
        let computed = crc32fast::hash(body);
        if computed != found {
            return Err(SnapshotError::Checksum { section: id, found, computed });
        }
        Ok(Self { bytes: body, offset: 0, section: id })
    }
}
