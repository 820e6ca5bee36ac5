//! Kubernetes' manifests, held against its schemas, one another, and the daemon's settings.

use std::process::Command;

use super::Bench;
use crate::docker::python;
use crate::docker::shell::obey;

pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    let python = python::interpreter(&bench.root.join("target/docker"))?;
    let mut validate = Command::new(python);
    validate.arg(bench.root.join("docker/kubernetes/validate.py"));
    obey(validate.arg("--spiked").arg(&bench.client)).map(drop)
}
