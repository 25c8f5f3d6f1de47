//! What a service inherits: signals that are ignored stay so, signals that are blocked are not.

use graceful_tests::{PATIENCE, Service, Signal};

#[test]
fn nohup_is_respected() {
    for fixture in ["plain", "reloads"] {
        let service = Service::fixture(fixture).under(["nohup"]).start();
        service.wait_text("graceful: signals stay ignored signals=SIGHUP");
        service.signal(Signal::SIGHUP);
        let exit = service.stop();
        exit.expect_code(0).expect_outcome("clean");
        assert_eq!(exit.report()["reason"]["signal"], "SIGTERM", "{exit}");
        assert_eq!(exit.signals(), "SIGTERM=graceful", "{exit}");
        assert!(!exit.has("reload"), "{exit}");
    }
}

#[test]
fn what_a_shell_ignores_stays_ignored() {
    let service = Service::fixture("plain").under(["sh", "-c", "trap '' INT QUIT; exec \"$0\" \"$@\""]).start();
    service.wait_text("graceful: signals stay ignored signals=SIGINT,SIGQUIT");
    service.signal(Signal::SIGINT);
    service.signal(Signal::SIGQUIT);
    let exit = service.stop();
    exit.expect_code(0);
    assert_eq!(exit.signals(), "SIGTERM=graceful", "{exit}");
}

#[test]
fn a_blocked_signal_is_unblocked() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGUSR2] {
        let service = Service::fixture("plain").blocking("TERM,INT,QUIT,HUP,USR2,USR1").start();
        let ours = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGUSR2];
        let blocked = service.mask("SigBlk:");
        assert!(ours.iter().all(|signal| blocked >> (*signal as u32 - 1) & 1 == 0), "{blocked:x}");
        assert_eq!(blocked >> (Signal::SIGUSR1 as u32 - 1) & 1, 1, "what is not ours stays as it was: {blocked:x}");
        service.signal(signal);
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean");
        assert_eq!(exit.report()["reason"]["signal"], signal.as_str(), "{exit}");
    }
}

#[test]
fn a_signal_that_waited_behind_the_mask_is_seen() {
    // It comes while it is blocked, and is delivered when the service takes the mask away.
    let service =
        Service::fixture("plain").under(["sh", "-c", "kill -TERM $$; exec \"$0\" \"$@\""]).blocking("TERM").spawn();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.report()["reason"]["signal"], "SIGTERM", "{exit}");
    assert_eq!(exit.report()["reason"]["sender"]["pid"], exit.report()["pid"], "it was its own: {exit}");
}
