//! Each signal that means shutdown ends the service well, and the report says which it was and from whom; those that mean
//! something else do that.

use graceful_tests::{PATIENCE, Service, Signal};

#[test]
fn each_signal_shuts_down() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGUSR2] {
        let service = Service::fixture("plain").start();
        let pid = service.pid();
        service.signal(signal);
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_within(std::time::Duration::ZERO);
        let (tester, user) = (std::process::id(), nix::unistd::getuid());
        let report = exit.report();
        let reason = &report["reason"];
        assert_eq!(reason["kind"], "signal", "{exit}");
        assert_eq!(reason["signal"], signal.as_str(), "{exit}");
        assert_eq!(reason["sender"]["pid"], tester, "{exit}");
        assert_eq!(reason["sender"]["uid"], user.as_raw(), "{exit}");
        assert_eq!(report["pid"], pid.as_raw(), "{exit}");
        assert_eq!(exit.signals(), format!("{signal}=graceful"), "{exit}");
        assert_eq!(
            exit.hooks(),
            "leave=completed first=completed second=completed third=completed last=completed",
            "{exit}"
        );
        assert!(exit.incomplete().is_empty(), "{exit}");
        exit.line(&format!("signal received signal={signal} pid={tester} uid={user}"));
        let summary = exit.stderr().last().copied().unwrap_or_default().to_owned();
        let beginning = "graceful: graceful-tests shut down in ";
        let end = format!(" ({signal} from pid {tester} uid {user}): clean, 5 of 5 hooks, exit 0");
        assert!(summary.starts_with(beginning) && summary.ends_with(&end), "{exit}");
    }
}

#[test]
fn signals_mean_what_the_attribute_says() {
    let service = Service::fixture("remapped").start();
    service.signal(Signal::SIGINT);
    // Two signals on their way are not delivered in order: only what the first did not do is known after the second.
    service.signal(Signal::SIGUSR2);
    service.wait_text("reload finished name=read_again");
    service.signal(Signal::SIGINT);
    service.signal(Signal::SIGHUP);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.report()["reason"]["signal"], "SIGHUP", "{exit}");
    assert_eq!(exit.signals(), "SIGHUP=graceful", "{exit}");
    assert_eq!(exit.stdout(), ["ready", "reload began"], "{exit}");
}
