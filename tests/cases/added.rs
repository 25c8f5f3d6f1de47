//! Hooks that are added at run time, by closures: in time, too late, and against the plan.

use std::sync::mpsc;
use std::time::Duration;

use graceful::{App, Args, Hook, HookPhase, Outcome, Runtime, StartError};

#[test]
fn hooks_are_added_until_their_turn() {
    fn noop(name: &str) -> Hook {
        Hook::new(name, |_: &mut Args<'_>| ()).timeout(Duration::from_millis(500))
    }
    // What a hook of each phase is answered when it adds hooks of all phases.
    let (tell, told) = mpsc::channel();
    let adder = |name: &'static str, phase: HookPhase| {
        let tell = tell.clone();
        Hook::new(name, move |args: &mut Args<'_>| {
            let app = args.owned::<App>()?;
            for added in [HookPhase::BeforeDrain, HookPhase::Cleanup, HookPhase::Flush] {
                let answer = app.hook(noop(&format!("{name} adds {added}")).phase(added).order(9));
                let refused = matches!(answer, Err(StartError::Stopping));
                assert!(answer.is_ok() || refused, "{name}, {added}: {answer:?}");
                tell.send((name, added, !refused)).expect("the test listens");
            }
            Ok::<(), graceful::CallError>(())
        })
        .phase(phase)
        .timeout(Duration::from_millis(500))
    };
    let runtime = Runtime::builder("embedded")
        .timeout(Duration::from_secs(20))
        .hook(adder("early", HookPhase::BeforeDrain))
        .hook(adder("middle", HookPhase::Cleanup))
        .hook(adder("late", HookPhase::Flush))
        .start()
        .expect("it starts");
    runtime.app().hook(noop("while it starts")).expect("in time");
    runtime.app().ready().expect("nothing is in the way");
    runtime.app().hook(noop("while it serves").phase(HookPhase::BeforeDrain)).expect("in time");
    let report = runtime.shutdown("the test");
    drop(tell);
    let answers: Vec<_> =
        told.into_iter().filter(|(_, _, added)| *added).map(|(name, phase, _)| (name, phase)).collect();
    assert_eq!(answers, [("early", HookPhase::Cleanup), ("early", HookPhase::Flush)]);
    let ran: Vec<&str> = report.hooks.iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(
        ran,
        ["early", "while it serves", "middle", "while it starts", "early adds cleanup", "late", "early adds flush"]
    );
    assert_eq!(report.outcome, Outcome::Clean, "{report}");
}

#[test]
fn what_is_added_must_fit() {
    let second = Duration::from_secs(1);
    let runtime = Runtime::builder("embedded").timeout(5 * second).start().expect("it starts");
    let hook = |name: &str, timeout| Hook::new(name, |_: &mut Args<'_>| ()).timeout(timeout);
    runtime.app().hook(hook("one", second)).expect("there is time");
    let message = |answer: Result<(), StartError>| answer.expect_err("it is refused").to_string();
    assert!(message(runtime.app().hook(hook("one", second).order(1))).contains("are called \"one\""));
    let sum = message(runtime.app().hook(hook("two", 4 * second).order(1)));
    assert_eq!(
        sum,
        "the plan cannot be kept: one 1s (cleanup, order 0) + two 4s (cleanup, order 1) + flush 1s = 6s is more than the total \
         of 5s; set timeout = \"6s\" or more, or shorten a step"
    );
    let report = runtime.shutdown("the test");
    assert_eq!(report.hooks.len(), 1, "{report}");
    assert_eq!(report.outcome, Outcome::Clean, "{report}");
}
