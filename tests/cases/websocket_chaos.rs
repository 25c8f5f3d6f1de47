//! All kinds of peers at once, good and bad, and then the signal: the books are right, and the end comes in time.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::ws::{FIN, Heard, Origin, Ws, close, frame, part, ping, text, upgrade};
use graceful_tests::{PATIENCE, Signal};

use crate::websocket::{count, websocket};

/// How a peer behaves. The first ones behave well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Asks,
    Chats,
    Listens,
    Leaves,
    Blocks,
    BreaksRules,
    HalfAHead,
    HangsUp,
    Deaf,
    Mute,
    Resets,
    Torn,
}

const KINDS: [Kind; 12] = [
    Kind::Asks,
    Kind::Chats,
    Kind::Listens,
    Kind::Leaves,
    Kind::Blocks,
    Kind::BreaksRules,
    Kind::HalfAHead,
    Kind::HangsUp,
    Kind::Deaf,
    Kind::Mute,
    Kind::Resets,
    Kind::Torn,
];

const GOOD: usize = 5;

#[test]
fn with_one_loop() {
    chaos("1");
}

#[test]
fn with_three_loops() {
    chaos("3");
}

fn chaos(loops: &str) {
    const EACH: usize = 8;
    let service = websocket()
        .env("GRACEFUL_EVENT_LOOPS", loops)
        .env("GF_CLOSE_TIMEOUT", "1500")
        .env("GF_OUTBOX", "200000")
        .env("GF_STORM", "1")
        .start();
    let address = service.address();
    let peers: Vec<_> = (0..KINDS.len() * EACH)
        .map(|nth| {
            let kind = KINDS[nth % KINDS.len()];
            (kind, thread::spawn(move || behave(kind, address)))
        })
        .collect();
    // All of them are in the middle of it.
    service.wait_count("flooded", EACH);
    thread::sleep(Duration::from_millis(500));
    service.signal(Signal::SIGTERM);
    let mut told = 0;
    for (kind, peer) in peers {
        let seen = peer.join().unwrap_or_else(|_| panic!("{kind:?}"));
        if KINDS[..GOOD].contains(&kind) && kind != Kind::Leaves {
            assert_eq!(seen, Some(1001), "{kind:?}");
            told += 1;
        }
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_millis(3500));
    assert_eq!(count(&exit, "opened"), count(&exit, "closed"), "{exit}");
    assert!(count(&exit, "answered") >= told && count(&exit, "told") >= count(&exit, "answered"), "{exit}");
    assert!(count(&exit, "cut") >= EACH as u64, "the mute: {exit}");
    assert!(count(&exit, "lost") > 0 && count(&exit, "errors") > 0, "{exit}");
    let ended = ["completed", "closed_idle", "cut"].map(|name| exit.connections(name)).iter().sum::<u64>();
    assert_eq!(exit.connections("accepted"), ended, "{exit}");
    assert!(!exit.has("panicked"), "{exit}");
}

/// Behaves until there is nobody any more; tells the code of the last good-bye.
fn behave(kind: Kind, address: SocketAddr) -> Option<u16> {
    let deadline = Instant::now() + PATIENCE;
    let small = Origin { address: None, receive_buffer: Some(4096) };
    let connect = |origin, path: &str| -> Option<Ws> {
        let (ws, answer) = Ws::ask(origin, address, upgrade(path, "")).ok()?;
        (answer.status == 101).then_some(ws)
    };
    let plain = |path: &str| connect(Origin::default(), path);
    match kind {
        Kind::Asks => converse(plain("/echo")?, "again"),
        Kind::Chats | Kind::Listens => {
            let client = plain(if kind == Kind::Chats { "/room/chat" } else { "/room/storm?except=1" })?;
            // Its own, so that it answers itself only.
            let name = client.stream().local_addr().expect("it is bound").to_string();
            converse(client, &name)
        }
        Kind::Blocks => converse(plain("/work?ms=20")?, "slowly"),
        Kind::Leaves => {
            while let Some(mut client) = plain("/room/storm") {
                assert!(Instant::now() < deadline, "it never ends");
                if client.send([text("x"), ping("p"), close(1000, "")].concat()).is_err() {
                    return None;
                }
                while !matches!(client.next(), Ok(Heard::End) | Err(_)) {}
            }
            None
        }
        Kind::BreaksRules => {
            while let Some(mut client) = plain("/room/storm") {
                assert!(Instant::now() < deadline, "it never ends");
                let _ = client.send([text("x"), frame(FIN | 5, "y")].concat());
                while !matches!(client.next(), Ok(Heard::End) | Err(_)) {}
            }
            None
        }
        Kind::Resets => {
            while let Some(client) = plain("/room/storm") {
                assert!(Instant::now() < deadline, "it never ends");
                let _ = socket2::SockRef::from(client.stream()).set_linger(Some(Duration::ZERO));
            }
            None
        }
        Kind::HangsUp => {
            while let Some(mut client) = plain("/echo") {
                assert!(Instant::now() < deadline, "it never ends");
                let _ = client.send(text("x"));
                let _ = client.finish_sending();
                while !matches!(client.next(), Ok(Heard::End) | Err(_)) {}
            }
            None
        }
        Kind::HalfAHead => {
            let mut client = Ws::connect(Origin::default(), address).ok()?;
            client.send(&upgrade("/echo", "")[..40]).ok()?;
            client.answer().ok().map(|answer| answer.status)
        }
        Kind::Deaf => {
            let mut client = connect(small, "/flood?count=2000&bytes=4096&outbox=100000000")?;
            client.send(text("go")).ok()?;
            // Nothing is read until the connection is no more.
            while client.send(ping("")).is_ok() {
                assert!(Instant::now() < deadline, "it never ends");
                thread::sleep(Duration::from_millis(50));
            }
            None
        }
        Kind::Mute | Kind::Torn => {
            let mut client = plain("/echo")?;
            if kind == Kind::Torn {
                client.send([part(1, "torn"), text("apart")[..4].to_vec()].concat()).ok()?;
            }
            let mut code = None;
            loop {
                match client.next() {
                    Ok(Heard::Close(said, _)) => code = Some(said),
                    Ok(Heard::End) | Err(_) => return code,
                    Ok(_) => {}
                }
            }
        }
    }
}

/// Says something whenever it hears that, answers a good-bye, and sees the connection end in order.
fn converse(mut client: Ws, words: &str) -> Option<u16> {
    client.send(text(words)).expect("it reads");
    loop {
        match client.hear() {
            Heard::Text(heard) if heard == words => client.send(text(words)).expect("it reads"),
            Heard::Text(_) | Heard::Ping(_) | Heard::Pong(_) | Heard::Binary(_) => {}
            Heard::Close(code, _) => {
                client.send(close(code, "")).expect("it reads");
                client.expect_end();
                return Some(code);
            }
            Heard::End => return None,
        }
    }
}
