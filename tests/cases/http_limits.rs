//! Limits on connections, requests and waiting work: who is one too many is told so, and when to come back.

use std::process::Command;
use std::time::{Duration, Instant};

use graceful_tests::{Answer, Http, PATIENCE, Running, Signal, get};

use crate::http::{connect, http, idle};

fn expect_turned_away(answer: &Answer) {
    answer.expect_status(503);
    assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{answer:?}");
}

/// Connects until it is served again: the server learns of a close a moment after it.
fn connect_in_time(service: &Running) -> Http {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut client = connect(service);
        if client.get("/").status == 200 {
            return client;
        }
        assert!(Instant::now() < deadline, "nobody is let in any more");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn connections_in_total() {
    let service = http().env("GF_MAX_CONNECTIONS", "5").start();
    let mut clients = idle(&service, 5);
    for _ in 0..3 {
        let mut refused = connect(&service);
        let answer = refused.answer().expect("it is told without asking");
        expect_turned_away(&answer);
        assert!(answer.closes(), "{answer:?}");
        refused.expect_end();
    }
    // Also who has sent something gets the answer, not a reset.
    for _ in 0..20 {
        let mut refused = connect(&service);
        // It may be too late to be sent.
        let _ = refused.send(get("/").repeat(100));
        expect_turned_away(&refused.answer().expect("it is told"));
    }
    for client in &mut clients {
        client.get("/").expect(200, "hello\n");
    }
    drop(clients.pop());
    clients.push(connect_in_time(&service));
    drop(clients);
    let exit = service.stop();
    exit.expect_code(0).expect_served(exit.connections("accepted"));
}

#[test]
fn those_that_were_refused_take_up_no_room() {
    let service = http().env("GF_MAX_CONNECTIONS", "2").start();
    let mut clients = idle(&service, 2);
    // They hear that there is no room, and do not close for now.
    let mut refused: Vec<Http> = (0..5).map(|_| connect(&service)).collect();
    for client in &mut refused {
        expect_turned_away(&client.answer().expect("it is told"));
    }
    // One leaves in a way that the server has noticed when its end is here.
    let mut leaves = clients.pop().expect("there are two");
    let answer = leaves.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("answered");
    answer.expect(200, "hello\n");
    leaves.expect_end();
    drop(leaves);
    let began = Instant::now();
    drop(connect_in_time(&service));
    assert!(began.elapsed() < Duration::from_millis(800), "it took {:?}", began.elapsed());
    drop((clients, refused));
    service.stop().expect_code(0);
}

#[test]
fn connections_of_one_peer() {
    let service = http().env("GF_MAX_PER_PEER", "2").start();
    let clients = idle(&service, 2);
    expect_turned_away(&connect(&service).answer().expect("it is told"));
    let url = format!("http://{}/", service.address());
    let other = |from: &str| {
        let output = Command::new("curl")
            .args(["--silent", "--max-time", "60", "--interface", from, "--write-out", "%{http_code}", &url])
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(other("127.0.0.2"), "hello\n200", "somebody else is let in");
    assert!(other("127.0.0.1").ends_with("503"), "and this one is not");
    drop(clients);
    drop(connect_in_time(&service));
    service.stop().expect_code(0);
}

#[test]
fn requests_on_one_connection() {
    let service = http().env("GF_MAX_REQUESTS", "3").start();
    let mut client = connect(&service);
    for last in [false, false, true] {
        let answer = client.get("/");
        assert_eq!(answer.expect(200, "hello\n").closes(), last, "{answer:?}");
    }
    client.expect_end();
    // Those that were sent ahead are not answered: the client was told, and asks again elsewhere.
    let mut client = connect(&service);
    client.send(get("/").repeat(10)).expect("it reads");
    let answers = (0..3).map(|_| client.answer().expect("answered").closes());
    assert_eq!(answers.collect::<Vec<_>>(), [false, false, true]);
    client.expect_end();
    service.stop().expect_code(0).expect_served(2);
}

#[test]
fn work_that_waits() {
    const ROOM: usize = 1024;
    let service = http().env("GRACEFUL_WORKERS", "1").start();
    // All of them are known by now, so that they are looked at in the order in which they ask.
    let mut clients = idle(&service, ROOM + 100);
    // One holds a loop up, one has the worker: from then on all others wait.
    for (nth, client) in clients[..2].iter_mut().enumerate() {
        client.send(get("/poll")).expect("it reads");
        service.wait_count("polled", nth + 1);
    }
    for client in &mut clients[2..] {
        client.send(get("/poll")).expect("it reads");
    }
    // The loop still turns, so who is turned away hears of it now.
    let mut turned_away = 0;
    for client in &mut clients[2 + ROOM..] {
        expect_turned_away(&client.answer().expect("it is told at once"));
        turned_away += 1;
        // The connection is as good as before. What it is told now depends on whether the route is known to be quick.
        assert!(matches!(client.get("/").status, 200 | 503));
    }
    assert_eq!(turned_away, 98);
    service.signal(Signal::SIGTERM);
    for client in &mut clients[..2 + ROOM] {
        client.answer().expect("answered once it stops").expect(200, "come back later\n");
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_served(1124).expect_answered(2 * 1124 + 98);
}
