//! A value that remembers where the user wrote it.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// A value and the tokens it was read from.
///
/// Tokens rather than a span: joining the spans of several tokens is not possible on a stable compiler, while an error
/// built from the tokens themselves underlines all of them.
#[derive(Clone, Debug)]
pub(crate) struct Spanned<T> {
    /// What was read.
    pub(crate) value: T,
    tokens: TokenStream,
}

impl<T> Spanned<T> {
    /// Notes that `value` was read from `tokens`.
    pub(crate) fn new(value: T, tokens: impl ToTokens) -> Self {
        Self { value, tokens: tokens.into_token_stream() }
    }
}

impl<T> ToTokens for Spanned<T> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.tokens.clone());
    }
}
