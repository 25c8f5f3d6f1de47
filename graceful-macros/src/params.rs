//! From a signature to the values that are injected.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{FnArg, Type, TypeParamBound, TypePath, TypeReference, TypeTraitObject};

use crate::errors::Errors;
use crate::function::Function;
use crate::spell::spell;
use crate::ty::{last_segment, only_argument, peel};

/// One parameter, and how its value is found.
#[derive(Debug)]
pub(crate) struct Param {
    inject: Inject,
    /// The type that the value was provided under.
    ty: Type,
}

/// How a parameter takes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inject {
    /// `Arc<T>`
    Arc,
    /// `Option<&T>`
    Optional,
    /// `T`, taken out: the next one to ask finds nothing.
    Owned,
    /// `&T`
    Shared,
}

/// Which types a function may take by value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ByValue {
    /// All: the function runs once.
    Any,
    /// Few: the function may run many times, and a value can be taken out only once.
    Only {
        /// Types that the framework makes anew for each call.
        legal: &'static [&'static str],
        /// Types that the framework has only for those who run in the shutdown.
        absent: &'static [&'static str],
    },
}

impl Param {
    /// Every parameter of the function. Those that cannot be injected are reported and left out.
    pub(crate) fn resolve(function: &Function, by_value: ByValue, errors: &mut Errors) -> Vec<Self> {
        let mut params = Vec::new();
        for input in &function.sig.inputs {
            let FnArg::Typed(input) = input else { continue };
            let param = classify(&input.ty).and_then(|param| param.check(by_value));
            match param {
                Ok(param) => params.push(param),
                Err(message) => errors.at(&input.ty, message),
            }
        }
        params
    }

    /// Whether this is `&Name` or `Name`, wherever `Name` comes from.
    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self.inject, Inject::Shared | Inject::Owned)
            && last_segment(&self.ty).is_some_and(|last| last.ident == name)
    }

    /// Whether this is a reference to some named type.
    pub(crate) fn is_shared_path(&self) -> bool {
        self.inject == Inject::Shared && matches!(self.ty, Type::Path(_))
    }

    /// The span of the type, for calls whose errors are about it.
    pub(crate) fn span(&self) -> proc_macro2::Span {
        self.ty.span()
    }

    /// `P::Param::shared::<Db>()`
    pub(crate) fn describe(&self, root: impl ToTokens) -> TokenStream {
        let Self { inject, ty } = self;
        quote!(#root::Param::#inject::<#ty>())
    }

    /// `P::Args::shared::<Db>(args)`
    pub(crate) fn fetch(&self, root: impl ToTokens, args: impl ToTokens) -> TokenStream {
        let Self { inject, ty } = self;
        quote!(#root::Args::#inject::<#ty>(#args))
    }

    /// The fetched value in the shape that the function takes.
    pub(crate) fn pass(&self, fetched: impl ToTokens) -> TokenStream {
        let place = proc_macro2::Span::call_site().located_at(self.span());
        match self.inject {
            Inject::Arc | Inject::Owned => fetched.into_token_stream(),
            Inject::Optional => quote_spanned!(place=> ::core::option::Option::as_deref(&#fetched)),
            Inject::Shared => quote_spanned!(place=> &*#fetched),
        }
    }

    fn check(self, by_value: ByValue) -> Result<Self, String> {
        let ByValue::Only { legal, absent } = by_value else {
            return Ok(self);
        };
        let is_one_of = |names: &[&str]| names.iter().any(|name| self.is(name));
        if self.inject != Inject::Owned || is_one_of(legal) {
            return Ok(self);
        }
        let ty = spell(&self.ty);
        if is_one_of(absent) {
            return Err(format!(
                "there is no `{ty}` while the service runs; remove it (`#[cleanup]` functions have one)"
            ));
        }
        let legal = legal.join("`, `");
        Err(format!(
            "`{ty}` could be taken out only once, and this function may run many times; \
             write `&{ty}` or `Arc<{ty}>` (by value are legal `Arc<T>`, `{legal}`)"
        ))
    }
}

/// The name of the function in the core, which is the same for describing and for fetching.
impl ToTokens for Inject {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::Arc => quote!(arc),
            Self::Optional => quote!(optional),
            Self::Owned => quote!(owned),
            Self::Shared => quote!(shared),
        });
    }
}

fn classify(ty: &Type) -> Result<Param, String> {
    let ty = peel(ty);
    match ty {
        Type::Reference(reference) => param(Inject::Shared, referent(reference)?),
        Type::Path(path) => by_value(ty, path),
        Type::Array(_) | Type::FnPtr(_) | Type::Macro(_) | Type::Tuple(_) => param(Inject::Owned, ty),
        other => Err(unusable(other)),
    }
}

/// A type that is no reference: the two wrappers with a meaning of their own, or a value to be taken out.
fn by_value(ty: &Type, path: &TypePath) -> Result<Param, String> {
    let inner = path.path.segments.last().and_then(only_argument);
    match (last_segment(ty), inner) {
        (Some(last), Some(inner)) if last.ident == "Arc" => match peel(inner) {
            Type::TraitObject(object) => Err(format!(
                "`{}` cannot be injected by value; write `&{}`, and provide that `Arc`",
                spell(ty),
                arc_of(object),
            )),
            unsized_type @ Type::Slice(_) => Err(unusable(unsized_type)),
            inner => param(Inject::Arc, inner),
        },
        (Some(last), Some(inner)) if last.ident == "Option" => match peel(inner) {
            Type::Reference(reference) => param(Inject::Optional, referent(reference)?),
            inner => Err(format!(
                "`{}` cannot be injected; write `Option<&{}>`, which is `None` when no such value was provided",
                spell(ty),
                spell(only_argument_of_arc(inner).unwrap_or(inner)),
            )),
        },
        (Some(last), _) if last.ident == "str" => Err(unusable(ty)),
        _ => param(Inject::Owned, ty),
    }
}

/// The `T` of a `&T` that can be injected.
fn referent(reference: &TypeReference) -> Result<&Type, String> {
    let elem = peel(&reference.elem);
    let written = spell(elem);
    if reference.mutability.is_some() {
        return Err(format!(
            "`{}` cannot be injected, others may be using the value; provide a `Mutex<{written}>` and \
             write `&Mutex<{written}>`, or `app.give(..)` it to one hook that takes `{written}` by value",
            spell(reference),
        ));
    }
    if let Some(lifetime) = &reference.lifetime
        && lifetime.ident != "_"
    {
        return Err(format!("every reference lasts for the call only; write `&{written}`"));
    }
    match elem {
        Type::Array(_) | Type::FnPtr(_) | Type::Macro(_) | Type::Tuple(_) => Ok(elem),
        Type::Path(_) if last_segment(elem).is_none_or(|last| last.ident != "str") => Ok(elem),
        other => Err(unusable(other)),
    }
}

/// Why a type is neither shared nor taken out, and what to write instead.
fn unusable(ty: &Type) -> String {
    let written = spell(ty);
    match ty {
        Type::ImplTrait(_) => {
            format!("`{written}` cannot be injected, values are found by their own type; write that type")
        }
        Type::Path(_) => format!("`{written}` has no size of its own; provide a `String` and write `&String`"),
        Type::Reference(_) => format!("a reference to a reference cannot be injected; write `{written}`"),
        Type::Slice(slice) => {
            let elem = spell(&slice.elem);
            format!("`{written}` has no size of its own; provide a `Vec<{elem}>` and write `&Vec<{elem}>`")
        }
        Type::TraitObject(object) => {
            let arc = arc_of(object);
            format!("`{written}` has no size of its own; provide an `{arc}` and write `&{arc}`")
        }
        _ => format!(
            "`{written}` cannot be injected; write `&T`, `Option<&T>`, `Arc<T>` or `T` with a type that was provided"
        ),
    }
}

/// `Arc<dyn Trait + Send + Sync>`: only with the last two can it be provided.
fn arc_of(object: &TypeTraitObject) -> String {
    let mut text = spell(object);
    for needed in ["Send", "Sync"] {
        let is_needed = |bound: &TypeParamBound| match bound {
            TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| last.ident == needed),
            _ => false,
        };
        if !object.bounds.iter().any(is_needed) {
            text.push_str(" + ");
            text.push_str(needed);
        }
    }
    format!("Arc<{text}>")
}

fn param(inject: Inject, ty: &Type) -> Result<Param, String> {
    let ty = ty.clone();
    Ok(Param { inject, ty })
}

fn only_argument_of_arc(ty: &Type) -> Option<&Type> {
    last_segment(ty).filter(|last| last.ident == "Arc").and_then(only_argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: Result<(Inject, &str), &str>) {
        let ty = syn::parse_str(source).expect("the case is a type");
        match (classify(&ty), expected) {
            (Ok(param), Ok((inject, ty))) => {
                assert_eq!((param.inject, spell(&param.ty).as_str()), (inject, ty), "{source}");
            }
            (Err(message), Err(part)) => assert!(message.contains(part), "{source}: {message}"),
            (actual, _) => panic!("{source}: {actual:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn references_are_shared() {
        check("&Db", Ok((Inject::Shared, "Db")));
        check("&'_ Db", Ok((Inject::Shared, "Db")));
        check("(&(Db))", Ok((Inject::Shared, "Db")));
        check("&pool::Pool<Db>", Ok((Inject::Shared, "pool::Pool<Db>")));
        check("&Arc<dyn Store + Send + Sync>", Ok((Inject::Shared, "Arc<dyn Store + Send + Sync>")));
        check("&(Db, Cache)", Ok((Inject::Shared, "(Db, Cache)")));
        check("&[u8; 4]", Ok((Inject::Shared, "[u8; 4]")));
        check("&fn(u8) -> u8", Ok((Inject::Shared, "fn(u8) -> u8")));
    }

    #[test]
    fn wrappers_have_a_meaning() {
        check("Option<&Db>", Ok((Inject::Optional, "Db")));
        check("std::option::Option<&Db>", Ok((Inject::Optional, "Db")));
        check("Arc<Db>", Ok((Inject::Arc, "Db")));
        check("std::sync::Arc<Db>", Ok((Inject::Arc, "Db")));
        check("triomphe::Arc<Db, A>", Ok((Inject::Owned, "triomphe::Arc<Db, A>")));
        check("Option", Ok((Inject::Owned, "Option")));
    }

    #[test]
    fn everything_else_is_taken_out() {
        check("Db", Ok((Inject::Owned, "Db")));
        check("Vec<Db>", Ok((Inject::Owned, "Vec<Db>")));
        check("(Db, Cache)", Ok((Inject::Owned, "(Db, Cache)")));
        check("[Db; 2]", Ok((Inject::Owned, "[Db; 2]")));
        check("<Store as Open>::Db", Ok((Inject::Owned, "<Store as Open>::Db")));
    }

    #[test]
    fn what_cannot_be_found_by_type_is_refused() {
        check("&mut Db", Err("provide a `Mutex<Db>` and write `&Mutex<Db>`"));
        check("&'static Db", Err("write `&Db`"));
        check("&str", Err("provide a `String` and write `&String`"));
        check("str", Err("provide a `String`"));
        check("&[Db]", Err("provide a `Vec<Db>` and write `&Vec<Db>`"));
        check("&dyn Store", Err("write `&Arc<dyn Store + Send + Sync>`"));
        check("&dyn Sender", Err("write `&Arc<dyn Sender + Send + Sync>`"));
        check("dyn Store", Err("write `&Arc<dyn Store + Send + Sync>`"));
        check("Arc<dyn Store + Send>", Err("write `&Arc<dyn Store + Send + Sync>`"));
        check("Arc<[u8]>", Err("provide a `Vec<u8>`"));
        check("impl Store", Err("write that type"));
        check("&impl Store", Err("write that type"));
        check("&&Db", Err("write `&Db`"));
        check("Option<Db>", Err("write `Option<&Db>`"));
        check("Option<Arc<Db>>", Err("write `Option<&Db>`"));
        check("Option<&mut Db>", Err("`&mut Db` cannot be injected"));
        check("Option<&str>", Err("write `&String`"));
        check("*const Db", Err("`*const Db` cannot be injected"));
        check("&_", Err("cannot be injected"));
        check("!", Err("cannot be injected"));
    }
}
