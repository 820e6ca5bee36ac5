//! Libraries of others, installed beside and timed on the same files in the same sitting.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

const PACKAGES: [&str; 4] =
    ["faery==0.7.1", "dv-processing==2.0.4", "expelliarmus==1.1.12", "event_stream==1.6.3"];
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/decode/peers.py");

/// The Python that has the libraries, if they could be installed.
pub(crate) struct Peers(Option<PathBuf>);

impl Peers {
    #[expect(clippy::print_stderr, reason = "why something is missing is told beside the results")]
    pub(crate) fn install() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
        let python = folder.join("bin/python");
        let done = |command: &mut Command| command.status().is_ok_and(|status| status.success());
        let made =
            python.exists() || done(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet"]).args(PACKAGES);
        if made && done(&mut install) {
            return Self(Some(python));
        }
        eprintln!("the libraries of others cannot be installed, and are not measured");
        Self(None)
    }

    /// Prints a line for each that reads this format.
    pub(crate) fn report(&self, format: &str, file: &Path) {
        if let Some(python) = &self.0 {
            // A library that fails says so itself; the others are measured all the same.
            let _ = Command::new(python).arg(SCRIPT).arg(format).arg(file).status();
        }
    }
}
