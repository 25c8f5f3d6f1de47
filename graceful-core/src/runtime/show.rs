//! The plan for people and for machines: `GRACEFUL=plan`, `GRACEFUL=plan-json`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use super::builder::Builder;
use crate::lifecycle::hooks::{Origin, PlannedHook};
use crate::lifecycle::json::{Item, Json};
use crate::lifecycle::plan::Plan;
use crate::lifecycle::reason::{Signal, SignalAction};
use crate::lifecycle::report_json::origin;
use crate::observe::show;

/// Writes it to stdout; a closed pipe (`| head`) is no error.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// The plan as a table.
pub(crate) fn text(builder: &Builder, plan: &Plan) -> String {
    let budgets = plan.budgets();
    let waits = plan.waits(plan.tasks_ask());
    let reserved = plan.reserved();
    let mut text = String::new();
    let _ = writeln!(
        text,
        "plan of {}: {} in all, worst case {}",
        builder.settings.service,
        show(budgets.timeout),
        show(plan.worst_case())
    );
    let mut phase = |name: &str, granted: Duration, note: String| {
        let _ = writeln!(text, "  {name:<15} {:>9}{}{note}", show(granted), if note.is_empty() { "" } else { "  " });
    };
    let asked = |asked: Duration, granted: Duration| {
        if asked == granted { String::new() } else { format!("(asked {})", show(asked)) }
    };
    let lame_duck = waits.lame_duck + reserved.before_drain;
    phase("lame_duck", lame_duck, asked(budgets.lame_duck.max(reserved.before_drain), lame_duck));
    phase("draining", waits.drain, asked(budgets.drain, waits.drain));
    phase("stopping_tasks", waits.tasks, asked(plan.tasks_ask(), waits.tasks));
    phase("cleaning_up", reserved.cleanup, String::new());
    phase("flushing", reserved.flush, format!("(logs {})", show(budgets.flush)));
    let hooks = plan.in_order();
    if !hooks.is_empty() {
        let width = hooks.iter().map(|id| plan.hook(*id).name.len()).max().unwrap_or(0);
        let _ = writeln!(text, "hooks, in the order in which they run (equal orders in parallel):");
        for hook in hooks.iter().map(|id| plan.hook(*id)) {
            let _ = writeln!(
                text,
                "  {:<12} order {:<6} {:<width$}  {:>7}  {}",
                hook.phase.name(),
                hook.order,
                hook.name,
                show(hook.timeout),
                place(hook.origin)
            );
        }
    }
    if !plan.tasks().is_empty() {
        let _ = writeln!(text, "tasks:");
        for task in plan.tasks() {
            let every = task.every.map_or_else(|| "long-running".to_owned(), |every| format!("every {}", show(every)));
            let _ = writeln!(text, "  {}  {every}  {}", task.name, place(task.origin));
        }
    }
    if !plan.reloads().is_empty() {
        let _ = writeln!(text, "reload hooks:");
        for reload in plan.reloads() {
            let _ = writeln!(text, "  {}  {}", reload.name, place(reload.origin));
        }
    }
    if let Some(check) = builder.checks.first() {
        text.push_str(&(check.runner.text)(plan.checks()));
    }
    for kind in plan.kinds_off() {
        let _ = writeln!(text, "checks of {kind} are off");
    }
    text.push_str("signals: ");
    for (place, (signal, action)) in signals(builder, plan).into_iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{signal} {}", action_name(action));
    }
    text.push('\n');
    text
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

pub(super) fn place(origin: Option<&Origin>) -> String {
    origin.map_or_else(|| "added by the program".to_owned(), |origin| format!("{origin} ({})", origin.krate))
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
