//! The daemon with Prometheus beside it, as `docker/compose.yaml` has them; and every query of the
//! dashboards, asked of that Prometheus.
//!
//! Grafana's own image cannot be made here: its files are read for what Prometheus is to be asked.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Bench;
use crate::docker::base;
use crate::docker::container::free_port;
use crate::docker::engine::need;
use crate::docker::scrape::page;
use crate::docker::shell::{listen, obey, until};

const COMPOSE: &str = "docker/compose.yaml";
const TLS: &str = "docker/compose.tls.yaml";
const DASHBOARDS: &str = "docker/grafana/dashboards";
const PROMETHEUS: &str = "prom/prometheus:";
/// For a few scrapes, each 5 s apart, with something to see between them.
const ANSWERED: Duration = Duration::from_secs(90);
const UP: Duration = Duration::from_secs(60);

pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    let text = fs::read_to_string(bench.root.join(COMPOSE))?;
    let image = image_of(&text, PROMETHEUS)?;
    base::prometheus(&bench.engine, image, &bench.root.join("target/docker"))?;
    alerts(bench, image)?;
    let project = Project::new(bench)?;
    project.up(&[COMPOSE], &["spiked", "prometheus", "load"])?;
    until("the composed daemon serves", UP, || Ok(project.serves(&project.plain, &[]).ok()))?;
    project.limits()?;
    let mut run = bench.spiked(["run", crate::docker::NETWORK]);
    obey(run.arg(&bench.recording).args(["--address", &project.plain]))?;
    panels(bench, &project.prometheus)?;

    project.up(&[COMPOSE, TLS], &["spiked"])?;
    let authority = bench.folder.join("tls/ca.pem").display().to_string();
    let address = format!("https://{}", project.tls);
    until("it serves with TLS", UP, || Ok(project.serves(&address, &["--ca", &authority]).ok()))?;
    ensure!(project.serves(&project.plain, &[]).is_err(), "it still serves without TLS");
    Ok(())
}

/// The image of a service by how its name begins.
fn image_of<'a>(compose: &'a str, begins: &str) -> anyhow::Result<&'a str> {
    let images = compose.lines().filter_map(|line| line.trim().strip_prefix("image: "));
    images.into_iter().find(|image| image.starts_with(begins)).context("it has no such image")
}

/// What compose brings up, and takes down when it is dropped.
struct Project<'a> {
    bench: &'a Bench,
    /// Compose is a part of the client; Debian has it as a program of its own.
    has_plugin: bool,
    name: String,
    plain: String,
    tls: String,
    prometheus: String,
}

impl<'a> Project<'a> {
    fn new(bench: &'a Bench) -> anyhow::Result<Self> {
        let mut script = Command::new("sh");
        script.arg(bench.root.join("docker/make-certificates.sh"));
        obey(script.arg(bench.folder.join("tls")).args(["spiked", "localhost", "127.0.0.1"]))?;
        let asked = listen(&mut bench.engine.docker(["compose", "version"]));
        let has_plugin = asked.is_ok_and(|said| said.status == Some(0));
        if !has_plugin {
            need("docker-compose", "docker-compose")?;
        }
        let here = || Ok::<_, anyhow::Error>(format!("127.0.0.1:{}", free_port()?));
        let name = bench.name("composed");
        Ok(Self { bench, has_plugin, name, plain: here()?, tls: here()?, prometheus: here()? })
    }

    fn compose(&self, files: &[&str]) -> Command {
        let mut compose = if self.has_plugin {
            self.bench.engine.docker(["compose"])
        } else {
            let mut compose = Command::new("docker-compose");
            self.bench.engine.address(&mut compose);
            compose
        };
        for file in files {
            compose.args(["--file", file]);
        }
        compose.args(["--project-name", &self.name, "--profile", "load"]);
        compose.current_dir(&self.bench.root);
        compose.env("SPIKED_IMAGE", self.bench.images.ours).env("SPIKED_CPUS", "1");
        compose.env("SPIKED_PORT", &self.plain).env("SPIKED_TLS_PORT", &self.tls);
        compose.env("PROMETHEUS_PORT", &self.prometheus);
        compose.env("SPIKED_TLS", self.bench.folder.join("tls"));
        compose
    }

    fn up(&self, files: &[&str], services: &[&str]) -> anyhow::Result<()> {
        obey(self.compose(files).args(["up", "--detach", "--no-build"]).args(services)).map(drop)
    }

    fn serves(&self, address: &str, more: &[&str]) -> anyhow::Result<()> {
        let mut ask = self.bench.spiked(["healthcheck", "--address", address]);
        obey(ask.args(more)).map(drop)
    }

    /// What the file says of limits is what the engine and the kernel hold the daemon to.
    fn limits(&self) -> anyhow::Result<()> {
        let id = obey(self.compose(&[COMPOSE]).args(["ps", "--quiet", "spiked"]))?;
        let template = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} \
                        {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.PidsLimit}}";
        let inspect = ["inspect", "--format", template, &id];
        let found = obey(&mut self.bench.engine.docker(inspect))?;
        ensure!(found == "2147483648 2147483648 true 512", "its limits are {found}");
        let process =
            obey(&mut self.bench.engine.docker(["inspect", "--format", "{{.State.Pid}}", &id]))?;
        let limits = fs::read_to_string(format!("/proc/{process}/limits"))?;
        let files = limits.lines().find(|line| line.starts_with("Max open files"));
        let files: Vec<&str> = files.unwrap_or_default().split_whitespace().collect();
        ensure!(files.get(3..5) == Some(&["8192", "8192"]), "files: {files:?}");
        Ok(())
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        if let Ok(said) = listen(self.compose(&[COMPOSE, TLS]).args(["logs", "--no-color"])) {
            let _ = fs::write(self.bench.folder.join("compose.log"), said.stdout + &said.stderr);
        }
        let mut down = self.compose(&[COMPOSE, TLS]);
        let _ = listen(down.args(["down", "--volumes", "--remove-orphans", "--timeout", "5"]));
    }
}

/// Prometheus takes its configuration, and each alert fires where it should.
fn alerts(bench: &Bench, image: &str) -> anyhow::Result<()> {
    let folder = bench.root.join("docker/prometheus");
    for command in
        [&["check", "config", "prometheus.yml"][..], &["test", "rules", "alerts_test.yml"]]
    {
        let mut promtool = bench.engine.docker(["run", "--rm", "--read-only", "--tmpfs", "/tmp"]);
        promtool.arg(format!("--volume={}:/etc/prometheus:ro", folder.display()));
        promtool.args(["--workdir", "/etc/prometheus", "--entrypoint", "/bin/promtool", image]);
        obey(promtool.args(command)).with_context(|| format!("promtool {command:?}"))?;
    }
    Ok(())
}

/// Every query of every panel has an answer that is a number.
fn panels(bench: &Bench, prometheus: &str) -> anyhow::Result<()> {
    let mut queries = queries(&bench.root.join(DASHBOARDS))?;
    ensure!(queries.len() > 20, "{} queries are not the dashboards'", queries.len());
    let all = queries.len();
    let answered = until("every query is answered", ANSWERED, || {
        let mut open = BTreeSet::new();
        for query in &queries {
            if !is_answered(prometheus, query)? {
                open.insert(query.clone());
            }
        }
        queries = open;
        Ok(queries.is_empty().then_some(()))
    });
    answered.with_context(|| format!("{} of {all} have none: {queries:#?}", queries.len()))
}

/// The expressions of all panels, with Grafana's own words filled in.
fn queries(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut queries = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(entry?.path())?)?;
        let panels = dashboard["panels"].as_array().context("a dashboard without panels")?;
        for panel in panels {
            let targets = panel["targets"].as_array().context("a panel without queries")?;
            for target in targets {
                let query = target["expr"].as_str().context("a query without an expression")?;
                queries.insert(filled_in(query));
            }
        }
    }
    Ok(queries)
}

fn filled_in(query: &str) -> String {
    let query = query.replace("$__rate_interval", "30s");
    query.replace("$network", ".*").replace("$tenant", ".*")
}

fn is_answered(prometheus: &str, query: &str) -> anyhow::Result<bool> {
    let path = format!("/api/v1/query?query={}", escaped(query));
    // It may not listen yet.
    let Ok(answer) = page(prometheus, &path) else { return Ok(false) };
    let answer: Value = serde_json::from_str(&answer)?;
    let results = answer["data"]["result"].as_array().context("an answer without a result")?;
    let is_number = |result: &Value| {
        let value = result["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
        value.is_some_and(f64::is_finite)
    };
    Ok(!results.is_empty() && results.iter().all(is_number))
}

/// As a query stands in an address.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape =
        |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_by_how_it_begins() {
        let text = "services:\n  a:\n    image: x/y:1\n  b:\n    image: prom/prometheus:v2\n";
        assert_eq!(image_of(text, PROMETHEUS).unwrap(), "prom/prometheus:v2");
        assert!(image_of("", PROMETHEUS).is_err());
    }

    #[test]
    fn queries_are_filled_in_and_escaped() {
        let query = r#"rate(a{n=~"$network"}[$__rate_interval])"#;
        assert_eq!(filled_in(query), r#"rate(a{n=~".*"}[30s])"#);
        assert_eq!(escaped("a{b=\"c\"}+1"), "a%7Bb%3D%22c%22%7D%2B1");
    }
}
