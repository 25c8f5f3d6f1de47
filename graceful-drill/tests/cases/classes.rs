//! Each class has a server that earns it.

use std::net::TcpListener;
use std::time::Duration;

use graceful_drill::{Class, Clients, Closing, Drill, Pattern, Request, Sent, Status, Use};

use crate::server::{GOODBYE, HELLO, Server};
use crate::{assert_balanced, assert_classes};

const KEEP_ALIVE: Pattern = Pattern::KeepAlive { pipeline: 1 };
const PER_REQUEST: Pattern = Pattern::PerRequest { closing: Closing::Asked };
const LONG: Duration = Duration::from_secs(20);

/// A load of so many rounds by one client.
fn rounds(server: &Server, rounds: u64, pattern: Pattern) -> Drill {
    Drill::new(server.address).group("one", Clients::new(1, pattern).rounds(rounds)).deadline(LONG)
}

#[test]
fn a_server_that_stops_right_loses_nothing() {
    let mut server = Server::correct();
    let drill = Drill::new(server.address).clients(8).warm_up(Duration::from_millis(50));
    let outcome = drill.run(|| server.stop()).expect("it runs");
    assert_balanced(&outcome);
    assert!(outcome.is_lossless(), "{outcome}");
    let counts = &outcome.total.counts;
    assert_eq!(counts.of(Class::Refused), 8, "{outcome}");
    assert_eq!(outcome.total.ends.refused, 8, "{outcome}");
    assert_eq!(outcome.total.connections.announced, 8, "{outcome}");
    assert!(counts.on(Class::Answered, Sent::Before, Use::Reused) > 8, "{outcome}");
    assert_eq!(counts.on(Class::Answered, Sent::Before, Use::Fresh), 8, "{outcome}");
    assert_eq!(counts.of(Class::Answered), server.requests() as u64, "{outcome}");
    assert!(outcome.total.load.answers > 0 && outcome.total.load.latency.p50 > Duration::ZERO, "{outcome}");
    assert!(outcome.total.stop.first_refusal.is_some(), "{outcome}");
}

#[test]
fn a_reset_is_a_reset() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.reset()
    });
    let outcome = rounds(&server, 3, PER_REQUEST).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Reset, 3)]);
    assert_eq!(outcome.total.counts.on(Class::Reset, Sent::Before, Use::Fresh), 3, "{outcome}");
    let loss = &outcome.first_losses[0];
    assert!(loss.local_port.is_some() && loss.bytes_sent > 0 && loss.bytes_received == 0, "{loss}");
    assert!(loss.error.is_some(), "{loss}");
}

#[test]
fn a_reset_between_two_requests_is_no_loss() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.send(HELLO)?;
        connection.reset()
    });
    let pause = Duration::from_millis(50);
    let clients = Clients::new(1, KEEP_ALIVE).rounds(2).pause(pause);
    let outcome = Drill::new(server.address).group("one", clients).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 2)]);
    assert_eq!(outcome.total.connections.reset_idle, 1, "{outcome}");
}

#[test]
fn an_end_before_the_answer_is_an_end() {
    let server = Server::start(|connection| connection.request().map(drop));
    let outcome = rounds(&server, 2, KEEP_ALIVE).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Ended, 2)]);
    assert_eq!(outcome.total.counts.on(Class::Ended, Sent::Before, Use::Fresh), 2, "{outcome}");
}

#[test]
fn an_end_before_the_answer_on_a_used_connection_is_a_race() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.send(HELLO)?;
        connection.request().map(drop)
    });
    let outcome = rounds(&server, 4, KEEP_ALIVE).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 2), (Class::Raced, 2)]);
    assert_eq!(outcome.total.counts.on(Class::Raced, Sent::Before, Use::Reused), 2, "{outcome}");
}

#[test]
fn a_careful_client_sees_the_end_before_it_asks() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.send(HELLO)
    });
    let clients = Clients::new(1, KEEP_ALIVE).rounds(3).pause(Duration::from_millis(20));
    let outcome = Drill::new(server.address).group("one", clients).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 3)]);
    assert_eq!(outcome.total.connections.closed_idle, 2, "{outcome}");
}

#[test]
fn part_of_an_answer_is_truncated() {
    let check = |answer: &'static str| {
        let server = Server::start(move |connection| {
            connection.request()?;
            connection.send(answer)
        });
        let outcome = rounds(&server, 1, KEEP_ALIVE).load(LONG).expect("it runs");
        assert_classes(&outcome, &[(Class::Truncated, 1)]);
        assert_eq!(outcome.first_losses[0].bytes_received, answer.len() as u64, "{outcome}");
    };
    check("H");
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n");
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell");
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n");
}

#[test]
fn a_reset_in_the_middle_of_an_answer_truncates_it() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.send("HTTP/1.0 200 OK\r\n\r\nhel")?;
        // Once the client has read this part, there is nothing but the reset left for it to see.
        assert!(connection.is_silent(Duration::from_millis(50))?);
        connection.reset()
    });
    let outcome = rounds(&server, 1, KEEP_ALIVE).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Truncated, 1)]);
}

#[test]
fn no_answer_times_out() {
    let server = Server::start(|connection| connection.wait_for_client());
    let drill = rounds(&server, 1, KEEP_ALIVE).patience(Duration::from_millis(100));
    let outcome = drill.load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::TimedOut, 1)]);
    assert!(outcome.took >= Duration::from_millis(100) && outcome.took < LONG, "{outcome}");
}

#[test]
fn the_rest_of_a_pipeline_behind_a_close_is_unanswered() {
    let server = Server::start(|connection| {
        for _ in 0..16 {
            connection.request()?;
        }
        connection.send(format!("{HELLO}{HELLO}{GOODBYE}"))
    });
    let outcome = rounds(&server, 1, Pattern::KeepAlive { pipeline: 16 }).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 3), (Class::UnansweredAfterClose, 13)]);
    assert_eq!(outcome.total.connections.announced, 1, "{outcome}");
    assert_eq!((outcome.losses(), outcome.first_losses.len()), (13, 1), "told once for each connection\n{outcome}");
}

#[test]
fn the_rest_of_a_pipeline_behind_an_end_is_ended() {
    let server = Server::start(|connection| {
        for round in [16, 3] {
            for _ in 0..16 {
                connection.request()?;
            }
            connection.send(HELLO.repeat(round))?;
        }
        Ok(())
    });
    let outcome = rounds(&server, 2, Pattern::KeepAlive { pipeline: 16 }).load(LONG).expect("it runs");
    // The server has read them, so this is no race.
    assert_classes(&outcome, &[(Class::Answered, 19), (Class::Ended, 13)]);
    assert_eq!(outcome.total.counts.on(Class::Ended, Sent::Before, Use::Reused), 13, "{outcome}");
}

#[test]
fn what_is_no_answer_is_invalid() {
    let check = |answer: &'static str, words: &str| {
        let server = Server::start(move |connection| {
            connection.request()?;
            connection.send(answer)?;
            connection.wait_for_client()
        });
        let request = Request::get("/").expect_body("hello");
        let clients = Clients::new(1, KEEP_ALIVE).rounds(1).request(request);
        let outcome = Drill::new(server.address).group("one", clients).load(LONG).expect("it runs");
        assert_classes(&outcome, &[(Class::Invalid, 1)]);
        let error = outcome.first_losses[0].error.as_deref().unwrap_or_default();
        assert!(error.contains(words), "{error}");
    };
    check("220 mail.example ESMTP\r\n", "no HTTP answer");
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo", "not the expected");
    check("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", "not the expected");
}

#[test]
fn a_closed_port_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = listener.local_addr().expect("it has an address");
    let queued = Clients::new(5, Pattern::Storm { spread: Duration::ZERO });
    drop(listener);
    let outcome = Drill::new(address).group("crowd", queued).warm_up(Duration::ZERO).run(|| {}).expect("it runs");
    assert_classes(&outcome, &[(Class::Refused, 5)]);
    assert_eq!(outcome.total.ends.refused, 5, "{outcome}");
    assert!(outcome.is_lossless() && outcome.total.connections.made == 0, "{outcome}");
}

#[test]
fn a_listener_that_closes_with_clients_in_its_queue_resets_them() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = listener.local_addr().expect("it has an address");
    let drill = Drill::new(address).group("queued", Clients::new(20, Pattern::Queued)).warm_up(Duration::ZERO);
    let outcome = drill.run(|| drop(listener)).expect("it runs");
    assert_classes(&outcome, &[(Class::Reset, 20)]);
    assert_eq!(outcome.total.counts.on(Class::Reset, Sent::Before, Use::Fresh), 20, "{outcome}");
}

#[test]
fn statuses_are_told_apart() {
    let server = Server::start(|connection| {
        for status in [200, 204, 503, 503, 408, 500, 404] {
            connection.request()?;
            connection.send(format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n"))?;
        }
        connection.wait_for_client()
    });
    let outcome = rounds(&server, 7, KEEP_ALIVE).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 7)]);
    let check = |status: Status, count: u64| assert_eq!(outcome.total.counts.status(status), count, "{outcome}");
    check(Status::Success, 2);
    check(Status::Unavailable, 2);
    check(Status::RequestTimeout, 1);
    check(Status::Other, 2);
}

#[test]
fn a_byte_at_a_time_is_an_answer() {
    let server = Server::start(|connection| {
        while connection.request()?.is_some() {
            let answer =
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n";
            for byte in answer {
                connection.send([*byte])?;
            }
        }
        Ok(())
    });
    let clients = Clients::new(2, KEEP_ALIVE).rounds(3).request(Request::get("/").expect_body("hello"));
    let outcome = Drill::new(server.address).group("two", clients).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 6)]);
}

#[test]
fn the_end_of_the_connection_is_the_end_of_an_old_answer() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.send("HTTP/1.0 200 OK\r\n\r\nhello")
    });
    let clients = Clients::new(1, KEEP_ALIVE).rounds(2).request(Request::get("/").expect_body("hello"));
    let outcome = Drill::new(server.address).group("one", clients).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 2)]);
    assert_eq!(outcome.total.connections.announced, 2, "{outcome}");
}

#[test]
fn a_body_that_is_asked_for_is_sent() {
    let server = Server::start(|connection| {
        while let Some(head) = connection.head()? {
            assert!(head.contains("Expect: 100-continue\r\n"), "{head}");
            assert!(connection.is_silent(Duration::from_millis(20))?, "the body came unasked");
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
            connection.body(4)?;
            connection.send(HELLO)?;
        }
        Ok(())
    });
    let request = Request::post("/", "body").await_continue();
    let clients = Clients::new(1, KEEP_ALIVE).rounds(2).request(request);
    let outcome = Drill::new(server.address).group("one", clients).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 2)]);
    assert_eq!(outcome.total.counts.on(Class::Answered, Sent::Before, Use::Reused), 1, "{outcome}");
}

#[test]
fn an_answer_before_the_body_is_an_answer_and_the_last_one() {
    let server = Server::start(|connection| {
        connection.head()?;
        connection.send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")?;
        assert!(connection.head()?.is_none(), "the client has closed");
        Ok(())
    });
    let request = Request::post("/", "body").await_continue();
    let clients = Clients::new(1, KEEP_ALIVE).rounds(2).request(request);
    let outcome = Drill::new(server.address).group("one", clients).load(LONG).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 2)]);
    assert_eq!(outcome.total.counts.status_sent(Status::Unavailable, Sent::Unfinished), 2, "{outcome}");
}

#[test]
fn what_nobody_asked_for_is_unsolicited() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.send(format!("{HELLO}HTTP/1.1 408 Idle\r\n"))
    });
    let outcome = rounds(&server, 2, KEEP_ALIVE).load(LONG).expect("it runs");
    assert_balanced(&outcome);
    assert!(outcome.is_lossless() && outcome.total.connections.unsolicited > 0, "{outcome}");
}
