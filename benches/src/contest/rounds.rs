//! Rounds in which every program has its turn.

use std::io::{self, IsTerminal as _, Write as _};

use graceful_benches::Result;

use super::candidate::{Candidate, Role};
use super::report::{Figure, Line};
use super::settings::Settings;
use crate::samples::{Samples, turns};

/// What one sample finds: as many numbers, each with its title and unit.
pub(crate) type Titles<const N: usize> = [(&'static str, &'static str); N];

/// Whom a measure is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// It has an answer.
    Everybody,
    /// The same, and something to end.
    Ending,
    /// It has handlers, and something to end.
    EndingHandlers,
    /// It has handlers.
    Handlers,
    HandlersAndPool,
    /// It has the routes of our own service.
    Ours,
}

impl Who {
    fn includes(self, role: Role) -> bool {
        match self {
            Self::Everybody => role != Role::Pool,
            Self::Ending => matches!(role, Role::Fixed | Role::Framework | Role::Ours),
            Self::EndingHandlers => matches!(role, Role::Framework | Role::Ours),
            Self::Handlers => matches!(role, Role::Design | Role::Framework | Role::Ours),
            Self::HandlersAndPool => role != Role::Fixed,
            Self::Ours => role == Role::Ours,
        }
    }
}

/// Samples each program once in every round, in changing order. One that fails has no further turn, and no figure.
pub(crate) fn rounds<const N: usize>(
    settings: &Settings,
    count: usize,
    who: Who,
    titles: Titles<N>,
    mut sample: impl FnMut(&Candidate) -> Result<[f64; N]>,
) -> Result<Vec<Figure>> {
    let programs: Vec<_> = settings.candidates.iter().filter(|program| who.includes(program.role)).collect();
    let mut found = vec![[const { Samples::EMPTY }; N]; programs.len()];
    let mut failed: Vec<Option<String>> = vec![None; programs.len()];
    for round in 0..count {
        for turn in turns(round, programs.len()) {
            if failed[turn].is_some() {
                continue;
            }
            progress(&format!("{}: round {} of {count}, {}", titles[0].0, round + 1, programs[turn].name));
            match sample(programs[turn]) {
                Ok(numbers) => found[turn].iter_mut().zip(numbers).for_each(|(samples, number)| samples.add(number)),
                Err(error) => failed[turn] = Some(error.to_string()),
            }
        }
    }
    progress("");
    let figures = titles.iter().enumerate().map(|(place, (title, unit))| Figure {
        title: (*title).to_owned(),
        unit,
        lines: programs
            .iter()
            .zip(found.iter().zip(&failed))
            .map(|(program, (samples, failed))| Line {
                program: program.name.clone(),
                samples: samples[place].clone(),
                failure: failed.clone(),
            })
            .collect(),
    });
    Ok(figures.collect())
}

/// On a terminal, one line that is written over.
fn progress(text: &str) {
    let mut err = io::stderr().lock();
    if err.is_terminal() {
        // Nobody to tell is no reason to stop.
        drop(write!(err, "\r\x1b[K{text}").and_then(|()| err.flush()));
    }
}
