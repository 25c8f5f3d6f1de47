//! The machine under a virtual clock: any order of signals, completions, panics, hangs and deadlines.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::budget::{Budgets, DrainEnd};
use super::exit::Outcome;
use super::hooks::{HookPhase, PlannedHook};
use super::machine::{Action, CANCEL_GRACE, Event, Machine, Rules};
use super::phase::Phase;
use super::plan::{HookId, Plan};
use super::reason::{Reason, Signal};
use super::report::{HookOutcome, PhaseEnd};

const OVERRUN: Duration = Duration::from_millis(150);

/// What a hook, task, drain or flush does once it was begun: ends after that many milliseconds, or never.
type Ends = Option<u64>;

#[derive(Clone, Debug)]
struct Hook {
    phase: HookPhase,
    order: i32,
    timeout: u64,
    ends: Ends,
    outcome: HookOutcome,
}

#[derive(Clone, Debug)]
struct World {
    budgets: [u64; 4],
    drain_end: DrainEnd,
    /// Added to what the reserved parts need, to make the total.
    spare: u64,
    hooks: Vec<Hook>,
    tasks: Vec<Ends>,
    drain: Ends,
    flush: Ends,
    /// Whether the service came to serve before the first request.
    served: bool,
    signals: Vec<u64>,
    request: Option<u64>,
    force: Option<u64>,
    /// How late the coordinator notices each deadline.
    latency: u64,
}

/// What a run looked like from outside.
#[derive(Debug, Default)]
struct Run {
    began: BTreeMap<HookId, u64>,
    abandoned: BTreeMap<HookId, u64>,
    phases: Vec<(Phase, u64)>,
    ends: Vec<(Action, u64)>,
    drain_ended: Option<u64>,
    tasks_ended: Option<u64>,
    cancelled: Option<u64>,
    cut: Option<u64>,
    requested: u64,
}

impl World {
    fn plan(&self) -> Plan {
        let [lame_duck, drain, tasks, flush] = self.budgets.map(Duration::from_millis);
        let mut worst = super::hooks::WorstCase::default();
        for hook in &self.hooks {
            worst.add(hook.phase, hook.order, Duration::from_millis(hook.timeout));
        }
        let timeout = worst.reserved(flush).sum() + Duration::from_millis(self.spare);
        let mut plan = Plan::new(Budgets { timeout, lame_duck, drain, drain_end: self.drain_end, tasks, flush })
            .expect("it fits by construction");
        for (nth, hook) in self.hooks.iter().enumerate() {
            plan.add_hook(PlannedHook {
                name: format!("hook {nth}"),
                phase: hook.phase,
                order: hook.order,
                timeout: Duration::from_millis(hook.timeout),
                origin: None,
            })
            .expect("it fits by construction");
        }
        plan
    }

    /// Drives the machine until it ends. Panics when it hangs.
    fn run(&self) -> (Run, Machine) {
        let t0 = Instant::now();
        let at = |millis: u64| t0 + Duration::from_millis(millis);
        let plan = self.plan();
        let rules = Rules {
            service: "simulated".into(),
            debounce: Duration::from_millis(500),
            incomplete_exit_code: 3,
            overrun: OVERRUN,
        };
        let mut machine = Machine::new(rules, plan, t0);
        let mut run = Run::default();
        let mut queue: Vec<(u64, Event)> = Vec::new();
        for _ in &self.tasks {
            machine.event(t0, Event::TaskBegan);
        }
        if self.served {
            machine.event(t0, Event::Started);
        }
        for millis in &self.signals {
            queue.push((*millis, Event::Signal { signal: Signal::Term, sender: None, millis: *millis }));
        }
        if let Some(millis) = self.request {
            queue.push((millis, Event::Requested(Reason::Requested("a test".into()))));
        }
        if let Some(millis) = self.force {
            queue.push((millis, Event::Forced { by: "a test".into() }));
        }
        run.requested = queue.iter().map(|(millis, _)| *millis).min().expect("something asks for it");
        let mut now = 0;
        for _ in 0..10_000 {
            while let Some(action) = machine.poll_action() {
                self.perform(&mut run, &mut queue, now, action);
            }
            if machine.phase() == Phase::Exited {
                return (run, machine);
            }
            let due = machine.next_deadline().map(|deadline| {
                assert!(deadline > at(now), "the machine asks for a time that has passed: it would spin");
                // Rounded up to the virtual clock's millisecond.
                let nanos = deadline.duration_since(t0).as_nanos();
                u64::try_from(nanos.div_ceil(1_000_000)).expect("small") + self.latency
            });
            queue.sort_by_key(|(millis, _)| *millis);
            match (queue.first().map(|(millis, _)| *millis), due) {
                (Some(event), Some(due)) if event > due => now = due,
                (Some(_), _) => {
                    let (millis, event) = queue.remove(0);
                    now = now.max(millis);
                    machine.event(at(now), event);
                    continue;
                }
                (None, Some(due)) => now = due,
                (None, None) => panic!("nothing will ever happen again in phase {}", machine.phase()),
            }
            machine.event(at(now), Event::Tick);
        }
        panic!("no end after 10 000 steps");
    }

    fn perform(&self, run: &mut Run, queue: &mut Vec<(u64, Event)>, now: u64, action: Action) {
        match action {
            Action::RunHook { id, .. } => {
                assert!(run.began.insert(id, now).is_none(), "a hook ran twice");
                let hook = &self.hooks[id.0];
                if let Some(after) = hook.ends {
                    queue.push((now + after, Event::HookDone { id, outcome: hook.outcome.clone() }));
                }
            }
            Action::AbandonHook(id) => assert!(run.abandoned.insert(id, now).is_none()),
            Action::Enter { phase, .. } => {
                if phase == Phase::StoppingTasks {
                    run.drain_ended = Some(now);
                }
                if phase == Phase::CleaningUp {
                    run.tasks_ended = Some(now);
                }
                run.phases.push((phase, now));
            }
            Action::Drain => {
                if let Some(after) = self.drain {
                    queue.push((now + after, Event::Drained));
                }
            }
            Action::StopTasks { .. } => {
                for after in self.tasks.iter().flatten() {
                    queue.push((now + after, Event::TaskEnded));
                }
            }
            Action::Flush { .. } => {
                if let Some(after) = self.flush {
                    queue.push((now + after, Event::Flushed));
                }
            }
            Action::Cancel => assert!(run.cancelled.replace(now).is_none(), "cancelled twice"),
            Action::Cut => assert!(run.cut.replace(now).is_none(), "cut twice"),
            Action::Exit | Action::ForceExit => run.ends.push((action, now)),
            Action::AbandonTasks | Action::Hasten => {}
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let (run, machine) = self.run();
        let report = machine.report();
        let forced = matches!(report.outcome, Outcome::Forced(_) | Outcome::ForcedByRequest);
        let timeout = u64::try_from(report.timeout.as_millis()).expect("small");
        let (ending, ended) = run.ends.first().expect("it ended");
        // Exactly once.
        prop_assert_eq!(run.ends.len(), 1);
        // By `timeout`; by the hard deadline at the latest when deadlines are noticed late.
        let allowed = if self.latency == 0 { timeout } else { timeout + 150 + self.latency };
        prop_assert!(*ended <= run.requested + allowed, "{} after {}, allowed {}", ended, run.requested, allowed);
        if self.latency == 0 {
            prop_assert_ne!(report.outcome, Outcome::DeadlineExceeded);
        }
        prop_assert_eq!(*ending == Action::ForceExit, forced || report.outcome == Outcome::DeadlineExceeded);
        // Whoever forces it is obeyed at once, unless it is over by then.
        if let Some(force) = self.force {
            prop_assert!(*ended <= force, "forced at {}, ended at {}", force, ended);
        }
        prop_assert!(report.outcome != Outcome::ForcedByRequest || self.force == Some(*ended));
        // Phases in their order, none twice, none left out unless forced.
        let phases: Vec<Phase> = run.phases.iter().map(|(phase, _)| *phase).collect();
        prop_assert!(Phase::SHUTDOWN.starts_with(&phases));
        if !forced && self.latency == 0 {
            prop_assert_eq!(phases.len(), Phase::SHUTDOWN.len());
        }
        for (nth, hook) in self.hooks.iter().enumerate() {
            let id = HookId(nth);
            let Some(began) = run.began.get(&id) else {
                prop_assert!(forced || self.latency > 0, "hook {} never ran", nth);
                continue;
            };
            // No hook before the drain ended and tasks had their time.
            if hook.phase != HookPhase::BeforeDrain {
                prop_assert!(run.tasks_ended.is_some_and(|ended| ended <= *began));
                prop_assert!(run.drain_ended.is_some_and(|ended| ended <= *began));
            }
            // Every hook is offered its full time.
            if let Some(abandoned) = run.abandoned.get(&id) {
                prop_assert!(*abandoned >= began + hook.timeout || *ending == Action::ForceExit);
                prop_assert!(*ending == Action::ForceExit || hook.ends.is_none_or(|ends| ends >= hook.timeout));
            }
            // Orders one after the other.
            for (other, earlier) in self.hooks.iter().enumerate() {
                if earlier.phase == hook.phase && earlier.order < hook.order {
                    prop_assert!(run.began.get(&HookId(other)).is_some_and(|other| other <= began));
                }
            }
        }
        // Cut only after a chance to leave.
        if let Some(cut) = run.cut {
            prop_assert!(run.cancelled.is_some_and(|cancelled| cancelled <= cut));
        }
        // Every hook is in the report, once; exit code 0 means that nothing was left undone.
        prop_assert_eq!(report.hooks.len(), self.hooks.len());
        prop_assert_eq!(report.exit_code == 0, report.incomplete.is_empty());
        // The request is never restarted by signals that follow.
        prop_assert_eq!(report.took, Duration::from_millis(ended - run.requested));
        Ok(())
    }
}

fn ends(up_to: u64) -> impl Strategy<Value = Ends> {
    prop_oneof![3 => (0..up_to).prop_map(Some), 1 => Just(None)]
}

fn hook() -> impl Strategy<Value = Hook> {
    let phase = prop_oneof![
        1 => Just(HookPhase::BeforeDrain),
        4 => Just(HookPhase::Cleanup),
        1 => Just(HookPhase::Flush)
    ];
    let outcome = prop_oneof![
        4 => Just(HookOutcome::Completed),
        1 => Just(HookOutcome::Failed("no".into())),
        1 => Just(HookOutcome::Panicked("oh".into())),
    ];
    (phase, -2..4_i32, 1..3000_u64, ends(4000), outcome).prop_map(|(phase, order, timeout, ends, outcome)| Hook {
        phase,
        order,
        timeout,
        ends,
        outcome,
    })
}

fn world() -> impl Strategy<Value = World> {
    let first = (
        ([0..4000_u64, 0..8000, 0..4000, 0..1500], prop_oneof![Just(DrainEnd::Budget), Just(DrainEnd::Reserve)]),
        0..12_000_u64,
        proptest::collection::vec(hook(), 0..8),
        proptest::collection::vec(ends(6000), 0..4),
        ends(10_000),
    );
    let second = (
        ends(2000),
        any::<bool>(),
        proptest::collection::vec(0..9000_u64, 1..5),
        proptest::option::of(0..3000_u64),
        prop_oneof![4 => Just(None), 1 => (0..12_000_u64).prop_map(Some)],
        prop_oneof![3 => Just(0_u64), 1 => 1..30_u64],
    );
    (first, second).prop_map(|(first, (flush, served, signals, request, force, latency))| {
        let ((budgets, drain_end), spare, hooks, tasks, drain) = first;
        World { budgets, drain_end, spare, hooks, tasks, drain, flush, served, signals, request, force, latency }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn every_shutdown_ends_well(world in world()) {
        world.check()?;
    }

    /// Without a second signal nothing is ever forced, whatever hangs.
    #[test]
    fn one_request_is_never_forced(mut world in world()) {
        world.latency = 0;
        world.signals.truncate(1);
        world.request = None;
        world.force = None;
        let (run, _) = world.run();
        prop_assert_eq!(run.ends.first().map(|(action, _)| action.clone()), Some(Action::Exit));
    }
}

fn quiet() -> World {
    World {
        budgets: [0, 20_000, 10_000, 1000],
        drain_end: DrainEnd::Budget,
        spare: 30_000,
        hooks: Vec::new(),
        tasks: Vec::new(),
        drain: Some(0),
        flush: Some(0),
        served: true,
        signals: vec![0],
        request: None,
        force: None,
        latency: 0,
    }
}

fn cleanup(order: i32, timeout: u64, ends: Ends) -> Hook {
    Hook { phase: HookPhase::Cleanup, order, timeout, ends, outcome: HookOutcome::Completed }
}

#[test]
fn a_quiet_service_ends_at_once() {
    let (run, machine) = quiet().run();
    assert_eq!(run.ends, [(Action::Exit, 0)]);
    assert_eq!(machine.report().outcome, Outcome::Clean);
}

#[test]
fn slack_flows_on_to_the_tasks() {
    // 16 s in all, 1 s reserved: drain and tasks share 15 s as 10 and 5. A drain that ends at once leaves the tasks all of
    // the 10 s they asked for.
    let world = World { spare: 15_000, tasks: vec![None], ..quiet() };
    let (run, machine) = world.run();
    assert_eq!(run.tasks_ended, Some(10_000));
    assert_eq!(machine.report().phases[2].end, PhaseEnd::Deadline);
    // One that hangs takes its own 10 s and leaves them 5.
    let (run, _) = World { drain: None, ..world }.run();
    assert_eq!(run.drain_ended, Some(10_000));
    assert_eq!(run.tasks_ended, Some(15_000));
}

#[test]
fn a_drain_may_use_whatever_is_nobody_elses() {
    // 31 s in all: 1 s is reserved, 10 s are the tasks'.
    let world = World { drain: None, drain_end: DrainEnd::Reserve, tasks: vec![None], ..quiet() };
    let (run, _) = World { budgets: [0, 3000, 10_000, 1000], ..world.clone() }.run();
    assert_eq!((run.drain_ended, run.tasks_ended), (Some(20_000), Some(30_000)));
    // Its own budget is the least that it asks for.
    let (run, _) = World { budgets: [0, 50_000, 10_000, 1000], ..world }.run();
    assert_eq!(run.drain_ended, Some(25_000));
}

#[test]
fn a_hanging_drain_cannot_touch_the_hooks() {
    let world =
        World { spare: 2000, drain: None, hooks: vec![cleanup(1, 3000, None), cleanup(2, 4000, None)], ..quiet() };
    let (run, machine) = world.run();
    assert_eq!(run.cut, Some(2000));
    assert_eq!(run.cancelled, Some(2000 - 250));
    assert_eq!(run.abandoned, BTreeMap::from([(HookId(0), 5000), (HookId(1), 9000)]));
    assert_eq!(machine.report().outcome, Outcome::Incomplete);
}

#[test]
fn a_second_signal_skips_the_waiting_and_keeps_the_hooks() {
    let world = World {
        budgets: [5000, 20_000, 10_000, 1000],
        drain_end: DrainEnd::Budget,
        drain: None,
        tasks: vec![None],
        hooks: vec![cleanup(1, 3000, None)],
        signals: vec![0, 5, 1000],
        ..quiet()
    };
    let (run, machine) = world.run();
    let grace = u64::try_from(CANCEL_GRACE.as_millis()).expect("small");
    assert_eq!(run.cancelled, Some(1000), "the lame duck ends at once, and what is in flight is told");
    assert_eq!(run.cut, Some(1000 + grace));
    assert_eq!(run.tasks_ended, Some(1000 + 2 * grace));
    assert_eq!(run.ends, [(Action::Exit, 1000 + 2 * grace + 3000)]);
    let effects: Vec<_> = machine.report().signals.iter().map(|signal| signal.effect).collect();
    assert_eq!(effects, ["graceful", "debounced", "fast"]);
}

#[test]
fn a_third_signal_ends_it_now() {
    let world = World {
        hooks: vec![cleanup(1, 9000, None), cleanup(2, 9000, Some(0))],
        signals: vec![0, 600, 1300],
        ..quiet()
    };
    let (run, machine) = world.run();
    assert_eq!(run.ends, [(Action::ForceExit, 1300)]);
    assert_eq!(machine.report().outcome, Outcome::Forced(Signal::Term));
    assert_eq!(machine.report().exit_code, 143);
    let outcomes: Vec<_> = machine.report().hooks.iter().map(|hook| hook.outcome.name()).collect();
    assert_eq!(outcomes, ["timed_out", "skipped"]);
}

#[test]
fn a_forced_end_is_now_whatever_it_is_at() {
    let world = World { hooks: vec![cleanup(1, 9000, None), cleanup(2, 9000, Some(0))], force: Some(700), ..quiet() };
    let (run, machine) = world.run();
    assert_eq!(run.ends, [(Action::ForceExit, 700)]);
    let report = machine.report();
    assert_eq!((report.outcome, report.exit_code), (Outcome::ForcedByRequest, 124));
    let outcomes: Vec<_> = report.hooks.iter().map(|hook| hook.outcome.name()).collect();
    assert_eq!(outcomes, ["timed_out", "skipped"]);
    assert_eq!(report.incomplete[0], "the end was forced while it was cleaning_up, by a test");
    // While it serves, or starts, that is also why it ends.
    for served in [true, false] {
        let (run, machine) = World { signals: Vec::new(), force: Some(0), served, ..world.clone() }.run();
        assert_eq!(run.ends, [(Action::ForceExit, 0)]);
        assert_eq!(machine.report().reason, Reason::Requested("a test".into()));
        assert_eq!(machine.report().outcome, Outcome::ForcedByRequest);
    }
}

#[test]
fn a_request_then_a_signal_is_not_haste() {
    // A pre-stop call that asks for the shutdown, then the orchestrator's SIGTERM: the drain keeps its time.
    let world = World { request: Some(0), signals: vec![1000], drain: Some(3000), ..quiet() };
    let (run, machine) = world.run();
    assert_eq!(run.ends, [(Action::Exit, 3000)]);
    assert_eq!(machine.report().outcome, Outcome::Clean);
}

#[test]
fn a_stop_during_the_start_has_no_lame_duck() {
    let world = World { served: false, budgets: [5000, 20_000, 10_000, 1000], ..quiet() };
    assert_eq!(world.run().0.ends, [(Action::Exit, 0)]);
    let world = World { served: true, budgets: [5000, 20_000, 10_000, 1000], ..quiet() };
    assert_eq!(world.run().0.ends, [(Action::Exit, 5000)]);
}
