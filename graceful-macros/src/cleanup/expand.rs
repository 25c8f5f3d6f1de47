//! The code for a cleanup hook.

use proc_macro2::TokenStream;
use quote::quote;

use crate::cleanup::resolve::{Cleanup, Phase};
use crate::duration;

pub(super) fn expand(cleanup: &Cleanup<'_>) -> TokenStream {
    let Cleanup { order, phase, registration, timeout } = cleanup;
    let root = &registration.root;
    let phase = match phase {
        Phase::BeforeDrain => quote!(BeforeDrain),
        Phase::Cleanup => quote!(Cleanup),
        Phase::Flush => quote!(Flush),
    };
    let timeout = duration::expand_option(*timeout);
    registration.expand(&quote! {
        #root::Item::Cleanup {
            phase: #root::HookPhase::#phase,
            order: #order,
            timeout: #timeout,
        }
    })
}
