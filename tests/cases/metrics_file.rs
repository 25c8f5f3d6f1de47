//! Figures of shutdowns outlive the process: the next one tells them.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::prometheus::promtool;
use graceful_tests::{Http, PATIENCE, Running, Service, Signal, get};
use tempfile::TempDir;

use crate::http::connect;

/// Where figures are kept, over several runs.
pub(crate) struct Figures {
    folder: TempDir,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::with_prefix("graceful-figures-").expect("a temporary directory can be made") }
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.folder.path().join(format!("metrics.prom{ending}"))
    }

    pub(crate) fn service(&self) -> Service {
        Service::fixture("figures").env("GRACEFUL_METRICS_FILE", self.path(""))
    }

    /// One run that ends by `SIGTERM`, and what the next one tells.
    #[track_caller]
    fn after(&self, service: Service) -> String {
        let _ = service.start().stop();
        self.next()
    }

    /// What the next run tells. It ends cleanly, and so it counts too.
    #[track_caller]
    fn next(&self) -> String {
        let service = self.service().start();
        let metrics = metrics(&service);
        service.stop().expect_code(0).expect_outcome("clean");
        metrics
    }

    /// Waits until it is written down that a shutdown began.
    #[track_caller]
    pub(crate) fn wait_pending(&self) {
        let until = Instant::now() + PATIENCE;
        while !self.path(".pending").exists() {
            assert!(Instant::now() < until, "it is not written down");
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).expect("a folder");
        let mut names: Vec<String> =
            files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// What it tells, which `promtool` has nothing to say about.
#[track_caller]
fn metrics(service: &Running) -> String {
    let admin = service.address_after("admin on http://");
    let text = Http::connect(admin).expect("it listens").get("/metrics").expect_status(200).text();
    assert_eq!(promtool(&["check", "metrics"], &text), None);
    text
}

#[track_caller]
fn expect(metrics: &str, lines: &[&str]) {
    for line in lines {
        assert!(metrics.lines().any(|known| known == *line), "no {line} in {metrics}");
    }
}

#[test]
fn the_next_process_tells_of_it() {
    let figures = Figures::new();
    let service = figures.service().start();
    expect(
        &metrics(&service),
        &[
            "graceful_shutdown_success_total 0",
            "graceful_shutdown_failure_total 0",
            "graceful_forced_shutdown_total 0",
            "graceful_shutdown_errors_total{component=\"close_db\"} 0",
            "graceful_shutdown_errors_total{component=\"connections\"} 0",
            "graceful_shutdown_errors_total{component=\"sync_orders\"} 0",
            "graceful_shutdown_duration_seconds_bucket{le=\"+Inf\"} 0",
            "graceful_shutdown_active_connections 0",
            "shop_orders_total 0",
        ],
    );
    let mut idle = connect(&service);
    idle.get("/work?ms=0").expect_status(200);
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean").expect_served(1);
    assert!(exit.has("told clean 0"), "{exit}");
    assert_eq!(exit.report()["open_at_request"], 1, "{exit}");
    assert_eq!(figures.files(), ["metrics.prom"]);
    let file = fs::read_to_string(figures.path("")).expect("a text");
    assert_eq!(promtool(&["check", "metrics"], &file), None);
    expect(&file, &["graceful_shutdown_success_total{service=\"graceful-tests\"} 1"]);

    for nth in 1..4 {
        let told = figures.next();
        expect(
            &told,
            &[
                &format!("graceful_shutdown_success_total {nth}"),
                "graceful_shutdown_failure_total 0",
                "graceful_forced_shutdown_total 0",
                &format!("graceful_shutdown_duration_seconds_count {nth}"),
                &format!("graceful_shutdown_duration_seconds_bucket{{le=\"+Inf\"}} {nth}"),
                &format!("graceful_active_connections_at_shutdown {}", i32::from(nth == 1)),
                "graceful_hook_outcome{name=\"close_db\",outcome=\"completed\"} 1",
                "graceful_last_shutdown_exit_code 0",
            ],
        );
        assert!(told.contains("\ngraceful_hook_duration_seconds{name=\"flush_orders\"} "), "{told}");
    }
}

#[test]
fn what_failed_is_named() {
    let figures = Figures::new();
    let told = figures.after(figures.service().env("GF_CLOSE_DB", "error"));
    expect(
        &told,
        &[
            "graceful_shutdown_success_total 0",
            "graceful_shutdown_failure_total 1",
            "graceful_forced_shutdown_total 0",
            "graceful_shutdown_errors_total{component=\"close_db\"} 1",
            "graceful_shutdown_errors_total{component=\"flush_orders\"} 0",
            "graceful_hook_outcome{name=\"close_db\",outcome=\"failed\"} 1",
            "graceful_last_shutdown_exit_code 3",
        ],
    );
    let told = figures.after(figures.service().env("GF_FLUSH_ORDERS", "panic").env("GF_CLOSE_DB", "error"));
    expect(
        &told,
        &[
            // The one that was asked in between.
            "graceful_shutdown_success_total 1",
            "graceful_shutdown_failure_total 2",
            "graceful_shutdown_errors_total{component=\"close_db\"} 2",
            "graceful_shutdown_errors_total{component=\"flush_orders\"} 1",
        ],
    );
}

#[test]
fn a_start_that_fails_is_a_failure_of_main() {
    let figures = Figures::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    figures.service().env("GF_ADMIN", address).spawn().wait(PATIENCE).expect_code(1);
    expect(
        &figures.next(),
        &[
            "graceful_shutdown_failure_total 1",
            "graceful_shutdown_errors_total{component=\"main\"} 1",
            "graceful_last_shutdown_exit_code 1",
        ],
    );
}

#[test]
fn a_connection_that_is_cut_is_an_error_of_connections() {
    let figures = Figures::new();
    let service = figures.service().env("SHUTDOWN_DRAIN", "300ms").start();
    let mut working = connect(&service);
    working.send(get("/work?ms=5000")).expect("it reads");
    service.wait_text("working");
    service.stop().expect_code(3);
    expect(&figures.next(), &["graceful_shutdown_errors_total{component=\"connections\"} 1"]);
}

#[test]
fn killed_in_the_middle_of_it() {
    let figures = Figures::new();
    let service = figures.service().start();
    let mut working = connect(&service);
    working.send(get("/work?ms=8000")).expect("it reads");
    service.wait_text("working");
    service.signal(Signal::SIGTERM);
    figures.wait_pending();
    expect(&metrics(&service), &["graceful_shutdown_active_connections 1", "graceful_forced_shutdown_total 0"]);
    // Whoever collects the files sees no counter that falls again.
    let file = fs::read_to_string(figures.path("")).expect("a text");
    expect(&file, &["graceful_forced_shutdown_total{service=\"graceful-tests\"} 0"]);
    service.signal(Signal::SIGKILL);
    let _ = service.wait(PATIENCE);
    let told = figures.next();
    expect(
        &told,
        &[
            "graceful_shutdown_success_total 0",
            "graceful_shutdown_failure_total 1",
            "graceful_forced_shutdown_total 1",
            "graceful_shutdown_duration_seconds_count 0",
            "graceful_active_connections_at_shutdown 1",
        ],
    );
    assert!(!told.contains("graceful_last_shutdown_exit_code"), "{told}");
    expect(&figures.next(), &["graceful_shutdown_success_total 1", "graceful_forced_shutdown_total 1"]);
    assert_eq!(figures.files(), ["metrics.prom"]);
}

#[test]
fn a_third_signal_is_a_forced_end() {
    let figures = Figures::new();
    // Nor does a listener that hangs keep it.
    let stuck = [("GF_CLOSE_DB", "read"), ("GF_TOLD", "busy"), ("SHUTDOWN_DEBOUNCE", "50ms")];
    let service = figures.service().envs(stuck).stdin_held().start();
    service.signal(Signal::SIGTERM);
    service.wait_text("hook close_db began");
    figures.wait_pending();
    service.signal_after(Duration::from_millis(100), Signal::SIGTERM);
    service.signal_after(Duration::from_millis(100), Signal::SIGTERM);
    service.wait(PATIENCE).expect_code(143).expect_outcome("forced");
    expect(&figures.next(), &["graceful_shutdown_failure_total 1", "graceful_forced_shutdown_total 1"]);
}

#[test]
fn a_damaged_file_is_moved_aside() {
    let figures = Figures::new();
    fs::write(figures.path(""), "graceful_shutdown_success_total{service=\"shop\"} 7\nhalf a li").expect("room");
    let service = figures.service().start();
    expect(&metrics(&service), &["graceful_shutdown_success_total 0"]);
    service.stop().expect_code(0).expect_outcome("clean");
    assert_eq!(figures.files(), ["metrics.prom", "metrics.prom.damaged"]);
    expect(&figures.next(), &["graceful_shutdown_success_total 1"]);
}

#[test]
fn a_directory_that_is_not_there_is_an_error_at_start() {
    let figures = Figures::new();
    let path = figures.folder.path().join("nowhere").join("metrics.prom");
    let exit = Service::fixture("figures").env("GRACEFUL_METRICS_FILE", &path).spawn().wait(PATIENCE);
    exit.expect_code(1);
    let line = exit.line("cannot keep figures in");
    assert!(line.contains("nowhere/metrics.prom") && line.contains("its directory must be there"), "{line}");
}

/// A figure that cannot be written makes no shutdown worse.
#[test]
fn a_directory_that_goes_away_is_logged() {
    let figures = Figures::new();
    let service = figures.service().start();
    fs::remove_dir_all(figures.folder.path()).expect("it is there");
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    let line = exit.line("report listener failed");
    assert!(line.contains("name=\"metrics file\"") && line.contains("No such file"), "{line}");
}

#[test]
fn whatever_a_listener_does_the_figures_are_kept_and_the_exit_is_clean() {
    for (does, said) in [
        ("error", "report listener failed name=told"),
        ("panic", "report listener panicked name=told"),
        ("read", "report listener abandoned name=told"),
    ] {
        let figures = Figures::new();
        let service = figures.service().env("GF_TOLD", does).stdin_held().start();
        let exit = service.stop();
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(1));
        exit.line(said);
        expect(&figures.next(), &["graceful_shutdown_success_total 1"]);
    }
}
