//! Good-byes: codes, reasons, and what comes behind them: the cases 7 of the Autobahn test suite in a table of our own.

use graceful_tests::ws::{CLOSE, FIN, Heard, TEXT, close, frame, last, part, ping, text};

use crate::websocket::{Row, check, expect_counts, open, said, table, websocket};

/// Those that the RFC and the registry of IANA have for being sent: 1012 to 1014 came later.
const VALID: [u16; 17] =
    [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4500, 4999];

const INVALID: [u16; 21] = [
    0, 1, 99, 500, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1100, 1999, 2000, 2500, 2999, 5000, 5001, 10000, 65534,
    65535,
];

#[test]
fn codes() {
    let exit = table(|service| {
        for code in VALID {
            for reason in ["", "some reason", &"r".repeat(123), "\u{20ac}\u{1f600}"] {
                check(service, &format!("{code} {reason}"), &[close(code, reason)], &[], code);
            }
        }
    });
    expect_counts(&exit, &[("opened", 17 * 4 * 4), ("errors", 0), ("lost", 0)]);
    let exit = table(|service| {
        for code in INVALID {
            for reason in ["", "some reason"] {
                check(service, &format!("{code} {reason}"), &[close(code, reason)], &[], 1002);
            }
        }
    });
    expect_counts(&exit, &[("opened", 21 * 2 * 4), ("errors", 21 * 2 * 4)]);
}

#[test]
fn payloads() {
    table(|service| {
        check(service, "none", &[frame(FIN | CLOSE, "")], &[], 1005);
        check(service, "half of a code", &[frame(FIN | CLOSE, [0x03])], &[], 1002);
        check(service, "125 bytes", &[close(1001, "r".repeat(123))], &[], 1001);
        check(service, "126 bytes", &[close(1000, "r".repeat(124))], &[], 1002);
        check(service, "65537 bytes", &[close(1000, "r".repeat(65535))], &[], 1002);
    });
}

#[test]
fn reasons_that_are_not_text() {
    table(|service| {
        for reason in
            [&b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"[..], b"\xff", b"\xc0\x80", b"\xe2\x82"]
        {
            check(service, &reason.escape_ascii().to_string(), &[close(1000, reason)], &[], 1007);
        }
    });
}

/// After a good-bye nobody listens.
#[test]
fn what_comes_behind_a_good_bye() {
    let exit = table(|service| {
        let bye = close(1001, "bye");
        let rows: &[Row<'_>] = &[
            ("a message before", &[text("hello"), bye.clone()], &[said("hello")]),
            ("another", &[bye.clone(), bye.clone()], &[]),
            ("another code", &[bye.clone(), close(1002, "")], &[]),
            ("a ping", &[bye.clone(), ping("p")], &[]),
            ("a message", &[bye.clone(), text("too late")], &[]),
            ("what is no frame", &[bye.clone(), vec![0xff; 100]], &[]),
            ("the rest of a message", &[part(TEXT, "a"), bye.clone(), last("b")], &[]),
            (
                "much",
                &[text("h".repeat(262_144)), bye.clone(), ping("p"), text("x".repeat(100_000))],
                &[said(&"h".repeat(262_144))],
            ),
        ];
        for (what, frames, heard) in rows {
            check(service, what, frames, heard, 1001);
        }
    });
    expect_counts(&exit, &[("received", 8), ("errors", 0)]);
}

/// What `on_close` is told.
#[test]
fn the_handler_is_told() {
    let service = websocket().start();
    open(&service, "/obey?name=one").close();
    service.wait_text("one closed 1000 by peer");
    let mut client = open(&service, "/obey?name=two");
    client.send(close(4321, "for a reason")).expect("it reads");
    client.expect_close(4321);
    client.expect_end();
    service.wait_text("two closed 4321 by peer for a reason");
    let mut client = open(&service, "/obey?name=three");
    client.send(frame(FIN | CLOSE, "")).expect("it reads");
    client.expect_close(1005);
    client.expect_end();
    service.wait_text("three closed 1005 by peer");
    // By the server, with the reason that it gives.
    let mut client = open(&service, "/obey?name=four");
    client.send(text("close 4000 go home")).expect("it reads");
    client.expect(&Heard::Close(4000, "go home".to_owned()));
    client.send(close(4000, "")).expect("it reads");
    client.expect_end();
    service.wait_text("four closed 4000 by server");
    // Without a good-bye: in order, and not.
    let mut client = open(&service, "/obey?name=five");
    client.echo("x");
    client.finish_sending().expect("it is open");
    client.expect_end();
    service.wait_text("five closed 1006 by nobody");
    let mut client = open(&service, "/obey?name=six");
    client.echo("x");
    socket2::SockRef::from(client.stream()).set_linger(Some(std::time::Duration::ZERO)).expect("it can be reset");
    drop(client);
    service.wait_text("six closed 1006 by nobody");
    let mut client = open(&service, "/obey?name=seven");
    client.send(frame(FIN | 3, "")).expect("it reads");
    client.expect_close(1002);
    drop(client);
    service.wait_text("seven closed 1002 by server");
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", 7), ("lost", 2), ("errors", 1), ("told", 0)]);
    for name in ["one", "two", "three", "four", "five", "six", "seven"] {
        let closed = exit.stdout().iter().filter(|line| line.starts_with(&format!("{name} closed"))).count();
        assert_eq!(closed, 1, "{name} closes once: {exit}");
    }
}

/// What was sent before goes before.
#[test]
fn a_server_that_says_good_bye_has_said_everything() {
    let service = websocket().start();
    let mut client = open(&service, "/obey?greeting=welcome&opening=close%204001%20full");
    client.expect_text("welcome");
    client.expect(&Heard::Close(4001, "full".to_owned()));
    // What the client sends before it has heard of it is still for the handler; nothing comes back.
    client.send([text("a"), text("b"), ping("p")].concat()).expect("it reads");
    client.send(close(4001, "")).expect("it reads");
    let heard = client.hear();
    if heard != Heard::End {
        // A ping may be answered, and need not.
        assert_eq!(heard, Heard::Pong(b"p".to_vec()));
        client.expect_end();
    }
    service.stop().expect_code(0);
}

/// The server has said good-bye, and the peer does not answer.
#[test]
fn a_peer_that_does_not_answer_is_given_up() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "300").start();
    let mut client = open(&service, "/obey?name=mute");
    client.send(text("close 4000 bye")).expect("it reads");
    client.expect_close(4000);
    let began = std::time::Instant::now();
    match client.next() {
        Ok(Heard::End) | Err(_) => {}
        Ok(heard) => panic!("more came: {heard:?}"),
    }
    let took = began.elapsed();
    assert!(took >= std::time::Duration::from_millis(250) && took < std::time::Duration::from_secs(5), "{took:?}");
    service.wait_text("mute closed");
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", 1), ("told", 0)]);
}

/// A thread of the service sends without a pause when the peer says good-bye: what was accepted arrives before the answer.
#[test]
fn a_good_bye_into_a_stream_of_messages() {
    let service = websocket().env("GF_OUTBOX", "65536").env("GF_OVERFLOW", "60000").start();
    let mut fed = 0;
    for _ in 0..20 {
        let mut client = open(&service, "/feed");
        client.send(graceful_tests::ws::text("go")).expect("it reads");
        client.expect_text("0");
        client.send(close(1000, "enough")).expect("it reads");
        for nth in 1.. {
            fed += 1;
            match client.hear() {
                Heard::Text(message) => assert_eq!(message, nth.to_string()),
                Heard::Close(1000, _) => break,
                other => panic!("{other:?}"),
            }
        }
        client.expect_end();
    }
    service.wait_count("fed ", 20);
    let exit = service.stop();
    exit.expect_code(0);
    let told = exit.stdout().into_iter().filter_map(|line| line.strip_prefix("fed "));
    assert_eq!(told.map(|number| number.parse::<u64>().expect("a number")).sum::<u64>(), fed, "{exit}");
    expect_counts(&exit, &[("opened", 20), ("sent", fed), ("lost", 0), ("errors", 0)]);
}
