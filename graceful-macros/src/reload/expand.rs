//! The code for a reload hook.

use proc_macro2::TokenStream;
use quote::quote;

use crate::duration;
use crate::reload::resolve::Reload;

pub(super) fn expand(reload: &Reload<'_>) -> TokenStream {
    let Reload { registration, timeout } = reload;
    let root = &registration.root;
    let timeout = duration::expand_option(*timeout);
    registration.expand(&quote! {
        #root::Item::Reload {
            timeout: #timeout,
            runner: #root::ReloadRunner::THREAD,
        }
    })
}
