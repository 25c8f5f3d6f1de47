//! What a connection is doing, for those who end it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Told by the connection, asked by its canceller.
#[derive(Debug, Default)]
pub(super) struct Doing(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    command: Option<Command>,
    cancel: Cancel,
}

#[derive(Debug)]
struct Command {
    name: [u8; LONGEST],
    since: Instant,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cancel {
    #[default]
    No,
    Told,
}

/// Longer names are cut: it is copied for each command.
const LONGEST: usize = 16;

impl Doing {
    pub(super) fn begin(&self, packed: &[u8]) {
        let mut name = [b' '; LONGEST];
        name.iter_mut().zip(first_word(packed)).for_each(|(to, from)| *to = *from);
        self.state().command = Some(Command { name, since: Instant::now() });
    }

    pub(super) fn end(&self) {
        self.state().command = None;
    }

    /// The command that is ended by it; `None` when there is none, or it has been told before.
    pub(super) fn cancel(&self) -> Option<String> {
        let mut state = self.state();
        let first = std::mem::replace(&mut state.cancel, Cancel::Told) == Cancel::No;
        let Command { name, since } = state.command.as_ref().filter(|_| first)?;
        Some(format!("{} after {:.1?}", String::from_utf8_lossy(name).trim_end(), since.elapsed()))
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.state().cancel == Cancel::Told
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of `*2\r\n$5\r\nBLPOP\r\n…`: what is between the second and the third end of line.
fn first_word(packed: &[u8]) -> &[u8] {
    packed.split(|byte| *byte == b'\n').nth(2).map_or(&[], |line| line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_command_is_named() {
        let doing = Doing::default();
        doing.begin(&::redis::cmd("BLPOP").arg("key").arg(0).get_packed_command());
        assert!(doing.cancel().expect("it does something").starts_with("BLPOP after "));
        assert!(doing.is_cancelled());
        assert_eq!(doing.cancel(), None);
    }

    #[test]
    fn one_that_is_idle_has_no_name() {
        let doing = Doing::default();
        doing.begin(b"no redis command");
        doing.end();
        assert_eq!(doing.cancel(), None);
        assert!(doing.is_cancelled());
    }
}
