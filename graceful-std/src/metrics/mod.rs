//! Metrics for Prometheus.
//!
//! ```no_run
//! use graceful::health::Probes;
//! use graceful::metrics::Metrics;
//! use graceful::{App, StartError};
//!
//! #[graceful::main]
//! fn main(app: &App) -> Result<(), StartError> {
//!     let metrics = Metrics::new(app);
//!     let orders = prometheus_client::metrics::counter::Counter::<u64>::default();
//!     metrics.register(|registry| registry.register("shop_orders", "Orders that were stored", orders.clone()));
//!     Probes::new().metrics(metrics).serve(app, "127.0.0.1:9090")?;    // /metrics beside /health
//!     Ok(())
//! }
//! ```
//!
//! | metric | type | labels |
//! |---|---|---|
//! | `graceful_ready` | gauge: 1 or 0 | |
//! | `graceful_phase` | gauge: 1 for the present phase | `phase` |
//! | `graceful_connections` | gauge: open now | |
//! | `graceful_connections_accepted_total` | counter | |
//! | `graceful_connections_closed_total` | counter | `outcome`: `completed`, `failed`, `closed_idle`, `cut`, `refused`, `handed_over` |
//! | `graceful_requests_received_total`, `graceful_requests_answered_total` | counter | |
//! | `graceful_websocket_connections` | gauge: open now; there once a server can upgrade | |
//! | `graceful_websockets_…_total` | counter, as in the report | |
//! | `graceful_check_passing` | gauge: 1 or 0 | `name`, `kind` |
//! | `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_start_time_seconds`, `process_open_fds`, `process_max_fds`, `process_threads` | as everywhere (Linux only) | |
//!
//! The format is OpenMetrics' text for who asks for it, and else the older one, which everything reads. Everything of the framework's is read when it is asked for, so it costs nothing between two
//! scrapes.

mod collector;
mod format;
mod process;
mod table;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use graceful_core::App;
use prometheus_client::encoding::text;
pub use prometheus_client::registry::Registry;

use self::collector::Service;
use self::format::Format;
use self::process::Process;
use crate::http::{Request, Response, Router, header};

/// What a service tells Prometheus. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Metrics {
    /// Those of the framework and the process.
    #[must_use]
    pub fn new(app: &App) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Service(app.clone())));
        registry.register_collector(Box::new(Process));
        Self(Arc::new(Mutex::new(registry)))
    }

    /// Adds the service's own.
    pub fn register<R>(&self, add: impl FnOnce(&mut Registry) -> R) -> R {
        add(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything, as OpenMetrics' text.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // Nothing fails that writes into memory; a collector of the user's may say that it does.
        let _ = text::encode(&mut out, &self.0.lock().unwrap_or_else(PoisonError::into_inner));
        out
    }

    /// `GET /metrics`.
    pub fn routes(self) -> Router {
        self.add_to(Router::new())
    }

    pub(crate) fn add_to(self, routes: Router) -> Router {
        routes.get("/metrics", move |request: Request| self.answer(Format::of(request.header(header::ACCEPT))))
    }

    fn answer(&self, format: Format) -> Response {
        let mut text = self.encode();
        if format == Format::Classic {
            text = format::classic(&text);
        }
        let mut response = Response::new(text.into());
        let media_type = header::HeaderValue::from_static(format.media_type());
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
