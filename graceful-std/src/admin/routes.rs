//! Which request is answered by what.

use std::sync::Arc;

use graceful_core::App;
use serde_json::Value;

use super::Admin;
use super::config::config;
use super::document::document;
use super::error::AdminError;
use super::guard::Guard;
use super::overview;
use super::problem::{self, Problem};
use super::process::process;
use super::settings::Settings;
use super::shutdown::{self, Planned};
use super::status::status;
use crate::health::answers;
use crate::http::{Bytes, IntoResponse, Json, Next, Request, Response, Router, StatusCode};
#[cfg(feature = "metrics")]
use crate::metrics::Metrics;

/// The admin API, ready to be added to a router.
pub(super) struct Api {
    prefix: String,
    guard: Arc<Guard>,
    app: App,
    planned: Planned,
}

impl Api {
    pub(super) fn new(admin: Admin, app: &App) -> Result<Self, AdminError> {
        let mut settings = Settings::of(app);
        let token = admin.token.token(&mut settings)?;
        let prefix = admin.prefix.or(settings.prefix).unwrap_or_else(|| "/admin".to_owned());
        check_prefix(&prefix)?;
        let guard = Arc::new(Guard::new(app.clone(), token));
        Ok(Self { prefix, guard, app: app.clone(), planned: Planned::default() })
    }

    /// Who decides, to be told what it listens on.
    pub(super) fn guard(&self) -> Arc<Guard> {
        Arc::clone(&self.guard)
    }

    /// Adds it to these routes, whose errors become problems like its own.
    pub(super) fn add_to(self, routes: Router, #[cfg(feature = "metrics")] metrics: Option<Metrics>) -> Router {
        let Self { prefix, guard, app, planned } = self;
        let document = Bytes::from(document(&prefix));
        let openapi = move || ([("content-type", "application/json")], document.clone());
        let open = Router::new().get("/openapi.json", openapi.clone()).get("/overview", {
            let (guard, app, planned) = (Arc::clone(&guard), app.clone(), planned.clone());
            move |request: Request| -> Response {
                if overview::wants_page(&request) {
                    return overview::page();
                }
                match guard.check(&request) {
                    Ok(()) => Json(overview::overview(&app, &planned)).into_response(),
                    Err(problem) => problem.into_response(),
                }
            }
        });
        let answer = |answer: fn(&App) -> (StatusCode, Value)| {
            let app = app.clone();
            move || {
                let (status, body) = answer(&app);
                (status, Json(body))
            }
        };
        let guarded = Router::new()
            .get("/health", answer(answers::everything))
            .get("/ready", answer(answers::readiness))
            .get("/alive", answer(answers::liveness))
            .get("/process", answer(|_| (StatusCode::OK, process())))
            .get("/config", answer(|app| (StatusCode::OK, config(app))))
            .get("/status", {
                let (app, planned) = (app.clone(), planned.clone());
                move || Json(status(&app, &planned))
            })
            .post("/shutdown", {
                let app = app.clone();
                move |mut request: Request| planned.ask(&app, &mut request)
            })
            .delete("/shutdown", {
                let app = app.clone();
                move |request: Request| shutdown::force(&app, &request)
            });
        #[cfg(feature = "metrics")]
        let guarded = match metrics {
            Some(metrics) => metrics.add_to(guarded),
            None => guarded.get("/metrics", no_metrics),
        };
        #[cfg(not(feature = "metrics"))]
        let guarded = guarded.get("/metrics", no_metrics);
        let guarded = guarded.with(move |request: Request, next: Next<'_>| match guard.check(&request) {
            Ok(()) => next.run(request),
            Err(problem) => problem.into_response(),
        });
        routes.get("/openapi.json", openapi).nest(&prefix, open).nest(&prefix, guarded).with(problem::around)
    }
}

fn no_metrics() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "this service has no metrics: see Probes::metrics")
}

fn check_prefix(prefix: &str) -> Result<(), AdminError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let problem = if !prefix.starts_with('/') {
        "it does not begin with /"
    } else if prefix == "/" || prefix.ends_with('/') {
        "it ends with /"
    } else if prefix[1..].split('/').any(|segment| segment.is_empty() || segment.starts_with('.')) {
        "it has an empty segment, or one that begins with a full stop"
    } else if !prefix[1..].split('/').all(|segment| segment.chars().all(is_plain)) {
        "it has characters other than letters, digits, - . _ ~ and /"
    } else {
        return Ok(());
    };
    Err(AdminError::Prefix { prefix: prefix.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for prefix in ["/admin", "/ops/v1", "/a-b_c.d~e"] {
            assert!(check_prefix(prefix).is_ok(), "{prefix}");
        }
        for prefix in ["", "/", "admin", "/admin/", "//admin", "/a//b", "/{admin}", "/a b", "/é", "/../x", "/.", "/a?b"]
        {
            assert!(check_prefix(prefix).is_err(), "{prefix}");
        }
    }
}
