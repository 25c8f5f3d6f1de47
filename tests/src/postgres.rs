//! A PostgreSQL server of the test's own, on a Unix socket in a temporary directory, and on TCP where it has TLS.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use graceful::postgres::NoTls;
use graceful::postgres::driver::Client;
use nix::sys::signal::kill;
use nix::unistd::{Gid, Pid, Uid, chown, geteuid};
use tempfile::TempDir;

use crate::daemon::free_port;
use crate::{PATIENCE, Signal, certificate};

/// It runs until it is dropped. As root the server runs as `nobody`, since it refuses to run as root.
#[derive(Debug)]
pub struct Postgres {
    directory: TempDir,
    port: u16,
    /// What its command line says besides.
    settings: Vec<String>,
    server: Option<Child>,
}

/// `nobody` and `nogroup`.
const NOBODY: u32 = 65534;

impl Postgres {
    /// A new cluster, and its server, which answers.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        let mut postgres = Self::cluster();
        postgres.restart();
        postgres
    }

    /// One that listens on TCP as well, and lets nobody in there without TLS.
    #[must_use]
    #[track_caller]
    pub fn with_tls() -> Self {
        let mut postgres = Self::cluster();
        let path = postgres.directory.path();
        for name in ["server", "stranger"] {
            certificate::issue(path, name, unprivileged);
        }
        let access = "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(path.join("data").join("pg_hba.conf"), access).expect("a file can be written");
        postgres.port = free_port();
        let certificate = |setting, file: &str| format!("{setting}={}", path.join(file).display());
        postgres.settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", postgres.port),
            "ssl=on".to_owned(),
            certificate("ssl_cert_file", "server.pem"),
            certificate("ssl_key_file", "server.key"),
        ];
        postgres.restart();
        postgres
    }

    #[track_caller]
    fn cluster() -> Self {
        let directory = TempDir::with_prefix("graceful-postgres-").expect("a temporary directory can be made");
        let path = directory.path();
        fs::write(path.join("password"), "secret").expect("a file can be written");
        if geteuid().is_root() {
            for path in [path, &path.join("password")] {
                chown(path, Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY))).expect("root may");
            }
        }
        let mut initdb = unprivileged("initdb");
        initdb.args(["--username", "graceful", "--auth", "scram-sha-256", "--no-sync", "-E", "UTF8", "--locale", "C"]);
        initdb.arg("--pgdata").arg(path.join("data")).arg("--pwfile").arg(path.join("password"));
        let output = initdb.current_dir(path).output().expect("initdb is there: tests/run installs it");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        Self { directory, port: 5432, settings: vec!["listen_addresses=".to_owned()], server: None }
    }

    /// How it is connected to.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_with_password("secret")
    }

    /// The same with another password.
    #[must_use]
    pub fn url_with_password(&self, password: &str) -> String {
        let (folder, port) = (self.directory.path().display(), self.port);
        format!("host={folder} port={port} user=graceful password={password} dbname=postgres")
    }

    /// How it is connected to by way of TCP. `sslmode` is `require`, or what else the driver knows.
    #[must_use]
    pub fn tcp_url(&self, sslmode: &str) -> String {
        format!("postgres://graceful:secret@127.0.0.1:{}/postgres?sslmode={sslmode}", self.port)
    }

    /// The file with the authority that has signed its certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("server-ca.pem")
    }

    /// The file with an authority that has not.
    #[must_use]
    pub fn other_authority(&self) -> PathBuf {
        self.directory.path().join("stranger-ca.pem")
    }

    /// A connection of the test's own.
    #[must_use]
    #[track_caller]
    pub fn connect(&self) -> Client {
        let url = format!("{} application_name=test", self.url());
        Client::connect(&url, NoTls).unwrap_or_else(|error| panic!("no connection: {error:?}; {}", self.log()))
    }

    /// How many connections programs of this name have, as the server sees it.
    #[must_use]
    #[track_caller]
    pub fn connections_of(&self, program: &str) -> i64 {
        let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        self.connect().query_one(query, &[&program]).expect("the server answers").get(0)
    }

    /// Waits until programs of this name have no connection: the server learns of the end of a process a moment after it.
    #[track_caller]
    pub fn wait_no_connection_of(&self, program: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.connections_of(program) > 0 {
            assert!(Instant::now() < deadline, "there is one still; {}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the server at once, as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            // Its own children are ended by it.
            let _ = kill(pid(&server), Signal::SIGQUIT);
            let _ = server.wait();
        }
    }

    /// Starts the server again, which is not running, and waits until it answers.
    #[track_caller]
    pub fn restart(&mut self) {
        let path = self.directory.path();
        let log = fs::File::options().create(true).append(true).open(path.join("log")).expect("a file can be made");
        let mut command = unprivileged("postgres");
        command.arg("-D").arg(path.join("data")).arg("-k").arg(path);
        let small = ["fsync=off", "shared_buffers=16MB", "max_connections=40"];
        for setting in small.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        command.current_dir(path).process_group(0).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a file")).stderr(log);
        self.server = Some(command.spawn().expect("postgres is there: tests/run installs it"));
        let deadline = Instant::now() + PATIENCE;
        while Client::connect(&self.url(), NoTls).is_err() {
            assert!(Instant::now() < deadline, "it does not answer; {}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops all of its processes where they are, until it is thawed or dropped.
    pub fn freeze(&self) {
        self.signal_all(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal_all(Signal::SIGCONT);
    }

    /// What the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn signal_all(&self, signal: Signal) {
        let Some(server) = &self.server else { return };
        // The server first, so that it has no new ones.
        let _ = kill(pid(server), signal);
        for child in children_of(pid(server)) {
            // It may have ended.
            let _ = kill(child, signal);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.thaw();
        self.kill();
    }
}

/// A program of the server's package. It ends with the thread that started it, whatever happens to the test.
fn unprivileged(program: &str) -> Command {
    let mut words = vec!["setpriv".to_owned(), "--pdeathsig".to_owned(), "QUIT".to_owned()];
    if geteuid().is_root() {
        words.extend([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()]);
    }
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(path_of(program));
    command
}

/// Debian keeps them out of the path, in a directory for each version.
fn path_of(program: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let paths = versions.map(|version| version.path().join("bin").join(program));
    let newest = paths.filter(|path| path.is_file()).max_by_key(|path| version_in(path));
    newest.unwrap_or_else(|| PathBuf::from(program))
}

fn version_in(path: &Path) -> u32 {
    let name = path.iter().rev().nth(2).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or_default()
}

fn children_of(parent: Pid) -> Vec<Pid> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let list = fs::read_to_string(path).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a pid fits"))
}
