//! What probes are told.

use graceful_core::{App, CheckKind, CheckReport, CheckStatus, Criticality, Phase};
use http::StatusCode;
use serde_json::{Value, json};

use crate::http::{Json, Router};

/// A status, and why.
type Answer = (StatusCode, [(&'static str, &'static str); 1], Json<Value>);

pub(super) fn routes(app: &App) -> Router {
    let answer = |app: &App, answer: fn(&App) -> (StatusCode, Value)| {
        let app = app.clone();
        move || -> Answer {
            let (status, body) = answer(&app);
            (status, [("cache-control", "no-store")], Json(body))
        }
    };
    let mut routes = Router::new().get("/health", answer(app, everything));
    for path in ["/health/live", "/livez", "/healthz"] {
        routes = routes.get(path, answer(app, liveness));
    }
    for path in ["/health/ready", "/readyz"] {
        routes = routes.get(path, answer(app, readiness));
    }
    for path in ["/health/startup", "/startupz"] {
        routes = routes.get(path, answer(app, startup));
    }
    routes
}

pub(crate) fn liveness(app: &App) -> (StatusCode, Value) {
    if app.is_alive() {
        return (StatusCode::OK, json!({"status": "alive"}));
    }
    let failing = names(&app.checks(), |check| check.kind == CheckKind::Liveness && is_failing(check));
    (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "dead", "message": format!("checks are failing: {failing}")}))
}

pub(crate) fn readiness(app: &App) -> (StatusCode, Value) {
    // Asked first: what follows only explains it.
    if app.is_ready() {
        return (StatusCode::OK, json!({"status": "ready"}));
    }
    let decides =
        |check: &CheckReport| check.kind == CheckKind::Readiness && check.criticality == Criticality::Critical;
    let checks = app.checks();
    let failing = names(&checks, |check| decides(check) && is_failing(check));
    let unknown = names(&checks, |check| decides(check) && check.status == CheckStatus::Unknown);
    let (status, message) = match app.phase() {
        Phase::Starting => ("starting", "the service is starting".to_owned()),
        Phase::Serving if !failing.is_empty() => ("not_ready", format!("critical checks are failing: {failing}")),
        Phase::Serving if !unknown.is_empty() => {
            ("not_ready", format!("critical checks have not passed yet: {unknown}"))
        }
        // The signal is known before the phase.
        _ => ("shutting_down", "the service is shutting down".to_owned()),
    };
    (StatusCode::SERVICE_UNAVAILABLE, json!({"status": status, "message": message}))
}

fn startup(app: &App) -> (StatusCode, Value) {
    match app.phase() {
        Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "starting"})),
        _ => (StatusCode::OK, json!({"status": "started"})),
    }
}

pub(crate) fn everything(app: &App) -> (StatusCode, Value) {
    let (status, mut body) = readiness(app);
    body["phase"] = app.phase().name().into();
    body["alive"] = app.is_alive().into();
    body["checks"] = app
        .checks()
        .iter()
        .map(|check| {
            json!({
                "name": check.name,
                "kind": check.kind.name(),
                "critical": check.criticality == Criticality::Critical,
                "status": check.status.name(),
            })
        })
        .collect();
    (status, body)
}

fn is_failing(check: &CheckReport) -> bool {
    check.status == CheckStatus::Failing
}

fn names(checks: &[CheckReport], which: impl Fn(&CheckReport) -> bool) -> String {
    checks.iter().filter(|check| which(check)).map(|check| check.name.as_str()).collect::<Vec<_>>().join(", ")
}
