//! What each pattern does around the signal.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use graceful_drill::{
    Class, Clients, Closing, Drill, Late, Part, Pattern, Reading, Request, Rest, Sent, Service, Status, Use,
};

use crate::server::{GOODBYE, HELLO, Server};
use crate::{assert_balanced, assert_classes};

const KEEP_ALIVE: Pattern = Pattern::KeepAlive { pipeline: 1 };
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(30);

/// Only the stop matters, and no client gives up.
fn drill(server: &Server, clients: Clients) -> Drill {
    let drill = Drill::new(server.address).group("all", clients);
    drill.warm_up(Duration::ZERO).lead(Duration::from_millis(20)).deadline(LONG).patience(LONG)
}

#[test]
fn requests_in_flight_are_sent_before_the_signal() {
    let mut server = Server::start(|connection| {
        connection.request()?;
        connection.shared.wait_for_stop();
        connection.send(GOODBYE)
    });
    let outcome = drill(&server, Clients::new(100, Pattern::InFlight)).run(|| server.stop()).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 100)]);
    assert_eq!(outcome.total.counts.sent(Class::Answered, Sent::Before), 100, "{outcome}");
    assert_eq!(outcome.total.stop.answers, 100, "{outcome}");
    assert!(outcome.total.stop.last_answer.is_some(), "{outcome}");
}

#[test]
fn requests_in_flight_that_are_cut_are_lost() {
    let mut server = Server::start(|connection| {
        connection.request()?;
        connection.wait_for_client()
    });
    let outcome = drill(&server, Clients::new(10, Pattern::InFlight)).run(|| server.cut()).expect("it runs");
    assert_classes(&outcome, &[(Class::Ended, 10)]);
    assert_eq!(outcome.total.counts.on(Class::Ended, Sent::Before, Use::Fresh), 10, "{outcome}");
    // Not every loss is told in detail.
    assert_eq!(outcome.first_losses.len(), 4, "{outcome}");
}

#[test]
fn a_connection_for_each_request() {
    for (closing, answer) in [(Closing::Asked, GOODBYE), (Closing::Unasked, HELLO)] {
        let server = Server::start(move |connection| {
            let head = connection.request()?.unwrap_or_default();
            assert_eq!(head.contains("Connection: close"), closing == Closing::Asked, "{head}");
            connection.send(answer)?;
            connection.wait_for_client()
        });
        let clients = Clients::new(4, Pattern::PerRequest { closing }).rounds(5);
        let outcome = drill(&server, clients).load(Duration::from_secs(20)).expect("it runs");
        assert_classes(&outcome, &[(Class::Answered, 20)]);
        let connections = outcome.total.connections;
        assert_eq!(connections.made, 20, "{outcome}");
        let expected = if closing == Closing::Asked { (20, 0) } else { (0, 20) };
        assert_eq!((connections.announced, connections.by_client), expected, "{outcome}");
    }
}

#[test]
fn a_connection_for_each_request_ends_with_the_refusal() {
    let mut server = Server::start(|connection| {
        connection.request()?;
        connection.send(GOODBYE)
    });
    let clients = Clients::new(4, Pattern::PerRequest { closing: Closing::Asked });
    let outcome = drill(&server, clients).warm_up(SHORT).run(|| server.stop()).expect("it runs");
    assert_balanced(&outcome);
    assert_eq!(outcome.total.ends.refused, 4, "{outcome}");
    assert!(outcome.total.load.answers >= 4 && outcome.count(Class::Refused) >= 4, "{outcome}");
}

#[test]
fn a_crowd_is_there_before_and_after_the_signal() {
    for spread in [Duration::ZERO, SHORT] {
        let server = Server::correct();
        let outcome = drill(&server, Clients::new(50, Pattern::Storm { spread })).run(|| {}).expect("it runs");
        assert_classes(&outcome, &[(Class::Answered, 50)]);
        assert_eq!(outcome.total.connections.made, 50, "{outcome}");
        let before = outcome.total.counts.sent(Class::Answered, Sent::Before);
        assert!(spread.is_zero() && before == 0 || (1..=25).contains(&before), "{outcome}");
    }
}

#[test]
fn a_crowd_is_refused_once_the_listener_is_gone() {
    let mut server = Server::correct();
    let outcome = drill(&server, Clients::new(50, Pattern::Storm { spread: Duration::ZERO }))
        .run(|| server.stop())
        .expect("it runs");
    assert_balanced(&outcome);
    assert_eq!(outcome.count(Class::Refused), 25, "the second half\n{outcome}");
    assert_eq!(outcome.total.ends.refused, 25, "{outcome}");
}

/// A service that only listens, and only from when it is prepared.
struct Opens {
    address: SocketAddr,
    listener: Option<TcpListener>,
}

impl Service for Opens {
    fn prepare(&mut self) {
        self.listener = Some(TcpListener::bind(self.address).expect("the port is still free"));
    }

    fn signal(&mut self) {
        assert!(self.listener.is_some(), "it was prepared");
    }
}

#[test]
fn queued_clients_connect_once_the_server_is_prepared() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = listener.local_addr().expect("it has an address");
    drop(listener);
    let mut opens = Opens { address, listener: None };
    let drill = Drill::new(address).group("all", Clients::new(10, Pattern::Queued)).warm_up(Duration::ZERO);
    let outcome = drill.deadline(SHORT * 5).run_with(&mut opens).expect("it runs");
    // Nobody accepts them.
    assert_classes(&outcome, &[(Class::TimedOut, 10)]);
    assert_eq!(outcome.total.counts.on(Class::TimedOut, Sent::Before, Use::Fresh), 10, "{outcome}");
}

#[test]
fn idle_connections_that_close_are_no_loss() {
    let mut server = Server::start(|connection| {
        connection.request()?;
        connection.send(HELLO)?;
        connection.shared.wait_for_stop();
        Ok(())
    });
    let outcome =
        drill(&server, Clients::new(100, Pattern::Idle { late: None })).run(|| server.stop()).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 100)]);
    assert_eq!(outcome.total.connections.closed_idle, 100, "{outcome}");
    assert_eq!(outcome.total.ends.done, 100, "{outcome}");
}

#[test]
fn late_requests_are_sent_after_the_signal() {
    let mut server = Server::correct();
    let late = Some(Late { clients: 3, after: SHORT });
    let clients = Clients::new(10, Pattern::Idle { late });
    let outcome = drill(&server, clients).deadline(SHORT * 10).run(|| server.stop()).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 13)]);
    assert_eq!(outcome.total.counts.on(Class::Answered, Sent::After, Use::Reused), 3, "{outcome}");
    assert_eq!((outcome.total.connections.announced, outcome.total.connections.held), (3, 7), "{outcome}");
    assert_eq!((outcome.total.ends.done, outcome.total.ends.deadline), (3, 7), "{outcome}");
    assert!(outcome.total.stop.last_answer.is_some_and(|after| after >= SHORT), "{outcome}");
}

#[test]
fn late_requests_are_awaited_beyond_the_deadline() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.send(HELLO)?;
        connection.request()?;
        assert!(connection.is_silent(SHORT * 4)?, "the client waits");
        connection.send(HELLO)?;
        connection.wait_for_client()
    });
    let late = Some(Late { clients: 2, after: Duration::ZERO });
    let outcome = drill(&server, Clients::new(2, Pattern::Idle { late })).deadline(SHORT).run(|| {}).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 4)]);
    assert_eq!((outcome.total.connections.held, outcome.total.ends.deadline), (2, 2), "{outcome}");
    assert!(outcome.took < LONG, "{outcome}");
}

#[test]
fn late_requests_are_not_sent_on_closed_connections() {
    let mut server = Server::correct();
    let late = Some(Late { clients: 5, after: SHORT });
    let outcome = drill(&server, Clients::new(5, Pattern::Idle { late })).run(|| server.cut()).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 5)]);
    assert_eq!(outcome.total.connections.closed_idle, 5, "{outcome}");
}

#[test]
fn half_a_request_is_finished_after_the_signal() {
    let check = |part: Part, rest: Rest| {
        let mut server = Server::correct();
        let request = Request::post("/", vec![b'x'; 1000]);
        let clients = Clients::new(5, Pattern::Partial { part, rest }).request(request);
        let outcome = drill(&server, clients).run(|| server.stop()).expect("it runs");
        assert_classes(&outcome, &[(Class::Answered, 5)]);
        assert_eq!(outcome.total.counts.sent(Class::Answered, Sent::After), 5, "{outcome}");
        assert_eq!(outcome.total.connections.announced, 5, "{outcome}");
        assert!(outcome.total.stop.last_answer.is_some_and(|after| after >= SHORT), "{outcome}");
    };
    check(Part::HalfHead, Rest::After(SHORT));
    check(Part::HalfBody, Rest::After(SHORT));
    check(Part::HalfHead, Rest::Over(SHORT));
    check(Part::HalfBody, Rest::Over(SHORT));
}

#[test]
fn half_a_request_that_is_cut_before_its_rest_is_lost() {
    let mut server = Server::correct();
    let rest = Rest::After(Duration::from_secs(10));
    let clients = Clients::new(5, Pattern::Partial { part: Part::HalfHead, rest });
    let outcome = drill(&server, clients).run(|| server.cut()).expect("it runs");
    assert_classes(&outcome, &[(Class::Ended, 5)]);
    assert_eq!(outcome.total.counts.sent(Class::Ended, Sent::Unfinished), 5, "{outcome}");
}

#[test]
fn half_a_request_without_a_rest_is_forfeited() {
    let never = Pattern::Partial { part: Part::HalfHead, rest: Rest::Never };
    let mut server = Server::correct();
    let outcome = drill(&server, Clients::new(5, never.clone())).run(|| server.cut()).expect("it runs");
    assert_classes(&outcome, &[(Class::Forfeited, 5)]);
    assert!(outcome.is_lossless(), "{outcome}");

    let server = Server::correct();
    let outcome = drill(&server, Clients::new(5, never)).deadline(SHORT).run(|| {}).expect("it runs");
    assert_classes(&outcome, &[(Class::Forfeited, 5)]);
    assert_eq!(outcome.total.ends.deadline, 5, "{outcome}");
    assert!(outcome.took < Duration::from_secs(10), "{outcome}");
}

#[test]
fn a_request_that_was_too_slow_is_answered() {
    let mut server = Server::start(|connection| {
        connection.shared.wait_for_stop();
        connection.send("HTTP/1.1 408 Slow\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?;
        connection.wait_for_client()
    });
    let pattern = Pattern::Partial { part: Part::HalfHead, rest: Rest::Never };
    let outcome = drill(&server, Clients::new(5, pattern)).run(|| server.stop()).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 5)]);
    assert_eq!(outcome.total.counts.status_sent(Status::RequestTimeout, Sent::Unfinished), 5, "{outcome}");
}

/// Answers with more than what the kernel holds for a client with a small window.
fn large() -> (Server, Request) {
    let body = vec![b'x'; 8 << 20];
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let request = Request::get("/").expect_body(body.clone());
    let server = Server::start(move |connection| {
        connection.request()?;
        connection.send(&head)?;
        connection.send(&body)
    });
    (server, request)
}

#[test]
fn a_slow_download_is_read_to_its_end() {
    let (mut server, request) = large();
    let reading = Reading::Paced { bytes: 64 << 10, every: Duration::from_millis(1) };
    let clients = Clients::new(2, Pattern::Download { reading }).request(request);
    let outcome = drill(&server, clients).run(|| server.stop()).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 2)]);
    assert_eq!(outcome.total.stop.answers, 2, "{outcome}");
}

#[test]
fn a_download_goes_on_after_a_stall() {
    let (mut server, request) = large();
    let reading = Reading::Stalled { after: 1000, resume: Some(SHORT * 20) };
    let clients = Clients::new(2, Pattern::Download { reading }).request(request.clone());
    // The client stalls for longer than it is patient with the server.
    let outcome = drill(&server, clients.clone()).patience(SHORT * 10).run(|| server.stop()).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 2)]);
    assert!(outcome.total.stop.last_answer.is_some_and(|after| after >= SHORT * 20), "{outcome}");

    let (mut server, _) = large();
    let outcome = drill(&server, clients).run(|| server.cut()).expect("it runs");
    assert_classes(&outcome, &[(Class::Truncated, 2)]);
}

#[test]
fn a_download_that_nobody_reads_is_forfeited() {
    let (server, request) = large();
    let reading = Reading::Stalled { after: 1000, resume: None };
    let clients = Clients::new(2, Pattern::Download { reading }).request(request);
    let outcome = drill(&server, clients).deadline(SHORT).run(|| {}).expect("it runs");
    assert_classes(&outcome, &[(Class::Forfeited, 2)]);
    assert_eq!(outcome.total.ends.deadline, 2, "{outcome}");
}

/// A service that ends at once.
struct Ends(Server);

impl Service for Ends {
    fn signal(&mut self) {
        self.0.cut();
    }

    fn has_ended(&mut self) -> bool {
        self.0.has_stopped()
    }
}

#[test]
fn the_end_of_the_service_is_the_end_of_clients_that_would_not_see_it() {
    let (server, request) = large();
    let reading = Reading::Stalled { after: 1000, resume: None };
    let drill = drill(&server, Clients::new(2, Pattern::Download { reading }).request(request));
    let outcome = drill.group("loop", Clients::new(2, KEEP_ALIVE)).run_with(&mut Ends(server)).expect("it runs");
    assert_balanced(&outcome);
    assert_eq!(outcome.count(Class::Forfeited), 2, "{outcome}");
    assert_eq!(outcome.group("loop").map(|group| group.ends.refused), Some(2), "{outcome}");
    assert!(outcome.took < Duration::from_secs(10), "{outcome}");
}
