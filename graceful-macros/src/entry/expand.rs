//! The code for `main`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use crate::entry::resolve::{Action, Main, Signal};
use crate::function::Function;
use crate::{duration, origin};

pub(super) fn expand(main: &Main<'_>) -> TokenStream {
    let Main { function, root, .. } = main;
    let vis = &function.vis;
    let inner = inner(function);
    let origin = origin::expand(root, function);
    let fields = fields(main);
    let call = call(main);
    quote! {
        #vis fn main() -> ::std::process::ExitCode {
            #inner
            #root::main(
                #root::MainSpec { #fields ..#root::MainSpec::new(#origin) },
                #call,
            )
        }
    }
}

/// The program for a use of the attribute with mistakes in it: it has a `main`, so that the compiler does not miss one.
pub(super) fn placeholder(function: &Function) -> TokenStream {
    if function.sig.ident != "main" {
        return quote!(#function fn main() {});
    }
    // The user's function may have parameters that the compiler refuses for `main`, or be a method: inside of another
    // function the first is fine, and the second has no place at all.
    if function.is_method() {
        return quote!(
            fn main() {}
        );
    }
    let inner = inner(function);
    quote!(fn main() { #[allow(dead_code)] #inner })
}

/// The user's function, with its attributes, to be put into the generated one.
fn inner(function: &Function) -> TokenStream {
    let Function { attrs, sig, body, .. } = function;
    quote!(#(#attrs)* #sig #body)
}

/// The fields of `MainSpec` that were given, each with a comma after it.
fn fields(main: &Main<'_>) -> TokenStream {
    let root = &main.root;
    let some = |value: TokenStream| quote!(::core::option::Option::Some(#value));
    let mut fields = TokenStream::new();
    for (name, budget) in &main.budgets {
        let name = format_ident!("{name}");
        let budget = some(duration::expand(*budget));
        fields.extend(quote!(#name: #budget,));
    }
    if let Some(path) = &main.config {
        // Where no feature reads files there is no such function, and the compiler says so where the path stands.
        let text = &path.value;
        let function = quote_spanned!(path.span()=> settings_file);
        let path = some(quote!(#root::#function(#text)));
        fields.extend(quote!(config: #path,));
    }
    if let Some(code) = main.incomplete_exit_code {
        let code = some(quote!(#code));
        fields.extend(quote!(incomplete_exit_code: #code,));
    }
    if let Some(count) = main.expect_hooks {
        let count = proc_macro2::Literal::usize_suffixed(count as usize);
        let count = some(quote!(#count));
        fields.extend(quote!(expect_hooks: #count,));
    }
    if !main.hooks.is_empty() {
        let hooks = &main.hooks;
        fields.extend(quote!(hooks: &[#(<#hooks as #root::Registered>::REGISTRATION),*],));
    }
    if !main.signals.is_empty() {
        let signals = main.signals.iter().map(|(signal, action)| {
            let (signal, action) = (signal_name(*signal), action_name(*action));
            quote!((#root::Signal::#signal, #root::SignalAction::#action))
        });
        fields.extend(quote!(signals: &[#(#signals),*],));
    }
    fields
}

/// The closure that runs the user's `main`.
fn call(main: &Main<'_>) -> TokenStream {
    let Main { function, root, .. } = main;
    let place = Span::call_site().located_at(function.output_span());
    let name = function.ident_at(function.output_span());
    match &main.app {
        Some(param) => {
            // Another type than `App` is an error about this argument, shown where the type is written.
            let app = format_ident!("__app", span = Span::mixed_site().located_at(param.span()));
            let call = quote_spanned!(place=> #name(#app));
            quote!(|#app| #root::outcome(#call))
        }
        None => {
            let call = quote_spanned!(place=> #name());
            quote!(|_| #root::outcome(#call))
        }
    }
}

fn signal_name(signal: Signal) -> TokenStream {
    match signal {
        Signal::Hup => quote!(Hup),
        Signal::Int => quote!(Int),
        Signal::Quit => quote!(Quit),
        Signal::Term => quote!(Term),
        Signal::Usr2 => quote!(Usr2),
    }
}

fn action_name(action: Action) -> TokenStream {
    match action {
        Action::Ignore => quote!(Ignore),
        Action::Reload => quote!(Reload),
        Action::Shutdown => quote!(Shutdown),
    }
}
