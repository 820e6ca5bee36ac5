//! What is in the image.

use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Bench;
use crate::docker::python;
use crate::docker::shell::obey;

/// What is promised \[bytes\].
const SIZE_MAX: u64 = 40 << 20;
const DOC: &str = "/usr/share/doc/spiked";

pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    let described = obey(&mut bench.engine.docker(["image", "inspect", bench.images.ours]))?;
    let described: Value = serde_json::from_str(&described)?;
    let image = described.get(0).context("no image is described")?;
    let size = image["Size"].as_u64().context("it has no size")?;
    ensure!(size < SIZE_MAX, "{size} bytes where {SIZE_MAX} are the most");
    let config = &image["Config"];
    ensure!(config["User"] == "65532:65532", "its user is {}", config["User"]);
    ensure!(config["StopSignal"] == "SIGTERM", "it is stopped by {}", config["StopSignal"]);
    let test = &config["Healthcheck"]["Test"];
    ensure!(*test == serde_json::json!(["CMD", "spiked", "healthcheck"]), "health is {test}");
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].as_str();
    let version = obey(&mut bench.engine.docker(["run", "--rm", bench.images.ours, "--version"]))?;
    let told = format!("spiked {} ({})", label("version").unwrap_or(""), bench.images.revision);
    ensure!(version == told, "it says {version:?}, its labels {told:?}");
    ensure!(label("revision") == Some(&*bench.images.revision), "its commit is not on its label");
    ensure!(label("licenses") == Some("MIT OR Apache-2.0"), "its licences are not on its label");
    papers(bench)
}

/// The licences and the list of parts are those of this commit.
fn papers(bench: &Bench) -> anyhow::Result<()> {
    bench.images.copy_out(&bench.engine, bench.images.ours, DOC, &bench.folder.join("doc"))?;
    let read = |file: &str| {
        let path = bench.folder.join("doc").join(file);
        std::fs::read_to_string(&path).with_context(|| format!("no {file} in the image"))
    };
    let parts: Value = serde_json::from_str(&read("sbom.cdx.json")?)?;
    let parts = parts["components"].as_array().context("the list of parts has none")?;
    let has = |name: &str| parts.iter().any(|part| part["name"] == name);
    for name in ["tokio", "tonic", "ring", "sim-core", "glibc", "rust-std"] {
        ensure!(has(name), "{name} is not in the list of parts");
    }
    ensure!(!has("xtask") && !has("proptest"), "what is not in the binary is in the list of parts");
    let licences = read("licences.txt")?;
    ensure!(licences.contains("Permission is hereby granted"), "the licences have no texts");
    for part in parts.iter().filter(|part| part["purl"].is_string()) {
        let line = format!("  {} {}: ", text(&part["name"]), text(&part["version"]));
        ensure!(licences.contains(&line), "{line:?} is not among the licences");
    }
    for file in ["LICENSE-MIT", "licence-glibc.txt", "licence-rust-std.html"] {
        ensure!(read(file)?.len() > 500, "{file} is no licence");
    }
    is_valid(bench)?;
    same_parts(bench, &read("sbom.cdx.json")?)
}

/// As CycloneDX's own schema has it.
const VALIDATE: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())
sys.exit(problem and str(problem))
";

fn is_valid(bench: &Bench) -> anyhow::Result<()> {
    let python = python::interpreter(&bench.root.join("target/docker"))?;
    let mut validate = Command::new(python);
    validate.args(["-c", VALIDATE]).arg(bench.folder.join("doc/sbom.cdx.json"));
    obey(&mut validate).map(drop).context("the list of parts is no CycloneDX")
}

/// The same list, made outside, but for what only the image knows.
fn same_parts(bench: &Bench, inside: &str) -> anyhow::Result<()> {
    let mut sbom = Command::new(std::env::current_exe()?);
    let outside = obey(sbom.arg("sbom").current_dir(&bench.root))?;
    let crates = |text: &str| {
        let text: Value = serde_json::from_str(text)?;
        let parts = text["components"].as_array().cloned().unwrap_or_default();
        let crates = parts.into_iter().filter(|part| part["purl"].is_string());
        Ok::<Vec<Value>, anyhow::Error>(crates.collect())
    };
    ensure!(crates(inside)? == crates(&outside)?, "the list of parts depends on where it is made");
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}
