//! How an answer is put into words and sent.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use ::http::{HeaderMap, StatusCode, Version, header};
use bytes::Bytes;
use graceful_core::__private::same_text;
use graceful_core::Connection;
use graceful_core::protocol::{Ending, Place, Turn};

use super::clock;
use super::encode::{self, Announce, Length};
use super::exchange::{About, Form, Job, Reuse};
use super::session::{After, HttpSession, State, Step};
use super::transmit::{Chunking, Chunks, Sent};
use crate::http::body::{Body, Kind};
use crate::http::error::Failure;
use crate::http::parser::Persistence;
use crate::http::response::{self, Response};
use crate::http::stream::BodyWriter;

/// A body up to this length is copied behind its head, so that one write sends both.
const COPIED: usize = 16 * 1024;

/// As much is taken from a reader at a time.
const PIECE: usize = 8 * 1024;

impl HttpSession {
    /// Puts an answer into words, and on a worker sends it. `more`: something has come behind the request.
    #[allow(clippy::too_many_arguments, reason = "the parts of one exchange, which are owned by different hands")]
    pub(super) fn answer(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        mut response: Response,
        about: About,
        reuse: Reuse,
        more: bool,
        output: &mut Vec<u8>,
    ) -> Step {
        let worker = turn.place() == Place::Worker;
        #[cfg(feature = "websocket")]
        if let Some(step) = self.switch(turn, &mut response, about, reuse, output) {
            if worker && let Err(error) = self.send_all(connection, turn, output) {
                return interrupted(connection, turn, &error);
            }
            return step;
        }
        if response.status().is_informational() {
            response = response::status(StatusCode::INTERNAL_SERVER_ERROR);
        }
        let silent = about.form == Form::HeadOnly || has_no_body(response.status());
        if is_streamed(&response) && !silent && !worker {
            self.state = State::Queued(Box::new(Job::Send { response, about }));
            return Step::Work;
        }
        let (parts, body) = response.into_parts();
        if let Some(failure) = parts.extensions.get::<Failure>() {
            let name = self.shared.routes.endpoints()[about.endpoint].name;
            turn.error("handler failed", connection.id(), &format_args!("{name}: {failure}"));
        }
        self.served = self.served.saturating_add(1);
        let length = if has_no_body(parts.status) {
            Length::None
        } else {
            match body.len_hint() {
                Some(length) => Length::Known(length),
                None if about.version == Version::HTTP_11 => Length::Chunked,
                None => Length::UntilClose,
            }
        };
        let leave = reuse == Reuse::No
            || length == Length::UntilClose
            || says_close(&parts.headers)
            || self.served >= self.shared.settings.requests_per_connection
            || (connection.stop().is_requested() && !more);
        let announce = match (leave, about.persistence, about.version) {
            (true, ..) | (_, Persistence::Close, _) => Announce::Close,
            (_, _, Version::HTTP_10) => Announce::KeepAlive,
            _ => Announce::Nothing,
        };
        let now = if worker { clock::now() } else { turn.now() };
        encode::head(output, parts.status, &parts.headers, body.media_type(), length, announce, now);
        self.unreported += 1;
        if !silent && let Err(step) = self.body(connection, turn, body, length, about, output) {
            return step;
        }
        if worker && let Err(error) = self.send_all(connection, turn, output) {
            return interrupted(connection, turn, &error);
        }
        match announce {
            Announce::Close => {
                self.after = if leave || more { After::Leave } else { After::Close };
                Step::Leave
            }
            _ => Step::More,
        }
    }

    /// Adds the body to the head in `output`, or sends both.
    fn body(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        body: Body,
        length: Length,
        about: About,
        output: &mut Vec<u8>,
    ) -> Result<(), Step> {
        let mut kind = body.into_kind();
        match &mut kind {
            Kind::Empty => return Ok(()),
            Kind::Bytes(bytes) if bytes.len() <= COPIED => {
                output.extend_from_slice(bytes);
                return Ok(());
            }
            Kind::Bytes(bytes) => {
                let head = Bytes::copy_from_slice(output);
                output.clear();
                let bytes = std::mem::take(bytes);
                let unsent = self.unsent();
                unsent.push(head);
                unsent.push(bytes);
                return Ok(());
            }
            Kind::Incoming(_) | Kind::Reader { .. } | Kind::Writer(_) => {}
        }
        // A worker's output holds this head only: what came before it is sent.
        let chunking = if length == Length::Chunked { Chunking::Chunked } else { Chunking::Plain };
        let shared = Arc::clone(&self.shared);
        let mut chunks = Chunks::new(connection.wire(), output, chunking, shared.settings.write_timeout);
        let result = turn.call(&shared.paces[about.endpoint], || {
            chunks.begin()?;
            match kind {
                Kind::Writer(write) => write(&mut BodyWriter::new(&mut chunks, connection.stop()))?,
                Kind::Incoming(mut reader) => copy(&mut |buffer| reader.read(buffer), length, &mut chunks)?,
                Kind::Reader { mut reader, .. } => copy(&mut |buffer| reader.read(buffer), length, &mut chunks)?,
                Kind::Bytes(_) | Kind::Empty => {}
            }
            chunks.finish()
        });
        output.clear();
        match result {
            Ok(Ok(())) => {
                self.sent(turn);
                Ok(())
            }
            Ok(Err(error)) => Err(interrupted(connection, turn, &error)),
            Err(message) => {
                let name = shared.routes.endpoints()[about.endpoint].name;
                turn.error("response body panicked", connection.id(), &format_args!("{name}: {message}"));
                Err(Step::Break(Ending::Completed))
            }
        }
    }

    /// Hands everything to the kernel, however long the client takes within the limits.
    fn send_all(&mut self, connection: &Connection, turn: &Turn<'_>, output: &mut Vec<u8>) -> io::Result<()> {
        if self.send(connection, turn, output)? == Sent::Part {
            self.unsent().send(connection.wire())?;
            self.sent(turn);
        }
        Ok(())
    }
}

/// All that `read` yields; one function for all kinds of readers.
fn copy(
    read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    length: Length,
    chunks: &mut Chunks<'_>,
) -> io::Result<()> {
    let mut copied = 0;
    let mut piece = [0; PIECE];
    loop {
        match read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                chunks.write_all(&piece[..count])?;
                copied += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    match length {
        Length::Known(length) if copied < length => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the response's body is shorter than announced"))
        }
        _ => Ok(()),
    }
}

/// What was begun of an answer cannot be completed: only the end of the connection tells the client.
pub(super) fn interrupted(connection: &Connection, turn: &Turn<'_>, error: &io::Error) -> Step {
    turn.debug("answer interrupted", connection.id(), error);
    let late = error.kind() == io::ErrorKind::TimedOut && connection.stop().is_stopping();
    Step::Break(if late { Ending::Cut } else { Ending::Completed })
}

/// Whether the body is made while it is sent.
pub(super) fn is_streamed(response: &Response) -> bool {
    matches!(response.body().kind(), Kind::Incoming(_) | Kind::Reader { .. } | Kind::Writer(_))
}

/// RFC 9110 section 6.4.1.
fn has_no_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn says_close(headers: &HeaderMap) -> bool {
    headers.get(header::CONNECTION).is_some_and(|value| same_text(value.as_bytes(), b"close"))
}
