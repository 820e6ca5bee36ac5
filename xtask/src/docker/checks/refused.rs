//! What a container does not start with: it ends at once, says why on one line, and how to mend it.

use std::fs;

use anyhow::ensure;

use super::Bench;
use crate::docker::container::mount;
use crate::docker::shell::listen;

/// As `spiked` says that it was used wrongly, or that it failed.
const USED_WRONGLY: i32 = 2;
const FAILED: i32 = 1;

pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    let config = bench.folder.join("config");
    fs::create_dir_all(&config)?;
    fs::write(config.join("spiked.toml"), "insecure = true\n[limits]\nsesions = 3\n")?;
    let config = mount(&config, "/etc/spiked");
    let open = "--env=SPIKED_INSECURE=true";
    for (arguments, status, words) in [
        (&[][..], USED_WRONGLY, &["0.0.0.0:7411", "--tls-certificate", "--insecure"][..]),
        (&[open, "--env=SPIKED_LIMITS_SESIONS=3"], USED_WRONGLY, &["SPIKED_LIMITS_SESSIONS"]),
        (&[open, "--env=SPIKED_LIMITS_LEASE=soon"], USED_WRONGLY, &["SPIKED_LIMITS_LEASE", "soon"]),
        (
            &[&config, "--env=SPIKED_CONFIG=/etc/spiked/spiked.toml"],
            USED_WRONGLY,
            &["/etc/spiked/spiked.toml:3", "limits.sessions"],
        ),
        (&["--env=SPIKED_TLS_CERTIFICATE=/none.pem"], USED_WRONGLY, &["tls_key"]),
        (
            &["--env=SPIKED_TLS_CERTIFICATE=/none.pem", "--env=SPIKED_TLS_KEY=/none.key"],
            USED_WRONGLY,
            &["/none.pem"],
        ),
        (&[open, "--env=SPIKED_DATA=/nowhere"], FAILED, &["/nowhere"]),
    ] {
        let mut run = bench.engine.docker(["run", "--rm", "--read-only", "--cap-drop", "ALL"]);
        let said = listen(run.args(arguments).arg(bench.images.ours))?;
        let all = said.stdout.clone() + &said.stderr;
        ensure!(said.status == Some(status), "{arguments:?} ended with {:?}: {all}", said.status);
        ensure!(all.trim().lines().count() == 1, "{arguments:?} said more than a line: {all}");
        for word in words {
            ensure!(all.contains(word), "{arguments:?} did not say {word:?}: {all}");
        }
    }
    Ok(())
}
