//! The plan for people and for machines: `GRACEFUL=plan`, `GRACEFUL=plan-json`.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use super::builder::Builder;
use crate::lifecycle::hooks::{Origin, PlannedHook};
use crate::lifecycle::json::{Item, Json};
use crate::lifecycle::plan::Plan;
use crate::lifecycle::reason::{Signal, SignalAction};
use crate::lifecycle::report_json::origin;
use crate::observe::Shown;

/// Writes it to stdout; a closed pipe (`| head`) is no error.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// The plan as a table.
pub(crate) fn text(builder: &Builder, plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, builder, plan);
    text
}

fn write(text: &mut String, builder: &Builder, plan: &Plan) -> fmt::Result {
    let budgets = plan.budgets();
    let waits = plan.waits(plan.tasks_ask());
    let reserved = plan.reserved();
    let (total, worst) = (Shown(budgets.timeout), Shown(plan.worst_case()));
    writeln!(text, "plan of {}: {total} in all, worst case {worst}", builder.settings.service)?;
    let lame_duck = waits.lame_duck + reserved.before_drain;
    let phases = [
        ("lame_duck", budgets.lame_duck.max(reserved.before_drain), lame_duck),
        ("draining", budgets.drain, waits.drain),
        ("stopping_tasks", plan.tasks_ask(), waits.tasks),
        ("cleaning_up", reserved.cleanup, reserved.cleanup),
    ];
    for (name, asked, granted) in phases {
        write!(text, "  {name:<15} {:>9}", Shown(granted))?;
        if asked != granted {
            write!(text, "  (asked {})", Shown(asked))?;
        }
        text.push('\n');
    }
    let (flush, logs) = (Shown(reserved.flush), Shown(budgets.flush));
    writeln!(text, "  {:<15} {flush:>9}  (logs {logs})", "flushing")?;
    let hooks = plan.in_order();
    if !hooks.is_empty() {
        let width = hooks.iter().map(|id| plan.hook(*id).name.len()).max().unwrap_or(0);
        text.push_str("hooks, in the order in which they run (equal orders in parallel):\n");
        for hook in hooks.iter().map(|id| plan.hook(*id)) {
            let PlannedHook { name, phase, order, timeout, origin } = hook;
            let (phase, timeout, place) = (phase.name(), Shown(*timeout), Place(*origin));
            writeln!(text, "  {phase:<12} order {order:<6} {name:<width$}  {timeout:>7}  {place}")?;
        }
    }
    if !plan.tasks().is_empty() {
        text.push_str("tasks:\n");
        for task in plan.tasks() {
            let (name, place) = (&task.name, Place(task.origin));
            match task.every {
                None => writeln!(text, "  {name}  long-running  {place}")?,
                Some(every) => writeln!(text, "  {name}  every {}  {place}", Shown(every))?,
            }
        }
    }
    if !plan.reloads().is_empty() {
        text.push_str("reload hooks:\n");
        for reload in plan.reloads() {
            writeln!(text, "  {}  {}", reload.name, Place(reload.origin))?;
        }
    }
    if let Some(check) = builder.checks.first() {
        text.push_str(&(check.runner.text)(plan.checks()));
    }
    for kind in plan.kinds_off() {
        writeln!(text, "checks of {kind} are off")?;
    }
    text.push_str("signals:");
    let mut comma = "";
    for (signal, action) in signals(builder, plan) {
        write!(text, "{comma} {signal} {}", action_name(action))?;
        comma = ",";
    }
    text.push('\n');
    Ok(())
}

/// The plan as JSON. Times are milliseconds.
pub(crate) fn json(builder: &Builder, plan: &Plan) -> String {
    let budgets = plan.budgets();
    let waits = plan.waits(plan.tasks_ask());
    let reserved = plan.reserved();
    let phases = [
        ("lame_duck", budgets.lame_duck, waits.lame_duck + reserved.before_drain),
        ("draining", budgets.drain, waits.drain),
        ("stopping_tasks", budgets.tasks, waits.tasks),
        ("cleaning_up", reserved.cleanup, reserved.cleanup),
        ("flushing", reserved.flush, reserved.flush),
    ];
    // Members are in the order of the alphabet.
    Json::document(|json| {
        match builder.checks.first() {
            Some(check) => (check.runner.json)(json, plan.checks()),
            None => json.texts("checks", &[]),
        }
        if !plan.kinds_off().is_empty() {
            let kinds: Vec<String> = plan.kinds_off().iter().map(|kind| kind.name().to_owned()).collect();
            json.texts("checks_off", &kinds);
        }
        json.list("hooks", plan.in_order(), |json, id| hook(json, plan.hook(id)));
        json.list("phases", phases, |json, (name, asked, granted)| {
            json.put("asked_ms", Item::Millis(asked));
            json.put("granted_ms", Item::Millis(granted));
            json.put("phase", Item::Text(name));
        });
        json.list("reloads", plan.reloads(), |json, reload| {
            json.put("name", Item::Text(&reload.name));
            origin(json, reload.origin);
            json.put("timeout_ms", Item::Millis(reload.timeout));
        });
        json.put("schema", Item::Number(1));
        json.put("service", Item::Text(&builder.settings.service));
        json.object("signals", |json| {
            for (signal, action) in signals(builder, plan) {
                json.put(signal.name(), Item::Text(action_name(action)));
            }
        });
        json.list("tasks", plan.tasks(), |json, task| {
            json.put("every_ms", Item::millis(task.every));
            json.put("name", Item::Text(&task.name));
            origin(json, task.origin);
        });
        json.put("timeout_ms", Item::Millis(budgets.timeout));
        json.put("worst_case_ms", Item::Millis(plan.worst_case()));
    })
}

fn hook(json: &mut Json, hook: &PlannedHook) {
    json.put("name", Item::Text(&hook.name));
    json.put("order", Item::Signed(hook.order.into()));
    origin(json, hook.origin);
    json.put("phase", Item::Text(hook.phase.name()));
    json.put("timeout_ms", Item::Millis(hook.timeout));
}

/// Where something comes from.
pub(super) struct Place(pub(super) Option<&'static Origin>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(origin) => write!(f, "{origin} ({})", origin.krate),
            None => f.write_str("added by the program"),
        }
    }
}

fn signals(builder: &Builder, plan: &Plan) -> Vec<(Signal, SignalAction)> {
    let has_reload = !plan.reloads().is_empty();
    let here = |signal: &Signal| cfg!(windows) || *signal != Signal::Break;
    Signal::ALL.into_iter().filter(here).map(|signal| (signal, builder.settings.action(signal, has_reload))).collect()
}

fn action_name(action: SignalAction) -> &'static str {
    match action {
        SignalAction::Ignore => "ignore",
        SignalAction::Reload => "reload",
        SignalAction::Shutdown => "shutdown",
    }
}
