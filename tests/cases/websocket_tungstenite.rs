//! tungstenite as a client, directly and through proxies: what Rust programs use.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use graceful_tests::{PATIENCE, Running, Signal};
use tungstenite::error::{Error, ProtocolError};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Bytes, Message, WebSocket};

use crate::proxy::Proxy;
use crate::websocket::{count, expect_counts, websocket};

type Client = WebSocket<TcpStream>;

fn connect(address: SocketAddr, path: &str) -> Result<Client, Error> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let url = format!("ws://{address}{path}");
    match tungstenite::client::client_with_config(url, stream, Some(WebSocketConfig::default())) {
        Ok((client, _)) => Ok(client),
        Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
        Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("the socket blocks"),
    }
}

pub(crate) fn echo<S: Read + Write>(client: &mut WebSocket<S>, message: impl Into<Message>) {
    let message = message.into();
    client.send(message.clone()).expect("it is open");
    assert_eq!(client.read().expect("it comes back"), message);
}

/// It is told good-bye, answers, and the connection ends in order.
#[track_caller]
pub(crate) fn expect_told<S: Read + Write>(client: &mut WebSocket<S>) {
    match client.read() {
        Ok(Message::Close(Some(frame))) => {
            assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Away, "the service is stopping"));
        }
        other => panic!("{other:?}"),
    }
    match client.read() {
        Err(Error::ConnectionClosed) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn directly() {
    let service = websocket().start();
    let mut client = connect(service.address(), "/echo").expect("upgraded");
    for length in [0, 1, 125, 126, 65535, 65536, 1_000_000] {
        echo(&mut client, "x".repeat(length));
        echo(&mut client, vec![0xff; length]);
    }
    client.send(Message::Ping(Bytes::from_static(b"p"))).expect("it is open");
    assert_eq!(client.read().expect("it comes back"), Message::Pong(Bytes::from_static(b"p")));
    client.close(None).expect("it is open");
    while client.read().is_ok() {}
    assert!(matches!(client.read(), Err(Error::ConnectionClosed | Error::AlreadyClosed)));
    let refused = connect(service.address(), "/nothing").expect_err("there is none");
    assert!(matches!(refused, Error::Http(answer) if answer.status() == 404));

    let mut clients: Vec<Client> = (0..50).map(|_| connect(service.address(), "/echo").expect("upgraded")).collect();
    for client in &mut clients {
        echo(client, "hello");
    }
    service.signal(Signal::SIGTERM);
    for client in &mut clients {
        expect_told(client);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(300));
    expect_counts(&exit, &[("opened", 51), ("told", 50), ("answered", 50), ("lost", 0), ("errors", 0)]);
}

/// Inside of its block `http`.
const NGINX: &str = "
    map $http_upgrade $connection_upgrade {
        default upgrade;
        '' '';
    }
    upstream services {
        SERVERS
    }
    server {
        listen FRONT;
        location / {
            proxy_pass http://services;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 60s;
            proxy_next_upstream error timeout http_503;
        }
    }
";

const HAPROXY: &str = "
global
    maxconn 512
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel 60s
    retries 3
    option redispatch
    retry-on conn-failure 503
frontend front
    bind FRONT
    default_backend services
backend services
    balance roundrobin
    SERVERS
";

#[test]
fn through_nginx() {
    through(|services| Proxy::nginx(services, NGINX));
}

#[test]
fn through_haproxy() {
    through(|services| Proxy::haproxy(services, HAPROXY));
}

/// Two services behind a proxy. One is told to stop: its clients are told good-bye through the proxy, come again, and all of
/// them are served by the other.
#[track_caller]
fn through(proxy: impl FnOnce([SocketAddr; 2]) -> Proxy) {
    const CLIENTS: usize = 40;
    let services: [Running; 2] =
        [(), ()].map(|()| websocket().env("SHUTDOWN_LAME_DUCK", "2s").env("GF_FAREWELL", "soon").start());
    let proxy = proxy([services[0].address(), services[1].address()]);
    let mut clients: Vec<Client> =
        (0..CLIENTS).map(|nth| connect(proxy.address, &format!("/echo?name=c{nth}.")).expect("upgraded")).collect();
    for (nth, client) in clients.iter_mut().enumerate() {
        echo(client, format!("hello {nth}"));
        echo(client, vec![7; 100_000]);
    }
    let [first, second] = services;
    let of_first: Vec<bool> =
        (0..CLIENTS).map(|nth| first.lines().iter().any(|line| line.text() == format!("c{nth}. opened"))).collect();
    let moved = of_first.iter().filter(|&&is| is).count();
    assert!(moved > CLIENTS / 4 && moved < CLIENTS, "{moved} of {CLIENTS}; {}", proxy.process);
    first.signal(Signal::SIGTERM);
    first.wait_text("to=lame_duck");
    // While it is a lame duck nobody who comes is turned away: the proxy finds the other.
    let mut new = Vec::new();
    for _ in 0..6 {
        let mut client = connect(proxy.address, "/echo").expect("the other one is there");
        echo(&mut client, "new");
        new.push(client);
    }
    for (client, _) in clients.iter_mut().zip(&of_first).filter(|(_, is)| **is) {
        assert_eq!(client.read().expect("a farewell"), Message::from("soon"));
        echo(client, "not yet");
    }
    for (client, _) in clients.iter_mut().zip(&of_first).filter(|(_, is)| **is) {
        expect_told(client);
        *client = connect(proxy.address, "/echo").expect("the other one is there");
    }
    let first = first.wait(PATIENCE);
    for client in clients.iter_mut().chain(&mut new) {
        echo(client, "still here");
    }
    first.expect_code(0).expect_outcome("clean");
    let moved = moved as u64;
    expect_counts(
        &first,
        &[("opened", moved), ("told", moved), ("answered", moved), ("cut", 0), ("lost", 0), ("errors", 0)],
    );
    second.signal(Signal::SIGTERM);
    for client in clients.iter_mut().chain(&mut new) {
        assert_eq!(client.read().expect("a farewell"), Message::from("soon"));
        expect_told(client);
    }
    let second = second.wait(PATIENCE);
    second.expect_code(0).expect_outcome("clean");
    assert_eq!(count(&second, "told"), (CLIENTS + new.len()) as u64, "{second}");
    drop(proxy);
}

/// What a client gets wrong is told to it, and it understands.
#[test]
fn a_refusal_is_understood() {
    let service = websocket().start();
    let mut client = connect(service.address(), "/echo?message_limit=10").expect("upgraded");
    client.send(Message::from("x".repeat(11))).expect("it is open");
    match client.read() {
        Ok(Message::Close(Some(frame))) => assert_eq!(frame.code, CloseCode::Size),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        client.read(),
        Err(Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))
    ));
    service.stop().expect_code(0);
}
