//! What takes time, as a value that Python waits for in one of two ways: by `wait`, which blocks its
//! thread, or by `start` on an event loop, which is told through a [`Bridge`] when it is done.
//!
//! No thread of ours ever enters the interpreter: a result becomes an object when Python takes it. So
//! a wait that was given up loses nothing that has not been taken, and an interpreter that ends has
//! nobody who calls into it.

use std::{
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use spiked_client::Error;
use tokio::{
    runtime::{Builder, Runtime},
    task::AbortHandle,
};

use crate::{
    bridge::{Bridge, Telling},
    errors::OrRaise as _,
};

/// How long nobody looks whether Ctrl-C was pressed.
const LOOK: Duration = Duration::from_millis(50);

static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).thread_name("spiked").enable_all().build()
});

pub(crate) fn runtime() -> PyResult<&'static Runtime> {
    RUNTIME.as_ref().map_err(|error| PyRuntimeError::new_err(error.to_string()))
}

/// Makes an object, or raises, once Python takes it.
type Take = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;
type Doing = Pin<Box<dyn Future<Output = Take> + Send>>;

/// Something that takes time, not begun yet.
#[pyclass(module = "spiked._native")]
pub(crate) struct Pending {
    doing: Mutex<Option<Doing>>,
    came: Arc<Mutex<Option<Take>>>,
    /// Ends it, where giving up the wait does.
    abort: Mutex<Option<AbortHandle>>,
    /// Whether it goes on when the wait for it is given up: a call that the daemon has heard already
    /// cannot be taken back.
    goes_on: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pending {
    /// A wait: giving it up ends it.
    pub(crate) fn wait_for<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
        take: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Self {
        Self::new(future, take, false)
    }

    /// A call of the daemon: it is made to its end, whether somebody waits or not.
    pub(crate) fn call<T: Send + 'static>(
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
        take: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Self {
        let take =
            |python: Python<'_>, came: Result<T, Error>| take(python, came.or_raise(python)?);
        Self::new(future, take, true)
    }

    fn new<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
        take: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
        goes_on: bool,
    ) -> Self {
        let doing = async move {
            let came = future.await;
            let take: Take = Box::new(move |python| take(python, came));
            take
        };
        Self {
            doing: Mutex::new(Some(Box::pin(doing))),
            came: Arc::default(),
            abort: Mutex::default(),
            goes_on,
        }
    }

    fn begin(&self) -> PyResult<Doing> {
        locked(&self.doing).take().ok_or_else(|| PyRuntimeError::new_err("it was begun already"))
    }
}

#[pymethods]
impl Pending {
    /// What it comes to. Other threads run meanwhile, and Ctrl-C is heard.
    fn wait(&self, python: Python<'_>) -> PyResult<Py<PyAny>> {
        let runtime = runtime()?;
        // The closure may be left and entered again, which a future in a lock allows.
        let doing = Mutex::new(self.begin()?);
        loop {
            let done = python.detach(|| {
                let mut doing = locked(&doing);
                runtime.block_on(async { tokio::time::timeout(LOOK, doing.as_mut()).await })
            });
            match done {
                Ok(take) => return take(python),
                Err(_) => {
                    if let Err(interrupted) = python.check_signals() {
                        if self.goes_on {
                            let doing = doing.into_inner().unwrap_or_else(PoisonError::into_inner);
                            runtime.spawn(async move { drop(doing.await) });
                        }
                        return Err(interrupted);
                    }
                }
            }
        }
    }

    /// Begins it beside the interpreter, and tells by the number when it is done.
    fn start(&self, bridge: &Bridge, number: u64) -> PyResult<()> {
        let (doing, came) = (self.begin()?, self.came.clone());
        // Tells also of one that panicked: nobody waits for ever.
        let telling = Telling::new(bridge, number);
        let task = runtime()?.spawn(async move {
            let _telling = telling;
            let take = doing.await;
            *locked(&came) = Some(take);
        });
        if !self.goes_on {
            *locked(&self.abort) = Some(task.abort_handle());
        }
        Ok(())
    }

    /// What it came to, once it was told to be done.
    fn take(&self, python: Python<'_>) -> PyResult<Py<PyAny>> {
        let take = locked(&self.came).take();
        take.ok_or_else(|| PyRuntimeError::new_err("it came to nothing"))?(python)
    }

    /// Nobody waits any more, and what it comes to is nobody's.
    fn give_up(&self) {
        if let Some(task) = locked(&self.abort).take() {
            task.abort();
        }
        let nobodys = locked(&self.came).take();
        drop(nobodys);
    }
}
