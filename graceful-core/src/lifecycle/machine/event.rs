//! What the machine is told, and what it asks for.

use std::time::{Duration, Instant};

use crate::lifecycle::phase::Phase;
use crate::lifecycle::plan::{HookId, PlanError};
use crate::lifecycle::reason::{Reason, Sender, Signal};
use crate::lifecycle::report::HookOutcome;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// All tickets are back and no more can be taken.
    Drained,
    /// The logs are flushed.
    Flushed,
    /// The program itself wants the end, here and now.
    Forced {
        by: String,
    },
    HookDone {
        id: HookId,
        outcome: HookOutcome,
    },
    /// `main` waits in `run`: it is joined like a task, but needs hardly any time.
    MainRests,
    /// The start is complete.
    Started,
    /// A shutdown is asked for, not by a signal. Asking twice changes nothing.
    Requested(Reason),
    /// A signal that means shutdown. Counts on the ladder.
    Signal {
        signal: Signal,
        sender: Option<Sender>,
        millis: u64,
    },
    /// There is one more task to be joined, or `main`.
    TaskBegan,
    /// One of them has ended.
    TaskEnded,
    /// Time has passed.
    Tick,
}

/// What the coordinator is to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    AbandonHook(HookId),
    /// The tasks' time is over: note which are late.
    AbandonTasks,
    /// Connections and tickets are told to leave at once.
    Cancel,
    /// The drain is over, whatever is still open.
    Cut,
    /// Close listeners, tell when nothing is in flight any more.
    Drain,
    /// A phase was entered and has until then.
    Enter {
        phase: Phase,
        deadline: Instant,
        budget: Duration,
    },
    /// The end: the report is complete.
    Exit,
    /// Flush the logs, within this long.
    Flush {
        budget: Duration,
    },
    /// The end, without finishing: the process must not wait for anything.
    ForceExit,
    /// A second signal: waits are cut short.
    Hasten,
    RunHook {
        id: HookId,
        deadline: Instant,
    },
    StopTasks {
        deadline: Instant,
    },
}

/// Why a hook cannot be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AddError {
    Plan(PlanError),
    /// Its turn has passed.
    TooLate,
}

/// What the machine is built with, beside the plan.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) service: String,
    pub(crate) debounce: Duration,
    pub(crate) incomplete_exit_code: u8,
    /// How far past the total the machine itself may come before it forces the end: scheduling delays add up.
    pub(crate) overrun: Duration,
}
