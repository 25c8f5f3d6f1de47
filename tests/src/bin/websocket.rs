//! A WebSocket server with a route for everything that can happen to one. It serves on `ADDR` (default `127.0.0.1:0`).
//!
//! | route | what it does with a message |
//! |---|---|
//! | `/echo` | sends it back |
//! | `/room/{name}?ms=N` | sleeps, broadcasts it in that room, to the sender too; `?except=1`: not to the sender |
//! | `/work?ms=N` | says `working` on stdout, sleeps, sends it back |
//! | `/stuck` | says `stuck` on stdout and never returns |
//! | `/obey` | does what it says: `panic`, `error`, `close 4000 reason`; anything else is sent back |
//! | `/flood?count=N&bytes=N&ms=N` | sends so many messages of that size, each begins with its number; says on stdout `flooded ok=… full=… timed_out=… closed=… queued=…`, and sleeps then |
//! | `/feed` | has a thread send `0`, `1`, `2` … until it cannot; it says `fed N` on stdout |
//! | `GET /` | no WebSocket: answers `hello` |
//! | `GET /counters` | no WebSocket: what is counted, a line each: `websockets opened=3` |
//! | `GET /members/{name}`, `/rooms` | no WebSocket: how many members a room has; all rooms, with commas between them |
//!
//! With `?name=N` a connection says on stdout `N opened`, `N got TEXT`, `N refused closed` (when an answer cannot be sent: or
//! `full`, or `timed_out`), `N closed CODE by peer` (or `server`, or `nobody`) and the reason. `?opening=panic` (or `error`, or
//! `close`) does that in `on_open`, `?closing=panic` in `on_close`, `?greeting=T` sends a text in `on_open`.
//!
//! The settings are variables, `GF_MESSAGE_LIMIT=1000`, or parameters, `?message_limit=1000`: `message_limit`, `frame_limit`,
//! `outbox` (bytes), `overflow` (`close`, `drop`, or the milliseconds to block), `ping_every`, `pong_timeout`,
//! `idle_timeout`, `write_timeout`, `notice`, `spread`, `close_timeout` (milliseconds), `farewell`, `close_reason`,
//! `origins`, `subprotocols` (with commas between them).
//!
//! `GF_HTTP_TIMEOUTS` is what HTTP allows for heads, bodies and silence, in milliseconds; each connection has one request then.
//! `GF_STORM=4` has so many threads broadcast in the room `storm`, each its number and how often it has.
#![forbid(unsafe_code)]

use std::str::FromStr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use graceful::http::{Error, Request, Response, Router, Server, StatusCode};
use graceful::websocket::{CloseCode, Closed, Handler, Hub, Message, Overflow, SendError, Side, Socket, WebSocket};
use graceful::{App, BoxError};
use graceful_tests::fixture::{say, setting};

#[graceful::main(timeout = "30s", drain = "20s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    let hub = Hub::new();
    let address = std::env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let mut server = Server::new(routes(app, configure(WebSocket::new(), setting)?, &hub));
    if let Some(millis) = setting("http_timeouts") {
        let timeout = Duration::from_millis(millis.parse()?);
        server = server.head_timeout(timeout).keep_alive(timeout).body_timeout(timeout).max_requests_per_connection(1);
    }
    let address = app.http(address, server)?;
    let storms: usize = setting("storm").map_or(Ok(0), |text| text.parse())?;
    for storm in 0..storms {
        let hub = hub.clone();
        thread::spawn(move || blow(&hub, storm));
    }
    say(&format!("listening on http://{address}"));
    Ok(())
}

/// More than the members of a room can take would fill their outboxes.
fn blow(hub: &Hub, storm: usize) {
    for nth in 0_u64.. {
        hub.broadcast("storm", format!("{storm} {nth}"));
        thread::sleep(Duration::from_millis(1));
    }
}

fn routes(app: &App, settings: WebSocket, hub: &Hub) -> Router {
    let settings = Arc::new(settings);
    let route = |act: fn(&Request, &Hub) -> Result<Act, Error>| {
        let (settings, hub) = (Arc::clone(&settings), hub.clone());
        move |request: Request| -> Result<Response, Error> {
            let settings =
                configure((*settings).clone(), |name| request.query_param(name).map(|text| text.to_string()));
            let settings = settings.map_err(|error| bad(error.to_string()))?;
            let act = act(&request, &hub)?;
            Ok(settings.upgrade(&request, Member::new(&request, act)))
        }
    };
    let (app, rooms, members) = (app.clone(), hub.clone(), hub.clone());
    Router::new()
        .get("/", || "hello\n")
        .get("/counters", move || counters(&app))
        .get("/rooms", move || rooms.rooms().join(","))
        .get("/members/{name}", move |request: Request| {
            members.members(request.param("name").unwrap_or_default()).to_string()
        })
        .any("/echo", route(|_, _| Ok(Act::Echo)))
        .get("/room/{name}", route(room))
        .get("/work", route(|request, _| Ok(Act::Work(pause(request)?))))
        .get("/stuck", route(|_, _| Ok(Act::Stuck)))
        .get("/obey", route(|_, _| Ok(Act::Obey)))
        .get(
            "/flood",
            route(|request, _| {
                let (count, bytes) = (number(request, "count")?, number(request, "bytes")?);
                Ok(Act::Flood { count, bytes, then: pause(request)? })
            }),
        )
        .get("/feed", route(|_, _| Ok(Act::Feed)))
}

fn counters(app: &App) -> String {
    let groups = app.counters();
    let lines = groups
        .iter()
        .flat_map(|group| group.values.iter().map(|(name, value)| format!("{} {name}={value}\n", group.name)));
    lines.collect()
}

fn room(request: &Request, hub: &Hub) -> Result<Act, Error> {
    let name = request.param("name").unwrap_or_default().to_owned();
    let sender = if request.query_param("except").is_some() { Sender::Excepted } else { Sender::Included };
    Ok(Act::Broadcast { hub: hub.clone(), name, sender, pause: pause(request)? })
}

fn configure(mut settings: WebSocket, look: impl Fn(&str) -> Option<String>) -> Result<WebSocket, BoxError> {
    let bytes = |name: &str| look(name).map(|text| text.parse::<usize>()).transpose();
    let time = |name: &str| look(name).map(|text| text.parse().map(Duration::from_millis)).transpose();
    let list = |name: &str| look(name).map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>());
    if let Some(limit) = bytes("message_limit")? {
        settings = settings.message_limit(limit);
    }
    if let Some(limit) = bytes("frame_limit")? {
        settings = settings.frame_limit(limit);
    }
    if let Some(limit) = bytes("outbox")? {
        let overflow = match look("overflow").as_deref() {
            None | Some("close") => Overflow::Close,
            Some("drop") => Overflow::Drop,
            Some(millis) => Overflow::Block(Duration::from_millis(millis.parse()?)),
        };
        settings = settings.outbox(limit, overflow);
    }
    if let Some(every) = time("ping_every")? {
        settings = settings.ping_every(every);
    }
    if let Some(timeout) = time("pong_timeout")? {
        settings = settings.pong_timeout(timeout);
    }
    if let Some(timeout) = time("idle_timeout")? {
        settings = settings.idle_timeout(timeout);
    }
    if let Some(timeout) = time("write_timeout")? {
        settings = settings.write_timeout(timeout);
    }
    if let Some(timeout) = time("close_timeout")? {
        settings = settings.close_timeout(timeout);
    }
    if let Some(notice) = time("notice")? {
        settings = settings.notice(notice);
    }
    if let Some(spread) = time("spread")? {
        settings = settings.spread(spread);
    }
    if let Some(farewell) = look("farewell") {
        settings = settings.farewell(farewell);
    }
    if let Some(reason) = look("close_reason") {
        settings = settings.close_reason(reason);
    }
    if let Some(origins) = list("origins") {
        settings = settings.origins(origins);
    }
    if let Some(protocols) = list("subprotocols") {
        settings = settings.subprotocols(protocols);
    }
    Ok(settings)
}

fn number<T: FromStr>(request: &Request, name: &str) -> Result<T, Error> {
    let text = request.query_param(name).unwrap_or_default();
    text.parse().map_err(|_| bad(format!("{name} is a number")))
}

fn pause(request: &Request) -> Result<Duration, Error> {
    let millis = if request.query_param("ms").is_some() { number(request, "ms")? } else { 0 };
    Ok(Duration::from_millis(millis))
}

/// One connection.
struct Member {
    /// Says nothing without one.
    name: Option<String>,
    opening: Option<String>,
    closing: Option<String>,
    greeting: Option<String>,
    act: Act,
}

/// What is done with a message.
enum Act {
    Broadcast { hub: Hub, name: String, sender: Sender, pause: Duration },
    Echo,
    Feed,
    Flood { count: usize, bytes: usize, then: Duration },
    Obey,
    Stuck,
    Work(Duration),
}

/// Whether a broadcast goes to who began it as well.
enum Sender {
    Excepted,
    Included,
}

impl Member {
    fn new(request: &Request, act: Act) -> Self {
        let text = |name| request.query_param(name).map(|text| text.to_string());
        Self { name: text("name"), opening: text("opening"), closing: text("closing"), greeting: text("greeting"), act }
    }

    fn say(&self, what: &str) {
        if let Some(name) = &self.name {
            say(&format!("{name} {what}"));
        }
    }

    fn send(&self, socket: &Socket, message: impl Into<Message>) {
        match socket.send(message) {
            Ok(()) => {}
            Err(SendError::Closed) => self.say("refused closed"),
            Err(SendError::Full) => self.say("refused full"),
            Err(SendError::TimedOut) => self.say("refused timed_out"),
            #[allow(unreachable_patterns, reason = "there may be more of them")]
            Err(error) => self.say(&format!("refused {error}")),
        }
    }
}

impl Handler for Member {
    fn on_open(&mut self, socket: &Socket) -> Result<(), BoxError> {
        self.say("opened");
        if let Some(greeting) = &self.greeting {
            self.send(socket, greeting.as_str());
        }
        if let Act::Broadcast { hub, name, .. } = &self.act {
            hub.join(name, socket);
        }
        obey(self.opening.as_deref().unwrap_or_default(), socket)
    }

    fn on_message(&mut self, socket: &Socket, message: Message) -> Result<(), BoxError> {
        self.say(&format!("got {}", message.as_text().unwrap_or("bytes")));
        match &self.act {
            Act::Broadcast { hub, name, sender, pause } => {
                thread::sleep(*pause);
                match sender {
                    Sender::Excepted => hub.broadcast_except(name, socket, message),
                    Sender::Included => hub.broadcast(name, message),
                };
            }
            Act::Echo => self.send(socket, message),
            Act::Feed => {
                let socket = socket.clone();
                thread::spawn(move || feed(&socket));
            }
            Act::Flood { count, bytes, then } => {
                flood(socket, *count, *bytes);
                thread::sleep(*then);
            }
            Act::Obey => match message.as_text() {
                Some(order) if ["panic", "error", "close"].iter().any(|known| order.starts_with(known)) => {
                    obey(order, socket)?;
                }
                _ => self.send(socket, message),
            },
            Act::Stuck => {
                say("stuck");
                loop {
                    thread::park();
                }
            }
            Act::Work(time) => {
                say("working");
                thread::sleep(*time);
                self.send(socket, message);
            }
        }
        Ok(())
    }

    fn on_close(&mut self, socket: &Socket, closed: &Closed) {
        let by = match closed.by {
            Side::Nobody => "nobody",
            Side::Peer => "peer",
            Side::Server => "server",
        };
        self.say(&format!("closed {} by {by} {}", closed.code.0, closed.reason));
        // There is nobody left to tell of an error.
        let _ = obey(self.closing.as_deref().unwrap_or_default(), socket);
    }
}

fn obey(order: &str, socket: &Socket) -> Result<(), BoxError> {
    let mut words = order.splitn(3, ' ');
    match words.next() {
        Some("panic") => panic!("as asked"),
        Some("error") => Err("as asked".into()),
        Some("close") => {
            let code = words.next().unwrap_or("1000").parse()?;
            socket.close(CloseCode(code), words.next().unwrap_or_default());
            Ok(())
        }
        _ => Ok(()),
    }
}

fn feed(socket: &Socket) {
    let sent = (0_u64..).take_while(|nth| socket.send(nth.to_string()).is_ok()).count();
    say(&format!("fed {sent}"));
}

fn flood(socket: &Socket, count: usize, bytes: usize) {
    let padding = " ".repeat(bytes);
    let (mut ok, mut full, mut timed_out, mut closed) = (0, 0, 0, 0);
    for nth in 0..count {
        let mut message = nth.to_string();
        message.push_str(&padding[..bytes.saturating_sub(message.len())]);
        match socket.send(message) {
            Ok(()) => ok += 1,
            Err(SendError::Closed) => closed += 1,
            Err(SendError::Full) => full += 1,
            Err(SendError::TimedOut) => timed_out += 1,
            #[allow(unreachable_patterns, reason = "there may be more of them")]
            Err(_) => {}
        }
    }
    say(&format!("flooded ok={ok} full={full} timed_out={timed_out} closed={closed} queued={}", socket.queued()));
}

fn bad(what: String) -> Error {
    Error::status(StatusCode::BAD_REQUEST, what)
}
