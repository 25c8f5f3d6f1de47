//! Each signal that means shutdown ends the service well, and the report says which it was and from whom.

use graceful_tests::{Exit, PATIENCE, Service, Signal};

fn ended_by(signal: Signal) -> Exit {
    let service = Service::fixture("plain").start();
    service.signal(signal);
    service.wait(PATIENCE)
}

#[test]
fn each_signal_shuts_down() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGUSR2] {
        let exit = ended_by(signal);
        exit.expect_code(0).expect_outcome("clean");
        let reason = &exit.report()["reason"];
        assert_eq!(reason["kind"], "signal", "{exit}");
        assert_eq!(reason["signal"], signal.as_str(), "{exit}");
        assert_eq!(reason["sender"]["pid"], std::process::id(), "{exit}");
        assert_eq!(reason["sender"]["uid"], nix::unistd::getuid().as_raw(), "{exit}");
        assert_eq!(exit.signals(), format!("{signal}=graceful"));
        assert_eq!(exit.hooks(), "leave=completed first=completed second=completed third=completed last=completed");
    }
}
