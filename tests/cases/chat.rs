//! What the cases of the chat share: the examples `chat` and `chat_client`, and people who type.

use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use graceful_tests::{PATIENCE, Running, Service};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;
use tempfile::TempDir;

use crate::examples::example;

/// What the server says to everybody when it is told to stop.
pub(crate) const FAREWELL: &str = "\"ServerShutdown\"";

/// The server, on any port.
pub(crate) fn chat() -> Service {
    example("chat")
}

/// The server, on this address: one that comes back where it was.
pub(crate) fn chat_at(address: SocketAddr) -> Running {
    chat().env("ADDR", address.to_string()).start()
}

/// An address that stays free between two servers.
///
/// Not from the range out of which the kernel takes the ports of clients: one of another test could get it meanwhile, and a
/// client that looks for its server there could even get connected to itself.
pub(crate) fn address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 10_000) as u16;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Somebody at the client.
pub(crate) struct Person {
    pub(crate) client: Running,
    keyboard: File,
    _directory: TempDir,
}

impl Person {
    /// Starts the client in a room, and waits for nothing.
    pub(crate) fn start(address: SocketAddr, room: &str, name: &str) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let pipe = directory.path().join("keyboard");
        mkfifo(&pipe, Mode::S_IRWXU).expect("a named pipe");
        let shell = format!("exec \"$0\" \"$@\" <'{}'", pipe.display());
        let client = Service::example("chat_client").args([room, name]).env("ADDR", address.to_string());
        let client = client.under(["sh", "-c", &shell]).spawn();
        // Returns once the shell has opened the other end.
        let keyboard = File::options().write(true).open(&pipe).expect("a named pipe");
        Self { client, keyboard, _directory: directory }
    }

    /// Starts the client in a room, and waits until it is there.
    pub(crate) fn enter(address: SocketAddr, room: &str, name: &str) -> Self {
        let person = Self::start(address, room, name);
        person.wait_connected(1);
        // What it hears of itself it has heard from the room.
        person
    }

    /// Types a line.
    pub(crate) fn say(&mut self, text: &str) {
        writeln!(self.keyboard, "{text}").expect("it reads");
    }

    /// Waits until it has connected this often.
    #[track_caller]
    pub(crate) fn wait_connected(&self, times: usize) {
        self.client.wait_count("connected", times);
    }

    /// Waits until it has heard somebody say this.
    #[track_caller]
    pub(crate) fn wait_heard(&self, name: &str, text: &str) {
        self.client.wait_line(|line| said(line.text()) == Some((name.into(), text.into())), PATIENCE);
    }

    /// Everything it has heard people say.
    pub(crate) fn heard(&self) -> Vec<(String, String)> {
        self.client.lines().iter().filter_map(|line| said(line.text())).collect()
    }
}

/// Who said what, as the client prints it.
fn said(line: &str) -> Option<(String, String)> {
    let message: Value = serde_json::from_str(line.strip_prefix("received ")?).ok()?;
    let text = |key: &str| message[key].as_str().map(str::to_owned);
    (message["type"] == "said").then(|| text("name").zip(text("text")))?
}
