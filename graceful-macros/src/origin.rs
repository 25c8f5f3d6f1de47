//! Where in the source a function was registered, for logs and the report.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::function::Function;
use crate::paths::Root;

/// `P::Origin { .. }` for the function.
pub(crate) fn expand(root: &Root, function: &Function) -> TokenStream {
    // `line!()` answers for the outermost expansion, which would be the attribute: only an invocation that seems to be
    // written by the user next to `fn` gives the line of the function.
    let place = function.sig.fn_token.span;
    let krate = quote_spanned!(place=> ::core::env!("CARGO_PKG_NAME"));
    let module = quote_spanned!(place=> ::core::module_path!());
    let file = quote_spanned!(place=> ::core::file!());
    let line = quote_spanned!(place=> ::core::line!());
    quote!(#root::Origin { krate: #krate, module: #module, file: #file, line: #line })
}
