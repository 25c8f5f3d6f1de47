//! `#[reload]`: a function that runs each time the configuration is to be read again.

mod args;
mod expand;
mod resolve;

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::function::Function;
use crate::paths::Root;
use crate::registration;

const ATTRIBUTE: &str = "#[reload]";

/// Expands one use of the attribute.
pub(crate) fn attribute(args: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let args = args::Args::parse(args, errors);
    let Some(function) = Function::parse(ATTRIBUTE, "fn name(..)", &item, errors) else {
        return item;
    };
    let root = args.root.clone();
    match resolve::Reload::resolve(args, &function, errors) {
        Some(reload) => expand::expand(&reload),
        None => registration::placeholder(&function, Root::resolve(root)),
    }
}
