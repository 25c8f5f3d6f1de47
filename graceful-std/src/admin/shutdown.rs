//! `POST` and `DELETE shutdown`: now, later, or at once and hard.

use std::io::Write as _;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use graceful_core::{App, PeerAddress};
use serde_json::{Value, json};

use super::problem::Problem;
use super::status::millis;
use crate::http::{Body, BodyError, HeaderValue, IntoResponse, Json, Request, Response, StatusCode, header};

/// What a body may have.
const LONGEST_BODY: u64 = 4096;

const LONGEST_REASON: usize = 200;

const LONGEST_DELAY: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long the answer to `DELETE` has to leave before the end.
const ANSWER: Duration = Duration::from_millis(500);

/// Behind the body of an answer come a few bytes that say that it is complete.
const LAST_BYTES: Duration = Duration::from_millis(20);

/// A plan is looked at so often, so that one whose service stops otherwise holds nothing for long.
const LOOK: Duration = Duration::from_secs(1);

/// The shutdown that is planned, if any. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Planned(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    /// Whether the thread is there that waits for its time.
    watched: bool,
}

#[derive(Clone)]
struct Plan {
    at: Instant,
    by: String,
}

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    delay: Duration,
    reason: Option<String>,
}

impl Planned {
    /// For `status`: `null`, or in how long and by whom.
    pub(super) fn show(&self) -> Value {
        match &self.lock().plan {
            None => Value::Null,
            Some(plan) => {
                let left = plan.at.saturating_duration_since(Instant::now());
                json!({"in_ms": millis(left), "by": plan.by})
            }
        }
    }

    /// `POST`.
    pub(super) fn ask(&self, app: &App, request: &mut Request) -> Response {
        let asked = match Asked::read(request) {
            Ok(asked) => asked,
            Err(problem) => return problem.into_response(),
        };
        let by = by(request.peer(), asked.reason.as_deref());
        let state = if app.phase().is_stopping() {
            "already_stopping"
        } else if asked.delay.is_zero() {
            self.lock().plan = None;
            "requested"
        } else {
            if let Err(problem) = self.plan(app, asked.delay, by.clone()) {
                return problem.into_response();
            }
            "planned"
        };
        let mut fields = vec![("peer", request.peer().to_string()), ("answer", state.to_owned())];
        if !asked.delay.is_zero() {
            fields.push(("delay_ms", asked.delay.as_millis().to_string()));
        }
        fields.extend(asked.reason.clone().map(|reason| ("reason", reason)));
        app.warn("admin shutdown requested", fields);
        // Behind the line that says who did it.
        if state == "requested" {
            app.request(by);
        }
        let status = app.status();
        let body = json!({
            "state": state,
            "in_ms": millis(if state == "planned" { asked.delay } else { Duration::ZERO }),
            "reason": asked.reason,
            "timeout_ms": millis(status.timeout),
            "worst_case_ms": millis(status.worst_case),
        });
        (StatusCode::ACCEPTED, Json(body)).into_response()
    }

    fn plan(&self, app: &App, delay: Duration, by: String) -> Result<(), Problem> {
        let mut state = self.lock();
        state.plan = Some(Plan { at: Instant::now() + delay, by });
        self.0.changed.notify_all();
        if state.watched {
            return Ok(());
        }
        let (planned, app) = (self.clone(), app.clone());
        let watch = move || planned.watch(&app);
        if let Err(error) = thread::Builder::new().name("gf-admin-plan".into()).spawn(watch) {
            state.plan = None;
            let detail = format!("no thread can be started to wait for that time: {error}; ask without a delay");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
        state.watched = true;
        Ok(())
    }

    /// Waits until it is time, there is no plan any more, or somebody else has stopped the service.
    fn watch(&self, app: &App) {
        let mut state = self.lock();
        loop {
            let left = state.plan.as_ref().map(|plan| plan.at.saturating_duration_since(Instant::now()));
            match left {
                Some(left) if app.phase().is_stopping() || left.is_zero() => {
                    let plan = state.plan.take();
                    state.watched = false;
                    drop(state);
                    if let Some(plan) = plan.filter(|_| left.is_zero()) {
                        // Asking a service that stops changes nothing.
                        app.request(plan.by);
                    }
                    return;
                }
                None => {
                    state.watched = false;
                    return;
                }
                Some(left) => {
                    let waited = self.0.changed.wait_timeout(state, left.min(LOOK));
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `DELETE`: the end, once the answer has left.
pub(super) fn force(app: &App, request: &Request) -> Response {
    let reason = request.query_param("reason").map(|reason| tidy(&reason)).filter(|reason| !reason.is_empty());
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        return too_long().into_response();
    }
    let mut fields = vec![("peer", request.peer().to_string())];
    fields.extend(reason.clone().map(|reason| ("reason", reason)));
    app.warn("admin end forced", fields);
    let (tell, told) = mpsc::channel();
    let by = by(request.peer(), reason.as_deref());
    let ending = app.clone();
    let end = move || end(&ending, &told, by);
    if thread::Builder::new().name("gf-admin-end".into()).spawn(end).is_err() {
        app.force("the admin API");
    }
    let body = json!({"state": "forced", "reason": reason, "exit_code": 124}).to_string();
    let mut response = Response::new(Body::writer(move |out| {
        out.write_all(body.as_bytes())?;
        out.flush()?;
        // Nobody listens once the time for it is over.
        let _ = tell.send(());
        Ok(())
    }));
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Waits for the answer to leave. It may be dropped unsent, which is no reason to stay.
fn end(app: &App, told: &Receiver<()>, by: String) {
    if told.recv_timeout(ANSWER).is_ok() {
        thread::sleep(LAST_BYTES);
    }
    app.force(by);
}

/// As it will be in the report: `requested by the admin API (127.0.0.1:51544): moving to rack 7`.
fn by(peer: &PeerAddress, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("the admin API ({peer}): {reason}"),
        None => format!("the admin API ({peer})"),
    }
}

impl Asked {
    fn read(request: &mut Request) -> Result<Self, Problem> {
        let is_json = request.header(header::CONTENT_TYPE).is_some_and(|media_type| {
            media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
        });
        let body = request.body();
        body.set_limit(LONGEST_BODY);
        let bytes = body.read_to_bytes().map_err(|error| match error {
            BodyError::TooLarge { .. } => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "a body has 4096 bytes at most"),
            error => Problem::new(error.status(), error.to_string()),
        })?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        if !is_json {
            let detail = "send it as JSON: the header content-type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        Self::parse(&bytes).map_err(|detail| Problem::new(StatusCode::BAD_REQUEST, detail))
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(bytes).map_err(|error| format!("the body is not JSON: {error}"))?;
        let Value::Object(members) = body else {
            return Err(r#"the body is an object: {"delay":"30s","reason":"…"}"#.to_owned());
        };
        let mut asked = Self::default();
        for (name, value) in members {
            match name.as_str() {
                "delay" => asked.delay = delay(&value)?,
                "reason" => asked.reason = Some(reason(&value)?).filter(|reason| !reason.is_empty()),
                _ => return Err(format!("{name:?} is not known: there are delay and reason")),
            }
        }
        Ok(asked)
    }
}

fn delay(value: &Value) -> Result<Duration, String> {
    let delay = match value {
        // 5.0 is a whole number as well.
        Value::Number(number) => number
            .as_u64()
            .or_else(|| {
                number.as_f64().filter(|float| float.fract() == 0.0 && (0.0..1e12).contains(float)).map(|f| f as u64)
            })
            .map(Duration::from_millis),
        Value::String(text) => span(text),
        _ => None,
    };
    delay.filter(|delay| *delay <= LONGEST_DELAY).ok_or_else(|| {
        "delay is 500ms, 30s, 5m or 2h, or a whole number of milliseconds, and 7 days at most".to_owned()
    })
}

/// Some digits and one unit: what the document's pattern allows, and nothing else.
fn span(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (most, millis) = match unit {
        "ms" => (8, 1),
        "s" => (5, 1000),
        "m" => (4, 60_000),
        "h" => (2, 3_600_000),
        _ => return None,
    };
    if number.len() > most {
        return None;
    }
    Some(Duration::from_millis(number.parse::<u64>().ok()? * millis))
}

fn reason(value: &Value) -> Result<String, String> {
    let Value::String(text) = value else { return Err("reason is text".to_owned()) };
    if text.chars().count() > LONGEST_REASON {
        return Err("reason has 200 characters at most".to_owned());
    }
    Ok(tidy(text))
}

/// One line, whatever was sent: it goes into logs and reports.
fn tidy(text: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.replace(is_break, " ").trim().to_owned()
}

fn too_long() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "reason has 200 characters at most")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bodies() {
        let check = |body: &str, delay_ms: u64, reason: Option<&str>| {
            let asked = Asked { delay: Duration::from_millis(delay_ms), reason: reason.map(str::to_owned) };
            assert_eq!(Asked::parse(body.as_bytes()), Ok(asked), "{body}");
        };
        check("{}", 0, None);
        check(r#"{"delay":"5s"}"#, 5000, None);
        check(r#"{"delay":"1500ms","reason":"new release"}"#, 1500, Some("new release"));
        check(r#"{"delay":"2m"}"#, 120_000, None);
        check(r#"{"delay":"2h"}"#, 7_200_000, None);
        check(r#"{"delay":250}"#, 250, None);
        check(r#"{"delay":250.0}"#, 250, None);
        check(r#"{"delay":604800000}"#, 604_800_000, None);
        check(r#"{"reason":""}"#, 0, None);
        check(r#"{"reason":" a\u0000b\nc\u2028d "}"#, 0, Some("a b c d"));
        for body in [
            "",
            "[]",
            "null",
            "7",
            r#"{"delay":"5"}"#,
            r#"{"delay":"5 s"}"#,
            r#"{"delay":"1m 30s"}"#,
            r#"{"delay":"s"}"#,
            r#"{"delay":"-5s"}"#,
            r#"{"delay":"100000s"}"#,
            r#"{"delay":-1}"#,
            r#"{"delay":0.5}"#,
            r#"{"delay":604800001}"#,
            r#"{"delay":1e300}"#,
            r#"{"delay":null}"#,
            r#"{"delay":true}"#,
            r#"{"reason":7}"#,
            r#"{"reason":null}"#,
            r#"{"when":"now"}"#,
        ] {
            assert!(Asked::parse(body.as_bytes()).is_err(), "{body}");
        }
        let long = format!(r#"{{"reason":"{}"}}"#, "é".repeat(200));
        assert!(Asked::parse(long.as_bytes()).is_ok());
        assert!(Asked::parse(long.replacen('é', "éé", 1).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_body_is_understood_within_bounds_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            check_bounds(&body)?;
        }

        #[test]
        fn so_is_anything_like_one(delay in "\\PC{0,12}", number in any::<f64>(), reason in "\\PC{0,250}") {
            check_bounds(json!({"delay": delay, "reason": reason}).to_string().as_bytes())?;
            check_bounds(json!({"delay": number, "reason": reason}).to_string().as_bytes())?;
        }
    }

    fn check_bounds(body: &[u8]) -> Result<(), TestCaseError> {
        if let Ok(asked) = Asked::parse(body) {
            prop_assert!(asked.delay <= LONGEST_DELAY);
            let reason = asked.reason.unwrap_or_default();
            prop_assert!(reason.chars().count() <= LONGEST_REASON && !reason.chars().any(char::is_control));
        }
        Ok(())
    }
}
