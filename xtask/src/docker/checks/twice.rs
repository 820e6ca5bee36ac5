//! The image built once more from nothing: no layer, no crate and no object file is taken from before.

use std::fs;

use anyhow::ensure;

use super::Bench;
use crate::docker::shell::obey;

const AGAIN: &str = "spiked-test:again";

pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    ensure!(
        bench.engine.is_own(),
        "the caches of an engine that was running are not ours to empty"
    );
    let caches = ["builder", "prune", "--force", "--all"];
    obey(&mut bench.engine.docker(caches))?;
    bench.images.build_again(&bench.engine, AGAIN)?;
    let [first, second] = [bench.folder.join("first"), bench.folder.join("second")];
    bench.images.copy_out(&bench.engine, bench.images.ours, "/usr", &first)?;
    bench.images.copy_out(&bench.engine, AGAIN, "/usr", &second)?;
    for file in
        ["local/bin/spiked", "share/doc/spiked/sbom.cdx.json", "share/doc/spiked/licences.txt"]
    {
        let same = fs::read(first.join(file))? == fs::read(second.join(file))?;
        ensure!(same, "{file} is another one");
    }
    Ok(())
}
