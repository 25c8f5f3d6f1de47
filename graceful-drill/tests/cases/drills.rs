//! Whole drills: groups, ends, load without a signal, and what an outcome says.

use std::io;
use std::time::Duration;

use graceful_drill::{Class, Clients, Drill, Offset, Part, Pattern, Reading, Request, Rest};

use crate::server::{HELLO, Server};
use crate::{assert_balanced, assert_classes};

const KEEP_ALIVE: Pattern = Pattern::KeepAlive { pipeline: 1 };
const SHORT: Duration = Duration::from_millis(50);

#[test]
fn a_server_that_never_stops_is_left_at_the_deadline() {
    let server = Server::correct();
    let drill = Drill::new(server.address).clients(4).warm_up(SHORT).deadline(SHORT);
    let outcome = drill.patience(Duration::from_secs(20)).run(|| {}).expect("it runs");
    assert_balanced(&outcome);
    assert!(outcome.is_lossless(), "{outcome}");
    assert_eq!((outcome.total.ends.deadline, outcome.total.connections.held), (4, 4), "{outcome}");
    assert!(outcome.total.stop.answers > 0 && outcome.took >= SHORT * 2, "{outcome}");
}

#[test]
fn a_server_that_resets_everything_ends_the_run_too() {
    let server = Server::start(|connection| connection.reset());
    let drill = Drill::new(server.address).clients(4).warm_up(SHORT).deadline(SHORT).patience(SHORT);
    let outcome = drill.run(|| {}).expect("it runs");
    assert_balanced(&outcome);
    assert_eq!(outcome.count(Class::Answered), 0, "{outcome}");
    assert!(outcome.losses() > 4, "{outcome}");
    assert_eq!(outcome.total.ends.deadline, 4, "{outcome}");
}

#[test]
fn a_server_that_hangs_ends_the_run_too() {
    let server = Server::start(|connection| connection.wait_for_client());
    let drill = Drill::new(server.address).clients(4).warm_up(Duration::ZERO).deadline(SHORT);
    let outcome = drill.run(|| {}).expect("it runs");
    assert_balanced(&outcome);
    assert!(outcome.count(Class::TimedOut) >= 4, "{outcome}");
    assert_eq!(outcome.count(Class::Answered), 0, "{outcome}");
}

#[test]
fn an_answer_without_end_ends_the_run_too() {
    let server = Server::start(|connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(8);
        loop {
            connection.send(&chunk)?;
        }
    });
    let drill = Drill::new(server.address).group("all", Clients::new(2, Pattern::InFlight)).warm_up(Duration::ZERO);
    let outcome = drill.deadline(SHORT).run(|| {}).expect("it runs");
    assert_classes(&outcome, &[(Class::TimedOut, 2)]);
    assert!(outcome.first_losses[0].bytes_received > 0, "{outcome}");
}

#[test]
fn groups_have_outcomes_of_their_own() {
    let mut server = Server::start(|connection| {
        while let Some(head) = connection.request()? {
            if head.starts_with("GET /slow") {
                connection.shared.wait_for_stop();
            }
            connection.send(HELLO)?;
            if connection.shared.is_stopping() {
                return connection.wait_for_client();
            }
        }
        Ok(())
    });
    let drill = Drill::new(server.address)
        .group("fast", Clients::new(3, KEEP_ALIVE).rounds(100))
        .group("slow", Clients::new(2, Pattern::InFlight).request(Request::get("/slow")))
        .warm_up(Duration::from_secs(20));
    let outcome = drill.run(|| server.stop()).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 302)]);
    let group = |name: &str| outcome.group(name).expect("it is there");
    assert_eq!((group("fast").count(Class::Answered), group("slow").count(Class::Answered)), (300, 2), "{outcome}");
    assert_eq!((group("fast").load.answers, group("slow").load.answers), (300, 0), "{outcome}");
    assert_eq!((group("fast").stop.answers, group("slow").stop.answers), (0, 2), "{outcome}");
    assert_eq!(outcome.total.clients, 5, "{outcome}");
}

#[test]
fn a_load_has_no_signal() {
    let server = Server::correct();
    let outcome = Drill::new(server.address)
        .clients(8)
        .pattern(Pattern::KeepAlive { pipeline: 16 })
        .request(Request::get("/").expect_body("hello"))
        .load(SHORT)
        .expect("it runs");
    assert_balanced(&outcome);
    assert!(outcome.is_lossless() && outcome.signal.is_none(), "{outcome}");
    assert_eq!(outcome.count(Class::Answered) % 16, 0, "whole rounds\n{outcome}");
    assert!(outcome.total.load.took >= SHORT && outcome.total.load.per_second() > 0.0, "{outcome}");
    assert_eq!(outcome.total.stop.answers, 0, "{outcome}");
}

#[test]
fn all_clients_of_a_load_begin_together() {
    let server = Server::correct();
    let drill = Drill::new(server.address).group("all", Clients::new(200, KEEP_ALIVE).rounds(1));
    let outcome = drill.load(Duration::from_secs(20)).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 200)]);
    assert_eq!(outcome.total.load.answers, 200, "{outcome}");
    // The load took as long as the answers did, not as long as it might have.
    assert!(outcome.total.load.took < Duration::from_secs(10), "{outcome}");
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_targets_too() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    let path = std::env::temp_dir().join(format!("graceful-drill-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("a socket can be made");
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client comes");
        drop(listener);
        let mut buffer = [0; 1024];
        while stream.read(&mut buffer).is_ok_and(|size| size > 0) {
            stream.write_all(HELLO.as_bytes()).expect("the client reads");
        }
    });
    let target = format!("unix:{}", path.display());
    let drill = Drill::new(target).group("all", Clients::new(1, KEEP_ALIVE).rounds(3));
    let outcome = drill.load(Duration::from_secs(20)).expect("it runs");
    assert_classes(&outcome, &[(Class::Answered, 3)]);
    serving.join().expect("it does not panic");
    let refused = drill.clone().warm_up(Duration::ZERO).run(|| {}).expect("it runs");
    assert!(refused.is_lossless() && refused.count(Class::Refused) > 0, "{refused}");
    std::fs::remove_file(&path).expect("it is still there");
    let gone = drill.warm_up(Duration::ZERO).run(|| {}).expect("it runs");
    assert!(gone.is_lossless() && gone.count(Class::Refused) > 0, "{gone}");
}

#[test]
fn drills_that_make_no_sense_are_errors() {
    let check = |drill: Drill, words: &str| {
        let error = drill.run(|| panic!("there is no signal in it")).expect_err("it makes no sense");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    let drill = || Drill::new("127.0.0.1:1").warm_up(Duration::ZERO);
    check(drill(), "without clients");
    check(drill().pattern(Pattern::KeepAlive { pipeline: 0 }), "no requests");
    check(drill().request(Request::get("no path")), "path");
    check(drill().pattern(Pattern::Partial { part: Part::HalfBody, rest: Rest::Never }), "half of a body");
    check(drill().pattern(Pattern::Download { reading: Reading::Paced { bytes: 0, every: SHORT } }), "no bytes");
    let asking = Request::post("/", "x").await_continue();
    check(drill().pattern(Pattern::KeepAlive { pipeline: 2 }).request(asking), "100 Continue");
    check(Drill::new("nonsense").clients(1), "");
    let error = drill().pattern(Pattern::Queued).load(SHORT).expect_err("it makes no sense");
    assert!(error.to_string().contains("never comes"), "{error}");
}

#[test]
fn an_outcome_can_be_read_and_parsed() {
    let mut server = Server::start(|connection| {
        connection.request()?;
        connection.wait_for_client()
    });
    let drill = Drill::new(server.address).group("cut", Clients::new(2, Pattern::InFlight)).warm_up(Duration::ZERO);
    let outcome = drill.run(|| server.cut()).expect("it runs");
    let table = outcome.to_string();
    assert!(table.contains("2 of 2 lost") && table.contains("\nended  "), "{table}");
    assert!(table.contains("\nended: cut 0, port "), "{table}");
    let json = outcome.to_json();
    assert_eq!(json["losses"], 2);
    assert_eq!(json["groups"][0]["classes"]["ended"]["before_fresh"], 2);
    assert_eq!(json["first_losses"][1]["class"], "ended");
    assert!(json["first_losses"][0]["began"].as_f64().is_some_and(|began| began < 0.0), "{json}");
    assert!(matches!(outcome.first_losses[0].noticed, Offset::After(_)), "{table}");
}
