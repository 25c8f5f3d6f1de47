//! A start of the reference service that fails: what had started is cleaned up, exit 1, one clear message.

use std::net::TcpListener;

use graceful_tests::{Exit, PATIENCE};

use crate::service::Shop;

/// The message is said once, and everything else is in order.
#[track_caller]
pub(crate) fn expect_failed(exit: &Exit, message: &str) {
    exit.expect_code(1);
    let errors = exit.lines.iter().filter(|line| line.text().starts_with("graceful: error: "));
    let errors: Vec<_> = errors.map(|line| line.text()).collect();
    assert!(errors.len() == 1 && errors[0].contains(message), "{message:?}: {exit}");
}

#[test]
fn the_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let shop = Shop::new();
    let exit = shop.service().env("ADDR", &address).spawn().wait(PATIENCE);
    expect_failed(&exit, &address);
    let hooks = "deliver_the_rest=completed cache=completed db=completed external_services=completed probes=completed";
    assert_eq!(exit.hooks(), hooks, "what had started is cleaned up: {exit}");
    shop.start().stop().expect_code(0);
}

#[test]
fn there_is_no_place_for_data() {
    let shop = Shop::new();
    let file = shop.data().join("file");
    std::fs::write(&file, "").expect("room");
    let exit = shop.service().env("DATA_DIR", file.join("data")).spawn().wait(PATIENCE);
    expect_failed(&exit, "DATA_DIR");
}

#[test]
fn the_database_is_none() {
    let shop = Shop::new();
    std::fs::write(shop.data().join("orders.db"), "this is no database, and never was one").expect("room");
    let exit = shop.service().spawn().wait(PATIENCE);
    expect_failed(&exit, "orders.db cannot be opened");
}
