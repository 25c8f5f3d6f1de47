//! What stands between the parentheses of `#[readiness(..)]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::Path;

use crate::check::Kind;
use crate::errors::Errors;
use crate::name::NAME;
use crate::options::{Key, Options};
use crate::paths::CRATE;
use crate::spanned::Spanned;

pub(super) const EVERY: Key = Key { name: "every", example: "\"5s\"" };

pub(super) const TIMEOUT: Key = Key { name: "timeout", example: "\"1s\"" };

const FAILURES: Key = Key { name: "failures", example: "3" };

const SUCCESSES: Key = Key { name: "successes", example: "1" };

const CRITICAL: Key = Key { name: "critical", example: "" };

/// The interval that the core gives a check.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// More in a row than this would take days.
const MOST: u32 = 1000;

/// The options as written.
#[derive(Debug)]
pub(super) struct Args {
    pub(super) criticality: Criticality,
    /// The interval where none was written, rightly or wrongly.
    pub(super) default_interval: Option<Duration>,
    pub(super) every: Option<Spanned<String>>,
    pub(super) failures: Option<Spanned<u32>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) root: Option<Path>,
    pub(super) successes: Option<Spanned<u32>>,
    pub(super) timeout: Option<Spanned<String>>,
}

/// Whether the check decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Criticality {
    Critical,
    Informative,
}

impl Args {
    pub(super) fn parse(kind: Kind, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::split(tokens, errors);
        let default_interval = if options.has(EVERY) { None } else { Some(DEFAULT_INTERVAL) };
        let mut take = |key| options.take(key, errors);
        let (every, timeout) = (take(EVERY), take(TIMEOUT));
        let (failures, successes) = (take(FAILURES), take(SUCCESSES));
        let (name, root) = (take(NAME), take(CRATE));
        let criticality = match kind {
            // Every check of liveness decides: there is nothing else that it could be for.
            Kind::Liveness => Criticality::Critical,
            Kind::Readiness if options.take_word(CRITICAL, errors) => Criticality::Critical,
            Kind::Readiness => Criticality::Informative,
        };
        options.finish(kind.attribute(), errors);
        Self {
            criticality,
            default_interval,
            every: every.and_then(|value| value.duration(errors)),
            failures: failures.and_then(|value| value.integer(1, MOST, errors)),
            name: name.and_then(|value| value.text(errors)),
            root: root.and_then(|value| value.path(errors)),
            successes: successes.and_then(|value| value.integer(1, MOST, errors)),
            timeout: timeout.and_then(|value| value.duration(errors)),
        }
    }
}
