//! todo docs
#![forbid(unsafe_code)]

mod choice;
mod cleanup;
mod duration;
mod entry;
mod errors;
mod function;
mod name;
mod options;
mod origin;
mod output;
mod params;
mod paths;
mod registration;
mod reload;
#[cfg(test)]
mod snapshots;
mod spanned;
mod spell;
mod suggest;
mod task;
#[cfg(test)]
mod testing;
mod ty;
mod value;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;

/// cleanup
#[proc_macro_attribute]
pub fn cleanup(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(cleanup::attribute, args, item)
}

/// main
#[proc_macro_attribute]
pub fn main(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(entry::attribute, args, item)
}

/// reload
#[proc_macro_attribute]
pub fn reload(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(reload::attribute, args, item)
}

/// task
#[proc_macro_attribute]
pub fn task(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(task::attribute, args, item)
}

/// How an attribute expands, on the types that also work outside of the compiler.
type Attribute = fn(TokenStream, TokenStream, &mut Errors) -> TokenStream;

/// Runs one attribute and puts the errors behind what it made.
fn expand(
    attribute: Attribute,
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let mut errors = Errors::default();
    let expanded = attribute(args.into(), item.into(), &mut errors);
    quote!(#expanded #errors).into()
}
