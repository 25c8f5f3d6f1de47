//! The third signal ends the process with 128 + n whatever is stuck, and its report is written all the same.

use std::time::Duration;

use graceful_tests::{Exit, PATIENCE, Service, Signal, preload};

const GAP: Duration = Duration::from_millis(200);

/// Three signals: the first takes it where it is held, the second hastens it.
fn forced(service: Service, held_at: &str, third: Signal) -> Exit {
    let hook = "20";
    let service = service
        .envs([
            ("SHUTDOWN_TIMEOUT", "300"),
            ("SHUTDOWN_DRAIN", "60"),
            ("SHUTDOWN_TASKS", "60"),
            ("SHUTDOWN_DEBOUNCE", "50ms"),
        ])
        .envs([("SHUTDOWN_LEAVE_TIMEOUT", hook), ("SHUTDOWN_FIRST_TIMEOUT", hook), ("SHUTDOWN_SECOND_TIMEOUT", hook)])
        .envs([("SHUTDOWN_LAST_TIMEOUT", hook)])
        .start();
    service.signal(Signal::SIGTERM);
    service.wait_text(held_at);
    service.signal_after(GAP, Signal::SIGTERM);
    service.signal_after(GAP, third);
    let exit = service.wait(PATIENCE);
    exit.expect_within(2 * GAP + Duration::from_millis(100));
    exit
}

#[test]
fn a_third_ends_the_process_in_every_phase() {
    for (variables, held_at, phase) in [
        (&[("GF_LEAVE", "read")][..], "hook leave began", "lame_duck"),
        (&[("GF_TICKET", "forever"), ("GF_FIRST", "read")], "work was told to stop", ""),
        (&[("GF_MAIN", "read"), ("GF_FIRST", "read")], "to=stopping_tasks", ""),
        (&[("GF_SECOND", "mutex")], "hook second began", "cleaning_up"),
        (&[("GF_LAST", "read")], "hook last began", "flushing"),
    ] {
        let exit = forced(Service::fixture("plain").envs(variables.iter().copied()), held_at, Signal::SIGTERM);
        exit.expect_code(143).expect_outcome("forced");
        assert_eq!(exit.signals(), "SIGTERM=graceful SIGTERM=fast SIGTERM=exit_now", "{exit}");
        exit.expect_incomplete(&format!("SIGTERM ended the process while it was {phase}"));
        exit.line(": forced");
        let hooks = exit.hooks();
        for hook in ["leave", "first", "second", "third", "last"] {
            assert!(hooks.contains(&format!("{hook}=")), "{hook} is in the report of {exit}");
        }
    }
}

#[test]
fn the_code_is_that_of_the_last_signal() {
    for (third, code) in [(Signal::SIGINT, 130), (Signal::SIGQUIT, 131), (Signal::SIGHUP, 129), (Signal::SIGUSR2, 140)]
    {
        let exit = forced(Service::fixture("plain").env("GF_FIRST", "read"), "hook first began", third);
        exit.expect_code(code).expect_outcome("forced");
        assert_eq!(exit.report()["reason"]["signal"], "SIGTERM", "{exit}");
    }
}

#[test]
fn the_report_tells_where_a_hook_was_when_it_ended() {
    let exit = forced(Service::fixture("plain").env("GF_SECOND", "read"), "hook second began", Signal::SIGTERM);
    exit.expect_code(143);
    assert_eq!(exit.hooks(), "leave=completed first=completed second=timed_out third=skipped last=skipped", "{exit}");
    let hook = exit.hook("second");
    assert!(hook["began_ms"].is_f64() && hook["took_ms"].as_f64() >= Some(2.0 * 150.0), "{exit}");
    assert_eq!(exit.hook("third")["detail"], "no time was left", "{exit}");
    assert!(hook["stuck"].as_str().unwrap_or_default().contains("read"), "{exit}");
}

#[test]
fn every_thread_may_be_stuck() {
    let stuck = Service::fixture("plain").envs([
        ("GF_LOGGER", "lines"),
        ("GF_TICKET", "forever"),
        ("GF_MAIN", "hold_stdout,hold_stderr,hold_logger,busy"),
        ("GF_FIRST", "mutex"),
    ]);
    let exit = forced(stuck, "ready", Signal::SIGTERM);
    exit.expect_code(143).expect_outcome("forced");
    exit.line(": forced");
}

#[test]
fn not_even_our_own_threads_are_needed() {
    let frozen = preload("freeze");
    // The coordinator and the watchdog come as far as the end of the wait that they are in.
    let service = Service::fixture("plain")
        .env("LD_PRELOAD", frozen)
        .envs([("GF_BEFORE", "freeze"), ("SHUTDOWN_DEBOUNCE", "50ms")])
        .start();
    for _ in 0..4 {
        service.signal_after(GAP, Signal::SIGTERM);
    }
    let exit = service.wait(PATIENCE);
    // It is the handler of the fourth that ends it.
    exit.expect_code(143).expect_not_before(3 * GAP).expect_within(3 * GAP);
    assert!(exit.report.is_none(), "nobody was left to write {exit}");
}

#[test]
fn four_at_once_end_it_too() {
    let service = Service::fixture("plain").envs([("SHUTDOWN_DEBOUNCE", "0"), ("GF_FIRST", "read")]).start();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGUSR2] {
        service.signal(signal);
    }
    let exit = service.wait(PATIENCE);
    // Handlers interrupt each other: which signal was the third is not known.
    assert!(exit.signal.is_none() && matches!(exit.code, Some(130 | 131 | 140 | 143)), "{exit}");
    exit.expect_within(Duration::from_millis(100));
}
