//! The admin API, request by request. What the cases `admin_…` share is here, too.

use std::net::SocketAddr;
use std::time::Instant;

use graceful_tests::{Answer, Http, PATIENCE, Running, Service};
use serde_json::{Value, json};

pub(crate) fn admin() -> Service {
    Service::fixture("admin")
}

/// A service that runs, and where its admin API is.
pub(crate) struct Operated {
    pub(crate) service: Running,
    pub(crate) address: SocketAddr,
}

impl Operated {
    pub(crate) fn start(service: Service) -> Self {
        let service = service.start();
        let address = service.address_after("admin on http://");
        let operated = Self { service, address };
        operated.wait("/readyz", |ready| ready["status"] == "ready");
        operated
    }

    /// A request of somebody on this machine.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        ask(self.address, method, path, headers, body)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    #[track_caller]
    pub(crate) fn post(&self, body: &str) -> Value {
        let headers: &[_] = if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
        let answer = self.ask("POST", "/admin/shutdown", headers, body);
        answer.expect_status(202);
        read(&answer)
    }

    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let answer = self.get("/admin/status");
        answer.expect_status(200);
        read(&answer)
    }

    /// Asks until the answer is as it should be.
    #[track_caller]
    pub(crate) fn wait(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = read(&self.get(path));
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < until, "{path} stays {answer:#}");
        }
    }
}

#[track_caller]
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let host = address.to_string();
    let mut all = vec![("host", host.as_str())];
    all.extend(headers);
    raw(address, method, path, &all, body)
}

/// A request with these headers and no other.
#[track_caller]
pub(crate) fn raw(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        request += &format!("content-length: {}\r\n", body.len());
    }
    let request = format!("{request}\r\n{body}");
    let answer = Http::connect(address).and_then(|mut http| http.ask(&request));
    answer.unwrap_or_else(|error| panic!("{method} {path} is not answered: {error}"))
}

#[track_caller]
pub(crate) fn read(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// An error in the one form that there is.
#[track_caller]
pub(crate) fn expect_problem(answer: &Answer, status: u16, detail: &str) {
    answer.expect_status(status);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem = read(answer);
    assert_eq!((&problem["type"], &problem["status"]), (&json!("about:blank"), &json!(status)), "{problem}");
    let told = problem["detail"].as_str().unwrap_or_default();
    assert!(told.contains(detail) && problem["title"].is_string(), "no {detail:?} in {problem}");
}

#[test]
fn what_it_tells() {
    let operated = Operated::start(admin().env("GF_TICKET", "1"));
    let mut working = Http::connect(operated.service.address()).expect("it listens");
    working.send(graceful_tests::get("/work?ms=60000")).expect("it reads");
    operated.service.wait_text("working");

    // `main` has returned, and the task's thread runs, a moment after the first look may come.
    let status = operated.wait("/admin/status", |status| {
        status["tasks"][0]["state"] == "stopped" && status["tasks"][1]["state"] == "running"
    });
    assert_eq!(status["service"], "graceful-tests", "{status:#}");
    assert_eq!(status["pid"], operated.service.pid().as_raw());
    assert_eq!((&status["phase"], &status["ready"], &status["alive"]), (&json!("serving"), &json!(true), &json!(true)));
    assert_eq!((&status["shutdown"], &status["planned"]), (&Value::Null, &Value::Null));
    assert_eq!((&status["timeout_ms"], &status["requests"]["received"]), (&json!(20_000.0), &json!(1)));
    let names = |list: &str| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let rows = status[list].as_array().expect("a list");
        rows.iter().map(|row| (text(&row["name"]), text(&row["state"]))).collect()
    };
    let waiting = |names: [&str; 4]| names.map(|name| (name.to_owned(), "waiting".to_owned())).to_vec();
    assert_eq!(names("hooks"), waiting(["leave", "close", "last", "probes"]));
    assert_eq!(
        names("tasks"),
        [("main", "stopped"), ("pump", "running")].map(|(name, state)| (name.into(), state.into()))
    );
    assert_eq!(status["tickets"], json!([{"name": "courier", "count": 1}]));
    assert_eq!(status["connections"]["still_open"], 1);
    assert_eq!(status["listeners"], json!([operated.service.address().to_string()]));
    let planned: Vec<&Value> =
        status["phases"].as_array().expect("a list").iter().map(|row| &row["planned_ms"]).collect();
    assert_eq!(planned[3], &json!(5000.0), "{status:#}");

    for (path, probe) in [("health", "/health"), ("ready", "/health/ready"), ("alive", "/health/live")] {
        let answer = operated.get(&format!("/admin/{path}"));
        assert_eq!((answer.status, read(&answer)), (200, read(&operated.get(probe))), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let process = read(&operated.get("/admin/process"));
    assert_eq!(process["pid"], operated.service.pid().as_raw());
    for figure in ["resident_bytes", "virtual_bytes", "open_files", "threads", "uptime_ms"] {
        assert!(process[figure].as_f64() > Some(1.0), "{figure} of {process}");
    }
    assert!(process["cpu_seconds"].is_f64() && process["platform"].as_str().unwrap_or_default().contains("linux"));
    assert!(operated.get("/admin/metrics").text().contains("graceful_phase{phase=\"serving\"} 1"));
    assert!(read(&operated.get("/admin/config")).is_array());
    let overview = read(&operated.get("/admin/overview"));
    assert_eq!(overview["status"]["phase"], "serving");
    assert_eq!((&overview["health"]["status"], &overview["process"]["pid"]), (&json!("ready"), &process["pid"]));
    let mut http = Http::connect(operated.address).expect("it listens");
    http.send(format!("HEAD /admin/status HTTP/1.1\r\nhost: {}\r\n\r\n", operated.address)).expect("it reads");
    http.head().expect("answered").expect_status(200);
}

#[test]
fn errors_have_one_form() {
    let operated = Operated::start(admin().env("GF_METRICS", "none"));
    expect_problem(&operated.get("/admin"), 404, "/openapi.json");
    expect_problem(&operated.get("/admin/"), 404, "/openapi.json");
    expect_problem(&operated.get("/elsewhere"), 404, "/elsewhere");
    expect_problem(&operated.get("/admin/metrics"), 404, "Probes::metrics");
    for (method, path, allow) in [
        ("POST", "/admin/status", "GET, HEAD, OPTIONS"),
        ("GET", "/admin/shutdown", "DELETE, OPTIONS, POST"),
        ("PUT", "/admin/shutdown", "DELETE, OPTIONS, POST"),
        ("DELETE", "/admin/overview", "GET, HEAD, OPTIONS"),
        ("POST", "/readyz", "GET, HEAD, OPTIONS"),
    ] {
        let answer = operated.ask(method, path, &[], "");
        expect_problem(&answer, 405, "other methods");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    let json = ("content-type", "application/json");
    let shutdown = |headers: &[(&str, &str)], body: &str| operated.ask("POST", "/admin/shutdown", headers, body);
    expect_problem(&shutdown(&[json], "{"), 400, "not JSON");
    expect_problem(&shutdown(&[json], "[]"), 400, "an object");
    expect_problem(&shutdown(&[json], r#"{"delay":"soon"}"#), 400, "30s");
    expect_problem(&shutdown(&[json], r#"{"delay":604800001}"#), 400, "7 days");
    expect_problem(&shutdown(&[json], r#"{"when":1}"#), 400, "\"when\" is not known");
    expect_problem(&shutdown(&[json], &format!(r#"{{"reason":"{}"}}"#, "x".repeat(201))), 400, "200 characters");
    expect_problem(&shutdown(&[json], &" ".repeat(4097)), 413, "4096 bytes");
    expect_problem(&shutdown(&[json], &" ".repeat(100_000)), 413, "4096 bytes");
    expect_problem(&shutdown(&[], "{}"), 415, "application/json");
    expect_problem(&shutdown(&[("content-type", "text/plain")], "{}"), 415, "application/json");
    expect_problem(
        &shutdown(&[("content-type", "application/x-www-form-urlencoded")], r#"{"delay":"1s"}"#),
        415,
        "application/json",
    );
    expect_problem(
        &operated.ask("DELETE", &format!("/admin/shutdown?reason={}", "x".repeat(201)), &[], ""),
        400,
        "200",
    );
    // Nothing of all that has done anything.
    assert_eq!(operated.status()["phase"], "serving");
    operated.service.stop().expect_code(0);
}

#[test]
fn any_prefix() {
    for service in [admin().env("GF_PREFIX", "/ops/v1"), admin().env("ADMIN_PREFIX", "/ops/v1")] {
        let operated = Operated::start(service);
        operated.get("/ops/v1/status").expect_status(200);
        operated.get("/admin/status").expect_status(404);
        operated.get("/health").expect_status(200);
        for path in ["/openapi.json", "/ops/v1/openapi.json"] {
            let document = read(&operated.get(path));
            let paths = document["paths"].as_object().expect("paths");
            assert!(paths.contains_key("/ops/v1/shutdown") && !paths.contains_key("/admin/shutdown"), "{paths:#?}");
        }
        operated.service.stop().expect_code(0);
    }
    for prefix in ["admin", "/", "/admin/", "/a b"] {
        let exit = admin().env("ADMIN_PREFIX", prefix).spawn().wait(PATIENCE);
        exit.expect_code(1).line("write a path such as /admin");
    }
    // Where the probes are, it cannot be.
    admin().env("GF_PREFIX", "/health").spawn().wait(PATIENCE).expect_code(1).line("/health/ready");
}
