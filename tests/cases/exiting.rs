//! The watchdog: ends the process when it cannot even exit, or when nobody can do anything any more.

use std::time::Duration;

use graceful_tests::{Exit, MARGIN, PATIENCE, Running, Service, Signal, preload};

/// The flush's budget in these services, which is also what exiting may take.
const FLUSH: Duration = Duration::from_millis(500);

fn ended_by_watchdog(service: Running, note: &str) -> Exit {
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(124);
    exit.line(&format!(
        "graceful: error: the total ran out {note}; nothing else would end it, so the watchdog did: exit 124"
    ));
    exit
}

#[test]
fn an_atexit_handler_that_hangs() {
    let service = Service::fixture("plain").env("GF_BEFORE", "atexit").env("SHUTDOWN_FLUSH", "500ms").start();
    let exit = ended_by_watchdog(service, "while the process was exiting");
    exit.expect_within(FLUSH);
    exit.line("atexit handler hangs");
    // Everything was done; the report was written before.
    assert_eq!(exit.report()["outcome"], "clean", "{exit}");
}

#[test]
fn an_atexit_handler_that_hangs_while_main_is_stuck() {
    // Then it is the coordinator that exits, and not main.
    let service = Service::fixture("plain")
        .envs([("GF_BEFORE", "atexit"), ("GF_MAIN", "read"), ("SHUTDOWN_FLUSH", "500ms"), ("SHUTDOWN_TASKS", "100ms")])
        .start();
    let exit = ended_by_watchdog(service, "while the process was exiting");
    exit.expect_within(FLUSH + Duration::from_millis(100));
    assert_eq!(exit.report()["outcome"], "incomplete", "{exit}");
}

#[test]
fn an_allocator_that_spins_in_an_atexit_handler() {
    let service = Service::fixture("plain")
        .env("LD_PRELOAD", preload("spin"))
        .env("SPIN", "atexit")
        .env("SHUTDOWN_FLUSH", "500ms")
        .start();
    let exit = ended_by_watchdog(service, "while the process was exiting");
    exit.expect_within(FLUSH);
    assert_eq!(exit.report()["outcome"], "clean", "{exit}");
}

#[test]
fn an_allocator_that_spins_for_every_thread() {
    let total = Duration::from_millis(1500);
    let service = Service::fixture("plain")
        .env("LD_PRELOAD", preload("spin"))
        .envs([("SHUTDOWN_TIMEOUT_MS", "1500"), ("SHUTDOWN_FLUSH", "200ms"), ("SHUTDOWN_LEAVE_TIMEOUT", "100ms")])
        .envs([
            ("SHUTDOWN_FIRST_TIMEOUT", "100ms"),
            ("SHUTDOWN_SECOND_TIMEOUT", "100ms"),
            ("SHUTDOWN_THIRD_TIMEOUT", "100ms"),
        ])
        .envs([("SHUTDOWN_LAST_TIMEOUT", "100ms"), ("GF_FIRST", "spin")])
        .start();
    let exit = ended_by_watchdog(service, "in hook first");
    exit.expect_not_before(total).expect_within(total + MARGIN);
    assert!(exit.report.is_none(), "nobody could write {exit}");
}

#[test]
fn a_third_signal_while_every_allocation_spins() {
    let service = Service::fixture("plain")
        .env("LD_PRELOAD", preload("spin"))
        .envs([("SHUTDOWN_DEBOUNCE", "50ms"), ("GF_FIRST", "spin"), ("SHUTDOWN_TIMEOUT", "100")])
        .start();
    service.signal(Signal::SIGTERM);
    service.wait_text("hook first began");
    for _ in 0..2 {
        service.signal_after(Duration::from_millis(200), Signal::SIGTERM);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(143).expect_within(Duration::from_millis(500));
    exit.line("graceful: error: ended by a repeated signal in hook first; nothing else would end it");
}

#[test]
fn code_that_exits_by_itself_is_let_go() {
    // Somebody calls process::exit in the middle of a hook: nothing can be saved, but nothing hangs either.
    let service = Service::fixture("plain").env("GF_SECOND", "exit=7").start();
    service.stop().expect_code(7).expect_within(Duration::ZERO);
}
