//! Metrics for Prometheus.
//!
//! ```no_run
//! use graceful::health::Probes;
//! use graceful::metrics::Metrics;
//! use graceful::{App, StartError};
//!
//! #[graceful::main]
//! fn main(app: &App) -> Result<(), StartError> {
//!     let metrics = Metrics::new(app).file("/var/lib/shop/metrics.prom")?;
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
//! | `graceful_build_info` | 1 | `version` of graceful, `service` |
//! | `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_start_time_seconds`, `process_open_fds`, `process_max_fds`, `process_threads` | as everywhere (Linux only) | |
//!
//! The format is OpenMetrics' text for who asks for it, and else the older one, which everything reads. Everything of the
//! framework's is read when it is asked for, so it costs nothing between two scrapes.
//!
//! # Figures of shutdowns
//!
//! A process cannot be asked what its shutdown came to. So these figures are kept in a file ([`Metrics::file`], or the variable
//! `GRACEFUL_METRICS_FILE`) and the next process goes on from there: an ordinary scrape sees them, and `increase()` and
//! `histogram_quantile()` work on them.
//!
//! | metric | type | labels |
//! |---|---|---|
//! | `graceful_shutdown_duration_seconds` | histogram: 5 ms to 120 s, of those whose end was seen | |
//! | `graceful_shutdown_success_total` | counter: nothing was left undone | |
//! | `graceful_shutdown_failure_total` | counter: all others | |
//! | `graceful_forced_shutdown_total` | counter: those of them that were ended where they stood | |
//! | `graceful_shutdown_errors_total` | counter: shutdowns in which a component failed | `component`: each hook and task, `connections`; once they failed: `main`, `values`, names of tickets |
//! | `graceful_active_connections_at_shutdown` | gauge: open when the last shutdown was requested | |
//! | `graceful_shutdown_active_connections` | gauge: open now, while the service is stopping; else 0 (not in the file) | |
//! | `graceful_hook_duration_seconds` | gauge: hooks of the last shutdown | `name` |
//! | `graceful_hook_outcome` | gauge: 1 | `name`, `outcome` |
//! | `graceful_last_shutdown_timestamp_seconds` | gauge: when it was requested | |
//! | `graceful_last_shutdown_exit_code` | gauge; not there when nobody saw its end | |
//!
//! - **The file** is Prometheus' text, replaced as a whole, so that the textfile collector of the node exporter can read it where it
//!   is; its samples have the label `service` besides. A directory that cannot be written to is an error at start. A file that is
//!   damaged is moved aside to `.damaged`, logged, and the figures begin anew. One process works with a file at a time; after an
//!   upgrade two may overlap.
//! - **An end that nobody sees counts as forced.** When a shutdown begins, `.pending` is written beside the file; the settled end
//!   removes it. What the next process finds there was ended by `SIGKILL`, the watchdog or a power cut, or by a third signal that left no time.
//! - **A push** ([`Metrics::push`], or `GRACEFUL_METRICS_PUSH_URL`) sends everything that `/metrics` tells, users' own figures too,
//!   to a Pushgateway at the settled end. It has a part of the flush's budget.
//! - Neither can spoil a shutdown: what fails is logged (`report listener failed`), and the exit code stays what it is.
//!
//! Without a file or a push the figures of a process end with it. Alert rules: `deploy/prometheus/graceful-alerts.yml`.

mod collector;
mod format;
mod process;
mod push;
mod shutdowns;
mod table;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use graceful_core::{App, StartError};
use prometheus_client::encoding::text;
pub use prometheus_client::registry::Registry;

use self::collector::Service;
use self::format::Format;
use self::process::Process;
use self::push::Gateway;
use self::shutdowns::{Keeper, Shutdowns};
use crate::http::{Request, Response, Router, header};

const FILE: &str = "graceful_metrics_file";
const PUSH: &str = "graceful_metrics_push_url";

/// What a service tells Prometheus. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    app: App,
    registry: Mutex<Registry>,
    merged: Mutex<Vec<Arc<Registry>>>,
    shutdowns: Arc<Shutdowns>,
    /// Whether there is a file or a gateway already.
    file: OnceLock<()>,
    gateway: OnceLock<()>,
}

impl Metrics {
    /// Those of the framework and the process.
    #[must_use]
    pub fn new(app: &App) -> Self {
        let shutdowns = Arc::new(Shutdowns::new(app));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Service(app.clone())));
        registry.register_collector(Box::new(Arc::clone(&shutdowns)));
        registry.register_collector(Box::new(Process));
        Self(Arc::new(Inner {
            app: app.clone(),
            registry: Mutex::new(registry),
            merged: Mutex::default(),
            shutdowns,
            file: OnceLock::new(),
            gateway: OnceLock::new(),
        }))
    }

    /// Keeps the figures of shutdowns in a file, and goes on from what it says. The setting `graceful_metrics_file` names another
    /// one. **Default: none**.
    ///
    /// # Errors
    /// [`StartError::Part`] when the file cannot be read or its directory not be written to. What the file contains is never an
    /// error.
    ///
    /// # Blocking
    /// For as long as it takes to write a small file and have it on the disk.
    pub fn file(self, path: impl Into<PathBuf>) -> Result<Self, StartError> {
        let said = self.said_file().unwrap_or_else(|| path.into());
        self.keep(said)?;
        Ok(self)
    }

    /// Sends everything to a gateway at the settled end. Without a path, `url` means the group of a job that has the service's
    /// name. The setting `graceful_metrics_push_url` names another one. **Default: nowhere**.
    ///
    /// # Errors
    /// [`StartError::Part`] when it is no URL that can be pushed to.
    pub fn push(self, url: &str) -> Result<Self, StartError> {
        if self.0.app.setting(PUSH).is_some() {
            return self.configured();
        }
        self.push_there(url, "as Metrics::push says")
    }

    /// Does what the settings `graceful_metrics_file` and `graceful_metrics_push_url` say, unless it was done already.
    /// [`Probes::serve`](crate::health::Probes::serve) does that by itself.
    ///
    /// # Errors
    /// Those of [`file`](Metrics::file) and [`push`](Metrics::push).
    pub fn configured(self) -> Result<Self, StartError> {
        if let Some(path) = self.said_file() {
            self.keep(path)?;
        }
        let url = self.0.app.setting(PUSH);
        match url.as_ref().and_then(|url| url.text()) {
            Some(url) => self.push_there(url, "as GRACEFUL_METRICS_PUSH_URL or the settings file says"),
            None => Ok(self),
        }
    }

    fn said_file(&self) -> Option<PathBuf> {
        Some(self.0.app.setting(FILE)?.path()?.to_owned())
    }

    /// `said` is how the URL came to be known.
    fn push_there(self, url: &str, said: &str) -> Result<Self, StartError> {
        let gateway = Gateway::parse(url, self.0.app.service()).map_err(|expected| StartError::Part {
            name: "metrics",
            source: format!("cannot push to {:?}, {said}: {expected}", without_password(url)).into(),
        })?;
        self.push_to(gateway);
        Ok(self)
    }

    fn keep(&self, path: PathBuf) -> Result<(), StartError> {
        let Inner { app, shutdowns, file, .. } = &*self.0;
        if file.set(()).is_err() {
            return Ok(());
        }
        let keeper = Arc::new(Keeper::open(path, app, Arc::clone(shutdowns))?);
        let begins = Arc::clone(&keeper);
        app.on_request("metrics file", move |report| begins.begin(report));
        app.on_report("metrics file", move |report, _| keeper.end(report))
    }

    fn push_to(&self, gateway: Gateway) {
        if self.0.gateway.set(()).is_err() {
            return;
        }
        let metrics = self.clone();
        // Too late is only who starts when the report was told already: then there is nothing to be pushed.
        let _ = self.0.app.on_report("metrics push", move |report, deadline| {
            metrics.0.shutdowns.settle(report);
            gateway.put(&format::classic(&metrics.encode()), deadline)
        });
    }

    /// Adds the service's own.
    pub fn register<R>(&self, add: impl FnOnce(&mut Registry) -> R) -> R {
        add(&mut locked(&self.0.registry))
    }

    /// Adds a whole registry, such as that of a library. Its names must be others than those above.
    pub fn merge(&self, registry: impl Into<Arc<Registry>>) {
        locked(&self.0.merged).push(registry.into());
    }

    /// Everything, as OpenMetrics' text.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // Nothing fails that writes into memory; a collector of the user's may say that it does.
        let _ = text::encode_registry(&mut out, &locked(&self.0.registry));
        for registry in &*locked(&self.0.merged) {
            let _ = text::encode_registry(&mut out, registry);
        }
        let _ = text::encode_eof(&mut out);
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

/// A URL that can be shown.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://***{}", &url[..scheme], &url[at..]),
        _ => url.to_owned(),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use graceful_core::Runtime;
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[test]
    fn registries_are_put_together() {
        let runtime = Runtime::builder("shop").start().expect("it starts");
        let metrics = Metrics::new(runtime.app());
        let mut library = Registry::with_prefix("library");
        let calls = Counter::<u64>::default();
        library.register("calls", "Calls", calls.clone());
        metrics.merge(library);
        calls.inc();
        let text = metrics.encode();
        let lines: Vec<&str> = text.lines().collect();
        for line in [
            "library_calls_total 1",
            concat!("graceful_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\",service=\"shop\"} 1"),
            "graceful_shutdown_errors_total{component=\"connections\"} 0",
            "graceful_shutdown_duration_seconds_bucket{le=\"0.005\"} 0",
            "graceful_shutdown_duration_seconds_bucket{le=\"+Inf\"} 0",
            "graceful_forced_shutdown_total 0",
        ] {
            assert!(lines.contains(&line), "no {line} in {text}");
        }
        assert_eq!((lines.iter().filter(|line| **line == "# EOF").count(), lines.last()), (1, Some(&"# EOF")));
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("http://me:secret@gateway/x"), "http://***@gateway/x");
        assert_eq!(without_password("http://gateway/x"), "http://gateway/x");
    }
}
