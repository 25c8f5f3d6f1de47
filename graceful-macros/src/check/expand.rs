//! The code for a check.

use proc_macro2::TokenStream;
use quote::quote;

use crate::check::Kind;
use crate::check::args::Criticality;
use crate::check::resolve::Check;
use crate::duration;

pub(super) fn expand(check: &Check<'_>) -> TokenStream {
    let Check { criticality, every, failures, kind, registration, successes, timeout } = check;
    let root = &registration.root;
    let kind = match kind {
        Kind::Liveness => quote!(Liveness),
        Kind::Readiness => quote!(Readiness),
    };
    let criticality = match criticality {
        Criticality::Critical => quote!(Critical),
        Criticality::Informative => quote!(Informative),
    };
    let (every, timeout) = (duration::expand_option(*every), duration::expand_option(*timeout));
    let (failures, successes) = (expand_option(*failures), expand_option(*successes));
    registration.expand(&quote! {
        #root::Item::Check {
            kind: #root::CheckKind::#kind,
            criticality: #root::Criticality::#criticality,
            every: #every,
            timeout: #timeout,
            failures: #failures,
            successes: #successes,
            runner: #root::CheckRunner::THREADS,
        }
    })
}

fn expand_option(number: Option<u32>) -> TokenStream {
    match number {
        Some(number) => quote!(::core::option::Option::Some(#number)),
        None => quote!(::core::option::Option::None),
    }
}
