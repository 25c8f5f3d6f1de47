//! Probes: `/health`, `/health/live`, `/health/ready`, `/health/startup`.
//!
//! ```no_run
//! use graceful::health::Probes;
//! use graceful::http::Router;
//! use graceful::{App, StartError};
//!
//! #[graceful::main]
//! fn main(app: &App) -> Result<(), StartError> {
//!     let probes = Probes::new().serve(app, "127.0.0.1:9090")?;    // a listener of their own, which closes last
//!     println!("admin on http://{probes}");
//!     let routes = Router::new().get("/", || "Hello, World!").nest("/shop", Probes::new().routes(app));
//!     app.http("127.0.0.1:8080", routes)?;                         // and at /shop/health, /shop/readyz, … as well
//!     Ok(())
//! }
//! ```
//!
//! | path | also | 200 | 503 |
//! |---|---|---|---|
//! | `/health/live` | `/livez`, `/healthz` | to the end of the process, whatever happens outside of it | while a `#[liveness]` check fails |
//! | `/health/ready` | `/readyz` | while it may be sent work | while it starts, while a critical `#[readiness]` check fails, and from the instant of the request to shut down |
//! | `/health/startup` | `/startupz` | once it has served | while it starts |
//! | `/health` | | as `/health/ready`, with everything that is known; `degraded` while a check fails that does not decide readiness | likewise |
//!
//! Answers are JSON:
//!
//! | status | body |
//! |---|---|
//! | 200 | `{"status":"ready"}` |
//! | 200 | `{"message":"checks are failing: process_memory","status":"degraded",…}`, at `/health` alone |
//! | 503 | `{"message":"critical checks are failing: database","status":"not_ready"}` |
//! | 503 | `{"message":"the service is shutting down","status":"shutting_down"}` |
//!
//! A service that is degraded is ready: it goes on serving, and somebody should look. Every check that is not critical degrades
//! it, yours as well as those of `graceful::process`.
//!
//! A probe is never slow because a check is: checks run in the background, and probes tell what they have come to.
//! What a check has failed with is told to the logs and not to whoever asks.
//!
//! # Asking without curl
//!
//! A service with this feature is its own health check: started as `./service --health-check`, or with `GRACEFUL=health`, it asks
//! the one that runs and exits, before `main`, a thread or a signal handler. So an image needs nothing but the service:
//!
//! ```dockerfile
//! FROM scratch
//! COPY service /service
//! HEALTHCHECK --interval=5s --timeout=6s CMD ["/service", "--health-check"]
//! ENTRYPOINT ["/service"]
//! ```
//!
//! | argument | default | |
//! |---|---|---|
//! | `URL` | `http://$ADMIN_ADDR/health/ready`, with `ADMIN_ADDR` `127.0.0.1:9090` | `http://HOST:PORT/PATH`, `HOST:PORT`, `unix:/SOCKET:/PATH`; `0.0.0.0` and `[::]` are asked at loopback |
//! | `--timeout T` | `5` | for name, connection, question and answer together; in seconds, or as `500ms` |
//! | `--wait-shutdown T` | | waits until nobody listens there any more, up to `T` |
//! | `--verbose` | | each step, with times, on stderr |
//!
//! | exit code | when |
//! |---|---|
//! | 0 | ready: the status is 200 to 299; with `--wait-shutdown`: gone |
//! | 1 | not ready, not reachable, no answer in time, no HTTP; with `--wait-shutdown`: still there |
//! | 2 | wrong usage |
//!
//! With `GRACEFUL=health` the arguments are the service's own and are not read. [`command`] is the same for a `main` without
//! the attribute. The tool `graceful` (feature `cli`) has it as `graceful health`.
//!
//! # Where probes are served
//!
//! On a listener of their own probes are served by a thread of their own, so they answer while every thread of the service is
//! busy, and until the process ends: its connections hold nothing up and are part of no count.

pub(crate) mod answers;
mod command;
pub(crate) mod listener;

use graceful_core::{Address, App, LocalAddress, StartError};

#[cfg(feature = "admin")]
use crate::admin::{Admin, AdminListener};
use crate::http::Router;
#[cfg(feature = "metrics")]
use crate::metrics::Metrics;

pub use command::command;
#[doc(hidden)]
pub use command::{Detail, HealthCheck, Verdict, default_target, read_time, read_timeout};

/// The probes of a service.
#[derive(Debug, Default)]
#[must_use = "probes answer once they are served or mounted"]
pub struct Probes {
    #[cfg(feature = "metrics")]
    metrics: Option<Metrics>,
}

impl Probes {
    /// All of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `/metrics` beside them.
    #[cfg(feature = "metrics")]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// With the [admin API](crate::admin) beside them, on a listener of their own.
    #[cfg(feature = "admin")]
    pub fn admin(self, admin: Admin) -> AdminListener {
        AdminListener::new(self, admin)
    }

    /// As routes, for [`Router::nest`]. On the service's own listener they stop with it: once the drain has begun, a new
    /// connection is refused, which tells a balancer the same.
    pub fn routes(self, app: &App) -> Router {
        let routes = answers::routes(app);
        #[cfg(feature = "metrics")]
        if let Some(metrics) = self.metrics {
            return metrics.add_to(routes);
        }
        routes
    }

    /// Does what the settings say of metrics, for whoever serves them.
    pub(crate) fn configure(&self) -> Result<(), StartError> {
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &self.metrics {
            metrics.clone().configured()?;
        }
        Ok(())
    }

    #[cfg(all(feature = "admin", feature = "metrics"))]
    pub(crate) fn known_metrics(&self) -> Option<Metrics> {
        self.metrics.clone()
    }

    /// On a listener of their own, which closes last: in the flush phase, after all hooks of an order up to 1 000 000.
    ///
    /// # Errors
    /// As [`App::http`]; [`StartError::Plan`] when there are two of them; with metrics, those of `Metrics::configured`.
    pub fn serve(self, app: &App, address: impl Into<Address>) -> Result<LocalAddress, StartError> {
        self.configure()?;
        listener::serve("probes", app, address.into(), self.routes(app), |_| Ok(()))
    }
}
