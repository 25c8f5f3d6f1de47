//! What a check brings along: the code that nobody needs who has none.

use super::board::Board;
use super::check::Check;
use super::listing;
use crate::config::Settings;
use crate::lifecycle::checks::PlannedCheck;
use crate::lifecycle::json::Json;
use crate::lifecycle::plan::{Plan, PlanError};
use crate::runtime::app::App;
use crate::runtime::hooks::Hook;
use crate::runtime::registry::Registration;

/// Puts checks into a plan with these hooks, as the settings say, unless it cannot be kept with them.
type Planning = fn(&mut Vec<Check>, &Settings, &[Hook], &mut Plan) -> Result<(), PlanError>;

/// Everything that only checks need. A registration holds the pointer to it, as that of a task holds its
/// [`TaskRunner`](crate::runtime::tasks::TaskRunner): it is linked where a check is registered and nowhere else.
#[derive(Debug)]
pub struct CheckRunner {
    /// Makes a check of what was registered.
    pub(crate) register: fn(&mut Vec<Check>, &'static Registration),
    /// Puts checks into the plan.
    pub(crate) plan: Planning,
    /// Hands checks to the runtime, which starts them once the service serves.
    pub(crate) take_on: fn(&App, Vec<Check>),
    /// The plan's lines.
    pub(crate) text: fn(&[PlannedCheck]) -> String,
    /// The plan as data.
    pub(crate) json: fn(&mut Json, &[PlannedCheck]),
}

impl CheckRunner {
    /// A thread for each run, and one that looks after them.
    pub const THREADS: &'static Self = &Self {
        register: Check::register,
        plan: Check::plan,
        take_on: Board::take_on,
        text: listing::text,
        json: listing::json,
    };
}
