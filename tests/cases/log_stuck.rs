//! A log that nobody reads: a pipe that is full. The service serves, ends in time, and says what was lost.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use graceful_tests::{Http, PATIENCE, Running, Service, Signal, Stream};
use nix::sys::stat::Mode;
use serde_json::Value;
use tempfile::TempDir;

use crate::http::connect;

/// More than the pipe, the queue and the batch that is being written hold.
const LINES: u64 = 40_000;

/// A pipe with a name: the service writes into it, and it is read when the test says so.
struct Pipe {
    _folder: TempDir,
    path: PathBuf,
    reader: File,
}

impl Pipe {
    fn new() -> Self {
        let folder = TempDir::with_prefix("graceful-log-").expect("a temporary directory");
        let path = folder.path().join("log");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
        // Open for both, it opens without a writer and outlives all of them.
        let open = OpenOptions::new().read(true).write(true).custom_flags(nix::libc::O_NONBLOCK).open(&path);
        Self { path, reader: open.expect("a pipe opens"), _folder: folder }
    }

    /// Reads until `is_enough` says so of what has been read.
    fn read_until(&mut self, is_enough: impl Fn(&str) -> bool) -> String {
        let (mut text, until) = (Vec::new(), Instant::now() + PATIENCE);
        let mut bytes = vec![0; 64 * 1024];
        loop {
            match self.reader.read(&mut bytes) {
                Ok(read) => text.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    let seen = String::from_utf8_lossy(&text);
                    if is_enough(&seen) {
                        return seen.into_owned();
                    }
                    assert!(Instant::now() < until, "that never came; the end was {:?}", seen.lines().last());
                    std::thread::yield_now();
                }
                Err(error) => panic!("the pipe cannot be read: {error}"),
            }
        }
    }
}

fn service(pipe: &Pipe) -> Running {
    Service::fixture("probes")
        .envs([("GF_LOGGER", "yes"), ("LOG_FORMAT", "json"), ("LOG_LEVEL", "debug")])
        .stderr(Stream::File(pipe.path.clone()))
        .start()
}

/// Has more logged than anything holds, and is answered all the same.
fn load(service: &Running) {
    let mut http = connect(service);
    http.get(&format!("/log?lines={LINES}")).expect(200, "logged\n");
    for _ in 0..100 {
        http.get("/mend").expect_status(200);
    }
    let admin = service.address_after("admin on http://");
    Http::connect(admin).expect("it listens").get("/health/ready").expect_status(200);
}

/// How many lines of the load were written, and how many of any are told to be lost. Half a line at the end is none.
fn count(text: &str) -> (u64, u64) {
    let (mut written, mut lost) = (0, 0);
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        written += u64::from(line.contains("part of the load"));
        if line.contains("log_lines_dropped") {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            lost += line["lines"].as_u64().expect("a number");
        }
    }
    (written, lost)
}

#[test]
fn who_reads_again_is_told_how_much_was_lost() {
    let mut pipe = Pipe::new();
    let service = service(&pipe);
    load(&service);
    // Every line is either there or counted.
    let text = pipe.read_until(|text| {
        let (written, lost) = count(text);
        written + lost >= LINES
    });
    assert!(count(&text).1 > 0, "nothing was lost: the pipe was not full");
    // From here on nothing is lost.
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    let end = pipe.read_until(|text| text.contains("shut down in"));
    assert!(end.contains("\"event_type\":\"exiting\""), "{end}");
}

#[test]
fn who_never_reads_holds_nothing_up() {
    let mut pipe = Pipe::new();
    let service = service(&pipe);
    load(&service);
    let exit = service.stop();
    // One second is the flush's budget, and it is what the logs may cost.
    exit.expect_within(Duration::from_secs(2));
    exit.expect_code(3).expect_outcome("incomplete").expect_incomplete("flush");
    assert_eq!(exit.hook("close")["outcome"], "completed");
    assert!(pipe.read_until(|_| true).contains("part of the load"));
}
