//! A NATS server of one's own, and a client that has nothing to do with `graceful`.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::daemon::{Daemon, free_port};
use crate::{Http, PATIENCE};

/// A `nats-server` on free ports.
#[derive(Debug)]
pub struct NatsServer {
    daemon: Daemon,
    port: u16,
    monitor: u16,
}

impl NatsServer {
    /// Starts one and waits until it answers.
    #[track_caller]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one that wants the user `me` and this password.
    #[track_caller]
    pub fn with_password(password: &str) -> Self {
        Self::with(&["--user", "me", "--pass", password])
    }

    #[track_caller]
    fn with(more: &[&str]) -> Self {
        let (port, monitor) = (free_port(), free_port());
        let (ours, theirs) = (port.to_string(), monitor.to_string());
        let args = ["-a", "127.0.0.1", "-p", &ours, "-m", &theirs];
        let ready = move |_: &Path| TcpStream::connect(("127.0.0.1", port))?.read_exact(&mut [0; 4]);
        let daemon = Daemon::start("nats-server", args.into_iter().chain(more.iter().copied()), ready);
        Self { daemon, port, monitor }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The process, which can be frozen, killed and started again.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// A client that is connected.
    #[must_use]
    #[track_caller]
    pub fn client(&self) -> NatsClient {
        NatsClient::connect(self.address()).expect("it answers")
    }

    /// How many connections there are from `graceful`, as its monitor tells.
    #[must_use]
    #[track_caller]
    pub fn connections(&self) -> usize {
        self.monitor("/connz").matches("\"name\": \"graceful\"").count()
    }

    /// How many messages it has received since it was started, as its monitor tells.
    #[must_use]
    #[track_caller]
    pub fn received(&self) -> u64 {
        let told: serde_json::Value = serde_json::from_str(&self.monitor("/varz")).expect("JSON");
        told["in_msgs"].as_u64().expect("a count")
    }

    #[track_caller]
    fn monitor(&self, path: &str) -> String {
        let monitor = SocketAddr::from(([127, 0, 0, 1], self.monitor));
        Http::connect(monitor).expect("it listens").get(path).expect_status(200).text()
    }

    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }
}

/// Speaks just enough of the protocol, and keeps what it hears.
#[derive(Debug)]
pub struct NatsClient {
    stream: TcpStream,
    heard: Arc<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    so_far: Mutex<SoFar>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct SoFar {
    messages: Vec<String>,
    pongs: usize,
}

impl NatsClient {
    fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"CONNECT {\"verbose\":false,\"name\":\"tests\"}\r\n")?;
        let heard = Arc::<Heard>::default();
        let (theirs, listening) = (Arc::clone(&heard), stream.try_clone()?);
        // Until the connection ends.
        thread::spawn(move || drop(theirs.listen(listening)));
        let mut client = Self { stream, heard };
        client.flush();
        Ok(client)
    }

    /// Subscribes.
    #[track_caller]
    pub fn subscribe(&mut self, subject: &str) {
        self.write(&format!("SUB {subject} 1\r\n"));
        self.flush();
    }

    /// Subscribes as one of a group.
    #[track_caller]
    pub fn queue_subscribe(&mut self, subject: &str, group: &str) {
        self.write(&format!("SUB {subject} {group} 1\r\n"));
        self.flush();
    }

    /// Publishes.
    #[track_caller]
    pub fn publish(&mut self, subject: &str, text: &str) {
        self.write(&format!("PUB {subject} {}\r\n{text}\r\n", text.len()));
    }

    /// Waits until the server has read everything, and everything has come that it had sent by then.
    #[track_caller]
    pub fn flush(&mut self) {
        let pongs = self.heard.lock().pongs;
        self.write("PING\r\n");
        self.heard.wait_for(|so_far| so_far.pongs > pongs);
    }

    /// Waits until so many messages have come.
    #[track_caller]
    pub fn wait_count(&self, count: usize) {
        self.heard.wait_for(|so_far| so_far.messages.len() >= count);
    }

    /// Every message so far.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.heard.lock().messages.clone()
    }

    #[track_caller]
    fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("the server is there");
    }
}

impl Drop for NatsClient {
    fn drop(&mut self) {
        // One that is closed needs no closing.
        drop(self.stream.shutdown(std::net::Shutdown::Both));
    }
}

impl Heard {
    fn listen(&self, stream: TcpStream) -> io::Result<()> {
        let mut answers = stream.try_clone()?;
        let mut lines = BufReader::new(stream);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.first().copied() {
                Some("PING") => answers.write_all(b"PONG\r\n")?,
                Some("PONG") => self.lock().pongs += 1,
                Some("MSG") => {
                    let length: usize = words.last().and_then(|word| word.parse().ok()).unwrap_or_default();
                    let mut payload = vec![0; length + 2];
                    lines.read_exact(&mut payload)?;
                    payload.truncate(length);
                    self.lock().messages.push(String::from_utf8_lossy(&payload).into_owned());
                }
                _ => continue,
            }
            self.more.notify_all();
        }
    }

    #[track_caller]
    fn wait_for(&self, ready: impl Fn(&SoFar) -> bool) {
        let (so_far, waited) = self
            .more
            .wait_timeout_while(self.lock(), PATIENCE, |so_far| !ready(so_far))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "it did not come: {} messages, {} pongs", so_far.messages.len(), so_far.pongs);
    }

    fn lock(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
