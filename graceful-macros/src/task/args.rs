//! What stands between the parentheses of `#[task(..)]`.

use proc_macro2::TokenStream;
use syn::Path;

use crate::errors::Errors;
use crate::name::NAME;
use crate::options::{Key, Options};
use crate::paths::CRATE;
use crate::spanned::Spanned;

pub(super) const EVERY: Key = Key { name: "every", example: "\"30s\"" };

pub(super) const PANIC: Key = Key { name: "panic", example: "\"restart\"" };

/// The options as written.
#[derive(Debug)]
pub(super) struct Args {
    pub(super) every: Option<Spanned<String>>,
    /// Whether the task was meant to be periodic, even if what was written is no duration.
    pub(super) kind: Kind,
    pub(super) name: Option<Spanned<String>>,
    pub(super) panic: Option<Spanned<String>>,
    pub(super) root: Option<Path>,
}

/// How a task spends its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Called once, returns when it is told to stop.
    LongRunning,
    /// Called again and again.
    Periodic,
}

impl Args {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::split(tokens, errors);
        let kind = match options.has(EVERY) {
            true => Kind::Periodic,
            false => Kind::LongRunning,
        };
        let mut take = |key| options.take(key, errors);
        let (every, name) = (take(EVERY), take(NAME));
        let (panic, root) = (take(PANIC), take(CRATE));
        options.finish(super::ATTRIBUTE, errors);
        Self {
            every: every.and_then(|value| value.duration(errors)),
            kind,
            name: name.and_then(|value| value.text(errors)),
            panic: panic.and_then(|value| value.text(errors)),
            root: root.and_then(|value| value.path(errors)),
        }
    }
}
