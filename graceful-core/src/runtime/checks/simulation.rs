//! The course of a check under a virtual clock: tables, and any sequence of results against the rules said again.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::course::{Course, Judged};
use super::report::{CheckOutcome, CheckStatus};
use crate::lifecycle::checks::{CheckKind, Criticality, PlannedCheck};

const MS: Duration = Duration::from_millis(1);
const EVERY: Duration = Duration::from_millis(5000);
const TIMEOUT: Duration = Duration::from_millis(1000);

fn course(failures: u32, successes: u32) -> (Course, Instant) {
    let planned = PlannedCheck {
        name: "db".into(),
        kind: CheckKind::Readiness,
        criticality: Criticality::Critical,
        every: EVERY,
        timeout: TIMEOUT,
        failures,
        successes,
        origin: None,
    };
    let start = Instant::now();
    let mut course = Course::new(planned, start);
    assert_eq!(course.wakes_at(), None, "nothing happens before the service serves");
    course.schedule(start, 0);
    (course, start)
}

fn failed() -> CheckOutcome {
    CheckOutcome::Failed("no answer".into())
}

/// `+` passes, `-` fails; the status after each run.
fn statuses(failures: u32, successes: u32, runs: &str) -> String {
    let (mut course, _) = course(failures, successes);
    let mut seen = String::new();
    for run in runs.chars() {
        let now = course.wakes_at().expect("it is scheduled");
        assert!(course.begin(now), "it is due");
        let outcome = if run == '+' { CheckOutcome::Passed } else { failed() };
        course.end(now + MS, outcome);
        seen.push(letter(course.status()));
    }
    seen
}

fn letter(status: CheckStatus) -> char {
    match status {
        CheckStatus::Failing => 'F',
        CheckStatus::Passing => 'P',
        CheckStatus::Unknown => '?',
    }
}

#[test]
fn thresholds() {
    for (failures, successes, runs, expected) in [
        (3, 1, "+", "P"),
        (3, 1, "-", "F"),
        (3, 1, "+--+--", "PPPPPP"),
        (3, 1, "+---+", "PPPFP"),
        (3, 1, "-+-", "FPP"),
        (1, 1, "+-+-", "PFPF"),
        (2, 3, "+--++-+++", "PPFFFFFFP"),
        (1, 2, "--++", "FFFP"),
    ] {
        assert_eq!(statuses(failures, successes, runs), expected, "failures {failures}, successes {successes}: {runs}");
    }
}

#[test]
fn a_run_is_begun_at_its_turn_and_not_twice() {
    let (mut course, start) = course(3, 1);
    assert!(course.begin(start), "at once");
    assert!(!course.begin(start + EVERY), "it runs already");
    assert_eq!(course.deadline(), Some(start + TIMEOUT));
    let Judged::Changed(change) = course.end(start + 20 * MS, CheckOutcome::Passed) else { panic!("the first counts") };
    assert_eq!((change.from, change.to, change.after), (CheckStatus::Unknown, CheckStatus::Passing, 20 * MS));
    let report = course.report();
    assert_eq!((report.runs, report.took, report.running_since), (1, Some(20 * MS), None));
    assert_eq!((report.since, report.last), (start + 20 * MS, Some(CheckOutcome::Passed)));
    assert!(!course.begin(start + EVERY - MS));
    assert!(course.begin(start + EVERY));
}

#[test]
fn one_that_hangs_fails_at_each_turn_and_comes_back_without_a_word() {
    let (mut course, start) = course(3, 1);
    course.begin(start);
    course.end(start + MS, CheckOutcome::Passed);
    let began = start + EVERY;
    course.begin(began);
    assert!(!course.is_late(began + TIMEOUT - MS));
    assert_eq!(course.time_out(began + TIMEOUT - MS, None), None);
    let mut changes = Vec::new();
    for turn in 0..4 {
        let late = began + EVERY * turn + TIMEOUT;
        assert_eq!(course.wakes_at(), Some(late));
        changes.push(course.time_out(late, Some("in read".into())).map(|change| change.to));
        assert!(!course.begin(late), "it is not begun a second time");
    }
    assert_eq!(changes, [None, None, Some(CheckStatus::Failing), None]);
    let report = course.report();
    assert_eq!((report.runs, report.failures_in_a_row, report.running_since), (2, 4, Some(began)));
    assert_eq!(report.took, Some(3 * EVERY + TIMEOUT));
    assert_eq!(report.last.map(|last| last.to_string()).as_deref(), Some("timed out after 1s, in read"));
    // What it says in the end is about a moment long ago.
    assert_eq!(course.end(began + 4 * EVERY - MS, CheckOutcome::Passed), Judged::Late);
    assert_eq!(course.status(), CheckStatus::Failing);
    assert_eq!(course.wakes_at(), Some(began + 4 * EVERY));
}

#[test]
fn a_process_that_was_stopped_for_an_hour_has_not_failed_a_hundred_times() {
    let (mut course, start) = course(3, 1);
    course.begin(start);
    let woken = start + Duration::from_secs(3600) + 2 * MS;
    assert!(course.time_out(woken, None).is_some(), "the first result counts");
    assert!(!course.is_late(woken));
    assert_eq!(course.report().failures_in_a_row, 1);
}

#[derive(Clone, Debug)]
enum Step {
    Pass,
    Fail,
    /// Hangs for so many turns.
    Hang(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => Just(Step::Pass), 3 => Just(Step::Fail), 1 => (1_u32..4).prop_map(Step::Hang)]
}

proptest! {
    /// The status is what the last results in a row say; time never stands still; no turn comes twice.
    #[test]
    fn the_rules_said_again(
        failures in 1_u32..5,
        successes in 1_u32..5,
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let (mut course, start) = course(failures, successes);
        let mut results: Vec<bool> = Vec::new();
        let mut expected = CheckStatus::Unknown;
        let mut before = start - MS;
        for step in steps {
            let now = course.wakes_at().expect("it is scheduled");
            prop_assert!(now > before, "no turn comes twice");
            prop_assert_eq!((now - start).as_nanos() % EVERY.as_nanos(), 0, "runs begin at the turns");
            prop_assert!(course.begin(now));
            let new: Vec<bool> = match step {
                Step::Pass => { course.end(now + MS, CheckOutcome::Passed); vec![true] }
                Step::Fail => { course.end(now + MS, failed()); vec![false] }
                Step::Hang(turns) => {
                    for _ in 0..turns {
                        let at = course.wakes_at().expect("it hangs");
                        course.time_out(at, None);
                    }
                    let at = course.wakes_at().expect("it hangs");
                    prop_assert_eq!(course.end(at - TIMEOUT, CheckOutcome::Passed), Judged::Late);
                    vec![false; turns as usize]
                }
            };
            before = now;
            for result in new {
                results.push(result);
                let in_a_row = results.iter().rev().take_while(|other| **other == result).count() as u32;
                expected = match (expected, result) {
                    (CheckStatus::Unknown, true) => CheckStatus::Passing,
                    (CheckStatus::Unknown, false) => CheckStatus::Failing,
                    (CheckStatus::Passing, false) if in_a_row >= failures => CheckStatus::Failing,
                    (CheckStatus::Failing, true) if in_a_row >= successes => CheckStatus::Passing,
                    (same, _) => same,
                };
            }
            prop_assert_eq!(course.status(), expected);
            let in_a_row = results.iter().rev().take_while(|passed| !**passed).count();
            prop_assert_eq!(course.failures() as usize, in_a_row);
        }
    }
}
