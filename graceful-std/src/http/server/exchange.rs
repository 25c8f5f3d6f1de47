//! One request and its answer.

use std::io::{self, Read};
use std::sync::Arc;

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use bytes::Bytes;
use graceful_core::Connection;
use graceful_core::protocol::{Buffers, Ending, Place, Turn};

use super::super::body::{Body, Kind};
use super::super::error::Failure;
use super::super::params::Params;
use super::super::parser::{BodyDecoder, Expectation, Framing, Head, Persistence, Reject};
use super::super::request::{Context, Request};
use super::super::response::{self, Response};
use super::super::stream::BodyWriter;
use super::clock;
use super::encode::{self, Announce, Length};
use super::incoming::{Invitation, Remainder, Upload};
use super::patience::Patience;
use super::session::{After, HttpSession, State, Step, take_front};
use super::settings::{Handlers, Writes};
use super::transmit::{Chunking, Chunks, Sent};

/// A body up to this length is waited for on the loop: a handler that then gets it as a whole needs no worker to wait for it.
const SHORT: u64 = 32 * 1024;

/// A body up to this length is copied behind its head, so that one write sends both.
const COPIED: usize = 16 * 1024;

/// When so much is to be sent, it is sent before more requests are looked at.
const MUCH: usize = 64 * 1024;

/// How long a client that was turned down should wait, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A request that is complete but for the rest of a short body.
pub(super) struct Awaited {
    head: Parts,
    params: Params,
    about: About,
    length: usize,
    /// How much of it is there.
    seen: usize,
    pub(super) patience: Patience,
}

/// What a worker is to do.
pub(super) enum Job {
    /// Call the handler, and send its answer.
    Call { request: Request, about: About, upload: Option<Arc<Upload>> },
    /// Send an answer whose body is made while it is sent.
    Send { response: Response, about: About },
}

/// What has to be known of a request to answer it.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    endpoint: usize,
    form: Form,
    persistence: Persistence,
    version: Version,
}

/// Whether the answer's body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    HeadOnly,
    Whole,
}

/// Whether the connection can carry another request after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reuse {
    No,
    Yes,
}

impl HttpSession {
    /// Answers the requests that `input` begins with. Tells how much of it was used up, and what is needed to go on.
    pub(super) fn serve(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Step) {
        let mut used = 0;
        let step = loop {
            if output.len() > MUCH && !matches!(self.send(connection, turn, output), Ok(Sent::All)) {
                // An error shows again.
                break Step::More;
            }
            let rest = &input[used..];
            let (length, step) = match std::mem::replace(&mut self.state, State::Reading) {
                State::Awaiting(awaited) => self.complete(connection, turn, awaited, rest, output),
                _ if rest.is_empty() => break Step::More,
                _ => match self.parser.parse(rest, &self.shared.settings.head) {
                    Ok(None) => break Step::More,
                    Ok(Some((head, length))) => {
                        // Before the handler is called, which may never come back.
                        turn.received(1);
                        self.head_began = None;
                        let (more, step) = self.begin(connection, turn, head, &rest[length..], output);
                        (length + more, step)
                    }
                    Err(reject) => (rest.len(), self.reject(connection, turn, reject, output)),
                },
            };
            used += length;
            if step != Step::More || matches!(self.state, State::Awaiting(_)) {
                break step;
            }
        };
        (used, step)
    }

    /// Does what a loop could not.
    pub(super) fn work(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers) -> Step {
        let Buffers { input, output } = buffers;
        if let Some(unsent) = &mut self.unsent {
            if let Err(error) = unsent.send(connection.wire()) {
                return interrupted(connection, turn, &error);
            }
            self.sent(turn);
        }
        let State::Queued(job) = std::mem::replace(&mut self.state, State::Reading) else { return Step::More };
        let mut step = match *job {
            Job::Call { request, about, upload } => {
                let more = !self.kept.is_empty();
                self.call(connection, turn, request, about, upload, more, output)
            }
            Job::Send { response, about } => {
                let more = !self.kept.is_empty();
                self.answer(connection, turn, response, about, Reuse::Yes, more, output)
            }
        };
        // What was sent behind it is answered here as well.
        while step == Step::More && !self.kept.is_empty() {
            let filled = take_front(&mut self.kept, input);
            let (used, next) = self.serve(connection, turn, &input[..filled], output);
            self.keep(&input[used..filled], turn);
            step = next;
            if used == 0 {
                break;
            }
        }
        step
    }

    /// A head has come. Tells how much of `rest`, which follows it, was used up.
    fn begin(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        head: Head,
        rest: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Step) {
        let Head { method, uri, version, headers, framing, persistence, expectation } = head;
        let found = self.shared.routes.find(&method, uri.path());
        let (endpoint, params) = (found.endpoint.ordinal, found.params);
        let form = if method == Method::HEAD { Form::HeadOnly } else { Form::Whole };
        let about = About { endpoint, form, persistence, version };
        let refused = self.shared.settings.writes_while_stopping == Writes::Refused
            && !method.is_safe()
            && connection.stop().is_requested();
        let (mut parts, ()) = ::http::Request::new(()).into_parts();
        (parts.method, parts.uri, parts.version, parts.headers) = (method, uri, version, headers);

        let limit = self.shared.settings.body_bytes;
        let (used, body) = match framing {
            Framing::None => (0, Some(Body::empty())),
            Framing::Length(length) if length <= rest.len() as u64 => {
                let length = length as usize;
                (length, Some(Body::from(Bytes::copy_from_slice(&rest[..length]))))
            }
            Framing::Length(length)
                if length <= SHORT && expectation == Expectation::None && turn.place() == Place::Loop && !refused =>
            {
                let patience = self.body_patience();
                let (length, seen) = (length as usize, rest.len());
                let awaited = Awaited { head: parts, params, about, length, seen, patience };
                self.state = State::Awaiting(Box::new(awaited));
                return (0, Step::More);
            }
            Framing::Length(_) => (rest.len(), None),
            Framing::Chunked => match whole(rest) {
                Ok(Some((used, bytes))) => (used, Some(Body::from(bytes))),
                Ok(None) => (rest.len(), None),
                Err(reject) => {
                    // It was received, and this is its answer.
                    self.unreported += 1;
                    return (rest.len(), self.reject(connection, turn, reject, output));
                }
            },
        };
        let more = used < rest.len();
        if refused {
            let reuse = if body.is_some() { Reuse::Yes } else { Reuse::No };
            let response = unavailable("the service is stopping and takes no changes\n");
            return (used, self.answer(connection, turn, response, about, reuse, more, output));
        }
        let Some(mut body) = body else {
            let invitation = if expectation == Expectation::Continue { Invitation::Due } else { Invitation::NotNeeded };
            let patience = self.body_patience();
            let (wire, stop) = (connection.wire().clone(), connection.stop().clone());
            let upload = Upload::new(wire, stop, framing, rest.to_vec(), invitation, patience);
            let body = Body::incoming(Box::new(upload.body()), limit);
            let request = self.request(connection, parts, params, body);
            return (used, self.call_on_a_worker(connection, turn, request, about, Some(upload), output));
        };
        body.set_limit(limit);
        let request = self.request(connection, parts, params, body);
        (used, self.call_where_it_belongs(connection, turn, request, about, more, output))
    }

    /// More of an awaited body has come.
    fn complete(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        mut awaited: Box<Awaited>,
        rest: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Step) {
        if rest.len() < awaited.length {
            if rest.len() > awaited.seen {
                awaited.patience.note(rest.len() - awaited.seen, turn.now());
                awaited.seen = rest.len();
            }
            self.state = State::Awaiting(awaited);
            return (0, Step::More);
        }
        let Awaited { head, params, about, length, .. } = *awaited;
        let mut body = Body::from(Bytes::copy_from_slice(&rest[..length]));
        body.set_limit(self.shared.settings.body_bytes);
        let request = self.request(connection, head, params, body);
        (length, self.call_where_it_belongs(connection, turn, request, about, length < rest.len(), output))
    }

    fn request(&mut self, connection: &Connection, parts: Parts, params: Params, body: Body) -> Request {
        let context =
            self.context.get_or_insert_with(|| Context::new(connection.peer().clone(), connection.stop().clone()));
        let mut request = Request::new(parts, body, context.clone());
        request.set_params(params);
        request
    }

    fn call_where_it_belongs(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        request: Request,
        about: About,
        more: bool,
        output: &mut Vec<u8>,
    ) -> Step {
        let for_a_worker = || {
            self.shared.settings.handlers == Handlers::OnWorkers || self.shared.paces[about.endpoint].is_slow()
        };
        if turn.place() == Place::Loop && for_a_worker() {
            self.state = State::Queued(Box::new(Job::Call { request, about, upload: None }));
            return Step::Work;
        }
        self.call(connection, turn, request, about, None, more, output)
    }

    fn call_on_a_worker(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        request: Request,
        about: About,
        upload: Option<Arc<Upload>>,
        output: &mut Vec<u8>,
    ) -> Step {
        if turn.place() == Place::Loop {
            self.state = State::Queued(Box::new(Job::Call { request, about, upload }));
            return Step::Work;
        }
        self.call(connection, turn, request, about, upload, false, output)
    }

    /// Calls the handler and answers.
    #[allow(clippy::too_many_arguments, reason = "the parts of one exchange, which are owned by different hands")]
    fn call(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        request: Request,
        about: About,
        upload: Option<Arc<Upload>>,
        mut more: bool,
        output: &mut Vec<u8>,
    ) -> Step {
        let endpoint = &self.shared.routes.endpoints()[about.endpoint];
        // A request is large: it is moved once, into the handler.
        let mut request = Some(request);
        let handler = || request.take().map(&endpoint.call);
        let response = match turn.call(&self.shared.paces[about.endpoint], handler) {
            Ok(Some(response)) => response,
            // It was there.
            Ok(None) => response::status(StatusCode::INTERNAL_SERVER_ERROR),
            Err(message) => {
                turn.error("handler panicked", connection.id(), &format_args!("{}: {message}", endpoint.name));
                response::status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        };
        let reuse = match upload {
            None => Reuse::Yes,
            // It may be sent back while it is still coming.
            Some(upload) if is_streamed(&response) && upload.is_shared() => Reuse::No,
            Some(upload) => match upload.reclaim() {
                Remainder::Lost => Reuse::No,
                Remainder::Next(bytes) => {
                    more = !bytes.is_empty();
                    self.keep(&bytes, turn);
                    Reuse::Yes
                }
            },
        };
        self.answer(connection, turn, response, about, reuse, more, output)
    }

    /// Puts an answer into words, and on a worker sends it. `more`: something has come behind the request.
    #[allow(clippy::too_many_arguments, reason = "the parts of one exchange, which are owned by different hands")]
    fn answer(
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
            Announce::KeepAlive | Announce::Nothing => Step::More,
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
                Kind::Incoming(mut reader) => copy(&mut reader, length, &mut chunks)?,
                Kind::Reader { mut reader, .. } => copy(&mut reader, length, &mut chunks)?,
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

    /// The request cannot be understood, so neither can what follows.
    fn reject(&mut self, connection: &Connection, turn: &Turn<'_>, reject: Reject, output: &mut Vec<u8>) -> Step {
        turn.debug("request refused", connection.id(), &reject);
        self.refuse_with(turn, reject.status(), reject.reason(), output)
    }

    /// One connection too many.
    pub(super) fn refuse(&mut self, connection: &Connection, turn: &Turn<'_>, output: &mut Vec<u8>) -> Step {
        turn.debug("connection refused", connection.id(), &"too many connections");
        self.refuse_with(turn, StatusCode::SERVICE_UNAVAILABLE, "too many connections", output)
    }

    /// The rest of a request has not come in time.
    pub(super) fn too_slow(&mut self, connection: &Connection, turn: &Turn<'_>, output: &mut Vec<u8>) -> Step {
        turn.debug("request refused", connection.id(), &"it did not arrive in time");
        if matches!(self.state, State::Awaiting(_)) {
            self.unreported += 1;
        }
        self.refuse_with(turn, StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time", output)
    }

    fn refuse_with(&mut self, turn: &Turn<'_>, status: StatusCode, reason: &'static str, output: &mut Vec<u8>) -> Step {
        let mut response = response::text(status, format!("{reason}\n"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        let (parts, body) = response.into_parts();
        let length = Length::Known(body.len_hint().unwrap_or(0));
        encode::head(output, parts.status, &parts.headers, body.media_type(), length, Announce::Close, turn.now());
        output.extend_from_slice(reason.as_bytes());
        output.push(b'\n');
        self.state = State::Reading;
        self.after = After::Leave;
        Step::Leave
    }

    /// No worker can be had for the job.
    pub(super) fn turn_down(&mut self, connection: &Connection, turn: &Turn<'_>, output: &mut Vec<u8>) -> Step {
        let State::Queued(job) = std::mem::replace(&mut self.state, State::Reading) else { return Step::More };
        let (about, reuse) = match *job {
            Job::Call { about, upload: Some(_), .. } => (about, Reuse::No),
            Job::Call { about, .. } | Job::Send { about, .. } => (about, Reuse::Yes),
        };
        turn.debug("request turned down", connection.id(), &"no worker is free and too many requests wait");
        let more = !self.kept.is_empty();
        let response = unavailable("the service is overloaded\n");
        match self.answer(connection, turn, response, about, reuse, more, output) {
            // What came behind it has been looked at only if the loop looks again.
            Step::More if more => self.serve_kept(connection, turn, output),
            step => step,
        }
    }

    fn serve_kept(&mut self, connection: &Connection, turn: &Turn<'_>, output: &mut Vec<u8>) -> Step {
        let kept = std::mem::take(&mut self.kept);
        let (used, step) = self.serve(connection, turn, &kept, output);
        self.keep(&kept[used..], turn);
        step
    }

    fn body_patience(&self) -> Patience {
        Patience::new(self.shared.settings.body_timeout, clock::now())
    }
}

/// A chunked body, if it is there as a whole, and how many bytes it takes.
fn whole(rest: &[u8]) -> Result<Option<(usize, Bytes)>, Reject> {
    let mut decoder = BodyDecoder::new(Framing::Chunked);
    let (mut used, mut bytes) = (0, Vec::new());
    while !decoder.is_done() {
        let decoded = decoder.decode(&rest[used..])?;
        bytes.extend_from_slice(&rest[used..][decoded.data]);
        if decoded.used == 0 {
            return Ok(None);
        }
        used += decoded.used;
    }
    Ok(Some((used, bytes.into())))
}

fn copy(reader: &mut impl Read, length: Length, chunks: &mut Chunks<'_>) -> io::Result<()> {
    let copied = io::copy(reader, chunks)?;
    match length {
        Length::Known(length) if copied < length => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the response's body is shorter than announced"))
        }
        _ => Ok(()),
    }
}

/// What was begun of an answer cannot be completed: only the end of the connection tells the client.
fn interrupted(connection: &Connection, turn: &Turn<'_>, error: &io::Error) -> Step {
    turn.debug("answer interrupted", connection.id(), error);
    let late = error.kind() == io::ErrorKind::TimedOut && connection.stop().is_stopping();
    Step::Break(if late { Ending::Cut } else { Ending::Completed })
}

fn unavailable(text: &'static str) -> Response {
    let mut response = response::text(StatusCode::SERVICE_UNAVAILABLE, text);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}

/// Whether the body is made while it is sent.
fn is_streamed(response: &Response) -> bool {
    matches!(response.body().kind(), Kind::Incoming(_) | Kind::Reader { .. } | Kind::Writer(_))
}

/// RFC 9110 section 6.4.1.
fn has_no_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn says_close(headers: &HeaderMap) -> bool {
    headers.get(header::CONNECTION).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}
