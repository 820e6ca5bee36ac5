//! What is checked, as a table: a further check is a further line.

mod bounded;
mod composed;
mod configured;
mod hardened;
mod image;
mod manifests;
mod moved;
mod refused;
mod replaced;
mod restored;
mod survives;
mod twice;

use super::Bench;

/// A check with a name.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn(&Bench) -> anyhow::Result<()>,
}

/// Runs only when it is named: it takes as long as all others together.
pub(super) const TWICE: Check =
    Check { name: "twice", about: "built from nothing again, the same bytes", run: twice::check };

pub(super) const CHECKS: &[Check] = &[
    Check { name: "image", about: "size, labels, licences, list of parts", run: image::check },
    Check { name: "refused", about: "bad settings and open doors: one line", run: refused::check },
    Check { name: "hardened", about: "no rights, and well; the same output", run: hardened::check },
    Check { name: "configured", about: "a file, and the environment", run: configured::check },
    Check { name: "killed", about: "kill -9, and the session goes on", run: survives::kill },
    Check { name: "drained", about: "docker stop within its time", run: survives::stop },
    Check { name: "restored", about: "the guide's back-up, put back", run: restored::check },
    Check { name: "replaced", about: "a newer build takes over", run: replaced::newer },
    Check { name: "other", about: "other dynamics are refused by name", run: replaced::other },
    Check { name: "manifests", about: "Kubernetes' schemas take them", run: manifests::check },
    Check { name: "moved", about: "a roll-out behind one address", run: moved::check },
    Check { name: "bounded", about: "an overload stays within the memory", run: bounded::check },
    Check {
        name: "composed",
        about: "Prometheus beside it, and every panel",
        run: composed::check,
    },
];
