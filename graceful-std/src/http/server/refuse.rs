//! Answers that no handler gives.

use ::http::{HeaderMap, HeaderValue, StatusCode, header};
use graceful_core::Connection;
use graceful_core::protocol::Turn;

use super::encode::{self, Announce, Length};
use super::exchange::{Job, Reuse};
use super::session::{After, HttpSession, State, Step};
use crate::http::parser::Reject;
use crate::http::response::{self, Response};

/// How long a client that was turned down should wait, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

impl HttpSession {
    /// The request cannot be understood, so neither can what follows.
    pub(super) fn reject(
        &mut self,
        connection: &Connection,
        turn: &Turn<'_>,
        reject: Reject,
        output: &mut Vec<u8>,
    ) -> Step {
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
        let mut headers = HeaderMap::new();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        let length = Length::Known(reason.len() as u64 + 1);
        encode::head(output, status, &headers, Some(&response::TEXT), length, Announce::Close, turn.now());
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
}

pub(super) fn unavailable(text: &'static str) -> Response {
    let mut response = response::text(StatusCode::SERVICE_UNAVAILABLE, text);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}
