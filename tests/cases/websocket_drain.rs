//! SIGTERM with every kind of WebSocket: what was sent before is answered, what was accepted arrives, everybody is told
//! good-bye, and nobody holds up the end beyond what was promised.

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::ws::{CONTINUATION, Heard, Origin, TEXT, Ws, close, last, part, ping, text, upgrade};
use graceful_tests::{PATIENCE, Running, SLACK, Signal};

use crate::websocket::{count, expect_counts, open, opened, ponged, websocket};

/// A receive buffer that is soon full.
const SMALL: Origin = Origin { address: None, receive_buffer: Some(4096) };

/// The signal, and the moment from which on nobody is upgraded any more.
fn signal(service: &Running) {
    service.signal(Signal::SIGTERM);
    service.wait_text("to=draining");
}

#[test]
fn idle_ones_are_told_and_their_answer_is_the_end() {
    for _ in 0..5 {
        let service = websocket().start();
        let clients = opened(&service, 50, "/echo");
        service.signal(Signal::SIGTERM);
        for client in clients {
            client.expect_closed(1001);
        }
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(200)).expect_served(50);
        expect_counts(&exit, &[("opened", 50), ("told", 50), ("answered", 50), ("received", 50), ("sent", 50)]);
    }
}

/// Everybody asks again as soon as there is an answer. What was sent before the signal is answered before the good-bye.
#[test]
fn echoes_in_a_closed_loop() {
    for _ in 0..5 {
        let service = websocket().start();
        let address = service.address();
        let loops = Arc::new(Loops::default());
        let clients: Vec<_> = (0..30)
            .map(|_| {
                let loops = Arc::clone(&loops);
                thread::spawn(move || loops.converse(Ws::open(address, "/echo")))
            })
            .collect();
        // In the middle of it.
        wait_for(&loops.answered, 3000);
        loops.signalled.store(true, Ordering::SeqCst);
        service.signal(Signal::SIGTERM);
        let sent = clients.into_iter().map(|client| client.join().expect("no panic")).sum();
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(500));
        let answered = loops.answered.load(Ordering::SeqCst);
        // Those that crossed our good-bye were received as well.
        expect_counts(&exit, &[("opened", 30), ("told", 30), ("answered", 30), ("received", sent), ("sent", answered)]);
    }
}

/// What clients in a closed loop share.
#[derive(Default)]
struct Loops {
    /// Set right before the signal.
    signalled: AtomicBool,
    answered: AtomicU64,
}

impl Loops {
    /// How many messages it sent until it was told good-bye.
    fn converse(&self, mut client: Ws) -> u64 {
        for nth in 0.. {
            let message = nth.to_string();
            client.send(text(&message)).expect("the server reads until it is answered");
            let early = !self.signalled.load(Ordering::SeqCst);
            match client.hear() {
                Heard::Text(answer) => assert_eq!(answer, message),
                Heard::Close(1001, _) => {
                    assert!(!early, "it was sent before the signal, and is not answered");
                    client.send(close(1001, "")).expect("it reads");
                    client.expect_end();
                    return nth + 1;
                }
                other => panic!("{other:?}"),
            }
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
        unreachable!("it goes on until it is told")
    }
}

fn wait_for(counter: &AtomicU64, number: u64) {
    let deadline = Instant::now() + PATIENCE;
    while counter.load(Ordering::SeqCst) < number {
        assert!(Instant::now() < deadline, "{counter:?} of {number}");
        thread::yield_now();
    }
}

/// On the wire before the signal: answered before the good-bye, whatever else is done then.
#[test]
fn what_was_sent_before_the_signal_is_answered() {
    for _ in 0..5 {
        let service = websocket().start();
        let mut clients = opened(&service, 40, "/echo");
        for (nth, client) in clients.iter_mut().enumerate() {
            let frames: Vec<u8> = (0..=nth % 10).flat_map(|nth| text(format!("late {nth}"))).collect();
            client.send([frames, ping("p")].concat()).expect("it reads");
        }
        service.signal(Signal::SIGTERM);
        for (nth, mut client) in clients.into_iter().enumerate() {
            for message in 0..=nth % 10 {
                client.expect_text(&format!("late {message}"));
            }
            client.expect(&ponged("p"));
            client.expect_closed(1001);
        }
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean");
        expect_counts(&exit, &[("told", 40), ("answered", 40), ("received", 40 + 220), ("sent", 40 + 220)]);
    }
}

/// A handler that blocks for a while: what has arrived behind it is answered, too.
#[test]
fn a_callback_that_blocks_finishes() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "300").start();
    let mut clients: Vec<Ws> = (0..20).map(|_| open(&service, "/work?ms=400")).collect();
    for client in &mut clients {
        client.send([text("one"), text("two"), text("three")].concat()).expect("it reads");
    }
    service.wait_count("working", 20);
    service.signal(Signal::SIGTERM);
    for mut client in clients {
        for message in ["one", "two", "three"] {
            client.expect_text(message);
        }
        client.expect_closed(1001);
    }
    let exit = service.wait(PATIENCE);
    // The patience with peers begins with the good-bye.
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(1200));
    expect_counts(&exit, &[("told", 20), ("answered", 20), ("received", 60), ("sent", 60), ("cut", 0)]);
}

#[test]
fn a_callback_that_never_ends_is_cut_counted_and_named() {
    let service = websocket().env("SHUTDOWN_DRAIN", "1500ms").start();
    let mut stuck = open(&service, "/stuck?name=stuck-one");
    stuck.send(text("x")).expect("it reads");
    service.wait_line(|line| line.text() == "stuck", PATIENCE);
    let clients = opened(&service, 20, "/echo");
    service.signal(Signal::SIGTERM);
    for client in clients {
        client.expect_closed(1001);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_outcome("incomplete").expect_incomplete("1 connections were cut");
    exit.expect_not_before(Duration::from_millis(1500)).expect_within(Duration::from_millis(1500));
    assert_eq!((exit.connections("cut"), exit.connections("accepted")), (1, 21), "{exit}");
    assert_eq!((count(&exit, "opened"), count(&exit, "answered")), (21, 20), "{exit}");
    // Nobody but its handler knows how the other one ends.
    assert_eq!(count(&exit, "closed"), 20, "{exit}");
    // It ended in some way: in order or not.
    while !matches!(stuck.next(), Ok(Heard::End) | Err(_)) {}
}

#[test]
fn in_the_middle_of_a_message() {
    let service = websocket().start();
    let mut client = open(&service, "/echo?name=torn");
    client.send([part(TEXT, "to"), ping("read")].concat()).expect("it reads");
    client.expect(&ponged("read"));
    // And in the middle of a frame.
    let mut other = open(&service, "/echo?name=half");
    let frame = text("half of it");
    other.echo("x");
    other.send(&frame[..frame.len() - 3]).expect("it reads");
    service.signal(Signal::SIGTERM);
    client.expect_close(1001);
    other.expect_close(1001);
    client.send([part(CONTINUATION, "r"), last("n")].concat()).expect("it reads");
    other.send(&frame[frame.len() - 3..]).expect("it reads");
    // What comes after our good-bye is handled, and cannot be answered.
    service.wait_text("torn got torn");
    service.wait_text("torn refused closed");
    service.wait_text("half got half of it");
    service.wait_text("half refused closed");
    for client in [&mut client, &mut other] {
        client.send(close(1001, "")).expect("it reads");
        client.expect_end();
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    expect_counts(&exit, &[("told", 2), ("answered", 2), ("received", 3), ("sent", 1)]);
    for name in ["torn", "half"] {
        assert!(exit.has(&format!("{name} closed 1001 by server")), "{exit}");
    }
}

/// A peer that never completes what it began is not waited for longer than one that is idle.
#[test]
fn messages_that_are_never_completed() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "500").start();
    let mut clients: Vec<Ws> = (0..10).map(|_| open(&service, "/echo")).collect();
    for client in &mut clients {
        client.send([ping("p"), part(TEXT, "never "), text("complete")[..5].to_vec()].concat()).expect("it reads");
        client.expect(&ponged("p"));
    }
    service.signal(Signal::SIGTERM);
    for client in &mut clients {
        client.expect_close(1001);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_millis(500));
    expect_counts(&exit, &[("told", 10), ("answered", 0), ("cut", 10)]);
}

#[test]
fn messages_behind_our_good_bye_are_handled() {
    let service = websocket().start();
    let mut client = open(&service, "/echo?name=late");
    client.echo("before");
    service.signal(Signal::SIGTERM);
    client.expect_close(1001);
    for nth in 0..100 {
        client.send(text(format!("nr {nth}"))).expect("it reads");
    }
    client.send(close(1001, "done")).expect("it reads");
    client.expect_end();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    for nth in 0..100 {
        assert!(exit.stdout().contains(&format!("late got nr {nth}").as_str()), "{exit}");
    }
    let refused = exit.stdout().iter().filter(|line| **line == "late refused closed").count();
    assert_eq!(refused, 100, "{exit}");
    expect_counts(&exit, &[("told", 1), ("answered", 1), ("received", 101), ("sent", 1), ("errors", 0)]);
}

/// Both say good-bye at the same time.
#[test]
fn good_byes_that_cross() {
    for _ in 0..5 {
        let service = websocket().start();
        let mut clients = opened(&service, 60, "/echo");
        for client in &mut clients[..20] {
            client.send(close(1000, "first")).expect("it reads");
        }
        service.signal(Signal::SIGTERM);
        for client in &mut clients[20..40] {
            client.send(close(1000, "second")).expect("it is open");
        }
        service.wait_text("to=draining");
        for client in &mut clients[40..] {
            // Whoever is told first has been answered by this.
            client.send(close(1000, "third")).expect("it is open");
        }
        for (nth, client) in clients.iter_mut().enumerate() {
            match client.hear() {
                Heard::Close(1000, _) => {}
                Heard::Close(1001, _) if nth >= 20 => {}
                other => panic!("{nth}: {other:?}"),
            }
            client.expect_end();
        }
        drop(clients);
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(500)).expect_served(60);
        expect_counts(&exit, &[("opened", 60), ("cut", 0), ("lost", 0), ("errors", 0)]);
        assert_eq!(count(&exit, "told"), count(&exit, "answered"), "{exit}");
    }
}

/// Peers that leave without a word once they are told: lost, and nobody waits for them.
#[test]
fn peers_that_leave_without_a_word() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "10000").start();
    let mut clients = opened(&service, 30, "/echo");
    service.signal(Signal::SIGTERM);
    for (nth, client) in clients.iter_mut().enumerate() {
        client.expect_close(1001);
        if nth % 2 == 0 {
            client.stream().shutdown(Shutdown::Write).expect("it is open");
            client.expect_end();
        } else {
            socket2::SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).expect("a socket");
        }
    }
    drop(clients);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_within(Duration::from_millis(500));
    expect_counts(&exit, &[("told", 30), ("answered", 0), ("lost", 30), ("cut", 0)]);
}

/// Their windows are full when the signal comes, so that not even the good-bye can be sent.
#[test]
fn peers_that_do_not_read_are_cut_in_time() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "800").start();
    let path = "/flood?count=2000&bytes=4096&outbox=100000000";
    let mut deaf: Vec<Ws> = (0..5).map(|_| Ws::open_from(SMALL, service.address(), path)).collect();
    for client in &mut deaf {
        client.send(text("go")).expect("it reads");
    }
    service.wait_count("flooded ok=2000", 5);
    let clients = opened(&service, 10, "/echo");
    service.signal(Signal::SIGTERM);
    for client in clients {
        client.expect_closed(1001);
    }
    let exit = service.wait(PATIENCE);
    for line in exit.stdout().iter().filter(|line| line.starts_with("flooded")) {
        assert!(!line.ends_with("queued=0"), "the kernel has taken all of it: {exit}");
    }
    exit.expect_code(3).expect_incomplete("5 connections were cut").expect_within(Duration::from_millis(800));
    assert_eq!((count(&exit, "opened"), count(&exit, "answered"), count(&exit, "cut")), (15, 10, 5), "{exit}");
    drop(deaf);
}

/// A connection is upgraded and told good-bye, or it is refused; nothing in between.
#[test]
fn upgrades_that_cross_the_signal() {
    for _ in 0..3 {
        let service = websocket().start();
        let address = service.address();
        let served = Arc::new(AtomicU64::new(0));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let served = Arc::clone(&served);
                thread::spawn(move || {
                    let (mut upgraded, mut refused) = (Vec::new(), 0);
                    // Until nobody listens any more.
                    while let Ok((client, answer)) = Ws::ask(Origin::default(), address, upgrade("/echo", "")) {
                        match answer.status {
                            101 => {
                                upgraded.push(client);
                                served.fetch_add(1, Ordering::SeqCst);
                            }
                            503 => {
                                assert!(answer.header("retry-after").is_some(), "{answer:?}");
                                refused += 1;
                            }
                            _ => panic!("{answer:?}"),
                        }
                    }
                    let told = upgraded.len() as u64;
                    for client in upgraded {
                        client.expect_closed(1001);
                    }
                    (told, refused)
                })
            })
            .collect();
        wait_for(&served, 100);
        service.signal(Signal::SIGTERM);
        let seen: Vec<(u64, u64)> = clients.into_iter().map(|client| client.join().expect("no panic")).collect();
        let (told, refused) = seen.iter().fold((0, 0), |sum, seen| (sum.0 + seen.0, sum.1 + seen.1));
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_served(told + refused);
        expect_counts(&exit, &[("opened", told), ("told", told), ("answered", told), ("cut", 0), ("lost", 0)]);
    }
}

/// Half a head is there at the signal: the rest of it is waited for, and refused.
#[test]
fn in_the_middle_of_the_request() {
    let service = websocket().start();
    let request = upgrade("/echo", "");
    let mut clients: Vec<Ws> = [1, 30, request.len() - 2]
        .into_iter()
        .map(|at| {
            let mut client = Ws::connect(Origin::default(), service.address()).expect("it listens");
            client.send(&request[..at]).expect("it reads");
            client
        })
        .collect();
    // One more, so that these have been read by now.
    open(&service, "/echo").close();
    signal(&service);
    for (client, at) in clients.iter_mut().zip([1, 30, request.len() - 2]) {
        client.send(&request[at..]).expect("it is open");
        let answer = client.answer().expect("answered");
        assert!(answer.expect_status(503).closes() && answer.header("retry-after").is_some(), "{answer:?}");
        client.expect_end();
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_served(4).expect_answered(4);
    expect_counts(&exit, &[("opened", 1), ("told", 0)]);
}

#[test]
fn a_second_signal_ends_the_waiting_for_the_mute() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "15000").start();
    let mut mute = opened(&service, 5, "/echo");
    service.signal(Signal::SIGTERM);
    for client in &mut mute {
        client.expect_close(1001);
    }
    service.signal_after(Duration::from_millis(600), Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_millis(850) + SLACK);
    expect_counts(&exit, &[("told", 5), ("answered", 0), ("cut", 5)]);
}
