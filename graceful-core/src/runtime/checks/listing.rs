//! Checks in the plan that is shown.

use std::fmt::Write as _;

use crate::lifecycle::checks::{Criticality, PlannedCheck};
use crate::lifecycle::json::{Item, Json};
use crate::lifecycle::report_json::origin;
use crate::observe::show;
use crate::runtime::show::Place;

/// The lines of the plan.
pub(super) fn text(checks: &[PlannedCheck]) -> String {
    let mut text = String::from("checks:\n");
    for check in checks {
        let critical = match check.criticality {
            Criticality::Critical => ", critical",
            Criticality::Informative => "",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  {}  {}{critical}  every {}, timeout {}, fails after {}, passes after {}  {}",
            check.name,
            check.kind,
            show(check.every),
            show(check.timeout),
            check.failures,
            check.successes,
            Place(check.origin)
        );
    }
    text
}

/// The list of the plan. Members are in the order of the alphabet.
pub(super) fn json(json: &mut Json, checks: &[PlannedCheck]) {
    json.list("checks", checks, |json, check| {
        json.put("critical", Item::Bool(check.criticality == Criticality::Critical));
        json.put("every_ms", Item::Millis(check.every));
        json.put("failures", Item::Number(check.failures.into()));
        json.put("kind", Item::Text(check.kind.name()));
        json.put("name", Item::Text(&check.name));
        origin(json, check.origin);
        json.put("successes", Item::Number(check.successes.into()));
        json.put("timeout_ms", Item::Millis(check.timeout));
    });
}
