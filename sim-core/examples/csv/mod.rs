//! CSV on standard output, of which a reader may take as much as it likes.

use std::{
    error::Error,
    io::{self, BufWriter, ErrorKind, StdoutLock, Write as _},
};

/// Where lines are written.
pub(crate) type Csv = BufWriter<StdoutLock<'static>>;

/// Runs an example; that nobody reads on is no failure.
pub(crate) fn write(
    example: impl FnOnce(&mut Csv) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut csv = BufWriter::new(io::stdout().lock());
    let written = example(&mut csv).and_then(|()| Ok(csv.flush()?));
    let closed = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
    match written {
        Err(error) if error.downcast_ref().is_some_and(closed) => {
            // Nor is what is left in the buffer.
            drop(csv.into_parts());
            Ok(())
        }
        written => written,
    }
}
