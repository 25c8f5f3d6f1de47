//! Rooms: who is in them, in which order broadcasts come, and that one member is in nobody's way.

use std::collections::HashMap;
use std::thread;

use graceful_tests::ws::{FIN, Heard, Origin, Ws, close, frame, text, upgrade};
use graceful_tests::{Http, Running, Signal};

use crate::websocket::{expect_counts, open, websocket};

fn members(service: &Running, room: &str) -> String {
    let mut client = Http::connect(service.address()).expect("it listens");
    client.get(&format!("/members/{room}")).expect_status(200).text()
}

fn rooms(service: &Running) -> String {
    Http::connect(service.address()).expect("it listens").get("/rooms").expect_status(200).text()
}

/// Members of a room, all of which are in it by now: a message of each has come to itself.
fn room(service: &Running, number: usize, path: &str) -> Vec<Ws> {
    let mut clients: Vec<Ws> = (0..number).map(|_| open(service, path)).collect();
    for (nth, client) in clients.iter_mut().enumerate() {
        let message = format!("here is {nth}");
        client.send(text(&message)).expect("it reads");
        // Whoever is opened is in the room before its first message is handled, and all of them are open.
        while client.hear() != Heard::Text(message.clone()) {}
    }
    clients
}

#[test]
fn a_member_that_ends_leaves() {
    let service = websocket().start();
    let mut stays = open(&service, "/room/a?name=stays");
    let mut leaves = open(&service, "/room/a?name=leaves");
    let mut dies = open(&service, "/room/a?name=dies");
    let mut errs = open(&service, "/room/a?name=errs");
    open(&service, "/room/b?name=other").send(text("x")).expect("it reads");
    service.wait_text("other closed");
    service.wait_count(" opened", 5);
    stays.send(text("all")).expect("it reads");
    for client in [&mut stays, &mut leaves, &mut dies, &mut errs] {
        client.expect_text("all");
    }
    assert_eq!((members(&service, "a").as_str(), rooms(&service).as_str()), ("4", "a"));
    leaves.close();
    service.wait_text("leaves closed 1000 by peer");
    assert_eq!(members(&service, "a"), "3");
    socket2::SockRef::from(dies.stream()).set_linger(Some(std::time::Duration::ZERO)).expect("a socket");
    drop(dies);
    service.wait_text("dies closed 1006 by nobody");
    assert_eq!(members(&service, "a"), "2");
    errs.send(frame(FIN | 3, "")).expect("it reads");
    service.wait_text("errs closed 1002 by server");
    assert_eq!(members(&service, "a"), "1");
    stays.echo("alone");
    stays.close();
    service.wait_text("stays closed");
    assert_eq!((members(&service, "a").as_str(), rooms(&service).as_str()), ("0", ""));
    service.stop().expect_code(0);
}

/// Members broadcast at the same time, and all of them hear the same, in the same order.
#[test]
fn all_hear_the_same_order() {
    speak_at_once("1");
}

#[test]
fn all_hear_the_same_order_from_several_loops() {
    speak_at_once("3");
}

fn speak_at_once(loops: &str) {
    const MEMBERS: usize = 12;
    const EACH: usize = 100;
    let service = websocket().env("GRACEFUL_EVENT_LOOPS", loops).start();
    let clients = room(&service, MEMBERS, "/room/order");
    let speakers: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(member, mut client)| {
            thread::spawn(move || {
                for nth in 0..EACH {
                    client.send(text(format!("{member} {nth}"))).expect("it reads");
                }
                let mut heard = Vec::new();
                while heard.len() < MEMBERS * EACH {
                    match client.hear() {
                        Heard::Text(message) if message.starts_with("here") => {}
                        Heard::Text(message) => heard.push(message),
                        other => panic!("{other:?}"),
                    }
                }
                client.close();
                heard
            })
        })
        .collect();
    let heard: Vec<Vec<String>> = speakers.into_iter().map(|speaker| speaker.join().expect("no panic")).collect();
    for (member, other) in heard.iter().enumerate() {
        let differs = heard[0].iter().zip(other).position(|(left, right)| left != right);
        assert!(differs.is_none(), "{member} and 0 differ from {differs:?} on");
    }
    for member in 0..MEMBERS {
        let of = heard[0].iter().filter_map(|message| message.strip_prefix(&format!("{member} ")));
        assert!(of.eq((0..EACH).map(|nth| nth.to_string()).collect::<Vec<_>>()), "{member} is heard in its order");
    }
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", MEMBERS as u64), ("dropped", 0), ("errors", 0)]);
}

#[test]
fn a_broadcast_may_except_its_sender() {
    let service = websocket().start();
    let mut speaker = open(&service, "/room/x?except=1&name=speaker");
    let mut listener = open(&service, "/room/x?except=1&name=listener");
    service.wait_text("speaker opened");
    service.wait_text("listener opened");
    assert_eq!(members(&service, "x"), "2");
    speaker.send(text("for others")).expect("it reads");
    listener.expect_text("for others");
    listener.send(text("back")).expect("it reads");
    // Its own did not come before.
    speaker.expect_text("back");
    speaker.close();
    listener.close();
    service.stop().expect_code(0);
}

/// A member that does not read is closed, and the others hear everything.
#[test]
fn who_does_not_read_is_in_nobodys_way() {
    let service = websocket().env("GF_OUTBOX", "65536").env("GF_CLOSE_TIMEOUT", "500").start();
    let small = Origin { address: None, receive_buffer: Some(4096) };
    let deaf = Ws::open_from(small, service.address(), "/room/loud?name=deaf");
    service.wait_text("deaf opened");
    let mut clients = room(&service, 3, "/room/loud");
    // The kernel takes in some megabytes for it.
    let message = "x".repeat(30_000);
    for nth in 0..500 {
        let speaker = nth % 3;
        clients[speaker].send(text(&message)).expect("it reads");
        for client in &mut clients {
            while client.hear() != Heard::Text(message.clone()) {}
        }
    }
    // It is told so, which it does not read, and is given up.
    service.wait_text("deaf closed");
    assert_eq!(members(&service, "loud"), "3");
    drop(deaf);
    for client in clients {
        client.close();
    }
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", 4), ("errors", 1)]);
}

/// Members whose callbacks block, in a room where others speak all the time: sessions go to workers and come home, and
/// whatever is sent to them meanwhile comes in its order.
#[test]
fn members_that_block_during_a_storm() {
    for loops in ["1", "3"] {
        let service = websocket().env("GF_STORM", "3").env("GRACEFUL_EVENT_LOOPS", loops).start();
        let address = service.address();
        let members: Vec<_> = (0..10)
            .map(|member| {
                thread::spawn(move || {
                    let mut client = Ws::open(address, "/room/storm?ms=2");
                    for nth in 0..50 {
                        client.send(text(format!("member{member} {nth}"))).expect("it reads");
                    }
                    let mut next: HashMap<String, u64> = HashMap::new();
                    loop {
                        match client.hear() {
                            Heard::Text(message) => {
                                let (speaker, nth) = message.split_once(' ').expect("two words");
                                let nth: u64 = nth.parse().expect("a number");
                                let next = next.entry(speaker.to_owned()).or_insert(nth);
                                assert_eq!(*next, nth, "{speaker}");
                                *next += 1;
                            }
                            Heard::Close(1001, _) => {
                                client.send(close(1001, "")).expect("it reads");
                                client.expect_end();
                                assert_eq!(next.get(&format!("member{member}")), Some(&50));
                                return;
                            }
                            other => panic!("{other:?}"),
                        }
                    }
                })
            })
            .collect();
        // Each has something to do at the signal, and all of that is done.
        let mut watcher = open(&service, "/room/storm");
        while !matches!(watcher.hear(), Heard::Text(message) if message.starts_with("member") && message.ends_with(" 20"))
        {
        }
        service.signal(Signal::SIGTERM);
        loop {
            match watcher.hear() {
                Heard::Text(_) => {}
                heard => {
                    assert!(matches!(heard, Heard::Close(1001, _)), "{heard:?}");
                    watcher.send(close(1001, "")).expect("it reads");
                    watcher.expect_end();
                    break;
                }
            }
        }
        for member in members {
            member.join().expect("no panic");
        }
        let exit = service.wait(graceful_tests::PATIENCE);
        exit.expect_code(0).expect_outcome("clean");
        expect_counts(&exit, &[("opened", 11), ("told", 11), ("answered", 11), ("received", 500), ("errors", 0)]);
    }
}

/// The room is empty when the service has ended, and broadcasts into it are no error.
#[test]
fn members_that_come_and_go_during_a_storm() {
    let service = websocket().env("GF_STORM", "2").start();
    let address = service.address();
    let guests: Vec<_> = (0..8)
        .map(|nth| {
            thread::spawn(move || {
                for round in 0..30 {
                    let (mut client, answer) =
                        Ws::ask(Origin::default(), address, upgrade("/room/storm", "")).expect("asked");
                    answer.expect_upgraded();
                    assert!(matches!(client.hear(), Heard::Text(_)));
                    if (nth + round) % 3 == 0 {
                        continue;
                    }
                    client.send(close(1000, "")).expect("it reads");
                    while matches!(client.hear(), Heard::Text(_)) {}
                    client.expect_end();
                }
            })
        })
        .collect();
    for guest in guests {
        guest.join().expect("no panic");
    }
    service.signal(Signal::SIGTERM);
    let exit = service.wait(graceful_tests::PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    expect_counts(&exit, &[("opened", 240), ("cut", 0), ("errors", 0)]);
}
