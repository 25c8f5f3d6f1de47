//! Checks of the injection that need all hooks at once, before any user code runs.

use std::any::TypeId;

use super::hooks::Hook;
use super::inject::is_built_in;
use super::registry::{Mode, Param};
use super::reload::Reload;
use super::tasks::Task;
use crate::lifecycle::hooks::HookPhase;
use crate::lifecycle::plan::PlanError;
use crate::text::owned;

/// Nothing is taken twice, and nothing is read once it may have been taken.
pub(crate) fn check(hooks: &[Hook], tasks: &[Task], reloads: &[Reload]) -> Result<(), PlanError> {
    let mut takers: Vec<(TypeId, &Hook)> = Vec::new();
    for hook in hooks {
        for param in taken(hook.params) {
            if let Some(first) = find(&takers, param.type_id) {
                return Err(PlanError::TakenTwice {
                    type_name: (param.type_name)(),
                    first: owned(&first.planned.name),
                    second: owned(&hook.planned.name),
                });
            }
            takers.push((param.type_id, hook));
        }
    }
    let taker = |id| find(&takers, id);
    let conflict = |param: &Param, reader: &str, taker: &Hook| PlanError::ReadAfterTake {
        type_name: (param.type_name)(),
        reader: owned(reader),
        taker: owned(&taker.planned.name),
    };
    for hook in hooks {
        for param in hook.params.iter().filter(|param| param.mode != Mode::Owned) {
            let Some(taker) = taker(param.type_id) else { continue };
            if (hook.planned.phase, hook.planned.order) >= (taker.planned.phase, taker.planned.order) {
                return Err(conflict(param, &hook.planned.name, taker));
            }
        }
    }
    // Tasks and reloads have ended when the hooks of the cleanup run, but not when those before the drain do.
    let running = tasks
        .iter()
        .map(|task| (task.planned.name.as_str(), task.params))
        .chain(reloads.iter().map(|reload| (reload.planned.name.as_str(), reload.params)));
    for (name, params) in running {
        for param in params {
            if let Some(taker) = taker(param.type_id)
                && taker.planned.phase == HookPhase::BeforeDrain
            {
                return Err(conflict(param, name, taker));
            }
        }
    }
    Ok(())
}

/// A check is like a task, in a function of its own: it is linked only where there is one.
pub(crate) fn check_reader(name: &str, params: &'static [Param], hooks: &[Hook]) -> Result<(), PlanError> {
    for hook in hooks.iter().filter(|hook| hook.planned.phase == HookPhase::BeforeDrain) {
        if let Some(param) = taken(hook.params).find(|taken| params.iter().any(|read| read.type_id == taken.type_id)) {
            return Err(PlanError::ReadAfterTake {
                type_name: (param.type_name)(),
                reader: owned(name),
                taker: owned(&hook.planned.name),
            });
        }
    }
    Ok(())
}

fn find<'a>(takers: &[(TypeId, &'a Hook)], id: TypeId) -> Option<&'a Hook> {
    takers.iter().find(|(taken, _)| *taken == id).map(|(_, hook)| *hook)
}

fn taken(params: &'static [Param]) -> impl Iterator<Item = &'static Param> {
    params.iter().filter(|param| param.mode == Mode::Owned && !is_built_in(param.type_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::inject::{Args, Deadline};

    struct Db;

    const READS: &[Param] = &[Param::shared::<Db>(), Param::owned::<Deadline>()];
    const TAKES: &[Param] = &[Param::owned::<Db>(), Param::owned::<Deadline>()];

    fn hook(name: &str, order: i32, params: &'static [Param]) -> Hook {
        Hook { params, ..Hook::new(name, |_: &mut Args<'_>| ()).order(order) }
    }

    #[test]
    fn reading_before_taking_is_fine() {
        check(&[hook("flush", 10, READS), hook("close", 20, TAKES)], &[], &[]).expect("read first, taken last");
    }

    #[test]
    fn conflicts_are_named() {
        let refused = |hooks: &[Hook]| check(hooks, &[], &[]).expect_err("a conflict").to_string();
        let late = refused(&[hook("flush", 20, READS), hook("close", 20, TAKES)]);
        assert!(late.starts_with("flush reads the") && late.contains("that close takes"), "{late}");
        let twice = refused(&[hook("one", 1, TAKES), hook("two", 2, TAKES)]);
        assert!(twice.starts_with("one and two both take the"), "{twice}");
        let early = hook("leave", 0, TAKES).phase(HookPhase::BeforeDrain);
        let task = Task { params: READS, ..Task::long_running("pump", |_: &mut Args<'_>| ()) };
        let error = check(&[early], &[task], &[]).expect_err("the task still runs").to_string();
        assert!(error.starts_with("pump reads the"), "{error}");
        let early = [hook("leave", 0, TAKES).phase(HookPhase::BeforeDrain)];
        let error = check_reader("ping", READS, &early).expect_err("the check still runs").to_string();
        assert!(error.starts_with("ping reads the") && error.contains("that leave takes"), "{error}");
        check_reader("ping", READS, &[hook("close", 0, TAKES)]).expect("checks have ended by then");
    }
}
