//! What registered hooks cost before `main` runs, and in a look at the plan.

use graceful_benches::{Result, now};

use crate::program::{Program, command};
use crate::samples::{Samples, turns};
use crate::table::Group;

const RUNS: usize = 100;

const PROGRAMS: [(&str, &str); 5] = [
    ("hooks_0", "graceful, no hook"),
    ("start_bare", "bare `fn main` (floor)"),
    ("hooks_1", "1 hook"),
    ("hooks_100", "100 hooks"),
    ("hooks_1000", "1 000 hooks"),
];

pub(crate) fn measure() -> Result<Vec<Group>> {
    let mut ready = vec![Samples::default(); PROGRAMS.len()];
    let mut plan = vec![Samples::default(); PROGRAMS.len()];
    for round in 0..RUNS {
        for turn in turns(round, PROGRAMS.len()) {
            ready[turn].add(start(PROGRAMS[turn].0)?);
        }
        for turn in turns(round, PROGRAMS.len()) {
            plan[turn].add(show(PROGRAMS[turn].0)?);
        }
    }
    let per_hook = |samples: &[Samples]| {
        let none = samples[0].median();
        let share = |place: usize, hooks: f64| Samples::one((samples[place].median() - none) / hooks);
        (share(3, 100.0), share(4, 1000.0))
    };
    let (of_100, of_1000) = per_hook(&ready);
    let (plan_of_100, plan_of_1000) = per_hook(&plan);
    // The floor knows no plan: it starts and ends.
    let names = PROGRAMS.iter().map(|(_, name)| *name);
    Ok(vec![
        Group::of("exec to first line of `main`", "µs", names.clone().zip(ready)),
        Group::new("the same, for one hook", "µs").row("of 100", of_100).row("of 1 000", of_1000),
        Group::of("exec to end of `GRACEFUL=plan`", "µs", names.zip(plan)),
        Group::new("the same, for one hook", "µs").row("of 100", plan_of_100).row("of 1 000", plan_of_1000),
    ])
}

fn start(program: &str) -> Result<f64> {
    let mut program = Program::start(program, &[])?;
    program.line()?;
    let ready = now();
    // All of its hooks run, so that it does not disturb the next.
    program.wait()?;
    Ok(ready.saturating_sub(program.began()) as f64 / 1e3)
}

fn show(program: &str) -> Result<f64> {
    let mut command = command(program)?;
    command.env("GRACEFUL", "plan");
    let began = now();
    let status = command.spawn()?.wait()?;
    let ended = now();
    if !status.success() {
        return Err(format!("{program} did not show its plan: {status}").into());
    }
    Ok(ended.saturating_sub(began) as f64 / 1e3)
}
