//! The signal under full load.

use std::time::Duration;

use graceful_drill::{Clients, Closing, Pattern, Request};

use crate::drill::Drills;

const SOON: Duration = Duration::from_millis(300);

fn hello() -> Request {
    Request::get("/").expect_body("Hello, World!")
}

#[test]
fn keep_alive() {
    let clients = Clients::new(64, Pattern::KeepAlive { pipeline: 1 }).request(hello());
    Drills::new("64 keep-alive connections", SOON).lose_nothing(|drill| drill.group("load", clients.clone()));
}

#[test]
fn sixteen_deep_pipelining() {
    let clients = Clients::new(64, Pattern::KeepAlive { pipeline: 16 }).request(hello());
    Drills::new("64 connections, 16 deep", SOON).lose_nothing(|drill| drill.group("load", clients.clone()));
}

#[test]
fn a_connection_for_each_request() {
    for (name, closing) in
        [("a connection a request, closed by us", Closing::Asked), ("closed by the client", Closing::Unasked)]
    {
        let clients = Clients::new(64, Pattern::PerRequest { closing }).request(hello());
        Drills::new(name, SOON).lose_nothing(|drill| drill.group("load", clients.clone()));
    }
}

#[test]
fn two_hundred_connect_at_that_instant() {
    for (name, spread) in [("200 connect at once", Duration::ZERO), ("200 within 4 ms", Duration::from_millis(4))] {
        let crowd = Clients::new(200, Pattern::Storm { spread }).request(hello());
        Drills::new(name, SOON).lose_nothing(|drill| drill.group("crowd", crowd.clone()));
    }
}

#[test]
fn slow_and_quick_handlers() {
    let load = Pattern::KeepAlive { pipeline: 1 };
    let quick = Clients::new(48, load.clone()).request(hello());
    let slow = Clients::new(16, load).request(Request::get("/work?ms=20").expect_body("done\n"));
    let posts = Clients::new(8, Pattern::KeepAlive { pipeline: 1 })
        .request(Request::post("/upload", vec![b'x'; 100_000]).expect_body("100000\n"));
    Drills::new("quick, slow, and uploads", SOON).lose_nothing(|drill| {
        drill.group("quick", quick.clone()).group("slow", slow.clone()).group("posts", posts.clone())
    });
}
