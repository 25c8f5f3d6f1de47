//! Which parts of a service a shutdown failed in, by name.

use super::reason::Reason;
use super::report::{HookOutcome, Report, Skip, TaskOutcome};

impl Report {
    /// The names of what did not end well, each once: hooks that failed, panicked, were abandoned or not run; tasks that were
    /// abandoned, failed while they were stopping, or were the reason; `main`; `connections` when some were cut or refused;
    /// tickets that did not come back; `values` that were not dropped in time. Empty after a clean end.
    #[must_use]
    pub fn failed(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut add = |name| {
            if !names.contains(&name) {
                names.push(name);
            }
        };
        match &self.reason {
            Reason::MainFailed(_) | Reason::MainPanicked(_) | Reason::StartFailed(_) => add("main"),
            Reason::TaskFailed { task, .. } | Reason::TaskPanicked { task, .. } => add(task),
            Reason::MainReturned | Reason::Requested(_) | Reason::Signal { .. } => {}
        }
        for hook in &self.hooks {
            match hook.outcome {
                HookOutcome::Completed | HookOutcome::Skipped(Skip::Missing(_)) => {}
                HookOutcome::Failed(_)
                | HookOutcome::Panicked(_)
                | HookOutcome::Skipped(Skip::Held(_) | Skip::NoTime)
                | HookOutcome::TimedOut => add(&hook.name),
            }
        }
        for task in self.tasks.iter().filter(|task| task.outcome == TaskOutcome::Abandoned) {
            add(&task.name);
        }
        let counts = &self.connections;
        if counts.cut + counts.refused + counts.still_open > 0 {
            add("connections");
        }
        for (name, _) in &self.tickets {
            add(name);
        }
        for name in &self.lost {
            add(name);
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_is_named_once() {
        let mut report = Report::new("shop".to_owned(), Duration::from_secs(30));
        assert_eq!(report.failed(), Vec::<&str>::new());
        report.reason = Reason::TaskFailed { task: "relay".into(), error: "gone".into() };
        report.connections.cut = 3;
        report.lost = vec!["relay".to_owned(), "values".to_owned()];
        report.tickets = vec![("legacy".to_owned(), 2)];
        assert_eq!(report.failed(), ["relay", "connections", "legacy", "values"]);
    }
}
