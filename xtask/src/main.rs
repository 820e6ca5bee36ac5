//! `cargo xtask`: what a change has to pass, and what it costs in speed.
//!
//! `test` runs the table of stages in `stages.rs` and ends with what was skipped; `fuzz` runs some
//! of the tests for long; `bench` runs the crates' benchmarks and prints JSON alone. All start from
//! cargo's own description of the workspace, so they run from any folder of the repository.
//! Exit codes: 0 passed, 1 something failed, 2 used wrongly.

mod arrows;
mod bench;
mod cargo;
mod docker;
mod fuzz;
mod hygiene;
mod libtest;
mod licences;
mod python;
mod report;
mod sbom;
mod shipped;
mod skips;
mod stages;
mod workspace;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Parser, Subcommand};

use crate::stages::STAGES;
use crate::workspace::Workspace;

const TEST_EXAMPLES: &str = "\
Examples:
  cargo xtask test                     everything, as CI runs it
  cargo xtask test format clippy       two of the stages
  cargo xtask test --skips-allowed .ci/skips-allowed
                                       everything; a skip that isn't in the file is a failure";

const BENCH_EXAMPLES: &str = "\
Examples:
  cargo xtask bench                    every benchmark of every crate
  cargo xtask bench sim-core           those of one crate
  cargo xtask bench sim-core decode    those of one crate, and one benchmark by its name
  cargo xtask bench --profile dist     built as it is shipped";

const FUZZ_EXAMPLES: &str = "\
Examples:
  cargo xtask fuzz                     a million inputs for every reader of strangers' bytes
  cargo xtask fuzz nir_files --inputs 10000000
                                       more of them for one
  cargo xtask fuzz nir_files --seed 1 --from 4711 --inputs 1
                                       one input again";

const DOCKER_EXAMPLES: &str = "\
Examples:
  cargo xtask docker-test              the image and all that is said of it
  cargo xtask docker-test killed drained
                                       two of the checks
  cargo xtask docker-test --profile dist
                                       with the image as it is shipped

Where no engine answers, Debian's is installed (by root) and started with its data below target/docker,
which keeps images and object files for the next time; it is stopped at the end.";

/// Checks and benchmarks of the spiked workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run all checks, or the stages that are named, and print seconds a stage and what was skipped
    #[command(after_help = TEST_EXAMPLES)]
    Test {
        /// The stages to run; all of them when none is named
        #[arg(value_name = "STAGE", value_parser = stage_names())]
        stages: Vec<String>,
        /// Fail on a skipped test whose name isn't a line of this file
        #[arg(long, value_name = "FILE")]
        skips_allowed: Option<PathBuf>,
    },
    /// Give the readers of strangers' bytes hostile inputs, for as long as wanted
    #[command(after_help = FUZZ_EXAMPLES)]
    Fuzz {
        /// The targets to run; all of them when none is named
        #[arg(value_name = "TARGET", value_parser = fuzz::names())]
        targets: Vec<String>,
        /// Inputs of each target
        #[arg(long, default_value_t = 1_000_000)]
        inputs: u64,
        /// The number of the first
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Which stream of inputs
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Threads that share the inputs
        #[arg(long, default_value_t = 1)]
        threads: u64,
    },
    /// Build the image and run it with a real Docker engine
    #[command(after_help = DOCKER_EXAMPLES)]
    DockerTest {
        /// The checks to run; all of them when none is named
        #[arg(value_name = "CHECK", value_parser = docker::names())]
        checks: Vec<String>,
        /// The cargo profile that the image is built with
        #[arg(long, default_value = docker::PROFILE)]
        profile: String,
    },
    /// Print the licences of all crates in the binary, word for word
    Licences,
    /// Print what the binary is made of, in the form of CycloneDX
    Sbom {
        /// Something in it that is no crate: the C library, say
        #[arg(long, value_name = "NAME@VERSION=LICENCE")]
        also: Vec<sbom::Also>,
    },
    /// Run the benchmarks: JSON lines on standard output, the first describes the machine
    #[command(after_help = BENCH_EXAMPLES)]
    Bench {
        /// Crates or benchmarks to run; all of them when none is named
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// The cargo profile to build with
        #[arg(long, default_value = "bench")]
        profile: String,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command; false means that it ran and that something it ran has failed.
fn run(command: Command) -> anyhow::Result<bool> {
    let workspace = Workspace::load()?;
    match command {
        Command::Test { stages, skips_allowed } => {
            stages::test(&workspace, &stages, skips_allowed.as_deref())
        }
        Command::Fuzz { targets, inputs, from, seed, threads } => {
            let wanted = fuzz::Wanted { inputs, from, seed, threads };
            fuzz::fuzz(&workspace, &targets, &wanted)
        }
        Command::DockerTest { checks, profile } => docker::alone(&workspace, &checks, &profile),
        Command::Licences => print(&licences::licences(&workspace)?),
        Command::Sbom { also } => print(&sbom::sbom(&workspace, &also)?),
        Command::Bench { names, profile } => bench::bench(&workspace, &names, &profile),
    }
}

fn print(text: &str) -> anyhow::Result<bool> {
    io::stdout().write_all(text.as_bytes())?;
    Ok(true)
}

fn stage_names() -> PossibleValuesParser {
    STAGES.iter().map(|stage| PossibleValue::new(stage.name).help(stage.about)).into()
}
