//! What needs no server. The rest is in `tests/cases/postgres_*.rs`.

use std::net::TcpListener;
use std::time::Instant;

use super::*;

#[test]
fn targets_have_no_password() {
    let check = |url: &str, text: &str| assert_eq!(target(&url.parse().expect("a URL")), text);
    check("postgres://orders:secret@db.internal:6432/shop", "orders@db.internal:6432/shop");
    check("postgres://orders@db.internal", "orders@db.internal:5432/orders");
    check("host=a,b port=1,2 user=u dbname=d password=secret", "u@a:1,b:2/d");
    #[cfg(unix)]
    check("host=/run/postgresql user=u", "u@/run/postgresql:5432/u");
}

#[test]
fn a_url_that_is_none() {
    let error = open("nonsense", 2).expect_err("it is no URL").to_string();
    assert!(error.starts_with("the URL of PostgreSQL is not understood: invalid connection string: "), "{error}");
    assert!(error.ends_with("; write postgres://user@host/database"), "{error}");
}

#[test]
fn nobody_there_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let began = Instant::now();
    let error = open(&format!("postgres://orders:secret@127.0.0.1:{port}/shop"), 2).expect_err("nobody listens");
    let text = error.to_string();
    let beginning = format!("PostgreSQL at orders@127.0.0.1:{port}/shop cannot be used: error connecting to server: ");
    assert!(text.starts_with(&beginning), "{text}");
    assert!(text.contains("refused") && !text.contains("secret"), "{text}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[test]
fn one_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let error = open(&format!("postgres://orders@127.0.0.1:{port}/shop"), 2).expect_err("it says nothing");
    assert!(error.to_string().ends_with("cannot be used: no answer within 5s"), "{error}");
}
