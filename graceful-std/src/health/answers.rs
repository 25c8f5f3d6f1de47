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
    let checks = app.checks();
    let failing = names(&checks, |check| decides_readiness(check) && is_failing(check));
    let unknown = names(&checks, |check| decides_readiness(check) && check.status == CheckStatus::Unknown);
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
    let checks = app.checks();
    // One that decides readiness has failed only just now: the next answer says so.
    let failing = names(&checks, |check| !decides_readiness(check) && is_failing(check));
    if status == StatusCode::OK && !failing.is_empty() {
        body = json!({"status": "degraded", "message": format!("checks are failing: {failing}")});
    }
    body["phase"] = app.phase().name().into();
    body["alive"] = app.is_alive().into();
    body["checks"] = checks
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

fn decides_readiness(check: &CheckReport) -> bool {
    check.kind == CheckKind::Readiness && check.criticality == Criticality::Critical
}

fn is_failing(check: &CheckReport) -> bool {
    check.status == CheckStatus::Failing
}

fn names(checks: &[CheckReport], which: impl Fn(&CheckReport) -> bool) -> String {
    checks.iter().filter(|check| which(check)).map(|check| check.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use graceful_core::{Args, Check, Runtime};

    use super::*;

    /// A check that fails as long as the flag says so.
    fn check(name: &str, failing: &Arc<AtomicBool>) -> Check {
        let failing = Arc::clone(failing);
        let body = move |_: &mut Args<'_>| if failing.load(Ordering::SeqCst) { Err("on purpose") } else { Ok(()) };
        Check::new(name, body).every(Duration::from_millis(10)).failures(1)
    }

    /// Waits for an answer: checks have a schedule of their own.
    fn until(app: &App, code: StatusCode, status: &str, message: Option<&str>) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let (found, body) = everything(app);
            if found == code && body["status"] == status && body["message"].as_str() == message {
                return;
            }
            assert!(Instant::now() < end, "{found} {body} is not {status} {message:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn degraded_while_a_check_fails_that_decides_nothing() {
        let flags: [Arc<AtomicBool>; 4] = Default::default();
        let [cache, mail, database, moving] = &flags;
        let runtime = Runtime::builder("health")
            .check(check("cache", cache))
            .check(check("mail", mail))
            .check(check("database", database).critical())
            .check(check("moving", moving).kind(CheckKind::Liveness))
            .start()
            .expect("it starts");
        let app = runtime.app().clone();
        until(&app, StatusCode::SERVICE_UNAVAILABLE, "starting", Some("the service is starting"));
        app.ready().expect("it serves");
        until(&app, StatusCode::OK, "ready", None);
        cache.store(true, Ordering::SeqCst);
        until(&app, StatusCode::OK, "degraded", Some("checks are failing: cache"));
        assert_eq!(readiness(&app), (StatusCode::OK, json!({"status": "ready"})));
        assert_eq!(liveness(&app).0, StatusCode::OK);
        mail.store(true, Ordering::SeqCst);
        until(&app, StatusCode::OK, "degraded", Some("checks are failing: cache, mail"));
        // What decides more is told instead.
        database.store(true, Ordering::SeqCst);
        let message = "critical checks are failing: database";
        until(&app, StatusCode::SERVICE_UNAVAILABLE, "not_ready", Some(message));
        for flag in [cache, mail, database] {
            flag.store(false, Ordering::SeqCst);
        }
        until(&app, StatusCode::OK, "ready", None);
        // A process that is to be restarted is not well either.
        moving.store(true, Ordering::SeqCst);
        until(&app, StatusCode::OK, "degraded", Some("checks are failing: moving"));
        let _ = runtime.shutdown("the test is over");
        until(&app, StatusCode::SERVICE_UNAVAILABLE, "shutting_down", Some("the service is shutting down"));
    }
}
