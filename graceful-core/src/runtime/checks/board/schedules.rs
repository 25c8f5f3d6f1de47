//! The board where threads meet, under a model checker.

use super::*;
use crate::runtime::inject::Args;
use crate::sync::explore;

/// A run ends at the very moment at which it is judged as late: one of the two counts, and what everybody sees agrees.
#[test]
fn shuttle_a_run_is_judged_once() {
    explore(|| {
        let flags: Arc<Flags> = Arc::default();
        let board = Arc::new(Board::new(Arc::clone(&flags)));
        let now = Instant::now();
        board.insert(Check::new("db", |_: &mut Args<'_>| ()).critical(), now);
        assert!(flags.is_unready(), "nothing is known");
        board.open(now);
        let run = board.todo(now).expect("open").due[0].run;
        let late = now + Duration::from_secs(1);
        let threads = [
            {
                let board = Arc::clone(&board);
                ::shuttle::thread::spawn(move || drop(board.ended(run, late, CheckOutcome::Passed)))
            },
            {
                let board = Arc::clone(&board);
                ::shuttle::thread::spawn(move || drop(board.late(run, late, None)))
            },
            {
                let (board, flags) = (Arc::clone(&board), Arc::clone(&flags));
                ::shuttle::thread::spawn(move || {
                    let ready = !flags.is_unready();
                    // It passes or fails for good: who has seen it ready finds it passing.
                    assert!(!ready || board.all()[0].status == CheckStatus::Passing);
                })
            },
        ];
        for thread in threads {
            thread.join().expect("no panic");
        }
        let report = board.all().remove(0);
        assert_eq!((report.runs, report.running_since), (1, None));
        let passed = report.last == Some(CheckOutcome::Passed);
        assert_eq!(report.failures_in_a_row, u32::from(!passed), "{report:?}");
        assert_eq!(flags.is_unready(), report.status != CheckStatus::Passing);
    });
}

/// Whatever ends while the stop comes: whoever waits for the last run is told, and nothing begins afterwards.
#[test]
fn shuttle_the_last_run_is_waited_for() {
    explore(|| {
        let board = Arc::new(Board::new(Arc::default()));
        let now = Instant::now();
        board.insert(Check::new("db", |_: &mut Args<'_>| ()), now);
        board.open(now);
        let run = board.todo(now).expect("open").due[0].run;
        let ending = {
            let board = Arc::clone(&board);
            ::shuttle::thread::spawn(move || drop(board.ended(run, now, CheckOutcome::Passed)))
        };
        let awaited = board.close(now).awaits;
        // The time does not run out here: only the end of the run ends the wait.
        assert_eq!(board.wait_for_last(|_| Duration::from_secs(1)), awaited);
        assert!(!awaited || matches!(board.under_way(0), UnderWay::No));
        assert!(board.todo(now + Duration::from_secs(60)).is_none());
        ending.join().expect("no panic");
    });
}
