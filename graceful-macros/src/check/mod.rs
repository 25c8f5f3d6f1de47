//! `#[liveness]` and `#[readiness]`: what is looked at in the background while the service runs.

mod args;
mod expand;
mod resolve;

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::function::Function;
use crate::paths::Root;
use crate::registration;

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Liveness,
    Readiness,
}

impl Kind {
    fn attribute(self) -> &'static str {
        match self {
            Self::Liveness => "#[liveness]",
            Self::Readiness => "#[readiness]",
        }
    }
}

/// Expands one use of `#[liveness]`.
pub(crate) fn liveness(args: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    attribute(Kind::Liveness, args, item, errors)
}

/// Expands one use of `#[readiness]`.
pub(crate) fn readiness(args: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    attribute(Kind::Readiness, args, item, errors)
}

fn attribute(kind: Kind, args: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let args = args::Args::parse(kind, args, errors);
    let Some(function) = Function::parse(kind.attribute(), "fn name(..)", &item, errors) else {
        return item;
    };
    let root = args.root.clone();
    match resolve::Check::resolve(kind, args, &function, errors) {
        Some(check) => expand::expand(&check),
        None => registration::placeholder(&function, Root::resolve(root)),
    }
}
