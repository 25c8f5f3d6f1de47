//! A signal before the first line of `main`: the handlers are there before any code of the user's.

use std::time::{Duration, Instant};

use graceful_tests::{PATIENCE, Service, Signal};

/// From the moment the handler is there, a signal is a graceful end, wherever the start was.
#[test]
fn as_soon_as_it_is_handled_it_is_graceful() {
    for _ in 0..100 {
        let service = Service::fixture("plain").spawn();
        service.wait_handles(Signal::SIGTERM);
        service.signal(Signal::SIGTERM);
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::ZERO);
        assert_eq!(exit.report()["reason"]["signal"], "SIGTERM", "{exit}");
        assert_eq!(
            exit.hooks(),
            "leave=completed first=completed second=completed third=completed last=completed",
            "{exit}"
        );
    }
}

/// Before that moment the kernel ends it, and then nothing of the user's has run.
#[test]
fn at_any_time_it_is_graceful_or_nothing_ran() {
    for micros in (0..30).map(|nth| nth * 100) {
        let service = Service::fixture("plain").spawn();
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(micros) {
            std::hint::spin_loop();
        }
        service.signal(Signal::SIGTERM);
        let exit = service.wait(PATIENCE);
        if exit.signal == Some(Signal::SIGTERM as i32) {
            assert!(exit.lines.is_empty(), "user code ran without the handlers: {exit}");
        } else {
            exit.expect_code(0).expect_outcome("clean");
        }
    }
}
