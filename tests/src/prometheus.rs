//! A Prometheus and a Pushgateway of one's own, and `promtool`.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::{Daemon, free_port};
use crate::{Http, PATIENCE};

/// A `prometheus` that scrapes one target, the job `service`, five times a second.
#[derive(Debug)]
pub struct Prometheus {
    _daemon: Daemon,
    _config: TempDir,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts one with our alert rules, and waits until it answers.
    #[must_use]
    #[track_caller]
    pub fn start(target: SocketAddr) -> Self {
        let config = TempDir::with_prefix("graceful-prometheus-").expect("a temporary directory can be made");
        let file = config.path().join("prometheus.yml");
        let text = format!(
            "global:\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  evaluation_interval: 200ms\n\
             rule_files:\n  - {}\n\
             scrape_configs:\n  - job_name: service\n    static_configs:\n      - targets: ['{target}']\n",
            rules("graceful-alerts.yml").display()
        );
        fs::write(&file, text).expect("room");
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (listen, file) = (format!("--web.listen-address={address}"), format!("--config.file={}", file.display()));
        let args = [listen.as_str(), file.as_str(), "--storage.tsdb.path=FOLDER/data", "--log.level=warn"];
        let daemon = Daemon::start("prometheus", args, move |_| ready(address));
        Self { _daemon: daemon, _config: config, address }
    }

    /// The value of an expression of which there is one.
    #[must_use]
    #[track_caller]
    pub fn value(&self, expression: &str) -> Option<f64> {
        let query: String = expression
            .bytes()
            .map(
                |byte| {
                    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
                },
            )
            .collect();
        let answer = Http::connect(self.address).expect("it listens").get(&format!("/api/v1/query?query={query}"));
        let body: Value = serde_json::from_str(&answer.text()).expect("JSON");
        assert_eq!(body["status"], "success", "{expression}: {body}");
        let result = body["data"]["result"].as_array().expect("a vector");
        assert!(result.len() <= 1, "{expression} is not one: {body}");
        result.first()?["value"][1].as_str()?.parse().ok()
    }

    /// Asks until the value is one that is wanted.
    #[track_caller]
    pub fn wait(&self, expression: &str, wanted: impl Fn(f64) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let value = self.value(expression);
            if value.is_some_and(&wanted) {
                return;
            }
            assert!(Instant::now() < until, "{expression} is {value:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A `prometheus-pushgateway`.
#[derive(Debug)]
pub struct Pushgateway {
    _daemon: Daemon,
    address: SocketAddr,
}

impl Pushgateway {
    /// Starts one and waits until it answers.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let listen = format!("--web.listen-address={address}");
        let args = [listen.as_str(), "--log.level=warn"];
        let daemon = Daemon::start("prometheus-pushgateway", args, move |_| ready(address));
        Self { _daemon: daemon, address }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was pushed.
    #[must_use]
    #[track_caller]
    pub fn metrics(&self) -> String {
        Http::connect(self.address).expect("it listens").get("/metrics").expect_status(200).text()
    }
}

/// A file of `deploy/prometheus`.
#[must_use]
pub fn rules(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in the workspace")
        .join("deploy/prometheus")
        .join(name)
}

/// What `promtool` finds wrong.
#[must_use]
#[track_caller]
pub fn promtool(args: &[&str], stdin: &str) -> Option<String> {
    let mut promtool = Command::new("promtool")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing; install it: sudo apt-get install prometheus");
    promtool.stdin.take().expect("piped").write_all(stdin.as_bytes()).expect("it reads");
    let verdict = promtool.wait_with_output().expect("it ends");
    let findings = String::from_utf8_lossy(&verdict.stdout).into_owned() + &String::from_utf8_lossy(&verdict.stderr);
    // It says so of rules, and nothing of metrics.
    let well = verdict.status.success() && (findings.is_empty() || findings.contains("SUCCESS"));
    (!well).then_some(findings)
}

fn ready(address: SocketAddr) -> io::Result<()> {
    match Http::connect(address)?.ask(crate::get("/-/ready"))?.status {
        200 => Ok(()),
        status => Err(io::Error::other(format!("it answers {status}"))),
    }
}
