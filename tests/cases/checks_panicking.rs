//! A panic is a failure like any other, with its message, and the next run is a run like any other.

use graceful_tests::checks::Orders;

#[test]
fn it_fails_with_its_message() {
    let orders = Orders::new();
    orders.set("database", "panic");
    let service = orders.service().start();
    service.wait_text("check failed name=database kind=readiness error=\"panicked: database panicked on purpose\"");
    service.wait_text("database is failing, last: panicked: database panicked on purpose");
    service.wait_count("database runs: panic", 3);
    orders.set("database", "ok");
    service.wait_text("is ready=true alive=true");
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.hooks(), "close=completed", "{exit}");
}
