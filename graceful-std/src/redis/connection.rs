//! One connection.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::{Cmd, ConnectionInfo, ConnectionLike, ErrorKind, Parser, RedisError, RedisResult, Value};

use super::counters::Counters;
use super::doing::Doing;
use super::socket::Socket;
use crate::pool::Canceller;

/// A connection to Redis: everything of the `redis` crate that takes a [`ConnectionLike`] works on it, as `Commands`,
/// pipelines and scripts do.
///
/// It is ours and not that crate's, for one reason: its socket can be shut down from another thread, which is how a command
/// that never ends (`BLPOP key 0`) is ended when the service stops. It speaks RESP2, over TCP or a Unix socket.
///
/// # Blocking
/// A command waits for its answer without a limit, unless [`set_timeout`](Connection::set_timeout) gave one.
pub struct Connection {
    socket: Socket,
    parser: Parser,
    database: i64,
    state: State,
    doing: Arc<Doing>,
    counters: Arc<Counters>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Usable,
    /// Which answer belongs to which command is not known any more.
    Broken,
}

impl Connection {
    /// Connects, says who we are, and chooses the database.
    pub(super) fn open(info: &ConnectionInfo, timeout: Duration, counters: &Arc<Counters>) -> RedisResult<Self> {
        let until = Instant::now() + timeout;
        let settings = info.redis_settings();
        let socket = Socket::connect(info.addr(), until).map_err(|error| at(info, error))?;
        let mut connection = Self {
            socket,
            parser: Parser::new(),
            database: settings.db(),
            state: State::Usable,
            doing: Arc::default(),
            // What it says first is not the user's.
            counters: Arc::default(),
        };
        connection.set_timeout(Some(until.saturating_duration_since(Instant::now())))?;
        let refused = |error: RedisError| {
            let category = "the server refused the connection";
            match error.kind() {
                ErrorKind::Io => at(info, io::Error::other(error)),
                kind => RedisError::from((kind, category, format!("{} at {}", words(&error), info.addr()))),
            }
        };
        if let Some(password) = settings.password() {
            let mut auth = ::redis::cmd("AUTH");
            if let Some(user) = settings.username() {
                auth.arg(user);
            }
            auth.arg(password).exec(&mut connection).map_err(refused)?;
        }
        if settings.db() != 0 {
            ::redis::cmd("SELECT").arg(settings.db()).exec(&mut connection).map_err(refused)?;
        }
        // Also the first command of those who have no password: a server that wants one refuses it here.
        match ::redis::cmd("CLIENT").arg("SETNAME").arg("graceful").exec(&mut connection) {
            // A name is for the operator's eyes; a user who may not have one is served all the same.
            Err(error) if error.code() != Some("NOPERM") => return Err(refused(error)),
            _ => {}
        }
        connection.set_timeout(None)?;
        connection.counters = Arc::clone(counters);
        Ok(connection)
    }

    /// How long a command may take from here on; `None`: no limit. **Default: `None`**.
    ///
    /// A command that takes longer fails, and its connection is not used again, since its answer may still come.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> RedisResult<()> {
        Ok(self.socket.set_timeout(timeout)?)
    }

    /// Sends the commands together and gives the answer to each, [`Value::ServerError`] included.
    ///
    /// # Errors
    /// When the connection breaks: then it is not known which of them were done.
    pub fn send(&mut self, commands: &[Cmd]) -> RedisResult<Vec<Value>> {
        let packed: Vec<u8> = commands.iter().flat_map(Cmd::get_packed_command).collect();
        self.ask(&packed, commands.len())
    }

    pub(super) fn is_usable(&mut self) -> bool {
        self.state == State::Usable && self.socket.is_quiet().unwrap_or(false)
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(super) fn canceller(&self) -> io::Result<Canceller> {
        let (socket, doing) = (self.socket.try_clone()?, Arc::clone(&self.doing));
        let counters = Arc::clone(&self.counters);
        Ok(Arc::new(move || {
            if let Some(command) = doing.cancel() {
                counters.note_cancelled(command);
            }
            Ok(socket.shutdown()?)
        }))
    }

    /// Sends a command that has no answer of its own.
    pub(super) fn write(&mut self, packed: &[u8]) -> RedisResult<()> {
        self.socket.write_all(packed).map_err(|error| self.broken(error.into()))
    }

    /// The next thing that the server says.
    pub(super) fn read(&mut self) -> RedisResult<Value> {
        self.parser.parse_value(&mut self.socket).map_err(|error| self.broken(error))
    }

    fn ask(&mut self, packed: &[u8], answers: usize) -> RedisResult<Vec<Value>> {
        if self.state == State::Broken {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the connection broke earlier").into());
        }
        Counters::add(&self.counters.commands, answers);
        self.doing.begin(packed);
        let answered = self.write(packed).and_then(|()| (0..answers).map(|_| self.read()).collect::<RedisResult<_>>());
        self.doing.end();
        let values: Vec<Value> = answered.inspect_err(|_| Counters::add(&self.counters.errors, 1))?;
        Counters::add(&self.counters.errors, values.iter().filter(|value| is_error(value)).count());
        Ok(values)
    }

    fn broken(&mut self, error: RedisError) -> RedisError {
        self.state = State::Broken;
        if self.doing.is_cancelled() {
            return io::Error::new(io::ErrorKind::ConnectionAborted, "cancelled, as the pool is being closed").into();
        }
        error
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command(&mut self, packed: &[u8]) -> RedisResult<Value> {
        Ok(self.ask(packed, 1)?.pop().unwrap_or_default())
    }

    /// The first `offset` answers are those to `MULTI` and to what was queued.
    fn req_packed_commands(&mut self, packed: &[u8], offset: usize, count: usize) -> RedisResult<Vec<Value>> {
        let mut values = self.ask(packed, offset + count)?;
        let wanted = values.split_off(offset);
        // Not queued: nothing of the transaction is done.
        match values.into_iter().find(is_error) {
            Some(Value::ServerError(error)) => Err(error.into()),
            _ => Ok(wanted),
        }
    }

    fn get_db(&self) -> i64 {
        self.database
    }

    fn check_connection(&mut self) -> bool {
        ::redis::cmd("PING").exec(self).is_ok()
    }

    fn is_open(&self) -> bool {
        self.state == State::Usable
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("state", &self.state).finish_non_exhaustive()
    }
}

pub(super) fn is_error(value: &Value) -> bool {
    matches!(value, Value::ServerError(_))
}

/// An error's text, that says where it happened.
fn at(info: &ConnectionInfo, error: io::Error) -> RedisError {
    io::Error::new(error.kind(), format!("no connection to {}: {error}", info.addr())).into()
}

/// What the server said, without what the driver makes of it.
fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}
