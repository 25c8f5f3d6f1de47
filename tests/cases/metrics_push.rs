//! The last figures are pushed to a gateway.

use std::net::TcpListener;
use std::time::Duration;

use graceful_tests::prometheus::Pushgateway;
use graceful_tests::{PATIENCE, Service};

use crate::service::Shop;

fn pushing(url: &str) -> Service {
    Service::fixture("figures").env("GRACEFUL_METRICS_PUSH_URL", url)
}

#[test]
fn a_gateway_has_the_last_shutdown() {
    let gateway = Pushgateway::start();
    pushing(&gateway.url()).start().stop().expect_code(0).expect_outcome("clean");
    pushing(&format!("{}/metrics/job/named/instance/a", gateway.url()))
        .env("GF_CLOSE_DB", "error")
        .start()
        .stop()
        .expect_code(3);
    let metrics = gateway.metrics();
    for line in [
        "graceful_shutdown_success_total{instance=\"\",job=\"graceful-tests\"} 1",
        "graceful_shutdown_duration_seconds_count{instance=\"\",job=\"graceful-tests\"} 1",
        "graceful_last_shutdown_exit_code{instance=\"a\",job=\"named\"} 3",
        "graceful_shutdown_errors_total{component=\"close_db\",instance=\"a\",job=\"named\"} 1",
        "shop_orders_total{instance=\"\",job=\"graceful-tests\"} 0",
    ] {
        assert!(metrics.lines().any(|known| known == line), "no {line} in {metrics}");
    }
}

#[test]
fn a_gateway_that_is_gone_or_silent_is_logged() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    // The kernel accepts, and nobody answers.
    let exit = pushing(&format!("http://{address}")).start().stop();
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(1));
    let line = exit.line("report listener failed");
    assert!(line.contains("name=\"metrics push\"") && line.contains("it did not answer in time"), "{line}");
    drop(listener);
    let exit = pushing(&format!("http://{address}")).start().stop();
    exit.expect_code(0).expect_outcome("clean");
    let line = exit.line("report listener failed");
    assert!(line.contains("refused"), "{line}");
}

#[test]
fn what_the_gateway_says_is_logged() {
    let gateway = Pushgateway::start();
    // It wants a job first.
    let exit = pushing(&format!("{}/metrics/jobless/x", gateway.url())).start().stop();
    exit.expect_code(0).expect_outcome("clean");
    let line = exit.line("report listener failed");
    assert!(line.contains("it answered 404"), "{line}");
}

#[test]
fn what_cannot_be_pushed_to_is_an_error_at_start() {
    for (url, expected) in [
        ("https://gateway:9091", "https is not supported"),
        ("gateway:9091", "write http://HOST:PORT"),
        ("http://me:secret@gateway", "a user and password are not supported"),
    ] {
        let exit = pushing(url).spawn().wait(PATIENCE);
        exit.expect_code(1);
        let line = exit.line("GRACEFUL_METRICS_PUSH_URL");
        assert!(line.contains(expected) && !line.contains("secret"), "{line}");
    }
}

/// The reference service has the admin API beside its metrics.
#[test]
fn beside_the_admin_api() {
    let gateway = Pushgateway::start();
    let shop = Shop::new().env("GRACEFUL_METRICS_PUSH_URL", gateway.url());
    shop.start().stop().expect_code(0);
    let metrics = gateway.metrics();
    assert!(metrics.contains("graceful_shutdown_success_total{"), "{metrics}");
}
