//! Several requests under way on one connection: answered in their order, whatever they take.

use std::io::Write as _;
use std::thread;

use graceful_tests::{get, post};

use crate::http::{connect, http};

#[test]
fn sixteen_deep_again_and_again() {
    let service = http().start();
    let mut client = connect(&service);
    for round in 0..50 {
        let requests: String = (0..16).map(|nth| get(&format!("/things/{round}-{nth}"))).collect();
        client.send(requests).expect("it reads");
        for nth in 0..16 {
            client.answer().expect("answered").expect(200, format!("GET {round}-{nth}\n"));
        }
    }
    drop(client);
    service.stop().expect_code(0).expect_served(1).expect_answered(800);
}

#[test]
fn slow_and_quick_ones_keep_their_order() {
    let service = http().start();
    let mut clients: Vec<_> = (0..4).map(|_| connect(&service)).collect();
    let requests: String = (0..16)
        .map(|nth| match nth % 4 {
            0 => get("/work?ms=10"),
            1 => post("/echo", &nth.to_string()),
            2 => get("/nothing"),
            _ => get(&format!("/things/{nth}")),
        })
        .collect();
    for _ in 0..3 {
        for client in &mut clients {
            client.send(&requests).expect("it reads");
        }
        for client in &mut clients {
            for nth in 0..16 {
                let answer = client.answer().expect("answered");
                match nth % 4 {
                    0 => answer.expect(200, "done\n"),
                    1 => answer.expect(200, nth.to_string()),
                    2 => answer.expect_status(404),
                    _ => answer.expect(200, format!("GET {nth}\n")),
                };
            }
        }
    }
    drop(clients);
    service.stop().expect_code(0).expect_served(4).expect_answered(4 * 3 * 16);
}

#[test]
fn more_than_any_buffer_holds() {
    const NUMBER: usize = 20_000;
    let service = http().start();
    let mut client = connect(&service);
    let mut sender = client.sender().expect("a descriptor");
    thread::scope(|scope| {
        scope.spawn(move || {
            for nth in 0..NUMBER {
                sender.write_all(get(&format!("/things/{nth}")).as_bytes()).expect("it reads on");
            }
        });
        for nth in 0..NUMBER {
            client.answer().expect("answered").expect(200, format!("GET {nth}\n"));
        }
    });
    drop(client);
    service.stop().expect_code(0).expect_served(1).expect_answered(NUMBER as u64);
}

#[test]
fn streams_and_heads_among_others() {
    let service = http().start();
    let mut client = connect(&service);
    let requests = [
        get("/things/1"),
        get("/stream?chunks=3&bytes=10"),
        "HEAD /download?bytes=100 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        get("/download?bytes=100000"),
        get("/status/204"),
        get("/things/2"),
    ];
    client.send(requests.concat()).expect("it reads");
    client.answer().expect("answered").expect(200, "GET 1\n");
    client.answer().expect("answered").expect(200, "x".repeat(30));
    assert_eq!(client.head().expect("answered").header("content-length"), Some("100"));
    client.answer().expect("answered").expect(200, "x".repeat(100_000));
    client.answer().expect("answered").expect(204, "");
    client.answer().expect("answered").expect(200, "GET 2\n");
}

#[test]
fn nothing_is_answered_behind_the_last() {
    let service = http().start();
    let mut client = connect(&service);
    let last = "GET /things/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    client.send(format!("{}{last}{}", get("/things/1"), get("/things/3"))).expect("it reads");
    assert!(!client.answer().expect("answered").expect(200, "GET 1\n").closes());
    assert!(client.answer().expect("answered").expect(200, "GET 2\n").closes());
    client.expect_end();
    // The client that says nothing more still gets all of it.
    let mut client = connect(&service);
    client.send(format!("{}{}", get("/work?ms=50"), get("/things/2"))).expect("it reads");
    client.finish_sending().expect("it is connected");
    client.answer().expect("answered").expect(200, "done\n");
    client.answer().expect("answered").expect(200, "GET 2\n");
    client.expect_end();
    service.stop().expect_code(0).expect_served(2).expect_answered(4);
}
