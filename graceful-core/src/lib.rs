//! The core of `graceful`: how a threaded service starts, serves, drains and dies well.
#![deny(unsafe_code)]

mod channel;
mod clock;
mod config;
mod duration;
mod engine;
mod error;
mod lifecycle;
mod observe;
mod panics;
mod runtime;
mod sync;
mod sys;
mod text;
mod threads;

pub use config::{
    EffectiveSetting, FileEntry, FileReader, FileValue, SETTINGS, Setting, SettingKind, SettingValue, Switch, Unit,
    Variable,
};
pub use engine::{
    Address, Connection, ConnectionCounts, ConnectionStates, CounterGroup, LocalAddress, PeerAddress, Readable,
    RequestCounts, Stream,
};
pub use error::{BoxError, StartError};
pub use lifecycle::checks::{CheckKind, Criticality};
pub use lifecycle::exit::Outcome;
pub use lifecycle::hooks::{HookPhase, Origin};
pub use lifecycle::phase::Phase;
pub use lifecycle::plan::PlanError;
pub use lifecycle::reason::{Reason, Sender, Signal, SignalAction};
pub use lifecycle::report::{
    HookOutcome, HookReport, PhaseEnd, PhaseReport, Report, SignalReport, Skip, TaskOutcome, TaskReport,
};
pub use runtime::app::App;
pub use runtime::builder::{Builder, Runtime, Signals};
pub use runtime::checks::{Check, CheckOutcome, CheckReport, CheckStatus};
pub use runtime::child::{Child, ChildEnd};
pub use runtime::hooks::Hook;
pub use runtime::inject::{Args, CallError, Deadline, Returned};
pub use runtime::registry::{PanicPolicy, Registered};
pub use runtime::reload::Reload;
pub use runtime::status::{
    HookState, HookStatus, PhaseState, PhaseStatus, ShutdownStatus, Status, TaskState, TaskStatus,
};
pub use runtime::stop::{Stop, Stopping};
pub use runtime::tasks::Task;
pub use runtime::tickets::{DrainClosed, Ticket};
#[cfg(unix)]
pub use runtime::waiting::StopSource;
pub use runtime::waiting::{Listener, Receive, RecvError, Unjoined, WaitEnded, join_timeout};

/// For those who write a protocol: sessions that live on the event loops. HTTP is one.
pub mod protocol {
    pub use crate::engine::{
        Bell, Buffers, Counters, Doing, Ending, Next, Pace, Place, Protocol, Session, Turn, Waited, Wake, Wanted, Wire,
    };
    pub use crate::runtime::app::{Answered, Serves};
}

/// What the attributes expand to. Not for use by hand: it may change with every release.
#[doc(hidden)]
pub mod __private {
    pub use crate::config::{Contribution, contributed, process_setting};
    pub use crate::duration::parse as parse_duration;
    pub use crate::lifecycle::checks::{CheckKind, Criticality};
    pub use crate::lifecycle::hooks::{HookPhase, Origin};
    pub use crate::lifecycle::reason::{Signal, SignalAction};
    pub use crate::panics::{catch as catch_panic, drop_quietly};
    pub use crate::runtime::checks::CheckRunner;
    pub use crate::runtime::entry::{MainSpec, main};
    pub use crate::runtime::inject::{Args, CallError, Returned};
    pub use crate::runtime::registry::{Item, PanicPolicy, Param, Registered, Registration, Submitted};
    pub use crate::runtime::reload::ReloadRunner;
    pub use crate::runtime::tasks::TaskRunner;
    pub use crate::text::{owned as owned_text, same as same_text};
    pub use inventory;

    /// What a user's function returned, in one form.
    ///
    /// # Errors
    /// The function's own.
    pub fn outcome<R: Returned>(returned: R) -> Result<(), CallError> {
        returned.into_result().map_err(CallError::from_user)
    }
}
