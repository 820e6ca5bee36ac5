//! Asking over a plain socket, and reading what is said.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::process::Daemon;

/// What a page answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Asks for a page.
pub(crate) fn ask(daemon: &Daemon, request: &str) -> Answer {
    exchange(connect(daemon), request).expect("answered, and closed")
}

fn exchange(mut socket: TcpStream, request: &str) -> io::Result<Answer> {
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let request = format!("{request} HTTP/1.1\r\nHost: daemon\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.expect("a status");
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// The same of whoever serves there, if anybody does yet.
pub(crate) fn ask_at(address: &str, request: &str) -> Option<Answer> {
    exchange(TcpStream::connect(address).ok()?, request).ok()
}

/// A connection to the port of metrics.
pub(crate) fn connect(daemon: &Daemon) -> TcpStream {
    let address = daemon.metrics.as_deref().expect("it was started with metrics");
    let socket = TcpStream::connect(address).expect("connected");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    socket
}

/// One value of a scrape.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

/// All values of one moment.
pub(crate) struct Scrape {
    pub(crate) samples: Vec<Sample>,
    /// (name, type) as declared.
    pub(crate) types: Vec<(String, String)>,
}

impl Scrape {
    pub(crate) fn of(daemon: &Daemon) -> Self {
        let answer = ask(daemon, "GET /metrics");
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.head.contains("application/openmetrics-text"), "{}", answer.head);
        Self::read(&answer.body)
    }

    fn read(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "whole:\n{text}");
        let types = text.lines().filter_map(|line| {
            let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
            Some((name.to_owned(), kind.to_owned()))
        });
        let samples = text.lines().filter(|line| !line.starts_with('#')).map(sample);
        Self { samples: samples.collect(), types: types.collect() }
    }

    /// All values of a name together; each is a whole number.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        self.sum_where(name, &[])
    }

    /// The same of those that have these labels among theirs.
    pub(crate) fn sum_where(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let has = |sample: &Sample, key: &str, value: &str| {
            sample.labels.iter().any(|(k, v)| k == key && v == value)
        };
        let these = self.samples.iter().filter(|sample| sample.name == name);
        let these = these.filter(|sample| labels.iter().all(|(k, v)| has(sample, k, v)));
        let sum: f64 = these.map(|sample| sample.value).sum();
        assert!(sum >= 0.0 && sum.fract() == 0.0, "{name} is {sum}");
        format!("{sum}").parse().expect("a whole number")
    }

    /// The one value of a name.
    pub(crate) fn value(&self, name: &str) -> f64 {
        let mut these = self.samples.iter().filter(|sample| sample.name == name);
        let value = these.next().unwrap_or_else(|| panic!("no {name}")).value;
        assert!(these.next().is_none(), "more than one {name}");
        value
    }
}

/// Reads `name{key="value",…} 7`.
fn sample(line: &str) -> Sample {
    let (named, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = match named.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("closed")),
        None => (named, ""),
    };
    let labels = labels.split(',').filter(|label| !label.is_empty()).map(|label| {
        let (key, value) = label.split_once('=').expect("a key and a value");
        (key.to_owned(), value.trim_matches('"').to_owned())
    });
    let value = value.parse().unwrap_or_else(|_| panic!("{line:?} has a number"));
    Sample { name: name.to_owned(), labels: labels.collect(), value }
}
