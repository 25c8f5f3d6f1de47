//! A runtime inside of somebody else's program, which this test is: no signal handlers, no exit, the report as data.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use graceful::{Args, HookOutcome, Outcome, Phase, Reason, Runtime, StartError, Task, TaskOutcome};
use graceful::{Builder, Hook, Skip};
use graceful_tests::SLACK;

fn second() -> Duration {
    Duration::from_secs(1)
}

fn builder() -> Builder {
    Runtime::builder("embedded").timeout(10 * second()).drain(second()).tasks(second()).flush(second())
}

fn own_status(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux shows it");
    status.lines().find_map(|line| line.strip_prefix(name)).expect("it is there").trim().to_owned()
}

/// Handlers of the five signals, in this very process.
fn handled() -> u64 {
    let ours: u64 = [1, 2, 3, 12, 15].iter().map(|number| 1 << (number - 1)).sum();
    u64::from_str_radix(&own_status("SigCgt:"), 16).expect("a mask") & ours
}

#[test]
fn it_handles_no_signal_and_hands_its_report_back() {
    let before = handled();
    let runtime = builder().hook(Hook::new("close", |_: &mut Args<'_>| ())).start().expect("it starts");
    assert_eq!(handled(), before, "a guest handles no signals");
    runtime.app().ready().expect("nothing is in the way");
    assert_eq!(runtime.app().phase(), Phase::Serving);
    assert!(runtime.app().is_ready());
    let report = runtime.shutdown("the test");
    assert_eq!(report.outcome, Outcome::Clean, "{report}");
    assert_eq!(report.exit_code, 0);
    assert_eq!(report.reason, Reason::Requested("the test".into()));
    assert_eq!(report.hook("close").map(|hook| &hook.outcome), Some(&HookOutcome::Completed));
    assert_eq!(handled(), before);
}

#[test]
fn several_live_side_by_side() {
    struct Name(usize);
    let closed = Arc::new(AtomicUsize::new(0));
    let runtimes: Vec<Runtime> = (0..4)
        .map(|nth| {
            let closed = Arc::clone(&closed);
            let hook = Hook::new("close", move |args: &mut Args<'_>| {
                assert_eq!(args.shared::<Name>()?.0, nth, "values are a runtime's own");
                closed.fetch_add(1, Ordering::SeqCst);
                Ok::<(), graceful::CallError>(())
            });
            let runtime = builder().hook(hook).start().expect("it starts");
            runtime.app().provide(Name(nth));
            runtime.app().ready().expect("nothing is in the way");
            runtime
        })
        .collect();
    for (nth, runtime) in runtimes.into_iter().enumerate() {
        let report = runtime.shutdown("the test");
        assert_eq!(report.outcome, Outcome::Clean, "{report}");
        assert_eq!(closed.load(Ordering::SeqCst), nth + 1, "one ends without the others");
    }
}

#[test]
fn within_a_shorter_time_than_the_total() {
    let runtime = builder().start().expect("it starts");
    let ticket = runtime.app().ticket("work").expect("the drain is open");
    runtime.app().ready().expect("nothing is in the way");
    let began = Instant::now();
    // Of the 1.5 s the flush keeps one.
    let report = runtime.shutdown_within(Duration::from_millis(1500), "the test");
    let took = began.elapsed();
    assert!(took <= Duration::from_millis(1500) + SLACK, "{took:?}: {report}");
    assert_eq!(report.outcome, Outcome::Incomplete, "{report}");
    assert_eq!(report.exit_code, 3);
    assert_eq!(report.tickets, [("work".to_owned(), 1)]);
    drop(ticket);
}

#[test]
fn a_hook_that_hangs_is_left_behind() {
    let (let_go, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let hang =
        Hook::new("hang", move |_: &mut Args<'_>| drop(held.lock().map(|held| held.recv()))).timeout(second() / 5);
    let runtime =
        builder().hook(hang).hook(Hook::new("next", |_: &mut Args<'_>| ()).order(1)).start().expect("it starts");
    let report = runtime.shutdown("the test");
    assert_eq!(report.outcome, Outcome::Incomplete, "{report}");
    let hang = report.hook("hang").expect("it is named");
    assert_eq!(hang.outcome, HookOutcome::TimedOut);
    assert_eq!(report.hook("next").map(|hook| &hook.outcome), Some(&HookOutcome::Completed));
    assert!(hang.stuck.as_deref().unwrap_or_default().contains("futex"), "{:?}", hang.stuck);
    drop(let_go);
}

#[test]
fn dropped_it_asks_and_does_not_wait() {
    let ended = Arc::new(AtomicBool::new(false));
    let (seen, wait) = (Arc::clone(&ended), Arc::new(Barrier::new(2)));
    let there = Arc::clone(&wait);
    let hook = Hook::new("close", move |_: &mut Args<'_>| {
        there.wait();
        seen.store(true, Ordering::SeqCst);
        there.wait();
    });
    let runtime = builder().hook(hook).start().expect("it starts");
    let app = runtime.app().clone();
    drop(runtime);
    // Only now does the hook get on: had the drop waited for it, this would not be reached before its timeout.
    wait.wait();
    wait.wait();
    assert!(ended.load(Ordering::SeqCst));
    assert!(app.phase().is_stopping());
}

#[test]
fn a_thread_of_the_host_can_ask_and_another_wait() {
    let (began, pumping) = mpsc::channel();
    let pump = Task::long_running("pump", move |args: &mut Args<'_>| {
        began.send(()).expect("the test listens");
        args.stop().wait();
    });
    let runtime = builder().task(pump).start().expect("it starts");
    let app = runtime.app().clone();
    let run = {
        let app = app.clone();
        thread::spawn(move || app.run())
    };
    pumping.recv().expect("it begins when the service serves");
    let asking = thread::spawn(move || {
        app.request("another thread");
        app.request("once more");
    });
    let report = runtime.join();
    asking.join().expect("it only asks");
    assert_eq!(report.reason, Reason::Requested("another thread".into()));
    assert_eq!(report.task("pump").map(|task| task.outcome), Some(TaskOutcome::Stopped), "{report}");
    let reason = run.join().expect("it only waits").expect("it ran");
    assert_eq!(reason, Reason::Requested("another thread".into()));
}

#[test]
fn the_report_can_be_written_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("report.json");
    let report = builder().report(&path).start().expect("it starts").shutdown("the test");
    let written = std::fs::read_to_string(&path).expect("it was written");
    assert_eq!(written, report.to_json());
    let report = builder().report("/dev/full").start().expect("it starts").shutdown("the test");
    assert_eq!((report.outcome, report.exit_code), (Outcome::Incomplete, 3), "{report}");
}

#[test]
fn a_stop_before_it_was_ready() {
    let needs = Hook::new("needs", |args: &mut Args<'_>| args.shared::<String>().map(drop));
    let runtime = builder().lame_duck(4 * second()).hook(needs).start().expect("it starts");
    let app = runtime.app().clone();
    let began = Instant::now();
    let report = runtime.shutdown("the test");
    assert!(began.elapsed() < 4 * second(), "nobody has to look away: {report}");
    let missing = HookOutcome::Skipped(Skip::Missing("alloc::string::String".into()));
    assert_eq!(report.hook("needs").map(|hook| &hook.outcome), Some(&missing));
    assert_eq!(report.outcome, Outcome::Clean, "{report}");
    assert!(matches!(app.ready(), Err(StartError::Stopping)));
    assert!(matches!(app.task(Task::every("late", second(), |_: &mut Args<'_>| ())), Err(StartError::Stopping)));
    assert!(matches!(app.hook(Hook::new("late", |_: &mut Args<'_>| ())), Err(StartError::Stopping)));
}
