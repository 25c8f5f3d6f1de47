//! What a service says about itself on stderr, and how much of it.

use graceful_tests::Service;

#[test]
fn the_level_is_the_environments() {
    for (level, says, is_silent_about) in [
        ("off", "graceful-tests shut down in", "signal received"),
        ("error", "error: hook finished name=second", "signal received"),
        ("warn", "warn: ticket still out name=work", "signal received"),
        ("info", "phase changed from=serving to=lame_duck", "hook began"),
        ("debug", "hook began name=first", "nothing of the kind"),
    ] {
        let service = Service::fixture("plain").envs([
            ("GF_SECOND", "error"),
            ("GF_TICKET", "forever"),
            ("SHUTDOWN_DRAIN", "100ms"),
        ]);
        let exit = service.env("GRACEFUL_LOG", level).start().stop();
        exit.expect_code(3).expect_outcome("incomplete");
        exit.line(says);
        assert!(!exit.has(is_silent_about), "{level}: {exit}");
        // For people, whatever the level.
        assert!(
            exit.stderr().last().is_some_and(|line| line.starts_with("graceful: graceful-tests shut down in")),
            "{exit}"
        );
    }
    let exit = Service::fixture("plain").env("GRACEFUL_LOG", "off").start().stop();
    assert_eq!(exit.stderr().len(), 1, "{exit}");
}

#[test]
fn the_start_says_what_it_found() {
    let exit = Service::fixture("plain").start().stop();
    exit.line("graceful: service ready hooks=5 names=leave,first,second,third,last tasks=0 worst_case=9s timeout=10s");
}
