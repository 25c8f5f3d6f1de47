//! `POST` and `DELETE shutdown`, and what is seen of the service from then on.

use std::time::{Duration, Instant};

use graceful_tests::{Http, PATIENCE, Signal};
use serde_json::{Value, json};

use crate::admin::{Operated, admin, expect_problem, read};

#[test]
fn with_a_reason_it_is_in_the_report() {
    let operated = Operated::start(admin());
    let answer = operated.post(r#"{"reason":"moving to rack 7"}"#);
    assert_eq!((&answer["state"], &answer["reason"]), (&json!("requested"), &json!("moving to rack 7")));
    assert_eq!(answer["timeout_ms"], 20_000.0);
    let exit = operated.service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    let reason = &exit.report()["reason"];
    assert_eq!(reason["kind"], "requested");
    let text = reason["text"].as_str().unwrap_or_default();
    assert!(
        text.starts_with("requested by the admin API (127.0.0.1:") && text.ends_with("): moving to rack 7"),
        "{exit}"
    );
    let line = exit.line("warn: admin shutdown requested");
    assert!(line.contains("peer=127.0.0.1:") && line.contains("reason=\"moving to rack 7\""), "{line}");
}

#[test]
fn a_delay_is_seen_and_can_be_replaced() {
    let operated = Operated::start(admin());
    let answer = operated.post(r#"{"delay":"2h","reason":"tonight"}"#);
    assert_eq!((&answer["state"], &answer["in_ms"]), (&json!("planned"), &json!(7_200_000.0)));
    let planned = operated.status()["planned"].take();
    assert!(planned["in_ms"].as_f64().is_some_and(|left| left > 7e6 && left <= 7.2e6), "{planned}");
    assert!(planned["by"].as_str().is_some_and(|by| by.ends_with("): tonight")), "{planned}");
    assert_eq!(operated.status()["phase"], "serving");
    let asked = Instant::now();
    assert_eq!(operated.post(r#"{"delay":700,"reason":"now after all"}"#)["state"], "planned");
    let exit = operated.service.wait(PATIENCE);
    assert!(asked.elapsed() >= Duration::from_millis(700), "{exit}");
    exit.expect_code(0).expect_outcome("clean").line("reason=tonight");
    assert!(exit.report()["reason"]["text"].as_str().unwrap_or_default().ends_with("): now after all"), "{exit}");
}

#[test]
fn a_signal_comes_before_the_plan() {
    let operated = Operated::start(admin().env("GF_LEAVE", "sleep=500"));
    operated.post(r#"{"delay":"2h"}"#);
    operated.service.signal(Signal::SIGTERM);
    let status = operated.wait("/admin/status", |status| status["shutdown"].is_object());
    assert_eq!(status["planned"], Value::Null);
    let exit = operated.service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(5));
    assert_eq!(exit.report()["reason"]["signal"], "SIGTERM");
}

#[test]
fn asking_again_changes_nothing() {
    let operated = Operated::start(admin().env("SHUTDOWN_LAME_DUCK", "2s").env("SHUTDOWN_TIMEOUT", "60s"));
    assert_eq!(operated.post(r#"{"reason":"first"}"#)["state"], "requested");
    operated.wait("/admin/status", |status| status["phase"] == "lame_duck");
    assert_eq!(operated.post(r#"{"reason":"second"}"#)["state"], "already_stopping");
    assert_eq!(operated.post(r#"{"delay":"1ms","reason":"third"}"#)["state"], "already_stopping");
    assert_eq!(operated.status()["planned"], Value::Null);
    let exit = operated.service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").line("reason=second");
    assert!(exit.report()["reason"]["text"].as_str().unwrap_or_default().ends_with("): first"), "{exit}");
    assert!(exit.phase("lame_duck")["took_ms"].as_f64() >= Some(2000.0), "{exit}");
}

/// `DELETE`, and the end that follows.
#[track_caller]
fn force(operated: Operated, query: &str) -> graceful_tests::Exit {
    let answer = operated.ask("DELETE", &format!("/admin/shutdown{query}"), &[], "");
    answer.expect_status(202);
    assert_eq!((&read(&answer)["state"], &read(&answer)["exit_code"]), (&json!("forced"), &json!(124)));
    let asked = Instant::now();
    let exit = operated.service.wait(PATIENCE);
    assert!(asked.elapsed() < Duration::from_secs(4), "it took {:?}: {exit}", asked.elapsed());
    exit.expect_code(124).expect_outcome("forced_by_request").line("warn: admin end forced");
    exit
}

#[test]
fn a_hook_that_hangs_is_ended_at_once() {
    let operated = Operated::start(admin().env("GF_CLOSE", "read").env("SHUTDOWN_CLOSE_TIMEOUT", "15s"));
    operated.post("");
    let hooks = |status: &Value| status["hooks"].as_array().cloned().unwrap_or_default();
    let status = operated.wait("/admin/status", |status| {
        hooks(status).iter().any(|hook| hook["name"] == "close" && hook["state"] == "running")
    });
    assert_eq!(status["phase"], "cleaning_up", "{status:#}");
    let status = operated
        .wait("/admin/status", |status| hooks(status)[1]["stuck"].as_str().is_some_and(|at| at.contains("read")));
    assert!(hooks(&status)[1]["took_ms"].as_f64() > Some(0.0), "{status:#}");
    let exit = force(operated, "?reason=it%20hangs");
    exit.expect_incomplete("the end was forced while it was cleaning_up, by the admin API (127.0.0.1:");
    exit.expect_incomplete("it hangs");
    assert_eq!(exit.hooks(), "leave=completed close=timed_out last=skipped probes=skipped", "{exit}");
    assert!(exit.hook("close")["stuck"].as_str().unwrap_or_default().contains("read"), "{exit}");
}

#[test]
fn a_service_that_serves_is_ended_without_any_cleanup() {
    let exit = force(Operated::start(admin()), "");
    exit.expect_incomplete("the end was forced while it was serving");
    assert_eq!(exit.hooks(), "leave=skipped close=skipped last=skipped probes=skipped", "{exit}");
    assert!(exit.report()["reason"]["text"].as_str().unwrap_or_default().contains("the admin API"), "{exit}");
}

#[test]
fn whatever_is_stuck() {
    let operated = Operated::start(
        admin()
            .env("GRACEFUL_WORKERS", "2")
            .env("GF_LOGGER", "lines")
            .env("GF_LEAVE", "hold_stderr,hold_stdout,hold_logger,mutex"),
    );
    let stuck: Vec<Http> = (0..8)
        .map(|_| {
            let mut http = Http::connect(operated.service.address()).expect("it listens");
            http.send(graceful_tests::get("/stuck")).expect("it reads");
            http
        })
        .collect();
    operated.service.wait_count("stuck", 2);
    operated.post("");
    operated.service.wait_text("hook leave began");
    let answer = operated.ask("DELETE", "/admin/shutdown", &[], "");
    answer.expect_status(202);
    let exit = operated.service.wait(PATIENCE);
    exit.expect_code(124).expect_outcome("forced_by_request");
    drop(stuck);
}

#[test]
fn the_whole_sequence_is_seen() {
    const ORDER: [&str; 7] = ["serving", "lame_duck", "draining", "stopping_tasks", "cleaning_up", "flushing", "gone"];
    // Each phase takes a while, so that whoever asks all the time sees it.
    let operated = Operated::start(
        admin()
            .env("SHUTDOWN_LAME_DUCK", "500ms")
            .env("GF_TASK", "sleep=500")
            .env("GF_CLOSE", "sleep=500")
            .env("GF_LAST", "sleep=500"),
    );
    let mut working = Http::connect(operated.service.address()).expect("it listens");
    working.send(graceful_tests::get("/work?ms=1500")).expect("it reads");
    operated.service.wait_text("working");
    let mut http = Http::connect(operated.address).expect("it listens");
    let request = format!("GET /admin/status HTTP/1.1\r\nhost: {}\r\n\r\n", operated.address);
    let mut seen: Vec<Value> = Vec::new();
    let mut asked = false;
    // Until the listener that closes last has closed.
    loop {
        match http.ask(&request) {
            Ok(answer) => seen.push(read(&answer)),
            // It may say goodbye to one connection and answer on the next.
            Err(_) => match Http::connect(operated.address) {
                Ok(next) => http = next,
                Err(_) => break,
            },
        }
        if !asked {
            operated.service.signal(Signal::SIGTERM);
            asked = true;
        }
    }
    let exit = operated.service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    let phase = |status: &Value| status["phase"].as_str().unwrap_or("?").to_owned();
    let mut phases: Vec<String> = seen.iter().map(phase).collect();
    phases.dedup();
    assert_eq!(phases, ORDER[..6], "{exit}");
    let mut left = f64::MAX;
    for status in &seen {
        let present = ORDER.iter().position(|name| *name == phase(status)).expect("a phase");
        assert_eq!(status["ready"], present == 0 && status["ready"] == true, "ready while it stops: {status:#}");
        assert_eq!(status["alive"], true);
        let rows = status["phases"].as_array().expect("five");
        for (nth, row) in rows.iter().enumerate() {
            let state = match (nth + 1).cmp(&present) {
                std::cmp::Ordering::Less => "ended",
                std::cmp::Ordering::Equal => "running",
                std::cmp::Ordering::Greater => "waiting",
            };
            assert_eq!((&row["phase"], &row["state"]), (&json!(ORDER[nth + 1]), &json!(state)), "{status:#}");
            assert_eq!(row["left_ms"].is_number(), state == "running", "{status:#}");
            assert!(row["planned_ms"].as_f64() <= Some(20_000.0), "{status:#}");
        }
        if present > 0 {
            let now = status["shutdown"]["left_ms"].as_f64().expect("it stops");
            assert!(now <= left, "time runs backwards: {status:#}");
            left = now;
        }
    }
    // What is still open goes to nothing, and what was done is seen at the end.
    let open = |status: &Value| status["connections"]["still_open"].as_u64().expect("a count");
    let drained = seen.iter().find(|status| phase(status) == "stopping_tasks").expect("it was seen");
    assert_eq!((open(&seen[0]), open(drained)), (1, 0));
    let last = seen.last().expect("many");
    let states: Vec<&Value> = last["hooks"].as_array().expect("four").iter().map(|hook| &hook["state"]).collect();
    assert_eq!(states[..2], [&json!("completed"), &json!("completed")], "{last:#}");
    expect_nobody(operated.address);
}

fn expect_nobody(address: std::net::SocketAddr) {
    assert!(Http::connect(address).is_err(), "it is gone with the process");
}

#[test]
fn a_body_that_never_comes_holds_nobody_up() {
    let operated = Operated::start(admin());
    let mut http = Http::connect(operated.address).expect("it listens");
    let head = format!(
        "POST /admin/shutdown HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{{",
        operated.address
    );
    http.send(head).expect("it reads");
    for _ in 0..20 {
        operated.get("/admin/status").expect_status(200);
    }
    let answer = http.answer().expect("answered");
    assert!(matches!(answer.status, 400 | 408), "{answer:?}");
    if answer.status == 400 {
        expect_problem(&answer, 400, "");
    }
    operated.service.stop().expect_code(0).expect_outcome("clean");
}
