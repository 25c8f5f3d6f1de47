//! What is shown, in colour on a terminal only.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

/// Standard output.
#[derive(Debug)]
pub(super) struct Screen {
    colour: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    None,
    Terminal,
}

/// What became of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Broken,
    Kept,
    /// Nothing was there to see it by.
    NotShown,
}

impl Screen {
    pub(super) fn stdout() -> Self {
        let plain = env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) || !io::stdout().is_terminal();
        Self { colour: if plain { Colour::None } else { Colour::Terminal } }
    }

    /// Something of the time before.
    pub(super) fn before(&mut self, line: &str) {
        self.line(&format!("{:>10}  {line}", "before"));
    }

    /// Something that happened so long after the service was told to stop.
    pub(super) fn at(&mut self, since: Duration, line: &str) {
        self.line(&format!("{:>10}  {line}", time(since)));
    }

    /// A promise, and what became of it.
    pub(super) fn promise(&mut self, mark: Mark, line: &str) {
        let (word, colour) = match mark {
            Mark::Broken => ("BROKEN", "\x1b[31m"),
            Mark::Kept => ("kept", "\x1b[32m"),
            Mark::NotShown => ("not shown", "\x1b[33m"),
        };
        match self.colour {
            Colour::None => self.line(&format!("{word:>10}  {line}")),
            Colour::Terminal => self.line(&format!("{colour}{word:>10}\x1b[0m  {line}")),
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        // Whoever has seen enough may have closed it.
        let _ = writeln!(io::stdout(), "{line}");
    }
}

/// `+0.3 ms`, `+12 ms`, `+1.25 s`.
fn time(since: Duration) -> String {
    let millis = since.as_secs_f64() * 1000.0;
    match millis {
        ..10.0 => format!("+{millis:.1} ms"),
        10.0..1000.0 => format!("+{millis:.0} ms"),
        _ => format!("+{:.2} s", millis / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        for (micros, shown) in [(0, "+0.0 ms"), (340, "+0.3 ms"), (25_400, "+25 ms"), (1_254_000, "+1.25 s")] {
            assert_eq!(time(Duration::from_micros(micros)), shown);
        }
    }
}
