//! The images that ours are made from, made here under the names that they have there.
//!
//! A machine that tests need not reach an image registry. So where an image of a `FROM` line isn't there, one
//! is made that offers the same as far as our files use it: a small Debian with a C compiler and this
//! machine's Rust toolchain where the Rust image keeps it; Debian's Prometheus where Prometheus' image
//! has its own. Files of ours are then built and run unchanged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use super::engine::{Engine, need};
use super::shell::{obey, watch};

const RUST: &str = "rust:";
const SUITE: &str = "bookworm";
/// Certificates that this machine trusts, which may be more than Debian's.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Makes the Rust image that a `Dockerfile` begins with, where the engine has none.
pub(super) fn prepare(engine: &Engine, dockerfile: &Path, folder: &Path) -> anyhow::Result<()> {
    for name in bases(&fs::read_to_string(dockerfile)?) {
        if engine.has_image(&name) {
            continue;
        }
        let tag = name.strip_prefix(RUST);
        let tag = tag.with_context(|| format!("nobody here knows how to make {name}"))?;
        rust(engine, &name, tag, folder)?;
    }
    Ok(())
}

/// The images of the `FROM` lines that are no stage of the file itself.
pub(super) fn bases(dockerfile: &str) -> Vec<String> {
    let mut stages = vec!["scratch".to_owned()];
    let mut bases = Vec::new();
    for line in dockerfile.lines().filter_map(|line| line.strip_prefix("FROM ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(first) =
            words.first().filter(|first| !stages.iter().any(|stage| stage == *first))
        {
            bases.push((*first).to_owned());
        }
        if let [_, "AS", stage] = words[..] {
            stages.push(stage.to_owned());
        }
    }
    bases
}

fn rust(engine: &Engine, name: &str, tag: &str, folder: &Path) -> anyhow::Result<()> {
    let release = obey(Command::new("rustc").arg("--version"))?;
    let version = release.split_whitespace().nth(1).unwrap_or_default();
    let wanted = tag.strip_suffix(SUITE).and_then(|tag| tag.strip_suffix('-'));
    let wanted = wanted.with_context(|| format!("{name} is not of {SUITE}"))?;
    ensure!(
        version.starts_with(wanted),
        "this machine has Rust {version}, and {name} is asked for"
    );
    let root = debian(folder)?;
    copy_toolchain(&root, version)?;
    if let Some(config) = cargo_config() {
        fs::copy(config, root.join("usr/local/cargo/config.toml"))?;
    }
    import(
        engine,
        name,
        &root,
        &[
            "ENV PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "ENV CARGO_HOME=/usr/local/cargo",
            "ENV RUSTUP_HOME=/usr/local/rustup",
        ],
    )
}

/// A small Debian with a C compiler, made once.
fn debian(folder: &Path) -> anyhow::Result<PathBuf> {
    let (root, made) = (folder.join("debian"), folder.join("debian.made"));
    if !made.exists() {
        if root.exists() {
            fs::remove_dir_all(&root).context("what is left of a Debian cannot be removed")?;
        }
        need("debootstrap", "debootstrap")?;
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", "--include=gcc,libc6-dev,ca-certificates", SUITE]);
        obey(debootstrap.arg(&root)).context("debootstrap")?;
        // It leaves this mounted in some containers.
        let _ = Command::new("umount").arg(root.join("proc")).stderr(Stdio::null()).status();
        fs::write(&made, "")?;
    }
    if Path::new(AUTHORITIES).exists() {
        fs::copy(AUTHORITIES, root.join(AUTHORITIES.trim_start_matches('/')))?;
    }
    Ok(root)
}

/// Copies compiler, cargo and libraries to where the Rust image has them.
fn copy_toolchain(root: &Path, version: &str) -> anyhow::Result<()> {
    let sysroot = PathBuf::from(obey(Command::new("rustc").args(["--print", "sysroot"]))?);
    let below = format!("usr/local/rustup/toolchains/{version}");
    let (toolchain, bin) = (root.join(&below), root.join("usr/local/cargo/bin"));
    fs::create_dir_all(&bin)?;
    for part in ["bin/cargo", "bin/rustc", "lib", "share/doc/rust/COPYRIGHT-library.html"] {
        let (from, to) = (sysroot.join(part), toolchain.join(part));
        if to.exists() {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(&toolchain))?;
        obey(Command::new("cp").arg("--archive").arg(&from).arg(&to))?;
    }
    for program in ["cargo", "rustc"] {
        let link = bin.join(program);
        if fs::symlink_metadata(&link).is_err() {
            std::os::unix::fs::symlink(format!("/{below}/bin/{program}"), link)?;
        }
    }
    Ok(())
}

/// How this machine's cargo is set up to reach its registry, if it is in any way.
fn cargo_config() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    Some(home.join("config.toml")).filter(|file| file.is_file())
}

/// Prometheus' image, of Debian's package.
pub(super) fn prometheus(engine: &Engine, name: &str, folder: &Path) -> anyhow::Result<()> {
    if engine.has_image(name) {
        return Ok(());
    }
    let (root, packages) = (folder.join("prometheus"), folder.join("packages"));
    if !root.join("usr/bin/prometheus").exists() {
        fs::create_dir_all(&packages)?;
        let mut download = Command::new("apt-get");
        obey(download.args(["download", "prometheus"]).current_dir(&packages))?;
        let package = fs::read_dir(&packages)?.flatten().map(|entry| entry.path());
        let package =
            package.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb"));
        let package = package.context("apt-get downloaded nothing")?;
        obey(Command::new("dpkg").arg("--extract").arg(package).arg(&root))?;
        copy_libraries(&root)?;
        // Where the image has them.
        obey(Command::new("ln").args(["--symbolic", "usr/bin"]).arg(root.join("bin")))?;
        fs::create_dir_all(root.join("prometheus"))?;
        obey(Command::new("chown").arg("65534:65534").arg(root.join("prometheus")))?;
    }
    import(
        engine,
        name,
        &root,
        &["ENTRYPOINT [\"/bin/prometheus\"]", "USER 65534", "WORKDIR /prometheus"],
    )
}

/// Debian's programs are linked to libraries; a copy of those that this machine has goes along.
fn copy_libraries(root: &Path) -> anyhow::Result<()> {
    let program = root.join("usr/bin/prometheus");
    let needed = obey(Command::new("ldd").arg(&program))?;
    for library in needed.split_whitespace().filter(|word| word.starts_with('/')) {
        let to = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap_or(root))?;
        fs::copy(library, &to)?;
    }
    Ok(())
}

/// Makes an image of a folder.
fn import(engine: &Engine, name: &str, root: &Path, changes: &[&str]) -> anyhow::Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--one-file-system", "--exclude=./proc/*", "--exclude=./sys/*"]);
    tar.args(["--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*", "--directory"]);
    let mut packing = tar.arg(root).arg(".").stdout(Stdio::piped()).spawn().context("tar")?;
    let mut import = engine.docker(["import"]);
    for change in changes {
        import.args(["--change", change]);
    }
    let packed = packing.stdout.take().context("tar's output isn't piped")?;
    let imported = import.args(["-", name]).stdin(packed).stdout(Stdio::null()).status()?;
    if !packing.wait()?.success() || !imported.success() {
        bail!("{name} could not be imported");
    }
    Ok(())
}

/// Builds an image of a context, its words going past.
pub(super) fn build(
    engine: &Engine,
    context: &Path,
    name: &str,
    arguments: &[(&str, &str)],
) -> anyhow::Result<()> {
    // Cargo fetches crates in there, by whatever way this machine has.
    let mut build = engine.docker(["build", "--progress", "plain", "--network", "host"]);
    for (argument, value) in arguments {
        build.args(["--build-arg", &format!("{argument}={value}")]);
    }
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
        if std::env::var_os(proxy).is_some() {
            build.args(["--build-arg", proxy]);
        }
    }
    watch(build.args(["--file", "docker/Dockerfile", "--tag", name, "."]).current_dir(context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_of_a_file_are_no_bases() {
        let file = "# FROM nothing\nFROM rust:1.95-bookworm AS build\nRUN x\nFROM build AS more\nFROM scratch\n";
        assert_eq!(bases(file), ["rust:1.95-bookworm"]);
    }
}
