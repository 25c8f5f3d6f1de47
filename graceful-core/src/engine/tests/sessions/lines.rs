//! A protocol for tests: lines that say what the session is to do.

use std::time::Instant;

use super::*;
use crate::engine::protocol::Shared;

/// What the sessions of a test share.
pub(super) struct Lines {
    pub(super) paces: Arc<[Pace]>,
    seen: Sender<Seen>,
    entered: Sender<u64>,
    gate: Receiver<()>,
    settings: Settings,
}

/// What a test may want to be otherwise.
#[derive(Clone, Default)]
pub(super) struct Settings {
    /// Called when a connection comes in.
    pub(super) on_open: Option<Arc<dyn Fn(u64) + Send + Sync>>,
    /// Called with the line `call`, as a handler.
    pub(super) on_call: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Called when a session is dropped.
    pub(super) on_drop: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Called when the protocol is dropped.
    pub(super) on_end: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Called with the line `bell`.
    pub(super) on_bell: Option<Arc<dyn Fn(Bell) + Send + Sync>>,
    pub(super) drain: Drain,
}

/// One run of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) connection: u64,
    pub(super) wake: Wake,
    pub(super) place: Place,
    pub(super) thread: String,
}

struct LineProtocol(Arc<Lines>);

struct LineSession {
    lines: Arc<Lines>,
    received: Vec<u8>,
    unsent: Vec<u8>,
    /// What a worker is to do.
    job: Option<String>,
    until: Option<Instant>,
    peer: Peer,
    drain: Drain,
    /// It wants to be told of a shutdown before the drain.
    curiosity: Curiosity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curiosity {
    None,
    OfShutdowns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Gone,
    Here,
}

/// What the session does about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Drain {
    Ignored,
    /// It leaves when there is nothing more to do.
    Obeyed,
    #[default]
    Unheard,
}

impl Lines {
    pub(super) fn new(settings: Settings) -> (Arc<Self>, Receiver<Seen>, Receiver<u64>, Sender<()>) {
        let (tell_seen, seen) = crossbeam_channel::unbounded();
        let (tell_entered, entered) = crossbeam_channel::unbounded();
        let (open, gate) = gate();
        let paces = Arc::new([Pace::new()]);
        (Arc::new(Self { paces, seen: tell_seen, entered: tell_entered, gate, settings }), seen, entered, open)
    }
}

pub(super) fn protocol(lines: &Arc<Lines>) -> Shared {
    Arc::new(LineProtocol(Arc::clone(lines)))
}

impl Protocol for LineProtocol {
    fn open(&self, connection: &Connection) -> Box<dyn Session> {
        if let Some(on_open) = &self.0.settings.on_open {
            on_open(connection.id());
        }
        Box::new(LineSession {
            lines: Arc::clone(&self.0),
            received: Vec::new(),
            unsent: Vec::new(),
            job: None,
            until: None,
            peer: Peer::Here,
            drain: self.0.settings.drain,
            curiosity: Curiosity::None,
        })
    }

    fn paces(&self) -> Arc<[Pace]> {
        Arc::clone(&self.0.paces)
    }
}

impl Drop for LineProtocol {
    fn drop(&mut self) {
        if let Some(on_end) = &self.0.settings.on_end {
            on_end();
        }
    }
}

impl Session for LineSession {
    fn run(&mut self, connection: &Connection, turn: &Turn<'_>, _: &mut Buffers) -> Next {
        let thread = thread::current().name().unwrap_or_default().to_owned();
        // Nobody may listen any more.
        let _ =
            self.lines.seen.send(Seen { connection: connection.id(), wake: turn.wake(), place: turn.place(), thread });
        match turn.wake() {
            Wake::Overloaded => {
                self.job = None;
                self.answer("overloaded");
            }
            Wake::Announced => self.answer("announced"),
            Wake::Called => self.answer("called"),
            Wake::Cancelled | Wake::Ready { .. } => {}
            Wake::Stopping if self.drain == Drain::Unheard => self.drain = Drain::Obeyed,
            Wake::Stopping => {}
            Wake::TimedOut => {
                self.until = None;
                self.answer("timed out");
            }
            Wake::Work => {
                let job = self.job.take().expect("asked for");
                if let Some(next) = self.obey(&job, connection, turn) {
                    return next;
                }
                // What has come meanwhile is the loop's to notice.
                return self.go_on(connection, turn);
            }
        }
        self.read(connection);
        self.go_on(connection, turn)
    }

    fn successor(&mut self, _: &Connection) -> Option<Box<dyn Session>> {
        let mut successor = Self {
            lines: Arc::clone(&self.lines),
            received: std::mem::take(&mut self.received),
            unsent: Vec::new(),
            job: None,
            until: None,
            peer: self.peer,
            drain: self.drain,
            curiosity: self.curiosity,
        };
        successor.answer("became");
        Some(Box::new(successor))
    }

    fn wants_announcement(&self) -> bool {
        self.curiosity == Curiosity::OfShutdowns
    }
}

impl LineSession {
    fn answer(&mut self, line: &str) {
        self.unsent.extend_from_slice(line.as_bytes());
        self.unsent.push(b'\n');
    }

    /// In small pieces, until there is nothing.
    fn read(&mut self, connection: &Connection) {
        let mut bytes = [0; 3];
        loop {
            match connection.wire().read(&mut bytes) {
                Ok(length) if length > 0 => self.received.extend_from_slice(&bytes[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {
                    self.peer = Peer::Gone;
                    return;
                }
            }
        }
    }

    fn go_on(&mut self, connection: &Connection, turn: &Turn<'_>) -> Next {
        loop {
            while !self.unsent.is_empty() {
                match connection.wire().write(&self.unsent) {
                    Ok(length) => drop(self.unsent.drain(..length)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return Next::Write { until: self.until };
                    }
                    Err(_) => return Next::Close(Ending::Completed),
                }
            }
            let Some(end) = self.received.iter().position(|byte| *byte == b'\n') else { break };
            let line: Vec<u8> = self.received.drain(..=end).collect();
            let line = String::from_utf8(line).expect("text");
            if let Some(next) = self.obey(line.trim_end(), connection, turn) {
                return next;
            }
        }
        match (self.peer, self.drain) {
            (Peer::Gone, _) => Next::Close(Ending::Completed),
            (_, Drain::Obeyed) if self.received.is_empty() => Next::Close(Ending::Idle),
            _ => {
                let doing = if self.received.is_empty() { Doing::Idle } else { Doing::Busy };
                Next::Read { doing, until: self.until }
            }
        }
    }

    /// Does what a line says. Something comes next at once if it is not done by that.
    fn obey(&mut self, line: &str, connection: &Connection, turn: &Turn<'_>) -> Option<Next> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let on_loop = turn.place() == Place::Loop;
        let wants_worker = match word {
            "work" | "work-become" | "work-block" | "work-call" => on_loop,
            // As a route whose calls block.
            "block" => on_loop && self.lines.paces[0].is_slow(),
            _ => false,
        };
        if wants_worker {
            self.job = Some(line.to_owned());
            return Some(Next::Work);
        }
        match word {
            "block" | "hold" | "work-block" => {
                let lines = Arc::clone(&self.lines);
                let passed = turn.call(&lines.paces[0], || {
                    let _ = lines.entered.send(connection.id());
                    pass(&lines.gate);
                });
                passed.expect("no panic");
                self.answer("passed");
            }
            "call" | "work-call" => {
                let lines = Arc::clone(&self.lines);
                let on_call = lines.settings.on_call.as_ref().expect("there is one");
                turn.call(&lines.paces[0], || on_call()).expect("no panic");
                self.answer("called");
            }
            "become" | "work-become" => return Some(Next::Become),
            "bell" => {
                let on_bell = self.lines.settings.on_bell.as_ref().expect("there is one");
                on_bell(turn.bell(connection));
                self.answer("handed out");
            }
            "curious" => {
                self.curiosity = Curiosity::OfShutdowns;
                self.answer("curious");
            }
            "echo" => self.answer(rest),
            "give-up" => return Some(Next::Close(Ending::Cut)),
            "id" => self.answer(&connection.id().to_string()),
            "much" => self.unsent.resize(self.unsent.len() + rest.parse::<usize>().expect("a number"), b'x'),
            "never" => self.until = None,
            "panic" => panic!("as it was told"),
            "quit" => return Some(Next::Close(Ending::Completed)),
            "stay" => {
                self.drain = Drain::Ignored;
                self.answer("staying");
            }
            "until" => {
                let after = Duration::from_millis(rest.parse().expect("a number"));
                self.until = turn.read_clock().checked_add(after);
            }
            "where" | "work" => self.answer(thread::current().name().unwrap_or_default()),
            other => self.answer(&format!("what is {other}?")),
        }
        None
    }
}

impl Drop for LineSession {
    fn drop(&mut self) {
        if let Some(on_drop) = &self.lines.settings.on_drop {
            on_drop();
        }
    }
}
