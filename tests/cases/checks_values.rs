//! What a check is handed, and what it says when that is not there.

use graceful_tests::checks::Orders;

#[test]
fn a_missing_value_is_its_failure() {
    let orders = Orders::new();
    let service = orders.service().start();
    service.wait_text("check failed name=disk kind=readiness error=\"no checks::NeverProvided was provided\"");
    service.wait_text("disk is failing, last: no checks::NeverProvided was provided");
    // Those of the others are there.
    service.wait_text("database is passing, last: passed");
    service.wait_text("moving is passing, last: passed");
    service.wait_text("is ready=true alive=true");
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    assert!(!exit.has("disk ran"), "{exit}");
    assert_eq!(exit.hooks(), "close=completed", "{exit}");
}
