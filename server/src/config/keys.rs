//! Every setting by name: the one table that files, environment, flags, the printed configuration
//! and the documentation go by.

use super::{
    Config,
    value::{Bytes, Given, Value},
};

type Set = Box<dyn Fn(&mut Config, &Given<'_>) -> Result<(), String>>;
type Show = Box<dyn Fn(&Config) -> Option<String>>;

/// One setting.
pub struct Key {
    /// Its name, with the table that it stands in.
    pub name: &'static str,
    /// What it says, in one sentence.
    pub about: &'static str,
    /// What it is unless told otherwise, where that depends on the machine.
    default: Option<&'static str>,
    set: Set,
    show: Show,
}

impl Key {
    fn new<T: Value + 'static>(
        name: &'static str,
        about: &'static str,
        field: fn(&mut Config) -> &mut T,
    ) -> Self {
        let set = move |config: &mut Config, given: &Given<'_>| {
            *field(config) = T::read(given)?;
            Ok(())
        };
        let show = move |config: &Config| field(&mut config.clone()).show();
        Self { name, about, default: None, set: Box::new(set), show: Box::new(show) }
    }

    /// A number of bytes, which is written with its unit.
    fn size<T>(name: &'static str, about: &'static str, field: fn(&mut Config) -> &mut T) -> Self
    where
        T: Copy + TryFrom<u64> + TryInto<u64> + 'static,
    {
        let set = move |config: &mut Config, given: &Given<'_>| {
            let bytes = Bytes::read(given)?;
            let too_large = |_| format!("{bytes} is more than this machine counts");
            *field(config) = T::try_from(bytes.0).map_err(too_large)?;
            Ok(())
        };
        let show = move |config: &Config| {
            let bytes = (*field(&mut config.clone())).try_into().unwrap_or(u64::MAX);
            Bytes(bytes).show()
        };
        Self { name, about, default: None, set: Box::new(set), show: Box::new(show) }
    }

    /// A number of bytes that may be left open.
    fn optional_size(
        name: &'static str,
        about: &'static str,
        field: fn(&mut Config) -> &mut Option<u64>,
    ) -> Self {
        let set = move |config: &mut Config, given: &Given<'_>| {
            *field(config) = Some(Bytes::read(given)?.0);
            Ok(())
        };
        let show = move |config: &Config| {
            let bytes = *field(&mut config.clone());
            bytes.and_then(|bytes| Bytes(bytes).show())
        };
        Self { name, about, default: None, set: Box::new(set), show: Box::new(show) }
    }

    fn with_default(self, words: &'static str) -> Self {
        Self { default: Some(words), ..self }
    }

    /// The variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("SPIKED_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// What it is unless told otherwise, in words or as TOML.
    #[must_use]
    pub fn default(&self) -> String {
        let shown = || self.show(&Config::default()).map(|value| format!("`{value}`"));
        let words = self.default.map(str::to_owned).or_else(shown);
        words.unwrap_or_else(|| "not set".into())
    }

    pub(super) fn set(&self, config: &mut Config, given: &Given<'_>) -> Result<(), String> {
        (self.set)(config, given)
    }

    pub(super) fn show(&self, config: &Config) -> Option<String> {
        (self.show)(config)
    }
}

/// Every setting, tables last.
#[must_use]
pub fn keys() -> Vec<Key> {
    let mut keys = general();
    keys.extend(telemetry());
    keys.extend(limits_of_calls());
    keys.extend(limits_of_sessions());
    keys
}

fn general() -> Vec<Key> {
    vec![
        Key::new("listen", "Where to listen: `ADDRESS:PORT` or `unix:PATH`.", |c| &mut c.listen),
        Key::new(
            "name",
            "What this daemon is called among several behind one address: clients come back to it by that.",
            |c| &mut c.name,
        ),
        Key::new("insecure", "Listen beyond this machine without TLS.", |c| &mut c.insecure),
        Key::new("networks", "A folder of networks, beside those that come along.", |c| {
            &mut c.networks
        }),
        Key::new(
            "networks_mode",
            "When that folder is read: `none` (once, at the start), `poll` (again when it has changed) \
             or `explicit` (each network when a client asks for it).",
            |c| &mut c.networks_mode,
        )
        .with_default("`none`, or `poll` where `networks_poll` is set"),
        Key::new(
            "networks_poll",
            "How often to look whether that folder has changed, in the mode `poll` [1s].",
            |c| &mut c.networks_poll,
        ),
        Key::new("data", "A folder for durable sessions and snapshots.", |c| &mut c.data),
        Key::new("tokens", "A file of bearer tokens: who may do what, and for whom.", |c| {
            &mut c.tokens
        }),
        Key::new(
            "tls_certificate",
            "A file of the daemon's certificate, and those up to its authority.",
            |c| &mut c.tls_certificate,
        ),
        Key::new("tls_key", "A file of that certificate's key.", |c| &mut c.tls_key),
        Key::new(
            "tls_client_ca",
            "A file of authorities: clients must show a certificate of theirs.",
            |c| &mut c.tls_client_ca,
        ),
        Key::new("metrics", "Where to serve metrics and health over HTTP: `ADDRESS:PORT`.", |c| {
            &mut c.metrics
        }),
        Key::new(
            "metrics_insecure",
            "Serve metrics beyond this machine, to whoever asks, without encryption.",
            |c| &mut c.metrics_insecure,
        ),
        Key::new("simulation_threads", "Threads that simulate, 1 to 64.", |c| {
            &mut c.simulation_threads
        })
        .with_default("one per processor"),
        Key::new(
            "simulation_cores",
            "Processor cores that simulate, as `0-3,6`: the threads of all sessions keep to them.",
            |c| &mut c.simulation_cores,
        ),
    ]
}

/// What the daemon says about itself.
fn telemetry() -> Vec<Key> {
    vec![
        Key::new("log.format", "How log lines look: `text` or `json`.", |c| &mut c.log.format),
        Key::new("log.output", "Where log lines go: `stderr` or `stdout`.", |c| &mut c.log.output),
        Key::new("log.filter", "What is logged, as `info` or `info,spiked_server=debug`.", |c| {
            &mut c.log.filter
        }),
        Key::new(
            "traces.endpoint",
            "A collector that spans are sent to, over OTLP and gRPC, as `http://127.0.0.1:4317`.",
            |c| &mut c.traces.endpoint,
        ),
        Key::new("traces.service", "What the daemon is called in spans.", |c| {
            &mut c.traces.service
        }),
        Key::new("traces.ratio", "The part that is kept of traces that begin here, 0 to 1.", |c| {
            &mut c.traces.ratio
        }),
    ]
}

/// What is asked of connections and calls, before any session.
fn limits_of_calls() -> Vec<Key> {
    vec![
        Key::new("limits.connections", "Connections in all.", |c| &mut c.limits.connections),
        Key::new("limits.connections_per_address", "Connections from one address.", |c| {
            &mut c.limits.connections_per_address
        }),
        Key::new(
            "limits.preface_deadline",
            "Time for a connection's TLS handshake and the bytes that open HTTP/2.",
            |c| &mut c.limits.preface_deadline,
        ),
        Key::new("limits.open_deadline", "Time for a stream's first message.", |c| {
            &mut c.limits.open_deadline
        }),
        Key::new(
            "limits.request_deadline",
            "Time for a request to arrive, and for each further MiB of one; a session's stream has none.",
            |c| &mut c.limits.request_deadline,
        ),
        Key::size(
            "limits.request_bytes",
            "What all requests that are arriving may hold together, beyond the first 4 KiB of each message.",
            |c| &mut c.limits.request_bytes,
        ),
        Key::new("limits.idle_deadline", "How long a connection may have no stream open.", |c| {
            &mut c.limits.idle_deadline
        }),
    ]
}

/// What sessions may take.
fn limits_of_sessions() -> Vec<Key> {
    vec![
        Key::new("limits.sessions", "Sessions in all.", |c| &mut c.limits.sessions),
        Key::new("limits.queue_events", "Events of one producer in the queue.", |c| {
            &mut c.limits.queue_events
        }),
        Key::size("limits.queue_bytes", "Payload of one producer in the queue.", |c| {
            &mut c.limits.queue_bytes
        }),
        Key::new("limits.workers", "Threads that one session is spread over, 1 to 64.", |c| {
            &mut c.limits.workers
        })
        .with_default("one per processor"),
        Key::size(
            "limits.plan_bytes",
            "What one network and a session of it may take, about.",
            |c| &mut c.limits.plan_bytes,
        ),
        Key::optional_size(
            "limits.memory_bytes",
            "What all sessions may take together, about: plans, states, full queues, waiting output.",
            |c| &mut c.limits.memory_bytes,
        ),
        Key::new("limits.snapshots", "Snapshots kept.", |c| &mut c.limits.snapshots),
        Key::size("limits.snapshot_bytes", "What the kept snapshots may take together.", |c| {
            &mut c.limits.snapshot_bytes
        }),
        Key::new(
            "limits.lease",
            "How long a session waits for a producer whose stream broke.",
            |c| &mut c.limits.lease,
        ),
        Key::new(
            "limits.journal_sync_interval",
            "Time between two syncs of a journal that is synced at intervals.",
            |c| &mut c.limits.journal_sync_interval,
        ),
        Key::size(
            "limits.journal_snapshot_bytes",
            "Bytes of journal after which a snapshot bounds what is read again after a crash.",
            |c| &mut c.limits.journal_snapshot_bytes,
        ),
        Key::size(
            "limits.journal_bytes",
            "Bytes of one session's journal that are kept for readers that lag.",
            |c| &mut c.limits.journal_bytes,
        ),
        Key::new(
            "limits.shutdown_grace",
            "How long open sessions may go on once the daemon was asked to end.",
            |c| &mut c.limits.shutdown_grace,
        ),
    ]
}
