//! `graceful watch`: a verdict on a real shutdown.

use graceful_tests::{Exit, PATIENCE, Running, Service, Signal};

use crate::service::Shop;

fn watch(service: &Running) -> Service {
    let admin = service.address_after("admin on ");
    Service::tool().args(["watch", &format!("http://{admin}"), "--timeout", "30"])
}

fn on(service: &Running) -> Service {
    watch(service).args(["--pid", &service.pid().to_string()])
}

fn work(service: &Running, path: &str) -> [String; 2] {
    ["--work".to_owned(), format!("http://{}{path}", service.address())]
}

fn ready(service: Service) -> Running {
    let service = service.start();
    let admin = service.address_after("admin on ").to_string();
    let until = std::time::Instant::now() + PATIENCE;
    while Service::tool().args(["health", &admin]).spawn().wait(PATIENCE).code != Some(0) {
        assert!(std::time::Instant::now() < until, "{service}");
    }
    service
}

#[track_caller]
fn expect_good(exit: &Exit) {
    exit.expect_code(0).line("graceful: it kept every promise that could be seen");
    assert!(!exit.has("BROKEN") && !exit.has("\x1b["), "{exit}");
}

#[test]
fn a_service_that_keeps_its_promises() {
    let service = ready(Service::fixture("probes").env("SHUTDOWN_LAME_DUCK", "300ms"));
    let exit = on(&service).args(work(&service, "/work?ms=1500")).arg("--yes").spawn().wait(PATIENCE);
    expect_good(&exit);
    for line in [
        "+0.0 ms  SIGTERM sent to process",
        "readiness: 503 the service is shutting down",
        "request that was under way: 200 done",
        "new connection: refused",
        "idle connection closed in order (FIN)",
        "the process is gone",
        "kept  not ready before anything else changes",
        "kept  alive to the end",
        "kept  requests that are under way are answered (1 with 200)",
        "kept  who connects is answered or refused",
        "kept  idle connections are closed in order",
        "kept  gone within 30s",
    ] {
        exit.line(line);
    }
    service.wait(PATIENCE).expect_code(0).expect_outcome("clean");
}

#[test]
fn the_reference_service() {
    let shop = Shop::new();
    let service = ready(shop.service());
    let exit = on(&service).args(work(&service, "/orders")).arg("--yes").spawn().wait(PATIENCE);
    expect_good(&exit);
    service.wait(PATIENCE).expect_code(0).expect_outcome("clean");
}

#[test]
fn work_that_is_cut_is_a_broken_promise() {
    let service = ready(Service::fixture("probes").env("SHUTDOWN_DRAIN", "200ms"));
    let exit = on(&service).args(work(&service, "/work?ms=5000")).arg("--yes").spawn().wait(PATIENCE);
    exit.expect_code(1).line("BROKEN  requests that are under way are answered: one was not");
    exit.line("not graceful: 1 of 6 promises broken");
    service.wait(PATIENCE).expect_code(3);
}

#[test]
fn a_service_that_just_dies() {
    let service = Service::fixture("abrupt").start();
    let exit = on(&service).args(work(&service, "/work?ms=60000")).arg("--yes").spawn().wait(PATIENCE);
    exit.expect_code(1).line("BROKEN  requests that are under way are answered: one was not");
    assert_eq!(service.wait(PATIENCE).signal, Some(Signal::SIGTERM as i32));
}

#[test]
fn a_service_that_does_not_end() {
    let service = ready(Service::fixture("probes").env("GF_CLOSE", "sleep=4500"));
    let exit = on(&service).args(["--yes", "--within", "1"]).spawn().wait(PATIENCE);
    exit.expect_code(1).line("BROKEN  gone within 1s: it is still there");
    // What was not looked at is said, and is no fault.
    exit.line("not shown  requests that are under way are answered; give it some with --work URL");
    service.wait(PATIENCE).expect_code(0);
}

#[test]
fn somebody_else_may_stop_it() {
    let service = ready(Service::fixture("probes").env("SHUTDOWN_LAME_DUCK", "300ms"));
    let watching = watch(&service).args(work(&service, "/work?ms=1500")).spawn();
    watching.wait_text("waiting for somebody to stop it");
    service.wait_text("working");
    service.signal(Signal::SIGTERM);
    let exit = watching.wait(PATIENCE);
    expect_good(&exit);
    exit.line("request that was under way: 200 done");
    service.wait(PATIENCE).expect_code(0);
}

#[test]
fn it_may_be_asked_to_stop_over_http() {
    let service = ready(Service::fixture("probes").env("SHUTDOWN_LAME_DUCK", "300ms"));
    let stop = format!("http://{}/stop", service.address());
    let exit = watch(&service).args(["--yes", "--post", &stop]).env("ADMIN_TOKEN", "secret").spawn().wait(PATIENCE);
    expect_good(&exit);
    exit.line(&format!("POST {stop} answered 200"));
    service.wait(PATIENCE).expect_code(0).line("a POST");
}

#[test]
fn nothing_happens_without_a_yes() {
    let service = ready(Service::fixture("probes"));
    for (answer, text) in [("", "nobody is there to say yes; --yes says it"), ("n\n", "nothing was done")] {
        let exit = on(&service).stdin(answer).spawn().wait(PATIENCE);
        exit.expect_code(2).line(text);
        exit.line(&format!("send SIGTERM to process {}, probes? [y/N]", service.pid()));
    }
    assert!(!service.has_ended(), "{service}");
    expect_good(&on(&service).args(["--signal", "int"]).stdin("y\n").spawn().wait(PATIENCE));
    service.wait(PATIENCE).expect_code(0).line("signal=SIGINT");
}

#[test]
fn what_cannot_be_shown_is_said_before_anything_is_stopped() {
    let service = ready(Service::fixture("probes"));
    let nobody = "http://127.0.0.1:1/";
    for (watch, text) in [
        (watch(&service).args(["--pid", "0"]), "--pid 0: a process has a number from 1"),
        (watch(&service).args(["--pid", "4194305"]), "--pid 4194305: there is no such process"),
        (on(&service).args(["--signal", "KILL"]), "\"KILL\" is not known; write TERM, INT, QUIT, HUP or USR2"),
        (on(&service).args(["--yes", "--work", nobody]), "the service does not take requests now: refused"),
        (on(&service).args(["--yes", "--liveness", "/nowhere"]), "liveness is 404"),
        (Service::tool().args(["watch", nobody]), "nobody listens at 127.0.0.1:1"),
        (watch(&service).args(["--post", "http://127.0.0.1:1/", "--yes"]), "POST http://127.0.0.1:1/: nobody listens"),
    ] {
        let exit = watch.spawn().wait(PATIENCE);
        exit.expect_code(2).line(text);
    }
    service.stop().expect_code(0);
}
