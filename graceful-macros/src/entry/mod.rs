//! `#[graceful::main]`: the process.

mod args;
mod expand;
mod resolve;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;
use crate::function::Function;

const ATTRIBUTE: &str = "#[graceful::main]";

/// Expands one use of the attribute.
pub(crate) fn attribute(args: TokenStream, item: TokenStream, errors: &mut Errors) -> TokenStream {
    let args = args::Args::parse(args, errors);
    let Some(function) = Function::parse(ATTRIBUTE, "fn main()", &item, errors) else {
        return quote!(#item fn main() {});
    };
    match resolve::Main::resolve(args, &function, errors) {
        Some(main) => expand::expand(&main),
        None => expand::placeholder(&function),
    }
}
