//! A service that is about to be started.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use crate::output::{Line, Output};
use crate::running::Parts;
use crate::stream::{Held, Stream};
use crate::{PATIENCE, Running, binaries};

/// A program with everything it is started with. Built step by step, then [started](Service::start).
#[derive(Debug)]
#[must_use = "it runs once it is started"]
pub struct Service {
    name: String,
    program: PathBuf,
    wrapper: Vec<OsString>,
    wrapper_forks: bool,
    args: Vec<OsString>,
    env: BTreeMap<OsString, Option<OsString>>,
    directory: Option<PathBuf>,
    stdin: Stdin,
    stdout: Stream,
    stderr: Stream,
}

#[derive(Debug)]
enum Stdin {
    Empty,
    Held,
    Text(Vec<u8>),
}

impl Service {
    /// A binary of `src/bin`.
    pub fn fixture(name: &str) -> Self {
        Self::program(name, binaries::fixture(name))
    }

    /// An example of the package `graceful-examples`; all of them are built when the first is asked for.
    pub fn example(name: &str) -> Self {
        Self::program(name, binaries::example(name))
    }

    /// The tool `graceful`, which is built when it is first asked for.
    pub fn tool() -> Self {
        Self::program("graceful", binaries::tool())
    }

    /// Any other program. `name` is for messages.
    ///
    /// It starts without the variables that would change what a service does: those of `graceful` and of clusters. Its
    /// report goes to a file that the harness reads, unless `GRACEFUL_REPORT` is set.
    pub fn program(name: &str, program: impl Into<PathBuf>) -> Self {
        let inherited = std::env::vars_os().map(|(name, _)| name);
        let mut env: BTreeMap<_, _> =
            inherited.filter(|name| changes_services(name)).map(|name| (name, None)).collect();
        // Panics are part of the cases, and their backtraces would hide the rest of a transcript.
        env.insert("RUST_BACKTRACE".into(), Some("0".into()));
        Self {
            name: name.to_owned(),
            program: program.into(),
            wrapper: Vec::new(),
            wrapper_forks: false,
            args: Vec::new(),
            env,
            directory: None,
            stdin: Stdin::Empty,
            stdout: Stream::Captured,
            stderr: Stream::Captured,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<S: Into<OsString>>(self, args: impl IntoIterator<Item = S>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), Some(value.into()));
        self
    }

    /// Sets variables, for tables of cases.
    pub fn envs<'a>(self, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        variables.into_iter().fold(self, |service, (name, value)| service.env(name, value))
    }

    /// Sets the directory it works in.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// What it reads on stdin, then the end. **Default: the end at once**.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Stdin::Text(text.into());
        self
    }

    /// Keeps its stdin open: it reads nothing, and no end.
    pub fn stdin_held(mut self) -> Self {
        self.stdin = Stdin::Held;
        self
    }

    /// Where its stdout leads. **Default: [`Stream::Captured`]**.
    pub fn stdout(mut self, stream: Stream) -> Self {
        self.stdout = stream;
        self
    }

    /// Where its stderr leads. **Default: [`Stream::Captured`]**.
    pub fn stderr(mut self, stream: Stream) -> Self {
        self.stderr = stream;
        self
    }

    /// Runs it under a command that does something and then becomes it: `nohup`, `prlimit --nofile=64`, or a shell:
    /// `["sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""]`. The last that is said is the outermost.
    pub fn under<S: Into<OsString>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.wrapper.splice(0..0, command.into_iter().map(Into::into));
        self
    }

    /// Runs it under the fixture `launcher`, which blocks these signals (`TERM,INT`) before it becomes the service.
    pub fn blocking(self, signals: &str) -> Self {
        let launcher = binaries::fixture("launcher");
        self.under([launcher.into_os_string(), signals.into()])
    }

    /// Says that the command it runs under stays and has the service as its one child.
    pub fn forks(mut self) -> Self {
        self.wrapper_forks = true;
        self
    }

    /// Runs it as process 1 of a pid namespace. Needs root or user namespaces.
    pub fn as_pid_1(mut self) -> Self {
        self.wrapper_forks = true;
        let mut unshare = vec!["unshare"];
        if !nix::unistd::geteuid().is_root() {
            unshare.extend(["--user", "--map-root-user"]);
        }
        unshare.extend(["--pid", "--fork", "--mount-proc"]);
        self.under(unshare)
    }

    /// Starts it and waits for its ready line: `listening on …` or `ready` on stdout.
    #[track_caller]
    pub fn start(self) -> Running {
        let by_log = self.stdout != Stream::Captured;
        let running = self.spawn();
        running.wait_line(
            |line| match line {
                Line::Out(text) => text == "ready" || text.starts_with("listening on "),
                Line::Err(text) => by_log && text.starts_with("graceful: service ready"),
            },
            PATIENCE,
        );
        running
    }

    /// Starts it and waits for nothing.
    #[track_caller]
    pub fn spawn(self) -> Running {
        let scratch = TempDir::with_prefix("graceful-test-").expect("a temporary directory can be made");
        let report = self.report_path(&scratch);
        let mut held = Held::default();
        let mut command = self.command(&report, &mut held);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        // Its ends of the pipes close here, so that the harness sees the end of the streams.
        drop(command);
        let output = Arc::new(Output::default());
        if let Some(stdout) = child.stdout.take() {
            output.read(stdout, Line::Out);
        }
        if let Some(stderr) = child.stderr.take() {
            output.read(stderr, Line::Err);
        }
        match (self.stdin, child.stdin.take()) {
            // A service that has ended already reads nothing, and that is no error here.
            (Stdin::Text(text), Some(mut stdin)) => drop(stdin.write_all(&text)),
            (_, stdin) => held.stdin = stdin,
        }
        let parts = Parts {
            name: self.name,
            program: self.program,
            wrapper_forks: self.wrapper_forks,
            output,
            report,
            scratch: Some(scratch),
            _held: held,
        };
        Running::new(child, parts)
    }

    fn report_path(&self, scratch: &TempDir) -> PathBuf {
        match self.env.get(OsStr::new("GRACEFUL_REPORT")) {
            Some(Some(path)) => PathBuf::from(path),
            _ => scratch.path().join("report.json"),
        }
    }

    fn command(&self, report: &Path, held: &mut Held) -> Command {
        let mut words = self.wrapper.clone();
        if let Some(names) = ignored_signals() {
            // A runner that was started in the background ignores some; its services would too.
            words.splice(0..0, ["env".into(), OsString::from(format!("--default-signal={names}"))]);
        }
        words.push(self.program.clone().into_os_string());
        words.extend(self.args.iter().cloned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).process_group(0);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("GRACEFUL_REPORT", report);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.stdin(if matches!(self.stdin, Stdin::Empty) { Stdio::null() } else { Stdio::piped() });
        command.stdout(self.stdout.open(held));
        command.stderr(self.stderr.open(held));
        command
    }
}

fn changes_services(name: &OsStr) -> bool {
    const CLUSTERS: [&str; 3] = ["KUBERNETES_SERVICE_HOST", "ECS_CONTAINER_METADATA_URI_V4", "NOMAD_ALLOC_ID"];
    let name = name.to_string_lossy();
    name.starts_with("GRACEFUL") || name.starts_with("SHUTDOWN_") || CLUSTERS.contains(&name.as_ref())
}

/// Signals of ours that this process ignores, as `env --default-signal` wants them.
fn ignored_signals() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    let names = [(1, "HUP"), (2, "INT"), (3, "QUIT"), (12, "USR2"), (15, "TERM")];
    let ignored: Vec<&str> =
        names.iter().filter(|(number, _)| mask >> (number - 1) & 1 == 1).map(|(_, name)| *name).collect();
    (!ignored.is_empty()).then(|| ignored.join(","))
}
