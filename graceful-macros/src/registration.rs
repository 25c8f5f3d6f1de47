//! What `#[cleanup]`, `#[liveness]`, `#[readiness]`, `#[reload]` and `#[task]` put beside the function: data that the core finds, and one call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::function::Function;
use crate::origin;
use crate::params::Param;
use crate::paths::Root;

/// A function that is registered under a name.
#[derive(Debug)]
pub(crate) struct Registration<'a> {
    pub(crate) function: &'a Function,
    pub(crate) root: Root,
    pub(crate) name: String,
    pub(crate) params: Vec<Param>,
}

impl Registration<'_> {
    /// The function, untouched, and its registration as `item`.
    pub(crate) fn expand(&self, item: &TokenStream) -> TokenStream {
        let Self { function, root, .. } = self;
        let marker = function.ident_at(function.sig.ident.span());
        let registered = self.marker(item);
        quote! {
            #function
            #registered
            #root::inventory::submit! {
                #root::Submitted(<#marker as #root::Registered>::REGISTRATION)
            }
        }
    }

    /// The type of the same name, which carries the registration.
    ///
    /// Types and functions live in different namespaces, so one `use`, or one path in `hooks = [dep::close_db]`, means
    /// both.
    fn marker(&self, item: &TokenStream) -> TokenStream {
        let Self { function, root, name, .. } = self;
        let marker = function.ident_at(function.sig.ident.span());
        let vis = &function.vis;
        let origin = origin::expand(root, function);
        let params = self.params.iter().map(|param| param.describe(root));
        let args = Ident::new("__args", Span::mixed_site());
        let run = self.run(&args);
        // The type stands on the name: inside an `impl`, where it may not, the compiler complains about that place.
        let definition = quote_spanned!(marker.span()=> #[doc(hidden)] #vis enum #marker {});
        // A `static` has one address. A plain constant would have another one in each crate that uses it, and a hook
        // that was listed and also found by the linker would look like two.
        quote! {
            #definition
            impl #root::Registered for #marker {
                const REGISTRATION: &'static #root::Registration = {
                    static REGISTRATION: #root::Registration = #root::Registration {
                        item: #item,
                        name: #name,
                        origin: #origin,
                        params: &[#(#params),*],
                        run: |#args| { #run },
                    };
                    &REGISTRATION
                };
            }
        }
    }

    /// Fetches the arguments in order, then calls the function.
    fn run(&self, args: &Ident) -> TokenStream {
        let Self { function, root, params, .. } = self;
        let place = Span::call_site().located_at(function.output_span());
        let name = function.ident_at(function.output_span());
        // Each local stands where its parameter's type is written: an error about the value belongs there.
        let locals: Vec<_> = (0_usize..)
            .zip(params)
            .map(|(index, param)| {
                let place = Span::mixed_site().located_at(param.span());
                Ident::new(&format!("__arg{index}"), place)
            })
            .collect();
        let fetched = params.iter().map(|param| param.fetch(root, args));
        let passed = params.iter().zip(&locals).map(|(param, local)| param.pass(local));
        // A return type without an outcome is an error about this call, shown where the type is written.
        let call = quote_spanned!(place=> #name(#(#passed),*));
        quote! {
            #(let #locals = #fetched?;)*
            #root::outcome(#call)
        }
    }
}

/// The function with a registration that does nothing, for a use of the attribute with mistakes in it.
///
/// What names the function elsewhere, such as `hooks = [close_db]`, must not become a second error.
pub(crate) fn placeholder(function: &Function, root: Root) -> TokenStream {
    if !function.has_place_beside() {
        return quote!(#function);
    }
    let marker = function.ident_at(function.sig.ident.span());
    let vis = &function.vis;
    quote! {
        #function
        #[doc(hidden)]
        #vis enum #marker {}
        impl #root::Registered for #marker {
            const REGISTRATION: &'static #root::Registration = &#root::Registration {
                item: #root::Item::Nothing,
                name: "",
                origin: #root::Origin { krate: "", module: "", file: "", line: 0 },
                params: &[],
                run: |_| #root::outcome(()),
            };
        }
    }
}
