//! The alert rules that are shipped: they are valid, fire when they should and are silent when they should be.

use graceful_tests::prometheus::{promtool, rules};

#[test]
fn rules_are_valid() {
    let rules = rules("graceful-alerts.yml");
    assert_eq!(promtool(&["check", "rules", rules.to_str().expect("a path that is text")], ""), None);
}

#[test]
fn rules_fire_and_are_silent() {
    let cases = rules("graceful-alerts-test.yml");
    assert_eq!(promtool(&["test", "rules", cases.to_str().expect("a path that is text")], ""), None);
}
