//! wrk: full load from a public tool, and the signal in the middle of it.

use std::time::Duration;

use graceful_tests::{PATIENCE, Service, Signal};

use crate::http::http;

#[test]
fn under_load() {
    for path in ["/", "/work?ms=5"] {
        let service = http().start();
        let url = format!("http://{}{path}", service.address());
        let wrk = Service::program("wrk", "wrk").args(["-t1", "-c64", "-d3s", "--timeout", "30s", &url]).spawn();
        // It is at work once something was answered; a second of that.
        std::thread::sleep(Duration::from_millis(1200));
        service.signal(Signal::SIGTERM);
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(500));
        let answered = exit.report()["requests"]["answered"].as_u64().expect("a count");
        exit.expect_answered(answered).expect_served(exit.connections("accepted"));
        // What wrk makes of being refused is its own business: it has seen every answer.
        let seen = wrk.wait(PATIENCE);
        let line = seen.line(" requests in ").trim().to_owned();
        let counted: u64 = line.split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
        assert_eq!(counted, answered, "{seen}\n{exit}");
        assert!(answered > 1000, "{seen}");
        let line = seen.lines.iter().map(graceful_tests::Line::text).find(|line| line.contains("Non-2xx"));
        assert_eq!(line, None, "{seen}");
    }
}
