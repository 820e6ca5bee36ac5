//! Little-endian fields of a snapshot's sections, one after another.
//!
//! Lengths are checked before anything is taken: damaged bytes are an error, never a panic.

/// No session counts further, with room for what is added to a count, or a few of them up.
const TALLY_MAX: u64 = 1 << 56;

/// Bytes that are no snapshot's section.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a snapshot's {section} is damaged: {what}")]
pub(crate) struct Damaged {
    /// Which section.
    pub(crate) section: &'static str,
    /// What is wrong with it.
    pub(crate) what: String,
}

/// Appends fields.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn option(&mut self, value: Option<u64>) {
        self.u64(u64::from(value.is_some()));
        self.u64(value.unwrap_or(0));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

/// Takes fields in the order in which they were written.
pub(crate) struct Reader<'a> {
    section: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(section: &'static str, bytes: &'a [u8]) -> Self {
        Self { section, rest: bytes }
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> Damaged {
        Damaged { section: self.section, what: what.into() }
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Damaged> {
        let (field, rest) =
            self.rest.split_first_chunk().ok_or_else(|| self.damaged("it ends too early"))?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*field))
    }

    /// How many of something there were.
    pub(crate) fn tally(&mut self) -> Result<u64, Damaged> {
        let count = self.u64()?;
        self.check_tally(count)
    }

    /// What has been added up stays as small.
    pub(crate) fn check_tally(&self, count: u64) -> Result<u64, Damaged> {
        if count <= TALLY_MAX {
            return Ok(count);
        }
        Err(self.damaged(format!("{count} of something that is counted")))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Damaged> {
        let value = self.u64()?;
        u32::try_from(value).map_err(|_| self.damaged(format!("{value} is out of range")))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Damaged> {
        match self.u64()? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(self.damaged(format!("{value} is neither yes nor no"))),
        }
    }

    pub(crate) fn option(&mut self) -> Result<Option<u64>, Damaged> {
        let present = self.flag()?;
        let value = self.u64()?;
        Ok(present.then_some(value))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let length = self.u64()?;
        let (field, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or_else(|| self.damaged(format!("{length} bytes are not there")))?;
        self.rest = rest;
        Ok(field)
    }

    pub(crate) fn text(&mut self) -> Result<String, Damaged> {
        let bytes = self.bytes()?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.damaged("a name is not text"))
    }

    pub(crate) fn end(&self) -> Result<(), Damaged> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.damaged(format!("{} bytes too many", self.rest.len())))
    }
}
