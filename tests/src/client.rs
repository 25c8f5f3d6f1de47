//! Clients: what they see, classified.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::PATIENCE;

/// One connection to a line server.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<TcpStream>,
}

/// What became of one request, as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// The whole answer came.
    Answered,
    /// The connection was refused before anything was sent.
    Refused,
    /// The connection was reset.
    Reset,
    /// The connection ended before the answer did.
    Ended,
    /// Nothing came in time.
    TimedOut,
}

impl Client {
    /// Connects; a wait of a minute on anything is a failure.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Sends a request and does not wait for its answer.
    ///
    /// # Errors
    /// What the system says.
    pub fn send(&mut self, request: &str) -> io::Result<()> {
        self.reader.get_mut().write_all(format!("{request}\n").as_bytes())
    }

    /// The next line of an answer; `UnexpectedEof` when the connection ends first.
    ///
    /// # Errors
    /// What the system says.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        match line.strip_suffix('\n') {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The next `length` bytes of an answer; `UnexpectedEof` when the connection ends first.
    ///
    /// # Errors
    /// What the system says.
    pub fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Sends a request and waits for one line.
    ///
    /// # Errors
    /// What the system says.
    pub fn ask(&mut self, request: &str) -> io::Result<String> {
        self.send(request)?;
        self.line()
    }

    /// Everything until the end of the connection.
    ///
    /// # Errors
    /// What the system says.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The socket.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }
}

/// One request on a connection of its own, and whether its answer is the one expected.
#[must_use]
pub fn ask_once(address: SocketAddr, request: &str, expected: &str) -> Seen {
    let mut client = match Client::connect(address) {
        Ok(client) => client,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Seen::Refused,
        Err(error) => return Seen::of(&error),
    };
    match client.ask(request) {
        Ok(answer) if answer == expected => Seen::Answered,
        Ok(_) => Seen::Ended,
        Err(error) => Seen::of(&error),
    }
}

impl Seen {
    /// What an error on an open connection means.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                Self::Reset
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Ended,
        }
    }
}
