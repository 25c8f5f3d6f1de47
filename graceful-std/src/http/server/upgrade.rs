//! Leaving HTTP for another protocol on the same connection.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ::http::StatusCode;
use graceful_core::Connection;
use graceful_core::protocol::{Counters, Pace, Place, Session, Turn};

use super::clock;
use super::encode::{self, Announce, Length};
use super::exchange::{About, Reuse};
use super::protocol::{Admission, Shared};
use super::session::{After, HttpSession, State, Step};
use crate::http::request::Context;
use crate::http::response::Response;
use crate::http::server::settings::Handlers;

/// What a handler leaves in its 101: how the session begins that takes over. It lies in a response's extensions, whose values
/// can be cloned; whoever comes first has it.
#[derive(Clone)]
pub(crate) struct Upgrade(Arc<Mutex<Option<Begin>>>);

type Begin = Box<dyn FnOnce(Takeover) -> Box<dyn Session> + Send>;

/// What the session that takes over is handed. The connection counts for the server's limits as long as this lives.
pub(crate) struct Takeover {
    pub(crate) context: Context,
    /// What the client has sent behind its request.
    pub(crate) received: Vec<u8>,
    server: Arc<Shared>,
    endpoint: usize,
    admission: Admission,
}

impl Upgrade {
    pub(crate) fn new(begin: impl FnOnce(Takeover) -> Box<dyn Session> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(begin)))))
    }

    fn take(&self) -> Option<Begin> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Takeover {
    /// Of what the route does after the upgrade. Apart from that of its handler, which only shakes hands.
    pub(crate) fn pace(&self) -> &Pace {
        &self.server.paces[self.server.routes.len() + self.endpoint]
    }

    /// Whether a loop is not the place for this route's callbacks.
    pub(crate) fn wants_worker(&self) -> bool {
        self.server.settings.handlers == Handlers::OnWorkers || self.pace().is_slow()
    }

    /// The route, for logs.
    pub(crate) fn route(&self) -> &'static str {
        self.server.routes.endpoints()[self.endpoint].name
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.server.websockets
    }
}

impl Drop for Takeover {
    fn drop(&mut self) {
        self.server.leave(&self.admission);
    }
}

impl HttpSession {
    /// Answers with a handler's 101, if it is one, and if the connection can change its protocol.
    pub(super) fn switch(
        &mut self,
        turn: &Turn<'_>,
        response: &mut Response,
        about: About,
        reuse: Reuse,
        output: &mut Vec<u8>,
    ) -> Option<Step> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS || reuse == Reuse::No {
            return None;
        }
        let begin = response.extensions_mut().remove::<Upgrade>()?.take()?;
        let now = if turn.place() == Place::Worker { clock::now() } else { turn.now() };
        encode::head(output, response.status(), response.headers(), None, Length::None, Announce::Upgrade, now);
        self.unreported += 1;
        self.served = self.served.saturating_add(1);
        self.after = After::Become;
        self.state = State::Switching { begin, endpoint: about.endpoint };
        Some(Step::Leave)
    }

    /// The session that takes over.
    pub(super) fn take_over(&mut self, connection: &Connection) -> Option<Box<dyn Session>> {
        let State::Switching { begin, endpoint } = std::mem::replace(&mut self.state, State::Reading) else {
            return None;
        };
        let context = self.context.take();
        let takeover = Takeover {
            context: context.unwrap_or_else(|| Context::new(connection.peer().clone(), connection.stop().clone())),
            received: std::mem::take(&mut self.kept),
            server: Arc::clone(&self.shared),
            endpoint,
            admission: std::mem::replace(&mut self.admission, Admission::Refused),
        };
        Some(begin(takeover))
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").finish_non_exhaustive()
    }
}
