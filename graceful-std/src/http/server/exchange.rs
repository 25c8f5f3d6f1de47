//! One request and its answer.

use std::sync::Arc;

use ::http::request::Parts;
use ::http::{Method, StatusCode, Version};
use bytes::Bytes;
use graceful_core::Connection;
use graceful_core::protocol::{Buffers, Place, Turn};

use super::answer::{interrupted, is_streamed};
use super::clock;
use super::incoming::{Invitation, Remainder, Upload};
use super::patience::Patience;
use super::refuse::unavailable;
use super::session::{HttpSession, State, Step, take_front};
use super::settings::{Handlers, Writes};
use super::transmit::Sent;
use crate::http::body::Body;
use crate::http::params::Params;
use crate::http::parser::{Batch, BodyDecoder, Expectation, Framing, Head, Persistence, Reject};
use crate::http::request::{Context, Request};
use crate::http::response::{self, Response};

/// A body up to this length is waited for on the loop: a handler that then gets it as a whole needs no worker to wait for it.
const SHORT: u64 = 32 * 1024;

/// When so much is to be sent, it is sent before more requests are looked at.
const MUCH: usize = 64 * 1024;

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
    pub(super) endpoint: usize,
    pub(super) form: Form,
    pub(super) persistence: Persistence,
    pub(super) version: Version,
}

/// Whether the answer's body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    HeadOnly,
    Whole,
}

/// Whether the connection can carry another request after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
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
        let mut batch = Batch::new(input);
        let step = loop {
            if output.len() > MUCH && !matches!(self.send(connection, turn, output), Ok(Sent::All)) {
                // An error shows again.
                break Step::More;
            }
            let rest = &input[used..];
            let (length, step) = match std::mem::replace(&mut self.state, State::Reading) {
                State::Awaiting(awaited) => self.complete(connection, turn, awaited, rest, output),
                _ if rest.is_empty() => break Step::More,
                _ => match self.parser.parse(rest, &self.shared.settings.head, &mut batch) {
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
                self.call(connection, turn, &mut Some(request), about, upload, more, output)
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
            let mut request = self.request(connection, parts, params, body);
            let upload = Some(upload);
            return (used, self.call_where_it_belongs(connection, turn, &mut request, about, upload, more, output));
        };
        body.set_limit(limit);
        let mut request = self.request(connection, parts, params, body);
        (used, self.call_where_it_belongs(connection, turn, &mut request, about, None, more, output))
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
        let more = length < rest.len();
        let mut request = self.request(connection, head, params, body);
        (length, self.call_where_it_belongs(connection, turn, &mut request, about, None, more, output))
    }

    /// Always some: see [`call_where_it_belongs`](Self::call_where_it_belongs).
    #[inline]
    fn request(&mut self, connection: &Connection, parts: Parts, params: Params, body: Body) -> Option<Request> {
        let context =
            self.context.get_or_insert_with(|| Context::new(connection.peer().clone(), connection.stop().clone()));
        Some(Request::new(parts, body, params, context.clone()))
    }

    /// Calls the handler here, or has a worker call it. The request is there, and is taken: it is large, and is not to be moved
    /// more often than that.
    #[allow(clippy::too_many_arguments, reason = "the parts of one exchange, which are owned by different hands")]
    fn call_where_it_belongs(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        request: &mut Option<Request>,
        about: About,
        upload: Option<Arc<Upload>>,
        more: bool,
        output: &mut Vec<u8>,
    ) -> Step {
        let for_a_worker = || {
            upload.is_some()
                || self.shared.settings.handlers == Handlers::OnWorkers
                || self.shared.paces[about.endpoint].is_slow()
        };
        if turn.place() == Place::Loop
            && for_a_worker()
            && let Some(request) = request.take()
        {
            self.state = State::Queued(Box::new(Job::Call { request, about, upload }));
            return Step::Work;
        }
        self.call(connection, turn, request, about, upload, more, output)
    }

    /// Calls the handler with the request, which it takes, and answers.
    #[allow(clippy::too_many_arguments, reason = "the parts of one exchange, which are owned by different hands")]
    fn call(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        request: &mut Option<Request>,
        about: About,
        upload: Option<Arc<Upload>>,
        mut more: bool,
        output: &mut Vec<u8>,
    ) -> Step {
        let endpoint = &self.shared.routes.endpoints()[about.endpoint];
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
