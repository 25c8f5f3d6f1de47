//! What writes a response's body while the client listens.

use std::fmt;
use std::io::{self, Write};

use graceful_core::Stop;

/// Where the function of [`Body::writer`](super::Body::writer) writes to.
///
/// What is written is collected, and sent when there is enough of it, at a [`flush`](Write::flush), and at the end.
///
/// # Blocking
/// Writing blocks while the client does not take what was sent; it fails once the client has gone, or when it has taken
/// nothing for longer than the server allows.
pub struct BodyWriter<'a> {
    out: &'a mut dyn Sink,
    stop: &'a Stop,
}

impl<'a> BodyWriter<'a> {
    pub(crate) fn new(out: &'a mut dyn Sink, stop: &'a Stop) -> Self {
        Self { out, stop }
    }

    /// Fires when the drain begins: time to say good-bye and return.
    ///
    /// It lives as long as the connection, so that it can be held while writing.
    #[must_use]
    pub fn stop(&self) -> &'a Stop {
        self.stop
    }
}

impl Write for BodyWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What a [`BodyWriter`] needs of a [`Write`]: as a `dyn Write`, all methods of that trait would be in every service.
pub(crate) trait Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    fn flush(&mut self) -> io::Result<()>;
}

impl<W: Write> Sink for W {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(self)
    }
}

impl fmt::Debug for BodyWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyWriter").field("stop", &self.stop).finish_non_exhaustive()
    }
}
