//! The board, told the time: no threads.

use super::*;
use crate::runtime::inject::Args;

const SECOND: Duration = Duration::from_secs(1);

fn board(timeouts: &[Duration]) -> (Board, Instant) {
    let (board, now) = (Board::new(Arc::default()), Instant::now());
    for (place, timeout) in timeouts.iter().enumerate() {
        let check = Check::new(format!("check {place}"), |_: &mut Args<'_>| ()).every(5 * SECOND).timeout(*timeout);
        board.insert(check.critical(), now);
    }
    (board, now)
}

fn runs(todo: Option<Todo>) -> Vec<Run> {
    todo.map_or_else(Vec::new, |todo| todo.due.into_iter().map(|due| due.run).collect())
}

#[test]
fn nothing_begins_before_it_is_opened_nor_after_it_is_closed() {
    let (board, now) = board(&[SECOND]);
    assert!(board.todo(now).is_none());
    assert!(board.open(now) && !board.open(now), "once");
    assert_eq!(runs(board.todo(now)).len(), 1);
    assert!(runs(board.todo(now)).is_empty(), "it runs already");
    assert!(!board.close(now + 2 * SECOND).awaits);
    assert!(board.todo(now + 10 * SECOND).is_none());
    assert!(!board.open(now), "for good");
}

#[test]
fn what_is_worth_the_wait_at_the_stop() {
    let check = |timeout: Duration, at: Duration, expected: bool| {
        let (board, now) = board(&[timeout]);
        board.open(now);
        let run = runs(board.todo(now))[0];
        if at >= timeout {
            assert!(board.late(run, now + timeout, None).is_some());
        }
        let closed = board.close(now + at);
        assert_eq!((closed.awaits, closed.hanging.len()), (expected, usize::from(!expected)), "{timeout:?} {at:?}");
        // Time passes for those who wait: what is left at the end is left behind.
        let slept = std::cell::Cell::new(Duration::ZERO);
        let waited = board.wait_for_last(|until| {
            let left = until.saturating_duration_since(now + at);
            assert!(left <= SECOND && at + left <= timeout, "{left:?}");
            if slept.replace(left).is_zero() { Duration::from_millis(1) } else { Duration::ZERO }
        });
        assert_eq!(waited, expected);
        assert_eq!(matches!(board.under_way(0), UnderWay::Still(_)), expected);
        assert_eq!(matches!(board.under_way(0), UnderWay::Hanging), !expected);
    };
    check(SECOND, Duration::ZERO, true);
    check(SECOND, Duration::from_millis(900), true);
    check(5 * SECOND, SECOND, true);
    // It hangs already.
    check(SECOND, 2 * SECOND, false);
}

#[test]
fn results_after_the_stop_say_nothing() {
    let (board, now) = board(&[SECOND]);
    board.open(now);
    let run = runs(board.todo(now))[0];
    assert!(board.close(now).awaits);
    assert!(board.ended(run, now, CheckOutcome::Passed).is_none());
    assert!(board.wait_for_last(|_| SECOND), "it has ended");
    assert_eq!(board.all()[0].status, CheckStatus::Unknown);
    assert!(matches!(board.under_way(0), UnderWay::No));
}

#[test]
fn an_old_run_is_not_taken_for_a_new_one() {
    let (board, now) = board(&[SECOND]);
    board.open(now);
    let first = runs(board.todo(now))[0];
    board.ended(first, now, CheckOutcome::Passed);
    let later = now + 5 * SECOND;
    let second = runs(board.todo(later))[0];
    // Somebody looked where the first one hung, for long.
    assert!(board.late(first, later + 2 * SECOND, None).is_none());
    assert!(board.late(second, later + 2 * SECOND, None).is_some());
}
