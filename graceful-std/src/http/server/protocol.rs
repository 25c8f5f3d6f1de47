//! HTTP as the engine knows it: what all sessions of a server share, and who may come in.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use graceful_core::protocol::{Answered, Pace, Protocol, Serves, Session};
use graceful_core::{App, Connection, PeerAddress, StartError};

use super::Server;
use super::peers::PeerLimit;
use super::session::HttpSession;
use super::settings::Settings;
use crate::http::into_response::IntoResponse;
use crate::http::request::Request;
use crate::http::router::{Router, Routes};

/// What all sessions of a server share.
pub(super) struct Shared {
    pub(super) routes: Routes,
    /// One for each endpoint, by its ordinal, and as many again for what comes after an upgrade.
    pub(super) paces: Arc<[Pace]>,
    pub(super) settings: Settings,
    #[cfg(feature = "websocket")]
    pub(super) websockets: Arc<graceful_core::protocol::Counters>,
    connections: AtomicUsize,
    peers: Option<Box<dyn PeerLimit>>,
}

/// Whether a connection may come in, and as whose it was counted then.
#[derive(Debug)]
pub(super) enum Admission {
    Granted { peer: Option<IpAddr> },
    Refused,
}

impl Admission {
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused)
    }
}

struct Http(Arc<Shared>);

impl Protocol for Http {
    fn open(&self, connection: &Connection) -> Box<dyn Session> {
        Box::new(HttpSession::new(Arc::clone(&self.0), self.0.enter(connection.peer())))
    }

    fn paces(&self) -> Arc<[Pace]> {
        Arc::clone(&self.0.paces)
    }
}

impl Shared {
    /// Counts a connection until it leaves, unless it is one too many: it is told so, and takes up nobody's room.
    fn enter(&self, peer: &PeerAddress) -> Admission {
        let refuse = || {
            self.connections.fetch_sub(1, Ordering::Relaxed);
            Admission::Refused
        };
        if self.connections.fetch_add(1, Ordering::Relaxed) >= self.settings.connections {
            return refuse();
        }
        let Some(limit) = &self.peers else { return Admission::Granted { peer: None } };
        let peer = peer.tcp().map(|peer| peer.ip().to_canonical());
        if let Some(ip) = peer
            && !limit.enter(ip)
        {
            return refuse();
        }
        Admission::Granted { peer }
    }

    pub(super) fn leave(&self, admission: &Admission) {
        let Admission::Granted { peer } = admission else { return };
        self.connections.fetch_sub(1, Ordering::Relaxed);
        if let (Some(limit), Some(ip)) = (&self.peers, *peer) {
            limit.leave(ip);
        }
    }
}

impl Serves<Server> for Server {
    fn into_protocol(self, app: &App) -> Result<Arc<dyn Protocol>, StartError> {
        let Self { routes, settings, peers } = self;
        let routes = routes
            .compile(&|type_id| app.provided(type_id))
            .map_err(|error| StartError::Handler { source: error.into() })?;
        let kinds = if cfg!(feature = "websocket") { 2 } else { 1 };
        let paces = std::iter::repeat_with(Pace::new).take(kinds * routes.len()).collect();
        Ok(Arc::new(Http(Arc::new(Shared {
            routes,
            paces,
            settings,
            #[cfg(feature = "websocket")]
            websockets: app.counter_group(crate::websocket::COUNTERS, crate::websocket::COUNTER_NAMES),
            connections: AtomicUsize::new(0),
            peers,
        }))))
    }
}

impl Serves<Router> for Router {
    fn into_protocol(self, app: &App) -> Result<Arc<dyn Protocol>, StartError> {
        Server::new(self).into_protocol(app)
    }
}

impl<R: IntoResponse + 'static> Answered<R> for Request {
    fn protocol(
        handler: impl Fn(Self) -> R + Send + Sync + 'static,
        app: &App,
    ) -> Result<Arc<dyn Protocol>, StartError> {
        Server::new(Router::from_handler(handler)).into_protocol(app)
    }
}
