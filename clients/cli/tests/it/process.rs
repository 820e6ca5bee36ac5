//! Starting `spiked` and reading what it says.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

/// `spiked` with these arguments, about to be run.
pub(crate) fn spiked<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spiked"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What a finished `spiked` left behind.
pub(crate) struct Told {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Told {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { status: output.status.code(), stdout, stderr }
    }

    /// The value behind a name in a summary, for example `digest`.
    pub(crate) fn value(&self, name: &str) -> &str {
        let both = self.stdout.lines().chain(self.stderr.lines());
        let mut values = both.filter_map(|line| line.strip_prefix(name)?.strip_prefix("  "));
        let value = values.next().unwrap_or_else(|| {
            panic!("no {name} in:\n{}\n{}", self.stdout, self.stderr);
        });
        value.trim()
    }

    /// It ended well.
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.status, Some(0), "{}", self.stderr);
        self
    }
}

/// Runs `spiked` to its end.
pub(crate) fn tell<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Told {
    Told::of(spiked(arguments).output().expect("spiked runs"))
}

/// A running `spiked serve`.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: String,
    /// Where it serves metrics, if it was started with `--metrics`.
    pub(crate) metrics: Option<String>,
}

impl Daemon {
    /// Starts one on a free port and waits until it listens.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--listen", "127.0.0.1:0"])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let mut command = spiked(["serve"]);
        command.args(arguments);
        Self::run(command)
    }

    /// The same on a free port, with so many files at most.
    pub(crate) fn start_with_files(files: usize, arguments: &[&str]) -> Self {
        let mut command = Command::new("sh");
        let limited = format!("ulimit -n {files} && exec \"$0\" serve --listen 127.0.0.1:0 \"$@\"");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_spiked")]);
        command.args(arguments).stdin(Stdio::null());
        Self::run(command)
    }

    /// The same, with its log in a file.
    pub(crate) fn start_logged(arguments: &[&str], log: &Path) -> Self {
        let mut command = spiked(["serve"]);
        command.args(arguments);
        Self::run_into(command, File::create(log).expect("it can be made").into())
    }

    /// One that was told everything already.
    pub(crate) fn run(command: Command) -> Self {
        Self::run_into(command, Stdio::null())
    }

    fn run_into(command: Command, log: Stdio) -> Self {
        let mut daemon = Self::spawn(command, log);
        daemon.listens();
        daemon
    }

    /// One that need not listen yet; it ends with the test in any case.
    pub(crate) fn spawn(mut command: Command, log: Stdio) -> Self {
        let with_metrics = command.get_args().any(|argument| argument == "--metrics");
        let child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("spiked runs");
        Self { child, address: String::new(), metrics: with_metrics.then(String::new) }
    }

    /// Waits until it listens, and reads where.
    pub(crate) fn listens(&mut self) {
        let mut stdout = BufReader::new(self.child.stdout.as_mut().expect("a pipe"));
        let mut told = |what: &str| {
            let mut line = String::new();
            stdout.read_line(&mut line).expect("a line");
            let address = line.trim().strip_prefix(what);
            address.unwrap_or_else(|| panic!("{line:?} says where")).to_owned()
        };
        self.address = told("spiked listens on ");
        if let Some(metrics) = &mut self.metrics {
            *metrics = told("spiked serves metrics on ");
        }
    }

    /// A figure of the process in KiB, as Linux names it: `VmRSS` is resident, `VmHWM` its peak.
    pub(crate) fn status(&self, name: &str) -> u64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let figure = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        figure.unwrap_or_else(|| panic!("no {name} in:\n{status}"))
    }

    /// Files that it may open: what it has taken, and what it could take.
    pub(crate) fn file_limits(&self) -> (u64, u64) {
        let limits = self.read("limits");
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        let mut figures = line.expect("Linux says").split_whitespace().map(str::parse);
        let mut next = || figures.next().expect("two figures").expect("finite");
        (next(), next())
    }

    /// Files that are open, sockets among them.
    pub(crate) fn files(&self) -> usize {
        self.descriptors().count()
    }

    /// Sockets that are open.
    pub(crate) fn sockets(&self) -> usize {
        let is_socket = |target: &PathBuf| target.to_string_lossy().starts_with("socket:");
        self.descriptors().filter(is_socket).count()
    }

    /// Its threads: the name of each, and the processor cores that it may use.
    pub(crate) fn threads(&self) -> Vec<(String, String)> {
        let folder = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let tasks = folder.expect("a running process of Linux").flatten();
        let status = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("status"));
        let field = |status: &str, name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            value.expect("it is there").trim().to_owned()
        };
        // A thread may end meanwhile.
        let read = tasks.filter_map(|task| status(task).ok());
        read.map(|text| (field(&text, "Name:"), field(&text, "Cpus_allowed_list:"))).collect()
    }

    /// Processor time that it took so far, its own and the system's for it.
    pub(crate) fn processor_time(&self) -> Duration {
        const CLOCK_HZ: u64 = 100;
        let stat = self.read("stat");
        // Behind the name, which may hold anything: the state, then numbers.
        let fields = stat.rsplit(") ").next().expect("a name");
        let mut ticks = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>());
        let ticks = ticks.try_fold(0, |sum, ticks| ticks.map(|ticks| sum + ticks));
        Duration::from_millis(ticks.expect("numbers") * 1_000 / CLOCK_HZ)
    }

    fn read(&self, name: &str) -> String {
        let path = format!("/proc/{}/{name}", self.child.id());
        std::fs::read_to_string(path).expect("a running process of Linux")
    }

    /// What its descriptors point at; one that is closed meanwhile is none.
    fn descriptors(&self) -> impl Iterator<Item = PathBuf> {
        let folder = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        let entries = folder.expect("a running process of Linux").flatten();
        entries.filter_map(|entry| std::fs::read_link(entry.path()).ok())
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end_with(mut self, name: &str) -> ExitStatus {
        signal(&self.child, name);
        self.child.wait().expect("it ends")
    }

    /// How it ended, if it has.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a process of this test")
    }

    /// Kills it where it stands.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that a test started.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}
