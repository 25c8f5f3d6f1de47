//! What stands between the parentheses of `#[cleanup(..)]`.

use proc_macro2::TokenStream;
use syn::Path;

use crate::errors::Errors;
use crate::name::NAME;
use crate::options::{Key, Options};
use crate::paths::CRATE;
use crate::spanned::Spanned;

const ORDER: Key = Key { name: "order", example: "10" };

pub(super) const PHASE: Key = Key { name: "phase", example: "\"flush\"" };

pub(super) const TIMEOUT: Key = Key { name: "timeout", example: "\"5s\"" };

/// The options as written.
#[derive(Debug)]
pub(super) struct Args {
    pub(super) name: Option<Spanned<String>>,
    pub(super) order: Option<Spanned<i32>>,
    pub(super) phase: Option<Spanned<String>>,
    pub(super) root: Option<Path>,
    pub(super) timeout: Option<Spanned<String>>,
}

impl Args {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::split(tokens, errors);
        let mut take = |key| options.take(key, errors);
        let (timeout, order) = (take(TIMEOUT), take(ORDER));
        let (name, phase, root) = (take(NAME), take(PHASE), take(CRATE));
        options.finish(super::ATTRIBUTE, errors);
        Self {
            name: name.and_then(|value| value.text(errors)),
            order: order.and_then(|value| value.integer(i32::MIN, i32::MAX, errors)),
            phase: phase.and_then(|value| value.text(errors)),
            root: root.and_then(|value| value.path(errors)),
            timeout: timeout.and_then(|value| value.duration(errors)),
        }
    }
}
