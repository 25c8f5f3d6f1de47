//! What stands between the parentheses of `#[reload(..)]`.

use proc_macro2::TokenStream;
use syn::Path;

use crate::errors::Errors;
use crate::name::NAME;
use crate::options::{Key, Options};
use crate::paths::CRATE;
use crate::spanned::Spanned;

pub(super) const TIMEOUT: Key = Key { name: "timeout", example: "\"5s\"" };

/// The options as written.
#[derive(Debug)]
pub(super) struct Args {
    pub(super) name: Option<Spanned<String>>,
    pub(super) root: Option<Path>,
    pub(super) timeout: Option<Spanned<String>>,
}

impl Args {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::split(tokens, errors);
        let mut take = |key| options.take(key, errors);
        let (timeout, name, root) = (take(TIMEOUT), take(NAME), take(CRATE));
        options.finish(super::ATTRIBUTE, errors);
        Self {
            name: name.and_then(|value| value.text(errors)),
            root: root.and_then(|value| value.path(errors)),
            timeout: timeout.and_then(|value| value.duration(errors)),
        }
    }
}
