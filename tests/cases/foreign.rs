//! Servers that `graceful` does not run take part in its drain: what is in flight or waits in the backlog is answered, what
//! never ends is named.

use std::time::Duration;

use graceful_tests::{Client, PATIENCE, Running, Signal};

use crate::examples::{connect, example, expect_served, send_part, wait_until_refused};

/// An example, and how to speak to it.
struct Foreign {
    example: &'static str,
    protocol: Protocol,
    /// How the report calls a request that did not end.
    incomplete: &'static str,
    /// Whether its connections are in the counts of the report.
    adopted: bool,
}

/// What is sent is `half a line`, which comes back in capital letters, or counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http { path: &'static str, answer: &'static str },
    Lines,
}

const ALL: [Foreign; 4] = [
    Foreign {
        example: "foreign_thread_per_connection",
        protocol: Protocol::Lines,
        incomplete: "1 connections were cut at the drain's deadline",
        adopted: true,
    },
    Foreign {
        example: "foreign_mio",
        protocol: Protocol::Lines,
        incomplete: "mio did not end in time (1 tickets still out)",
        adopted: false,
    },
    Foreign {
        example: "foreign_tiny_http",
        protocol: Protocol::Http { path: "/", answer: "HALF A LINE" },
        incomplete: "tiny_http did not end in time (1 tickets still out)",
        adopted: false,
    },
    Foreign {
        example: "foreign_rouille",
        protocol: Protocol::Http { path: "/count", answer: "12 bytes" },
        incomplete: "rouille did not end in time (1 tickets still out)",
        adopted: false,
    },
];

#[test]
fn a_request_in_flight_is_answered() {
    for foreign in ALL {
        let service = example(foreign.example).start();
        let mut client = foreign.begin(&service);
        service.signal(Signal::SIGTERM);
        wait_until_refused(service.address());
        foreign.finish(&mut client);
        assert!(client.rest().expect("then the end, not a reset").is_empty());
        expect_served(&service.wait(PATIENCE), foreign.counted(1));
    }
}

#[test]
fn a_request_that_never_ends_is_named() {
    for foreign in ALL {
        let service = example(foreign.example).env("SHUTDOWN_DRAIN", "1s").start();
        let stuck = foreign.begin(&service);
        let mut other = foreign.begin(&service);
        service.signal(Signal::SIGTERM);
        foreign.finish(&mut other);
        let exit = service.wait(PATIENCE);
        exit.expect_code(3).expect_outcome("incomplete").expect_incomplete(foreign.incomplete);
        assert_eq!(exit.incomplete().len(), 1, "nothing else: {exit}");
        exit.expect_not_before(Duration::from_secs(1)).expect_within(Duration::from_secs(1));
        assert_eq!(exit.report()["connections"]["cut"], foreign.counted(1), "{exit}");
        drop(stuck);
    }
}

#[test]
fn the_backlog_is_answered() {
    const NUMBER: usize = 50;
    for foreign in ALL {
        let service = example(foreign.example).start();
        service.signal(Signal::SIGSTOP);
        let mut clients: Vec<Client> = (0..NUMBER)
            .map(|_| {
                let client = connect(&service);
                send_part(&client, &foreign.request());
                client
            })
            .collect();
        service.signal(Signal::SIGTERM);
        service.signal(Signal::SIGCONT);
        for client in &mut clients {
            foreign.read_answer(client);
            assert!(client.rest().expect("then the end, not a reset").is_empty());
        }
        expect_served(&service.wait(PATIENCE), foreign.counted(NUMBER as u64));
    }
}

/// A connection on which nothing is under way is no reason to wait.
#[test]
fn idle_connections_end_in_order() {
    for foreign in ALL {
        let service = example(foreign.example).start();
        let mut used = foreign.begin(&service);
        foreign.finish(&mut used);
        let mut unused = connect(&service);
        service.signal(Signal::SIGTERM);
        for client in [&mut used, &mut unused] {
            assert!(client.rest().expect("the end, not a reset").is_empty());
        }
        let exit = service.wait(PATIENCE);
        expect_served(&exit, foreign.counted(2));
        exit.expect_within(Duration::from_millis(500));
    }
}

#[test]
fn nothing_to_do_takes_no_time() {
    for foreign in ALL {
        let exit = example(foreign.example).start().stop();
        expect_served(&exit, 0);
        exit.expect_within(Duration::from_millis(500));
    }
}

#[test]
fn rouille_routes() {
    let service = example("foreign_rouille").start();
    for (request, status, answer) in [("/greet/you", "200 OK", "hello, you"), ("/nowhere", "404 Not Found", "")] {
        let mut client = connect(&service);
        client.send(&format!("GET {request} HTTP/1.1\r\nHost: localhost\r\n\r")).expect("it is connected");
        assert_eq!(read_head(&mut client), format!("HTTP/1.1 {status}\r"));
        if !answer.is_empty() {
            assert_eq!(client.line().expect("a body"), answer);
        }
    }
    expect_served(&service.stop(), 0);
}

impl Foreign {
    /// How many connections the report tells of when there were so many.
    fn counted(&self, connections: u64) -> u64 {
        if self.adopted { connections } else { 0 }
    }

    /// A connection with half a request, which the server has begun to read.
    fn begin(&self, service: &Running) -> Client {
        let mut client = connect(service);
        if let Protocol::Http { .. } = self.protocol {
            send_part(&client, &self.head("Expect: 100-continue\r\n"));
            // Sent when the handler asks for the body.
            assert_eq!(read_head(&mut client), "HTTP/1.1 100 Continue\r");
        }
        send_part(&client, "half ");
        client
    }

    fn finish(&self, client: &mut Client) {
        send_part(client, "a line\n");
        self.read_answer(client);
    }

    fn request(&self) -> String {
        match self.protocol {
            // Of many clients that come at once and keep their connections, tiny_http hears only some, drain or no drain.
            Protocol::Http { .. } => self.head("Connection: close\r\n") + "half a line\n",
            Protocol::Lines => "half a line\n".to_owned(),
        }
    }

    fn head(&self, more: &str) -> String {
        let Protocol::Http { path, .. } = self.protocol else { return String::new() };
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n{more}\r\n")
    }

    fn read_answer(&self, client: &mut Client) {
        let expected = match self.protocol {
            Protocol::Http { answer, .. } => {
                assert_eq!(read_head(client), "HTTP/1.1 200 OK\r", "{}", self.example);
                answer
            }
            Protocol::Lines => "HALF A LINE",
        };
        assert_eq!(client.line().expect("a whole answer"), expected, "{}", self.example);
    }
}

/// The first line; the head is read to its end.
fn read_head(client: &mut Client) -> String {
    let first = client.line().expect("an answer");
    while client.line().expect("a whole head") != "\r" {}
    first
}
