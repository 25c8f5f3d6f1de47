//! Drives a service while it is told to stop with `SIGTERM`, and prints what the clients saw.
//!
//! Start any HTTP service, then:
//!
//! ```sh
//! cargo run --release -p graceful-drill --example drill -- ADDRESS PID PATTERN [CLIENTS [PATH]]
//! ```
//!
//! PATTERN is `keep-alive`, `pipelined`, `per-request`, `storm`, `queued`, `in-flight` or `idle`. With `-` for the PID there is
//! no signal: it is a load of five seconds. It ends by itself; the exit code is 1 when something was lost.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use graceful_drill::{Clients, Closing, Drill, Late, Pattern, Request, Service};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, pid, pattern, rest @ ..] = args.as_slice() else {
        return Err("usage: drill ADDRESS PID PATTERN [CLIENTS [PATH]]".into());
    };
    let count = rest.first().map_or(Ok(64), |count| count.parse())?;
    let path = rest.get(1).map_or("/", String::as_str);
    let late = Some(Late { clients: count / 10, after: Duration::from_millis(20) });
    let pattern = match pattern.as_str() {
        "idle" => Pattern::Idle { late },
        "in-flight" => Pattern::InFlight,
        "keep-alive" => Pattern::KeepAlive { pipeline: 1 },
        "per-request" => Pattern::PerRequest { closing: Closing::Asked },
        "pipelined" => Pattern::KeepAlive { pipeline: 16 },
        "queued" => Pattern::Queued,
        "storm" => Pattern::Storm { spread: Duration::from_millis(2) },
        other => return Err(format!("there is no pattern {other:?}").into()),
    };
    let holds_up = pattern == Pattern::Queued;
    let drill = Drill::new(address.as_str())
        .group("clients", Clients::new(count, pattern).request(Request::get(path)))
        .warm_up(Duration::from_secs(1))
        .deadline(Duration::from_secs(10));
    let outcome = if pid == "-" {
        drill.load(Duration::from_secs(5))?
    } else {
        drill.run_with(&mut Process { pid: Pid::from_raw(pid.parse()?), holds_up })?
    };
    println!("{outcome}");
    Ok(if outcome.is_lossless() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Process {
    pid: Pid,
    /// It accepts nobody for a moment before the signal, so that clients wait in its queue.
    holds_up: bool,
}

impl Process {
    fn send(&self, signal: Signal) {
        if let Err(error) = kill(self.pid, signal) {
            eprintln!("{} takes no {signal}: {error}", self.pid);
        }
    }
}

impl Service for Process {
    fn prepare(&mut self) {
        if self.holds_up {
            self.send(Signal::SIGSTOP);
        }
    }

    fn signal(&mut self) {
        self.send(Signal::SIGTERM);
        if self.holds_up {
            self.send(Signal::SIGCONT);
        }
    }

    fn has_ended(&mut self) -> bool {
        kill(self.pid, None).is_err()
    }
}
