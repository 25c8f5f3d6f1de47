//! Where the generated code finds the crate.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

use crate::options::Key;

/// The option that names the crate when a dependency re-exports it; the same for every attribute.
pub(crate) const CRATE: Key = Key { name: "crate", example: "my_framework::graceful" };

/// The private module that all generated code goes through: `::graceful::__private`, or the one below `crate = path`.
#[derive(Debug)]
pub(crate) struct Root(TokenStream);

impl Root {
    /// The root for what the `crate` option said.
    pub(crate) fn resolve(given: Option<Path>) -> Self {
        Self(match given {
            Some(path) => quote!(#path::__private),
            None => quote!(::graceful::__private),
        })
    }
}

impl ToTokens for Root {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.clone());
    }
}
