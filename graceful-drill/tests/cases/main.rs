//! Drills against servers that do one thing right or wrong.

mod classes;
mod drills;
mod patterns;
mod server;

use graceful_drill::{Class, Outcome};

/// What holds for every outcome: each client, each connection and each request has exactly one end.
#[track_caller]
fn assert_balanced(outcome: &Outcome) {
    for group in outcome.groups.iter().chain([&outcome.total]) {
        let made = group.connections;
        let ends = made.announced + made.by_client + made.closed_idle + made.held + made.lost + made.reset_idle;
        assert_eq!(made.made, ends + made.unsolicited, "connections of {}: {made:?}\n{outcome}", group.name);
        let ends = group.ends.deadline + group.ends.done + group.ends.refused;
        assert_eq!(ends, group.clients as u64, "clients of {}\n{outcome}", group.name);
        let classes: u64 = Class::ALL.iter().map(|class| group.count(*class)).sum();
        assert_eq!(group.counts.attempts(), classes, "{outcome}");
    }
}

/// So many of each class, and nothing else.
#[track_caller]
fn assert_classes(outcome: &Outcome, expected: &[(Class, u64)]) {
    assert_balanced(outcome);
    for class in Class::ALL {
        let expected = expected.iter().find(|(named, _)| *named == class).map_or(0, |(_, count)| *count);
        assert_eq!(outcome.count(class), expected, "{class}\n{outcome}");
    }
}
