//! Pages over HTTP/1.1 on this machine, and figures as Prometheus reads them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail};

const PATIENCE: Duration = Duration::from_secs(10);

/// The body of a page that is there.
pub(super) fn page(address: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).with_context(|| address.to_owned())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // HTTP/1.0, so that the body comes in one piece and ends with the connection.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without an end")?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    if status != "200" {
        bail!("{address}{path}: {status}: {body}");
    }
    Ok(body.to_owned())
}

/// Figures of a scrape.
pub(super) struct Figures(Vec<(String, f64)>);

impl Figures {
    pub(super) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let figures = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self(figures.collect())
    }

    /// The sum of a family's series that have a label.
    pub(super) fn sum(&self, family: &str, label: &str) -> f64 {
        let series = self
            .0
            .iter()
            .filter(|(name, _)| name.split('{').next() == Some(family) && name.contains(label));
        series.map(|(_, value)| value).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_a_family_are_summed_by_label() {
        let text = "# TYPE a counter\na_total{x=\"1\",c=\"o\"} 2\na_total{x=\"2\",c=\"o\"} 3\n\
                    a_total{x=\"2\",c=\"p\"} 7\na_total_b{c=\"o\"} 9\n# EOF\n";
        assert!((Figures::read(text).sum("a_total", "c=\"o\"") - 5.0).abs() < f64::EPSILON);
    }
}
