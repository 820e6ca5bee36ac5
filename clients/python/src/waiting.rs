//! Waiting for what is asynchronous, from Python: other threads run meanwhile, and Ctrl-C is heard.

use std::{
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::runtime::{Builder, Runtime};

/// How long nobody looks whether Ctrl-C was pressed.
const LOOK: Duration = Duration::from_millis(50);

static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).thread_name("spiked").enable_all().build()
});

/// What a future comes to. Ctrl-C drops it.
pub(crate) fn wait<T: Send>(
    python: Python<'_>,
    future: impl Future<Output = T> + Send,
) -> PyResult<T> {
    let runtime = RUNTIME.as_ref().map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    // The closure may be left and entered again, which a pinned future in a lock allows.
    let future = Mutex::new(Box::pin(future));
    loop {
        let done = python.detach(|| {
            let mut future = future.lock().unwrap_or_else(PoisonError::into_inner);
            runtime.block_on(async { tokio::time::timeout(LOOK, future.as_mut()).await })
        });
        match done {
            Ok(value) => return Ok(value),
            Err(_) => python.check_signals()?,
        }
    }
}
