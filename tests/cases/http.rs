//! What the cases of the HTTP server share.

use graceful_tests::{Http, Running, Service};

pub(crate) fn http() -> Service {
    Service::fixture("http")
}

pub(crate) fn connect(service: &Running) -> Http {
    Http::connect(service.address()).expect("it listens")
}

/// So many connections, each of which was answered once: idle ones.
pub(crate) fn idle(service: &Running, number: usize) -> Vec<Http> {
    (0..number)
        .map(|_| {
            let mut client = connect(service);
            client.get("/").expect(200, "hello\n");
            client
        })
        .collect()
}

/// Many lines that are told from one another: `number` bytes.
pub(crate) fn text(number: usize) -> String {
    let mut text: String = (0..=number / 8).map(|line| format!("{line:07}\n")).collect();
    text.truncate(number);
    text
}
