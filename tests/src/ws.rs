//! A WebSocket client that sends what it is told, byte by byte, and reads frames strictly.
//!
//! [`frame`] and what is named after the kinds of frames make bytes; [`Ws`] carries them.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

pub use crate::frames::*;
use crate::{Answer, PATIENCE};

/// The key of RFC 6455, section 1.3, and what it is answered with.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// One connection to a WebSocket server.
#[derive(Debug)]
pub struct Ws {
    reader: BufReader<TcpStream>,
    /// The kind of a message whose end has not come, and what has come of it.
    partial: Option<(u8, Vec<u8>)>,
}

/// What the server has said.
#[derive(Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message of bytes.
    Binary(Vec<u8>),
    /// Its good-bye: 1005 stands for one without a code.
    Close(u16, String),
    /// The connection has ended, in order.
    End,
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A message of text.
    Text(String),
}

/// How a client's socket is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin {
    /// The address it connects from: each has a limited number of ports.
    pub address: Option<Ipv4Addr>,
    /// The size of its receive buffer, which is what it takes in without reading.
    pub receive_buffer: Option<usize>,
}

/// A request for an upgrade. `more` are further headers, each with its line break.
#[must_use]
pub fn upgrade(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n"
    )
}

impl Ws {
    /// Connects and upgrades, which has to succeed. A wait of a minute on anything is a failure.
    #[track_caller]
    pub fn open(address: SocketAddr, path: &str) -> Self {
        Self::open_from(Origin::default(), address, path)
    }

    /// As [`open`](Self::open), with a socket made as `origin` says.
    #[track_caller]
    pub fn open_from(origin: Origin, address: SocketAddr, path: &str) -> Self {
        match Self::ask(origin, address, upgrade(path, "")) {
            Ok((ws, answer)) => {
                answer.expect_upgraded();
                ws
            }
            Err(error) => panic!("no upgrade of {path}: {error}"),
        }
    }

    /// Connects and sends nothing.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(origin: Origin, address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        if let Some(size) = origin.receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        if let Some(source) = origin.address {
            socket.set_reuse_address(true)?;
            socket.bind(&SocketAddr::new(IpAddr::V4(source), 0).into())?;
        }
        socket.connect_timeout(&address.into(), PATIENCE)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { reader: BufReader::new(stream), partial: None })
    }

    /// Connects, sends a request with whatever is behind it, and reads the answer.
    ///
    /// # Errors
    /// What the system says, and `InvalidData` for what is no answer.
    pub fn ask(origin: Origin, address: SocketAddr, request: impl AsRef<[u8]>) -> io::Result<(Self, Answer)> {
        let mut ws = Self::connect(origin, address)?;
        ws.send(request)?;
        let answer = ws.answer()?;
        Ok((ws, answer))
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes.as_ref())
    }

    /// Says that nothing more is sent, without a good-bye.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish_sending(&mut self) -> io::Result<()> {
        self.stream().shutdown(Shutdown::Write)
    }

    /// The socket.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// The socket alone, and whether nothing is left of what was read from it.
    #[must_use]
    pub fn into_stream(self) -> (TcpStream, bool) {
        let empty = self.reader.buffer().is_empty() && self.partial.is_none();
        (self.reader.into_inner(), empty)
    }

    /// The answer to a request: a head, and a body of the announced length.
    ///
    /// # Errors
    /// `UnexpectedEof` at the end of the connection, `InvalidData` for what is no answer, and what the system says.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let line = self.line()?;
        let mut words = line.splitn(3, ' ');
        let version = words.next().unwrap_or_default().to_owned();
        let status = words.next().and_then(|word| word.parse().ok()).ok_or_else(|| invalid(&line))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid(&line))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { version, status, headers, body: Vec::new(), interim: Vec::new() };
        let length = answer.header("content-length").map_or(Ok(0), str::parse);
        answer.body = self.exactly(length.map_err(|_| invalid("a length"))?)?;
        Ok(answer)
    }

    /// The next message or control frame, or the end.
    ///
    /// # Errors
    /// `InvalidData` for what no server may send, and what the system says, as a reset.
    #[allow(clippy::should_implement_trait, reason = "an iterator would end")]
    pub fn next(&mut self) -> io::Result<Heard> {
        loop {
            if self.reader.fill_buf()?.is_empty() {
                return if self.partial.is_none() { Ok(Heard::End) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            let (first, payload) = self.frame()?;
            let (fin, opcode) = (first & FIN != 0, first & 0x0f);
            match (opcode, fin) {
                (CONTINUATION | TEXT | BINARY, _) => {
                    let (kind, mut message) = match (opcode, self.partial.take()) {
                        (CONTINUATION, Some(partial)) => partial,
                        (TEXT | BINARY, None) => (opcode, Vec::new()),
                        _ => return Err(invalid("a fragment out of order")),
                    };
                    message.extend(payload);
                    if fin {
                        return if kind == TEXT { Ok(Heard::Text(utf8(message)?)) } else { Ok(Heard::Binary(message)) };
                    }
                    self.partial = Some((kind, message));
                }
                (CLOSE, true) => return said_close(&payload),
                (PING, true) => return Ok(Heard::Ping(payload)),
                (PONG, true) => return Ok(Heard::Pong(payload)),
                _ => return Err(invalid("a frame of an unknown kind")),
            }
        }
    }

    /// What comes next, which has to come.
    #[track_caller]
    pub fn hear(&mut self) -> Heard {
        self.next().unwrap_or_else(|error| panic!("nothing comes: {error} ({:?})", error.kind()))
    }

    /// This comes next.
    #[track_caller]
    pub fn expect(&mut self, expected: &Heard) {
        assert_eq!(&self.hear(), expected);
    }

    /// This text comes next.
    #[track_caller]
    pub fn expect_text(&mut self, expected: &str) {
        assert_eq!(self.hear(), Heard::Text(expected.to_owned()));
    }

    /// A good-bye with this code comes next.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) {
        let heard = self.hear();
        assert!(matches!(heard, Heard::Close(said, _) if said == code), "wanted Close {code}, got {heard:?}");
    }

    /// The end comes next, in order.
    #[track_caller]
    pub fn expect_end(&mut self) {
        self.expect(&Heard::End);
    }

    /// Says good-bye; it is answered in kind, and the server ends the connection.
    #[track_caller]
    pub fn close(mut self) {
        self.send(close(1000, "")).expect("it reads");
        self.expect_close(1000);
        self.expect_end();
    }

    /// The server says good-bye with this code, is answered, and ends the connection.
    #[track_caller]
    pub fn expect_closed(mut self, code: u16) {
        self.expect_close(code);
        self.send(close(code, "")).expect("it reads");
        self.expect_end();
    }

    /// A text there and back.
    #[track_caller]
    pub fn echo(&mut self, message: &str) {
        self.send(text(message)).expect("it reads");
        self.expect_text(message);
    }

    /// One frame: its first byte and its payload.
    fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let [first, second] = self.array()?;
        let length = match second {
            0..126 => u64::from(second),
            126 => u64::from(u16::from_be_bytes(self.array()?)),
            127 => u64::from_be_bytes(self.array()?),
            _ => return Err(invalid("a mask from a server")),
        };
        let shortest = match second {
            126 => 126,
            127 => 65536,
            _ => 0,
        };
        if first & 0x70 != 0 || length < shortest || (first & 0x08 != 0 && length > 125) {
            return Err(invalid("a frame that is not valid"));
        }
        let length = usize::try_from(length).map_err(|_| invalid("an endless frame"))?;
        Ok((first, self.exactly(length)?))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        match line.as_slice() {
            [text @ .., b'\r', b'\n'] => Ok(String::from_utf8_lossy(text).into_owned()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn array<const LENGTH: usize>(&mut self) -> io::Result<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl Answer {
    /// It is the answer to [`upgrade`].
    #[track_caller]
    pub fn expect_upgraded(&self) {
        let token = |name, wanted: &str| self.header(name).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
        let told = token("upgrade", "websocket") && token("connection", "upgrade");
        assert!(self.status == 101 && told && self.header("sec-websocket-accept") == Some(ACCEPT), "{self:?}");
        let needless = ["content-length", "transfer-encoding", "sec-websocket-extensions"];
        assert!(needless.iter().all(|name| self.header(name).is_none()), "{self:?}");
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |f: &mut fmt::Formatter<'_>, kind: &str, bytes: &[u8]| {
            write!(f, "{kind}({} bytes: {})", bytes.len(), bytes[..bytes.len().min(40)].escape_ascii())
        };
        match self {
            Self::Binary(message) => bytes(f, "Binary", message),
            Self::Close(code, reason) => write!(f, "Close({code}, {reason:?})"),
            Self::End => f.write_str("End"),
            Self::Ping(payload) => bytes(f, "Ping", payload),
            Self::Pong(payload) => bytes(f, "Pong", payload),
            Self::Text(message) => bytes(f, "Text", message.as_bytes()),
        }
    }
}

fn said_close(payload: &[u8]) -> io::Result<Heard> {
    match payload {
        [] => Ok(Heard::Close(1005, String::new())),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(invalid("a code that nobody may send"));
            }
            Ok(Heard::Close(code, utf8(reason.to_vec())?))
        }
        [_] => Err(invalid("half of a code")),
    }
}

fn utf8(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| invalid("text that is not valid"))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
