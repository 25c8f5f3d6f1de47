//! An HTTP client that sends what it is told, byte by byte, and reads answers strictly.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::PATIENCE;

/// One connection to an HTTP server.
#[derive(Debug)]
pub struct Http {
    reader: BufReader<Socket>,
}

/// An answer as it came. Names of headers are in lower case.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// `HTTP/1.1`.
    pub version: String,
    /// The status.
    pub status: u16,
    /// The headers in their order.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// Answers of 1xx that came before it.
    pub interim: Vec<u16>,
}

/// How the body of an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Chunked,
    Length(usize),
    UntilClose,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The text of a `GET` request.
#[must_use]
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

/// The text of a `POST` request.
#[must_use]
pub fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

impl Http {
    /// Connects; a wait of a minute on anything is a failure.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        Self::over(Socket::Tcp(stream))
    }

    /// Connects to a Unix socket.
    ///
    /// # Errors
    /// What the system says.
    pub fn unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::over(Socket::Unix(UnixStream::connect(path)?))
    }

    fn over(socket: Socket) -> io::Result<Self> {
        socket.set_timeout(PATIENCE)?;
        Ok(Self { reader: BufReader::new(socket) })
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes.as_ref())
    }

    /// Says that nothing more is sent.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish_sending(&mut self) -> io::Result<()> {
        match self.reader.get_ref() {
            Socket::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Socket::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Another handle of the connection, to send with from another thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn sender(&self) -> io::Result<impl Write + Send + use<>> {
        Ok(match self.reader.get_ref() {
            Socket::Tcp(stream) => Socket::Tcp(stream.try_clone()?),
            Socket::Unix(stream) => Socket::Unix(stream.try_clone()?),
        })
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> io::Result<Answer> {
        self.send(request)?;
        self.answer()
    }

    /// Sends a `GET` request and reads its answer, which has to come.
    #[track_caller]
    pub fn get(&mut self, path: &str) -> Answer {
        match self.ask(get(path)) {
            Ok(answer) => answer,
            Err(error) => panic!("GET {path} is not answered: {error}"),
        }
    }

    /// The next answer.
    ///
    /// # Errors
    /// `UnexpectedEof` when the connection ends before it does, `InvalidData` when it is not valid, and what the system says.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.head()?;
        answer.body = match answer.framing()? {
            Framing::Chunked => self.chunks()?,
            Framing::Length(length) => self.exactly(length)?,
            Framing::UntilClose => self.rest()?,
        };
        Ok(answer)
    }

    /// The next answer, or `None` at the end of the connection.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn next_answer(&mut self) -> io::Result<Option<Answer>> {
        if self.reader.fill_buf()?.is_empty() { Ok(None) } else { self.answer().map(Some) }
    }

    /// The next answer without its body: that of a `HEAD` request, or one whose body is read piece by piece.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn head(&mut self) -> io::Result<Answer> {
        let mut interim = Vec::new();
        loop {
            let line = self.line()?;
            let mut words = line.splitn(3, ' ');
            let (version, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if !matches!(version, "HTTP/1.0" | "HTTP/1.1") || status.len() != 3 || words.next().is_none() {
                return Err(invalid(format!("{line:?} is no status line")));
            }
            let status = status.parse().map_err(|_| invalid(format!("{line:?} has no status")))?;
            let version = version.to_owned();
            let headers = self.fields()?;
            if (100..200).contains(&status) {
                interim.push(status);
            } else {
                return Ok(Answer { version, status, headers, body: Vec::new(), interim });
            }
        }
    }

    /// The next chunk of a body; empty at its end.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let line = self.line()?;
        let size = usize::from_str_radix(&line, 16).map_err(|_| invalid(format!("{line:?} is no size of a chunk")))?;
        if size == 0 {
            self.fields()?;
            return Ok(Vec::new());
        }
        let bytes = self.exactly(size)?;
        match self.line()?.as_str() {
            "" => Ok(bytes),
            other => Err(invalid(format!("{other:?} behind a chunk"))),
        }
    }

    /// Everything until the end of the connection.
    ///
    /// # Errors
    /// What the system says, as a reset.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The connection ends, in order and with nothing more on it.
    #[track_caller]
    pub fn expect_end(&mut self) {
        match self.rest() {
            Ok(rest) => assert!(rest.is_empty(), "more came: {}", rest.escape_ascii()),
            Err(error) => panic!("the connection does not end in order: {error}"),
        }
    }

    /// Waits for the first byte of what comes next, without taking it.
    ///
    /// # Errors
    /// `UnexpectedEof` at the end of the connection, and what the system says.
    pub fn wait_byte(&mut self) -> io::Result<()> {
        if self.reader.fill_buf()?.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(body);
            }
            body.extend(chunk);
        }
    }

    fn fields(&mut self) -> io::Result<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid(format!("{line:?} is no header")))?;
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(invalid(format!("{line:?} has no name")));
            }
            fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        match line.as_slice() {
            [text @ .., b'\r', b'\n'] if !text.contains(&b'\r') => Ok(String::from_utf8_lossy(text).into_owned()),
            [.., b'\n'] => Err(invalid(format!("a line that ends with {}", line.escape_ascii()))),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl Answer {
    /// The value of a header that is there at most once.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether it says that the connection closes.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }

    /// It has this status and this body.
    #[track_caller]
    pub fn expect(&self, status: u16, body: impl AsRef<[u8]>) -> &Self {
        assert!(self.status == status && self.body == body.as_ref(), "{self:?}");
        self
    }

    /// It has this status.
    #[track_caller]
    pub fn expect_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    fn framing(&self) -> io::Result<Framing> {
        let coding = self.header("transfer-encoding");
        match (self.status, coding, self.header("content-length")) {
            (204 | 304, None, None) => Ok(Framing::Length(0)),
            (204 | 304, ..) => Err(invalid(format!("a body is announced: {self:?}"))),
            (_, Some("chunked"), None) if self.version == "HTTP/1.1" => Ok(Framing::Chunked),
            (_, Some(_), _) => Err(invalid(format!("a transfer-encoding: {self:?}"))),
            (_, None, Some(length)) => {
                length.parse().map(Framing::Length).map_err(|_| invalid(format!("a length: {self:?}")))
            }
            (_, None, None) => Ok(Framing::UntilClose),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.version, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        let shown = &self.body[..self.body.len().min(200)];
        write!(f, "({} bytes) {}", self.body.len(), shown.escape_ascii())
    }
}

impl Socket {
    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))
            }
            Self::Unix(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))
            }
        }
    }
}

impl Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(bytes),
            Self::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
