//! The load generator: wrk with one thread.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use graceful_benches::Result;

/// What is asked, and by how many.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) path: &'static str,
    pub(crate) header: Option<&'static str>,
    /// Requests in each write.
    pub(crate) depth: usize,
}

impl Load {
    pub(crate) fn of(connections: usize) -> Self {
        Self { connections, path: "/", header: None, depth: 1 }
    }

    pub(crate) fn run(&self, address: SocketAddr, time: Duration) -> Result<Answers> {
        self.start(address, time)?.join()
    }

    pub(crate) fn start(&self, address: SocketAddr, time: Duration) -> Result<Running> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("http/wrk.lua");
        let mut command = Command::new("wrk");
        command.args(["--threads", "1", "--timeout", "5s"]);
        command.arg("--connections").arg(self.connections.to_string());
        command.arg("--duration").arg(format!("{}s", time.as_secs().max(1)));
        if let Some(header) = self.header {
            command.arg("--header").arg(header);
        }
        command.arg("--script").arg(script).arg(format!("http://{address}{}", self.path));
        command.arg("--").arg(self.depth.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("wrk was not started: {error}"))?;
        // Servers that close without saying so have it find out by an error, once for each answer.
        Ok(Running { child: Some(child), errors_for_each: if self.header.is_some() { 1.01 } else { 0.01 } })
    }
}

/// Killed when it is dropped, if it has not ended.
#[derive(Debug)]
pub(crate) struct Running {
    child: Option<Child>,
    errors_for_each: f64,
}

impl Running {
    pub(crate) fn join(mut self) -> Result<Answers> {
        let output = self.child.take().ok_or("wrk runs")?.wait_with_output()?;
        let text = String::from_utf8(output.stdout)?;
        let line = text.lines().find_map(|line| line.strip_prefix("figures ")).ok_or("wrk told nothing")?;
        Answers::parse(line, self.errors_for_each)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It fails for one that has ended, and that is fine.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// What wrk saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers {
    pub(crate) count: f64,
    pub(crate) for_each_second: f64,
    /// In milliseconds.
    pub(crate) p99: f64,
}

impl Answers {
    /// The line that the script writes: `requests µs median p99 errors refusals`.
    fn parse(line: &str, errors_for_each: f64) -> Result<Self> {
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<std::result::Result<_, _>>()?;
        let [count, time, _, p99, errors, refusals] = numbers[..] else {
            return Err("the script writes six numbers".into());
        };
        if count == 0.0 || refusals > 0.0 || errors > count * errors_for_each {
            return Err(format!("{count} answers, {errors} errors, {refusals} refusals").into());
        }
        Ok(Self { count, for_each_second: count / time * 1e6, p99: p99 / 1e3 })
    }
}
