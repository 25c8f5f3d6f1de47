//! The code for a task.

use proc_macro2::TokenStream;
use quote::quote;

use crate::duration;
use crate::task::resolve::{Panic, Task};

pub(super) fn expand(task: &Task<'_>) -> TokenStream {
    let Task { every, panic, registration } = task;
    let root = &registration.root;
    let panic = match panic {
        Panic::Ignore => quote!(Ignore),
        Panic::Restart => quote!(Restart),
        Panic::Shutdown => quote!(Shutdown),
    };
    let every = duration::expand_option(*every);
    registration.expand(&quote! {
        #root::Item::Task {
            every: #every,
            panic: #root::PanicPolicy::#panic,
            runner: #root::TaskRunner::THREAD,
        }
    })
}
