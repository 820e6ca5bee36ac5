//! Why a network cannot be had. Each names the network, the part and the field, and becomes one
//! code of gRPC where the service translates it.

use sim_core::Problem;

/// Why a network cannot be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No network of that name, or no such version of it.
    #[error("{}", unknown(name, version, versions, nearest.as_deref()))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What was asked for; empty asks for the newest.
        version: String,
        /// The versions of that name that there are.
        versions: Vec<String>,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// It cannot run as described.
    #[error("network {name:?} cannot run: {}", joined(problems))]
    Invalid {
        /// Of the network.
        name: String,
        /// All that is wrong with it, field by field.
        problems: Vec<Problem>,
    },
    /// A sensor size that is missing, or not the port's.
    #[error("input {port:?} of network {name:?} {problem}")]
    SensorSize {
        /// Of the network.
        name: String,
        /// The input port concerned.
        port: String,
        /// What is wrong, as the rest of a sentence about the port.
        problem: String,
    },
    /// Another description has that name and version.
    #[error(
        "network {name:?} version {version:?} exists with another description: \
         networks never change, choose another version"
    )]
    Exists {
        /// Of the network.
        name: String,
        /// Of the network.
        version: String,
    },
    /// An array that is missing, incomplete, or not what its hash says.
    #[error("blob {sha256} {problem}")]
    Blob {
        /// Its hash, in hexadecimal; cut short where it is no hash.
        sha256: String,
        /// What is wrong, as the rest of a sentence about the blob.
        problem: String,
    },
    /// More than the daemon is ready to hold.
    #[error("{what}: {given} where {limit} is the limit")]
    Limit {
        /// What there is too much of, with its unit.
        what: &'static str,
        /// How much there would be.
        given: u64,
        /// How much there may be.
        limit: u64,
    },
    /// A feature of the contract that this version does not have.
    #[error("{feature} is not available in this version")]
    Unimplemented {
        /// Part, field and feature.
        feature: String,
    },
    /// A file or a folder that cannot be read.
    #[error("{path}: {message}")]
    Io {
        /// Which.
        path: String,
        /// What the system says.
        message: String,
    },
}

/// One problem, found outside the core.
pub(crate) fn problem(field: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem { field: field.into(), message: message.into() }
}

fn joined(problems: &[Problem]) -> String {
    let lines: Vec<String> =
        problems.iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect();
    lines.join("; ")
}

fn unknown(name: &str, version: &str, versions: &[String], nearest: Option<&str>) -> String {
    if !versions.is_empty() {
        return format!("network {name:?} has no version {version:?}: {}", versions.join(", "));
    }
    let hint = nearest.map(|nearest| format!(", did you mean {nearest:?}?")).unwrap_or_default();
    format!("no network {name:?}{hint}")
}
