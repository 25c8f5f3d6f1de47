//! The function that an attribute stands on: its signature, and its body as tokens that nobody looks into.

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, GenericParam, LitStr, Safety, Signature, Token, Visibility, token};

use crate::errors::Errors;

/// A free function, taken apart as far as the attributes need.
///
/// The body stays a token tree: a half-typed line in it is the compiler's to report, not a reason to lose the function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
    tokens: TokenStream,
}

impl Function {
    /// Reads the item; reports and returns `None` when it is no function such as `example`.
    pub(crate) fn parse(attribute: &str, example: &str, item: &TokenStream, errors: &mut Errors) -> Option<Self> {
        let parse = |input: ParseStream<'_>| Parts::parse(attribute, example, input);
        let parts = errors.keep(syn::parse::Parser::parse2(parse, item.clone()))?;
        let function =
            Self { attrs: parts.attrs, vis: parts.vis, sig: parts.sig, body: parts.body, tokens: item.clone() };
        function.check_attributes(errors);
        function.check_signature(errors);
        Some(function)
    }

    /// The function's name, to be used in generated code at `place`.
    ///
    /// It resolves like the user's own name, but lints see that a macro wrote it and leave it alone.
    pub(crate) fn ident_at(&self, place: Span) -> Ident {
        let mut ident = self.sig.ident.clone();
        ident.set_span(Span::call_site().located_at(place));
        ident
    }

    /// Where errors about what the function returns belong.
    pub(crate) fn output_span(&self) -> Span {
        use syn::spanned::Spanned;
        match &self.sig.output {
            syn::ReturnType::Default => self.sig.ident.span(),
            syn::ReturnType::Type(_, ty) => ty.span(),
        }
    }

    /// Whether this is a method.
    pub(crate) fn is_method(&self) -> bool {
        self.sig.receiver().is_some()
    }

    /// Whether a type of the same name can stand beside the function.
    ///
    /// It cannot in an `impl`, nor where another attribute of this crate puts one.
    pub(crate) fn has_place_beside(&self) -> bool {
        !self.is_method() && !self.attrs.iter().any(|attr| is_ours(attr.path()))
    }

    fn check_attributes(&self, errors: &mut Errors) {
        for attr in &self.attrs {
            if is_ours(attr.path()) {
                errors.at(attr, "a function carries one of graceful's attributes; move this one to another function");
            }
        }
        for input in &self.sig.inputs {
            let (FnArg::Receiver(syn::Receiver { attrs, .. }) | FnArg::Typed(syn::PatType { attrs, .. })) = input;
            for attr in attrs {
                // Such a parameter may vanish after the arguments for it have been generated.
                if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
                    errors.at(
                        attr,
                        "a parameter cannot be conditional here; write two functions, each with its `#[cfg(..)]`",
                    );
                }
            }
        }
    }

    fn check_signature(&self, errors: &mut Errors) {
        let sig = &self.sig;
        let name = &sig.ident;
        if let Some(token) = &sig.constness {
            errors.at(token, format!("a `const fn` cannot be used here; write `fn {name}`"));
        }
        if let Some(token) = &sig.asyncness {
            let message = format!("there is no async runtime to run an `async fn`; write a blocking `fn {name}`");
            errors.at(token, message);
        }
        match &sig.safety {
            Safety::Default => {}
            Safety::Safe(token) => errors.at(token, format!("`safe` is for foreign functions; write `fn {name}`")),
            Safety::Unsafe(token) => {
                let message =
                    format!("an `unsafe fn` cannot be called for you; write `fn {name}` with an `unsafe` block in it");
                errors.at(token, message);
            }
        }
        if let Some(abi) = &sig.abi {
            errors.at(abi, format!("an `extern` function cannot be used here; write `fn {name}`"));
        }
        for param in &sig.generics.params {
            let message = match param {
                GenericParam::Lifetime(_) => {
                    "lifetimes cannot be named here, every reference lasts for the call; write `&T`"
                }
                GenericParam::Type(_) => {
                    "nobody could choose this type: the function is called for you; write a concrete type"
                }
                GenericParam::Const(_) => {
                    "nobody could choose this value: the function is called for you; write a constant"
                }
            };
            errors.at(param, message);
        }
        if let Some(clause) = &sig.generics.where_clause {
            errors.at(clause, "a `where` clause cannot be used here; write concrete types and remove it");
        }
        if let Some(variadic) = &sig.variadic {
            errors.at(variadic, "variadic parameters cannot be injected; remove them");
        }
        if let Some(receiver) = sig.receiver() {
            let message =
                format!("there is no `self` to call this on; write a free `fn {name}` that takes the value as `&T`");
            errors.at(receiver, message);
        }
    }
}

/// The function as the user wrote it.
impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.tokens.clone());
    }
}

struct Parts {
    attrs: Vec<Attribute>,
    vis: Visibility,
    sig: Signature,
    body: Group,
}

impl Parts {
    fn parse(attribute: &str, example: &str, input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if !input.fork().parse::<Head>().is_ok_and(|head| head.is_fn) {
            return Err(
                input.error(format!("`{attribute}` goes on a free function; write `{attribute} {example} {{ .. }}`"))
            );
        }
        let sig = input.parse()?;
        if !input.peek(token::Brace) {
            return Err(input.error("the function needs a body; write `{ .. }`"));
        }
        Ok(Self { attrs, vis, sig, body: input.parse()? })
    }
}

/// What stands before the name of an item.
struct Head {
    is_fn: bool,
}

impl Parse for Head {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let qualifiers = ["async", "const", "extern", "safe", "unsafe"].map(|word| format_ident!("{word}"));
        while !input.peek(Token![fn]) {
            if input.parse::<Option<LitStr>>()?.is_some() {
                continue;
            }
            let word: Ident = input.call(syn::ext::IdentExt::parse_any)?;
            if !qualifiers.contains(&word) {
                return Ok(Self { is_fn: false });
            }
        }
        Ok(Self { is_fn: true })
    }
}

/// `#[task]` or `#[graceful::task]`; a `task` below any other path belongs to somebody else.
fn is_ours(path: &syn::Path) -> bool {
    let mut names = path.segments.iter().map(|segment| &segment.ident);
    let (first, second, third) = (names.next(), names.next(), names.next());
    let name = match (first, second, third) {
        (Some(name), None, None) => name,
        (Some(root), Some(name), None) if root == "graceful" => name,
        _ => return false,
    };
    ["cleanup", "liveness", "main", "readiness", "reload", "task"].iter().any(|ours| name == ours)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn plain_functions() {
        check("#[cleanup] pub(in crate::db) fn f() {}", &[]);
        check("#[cleanup] #[allow(unused)] /** doc */ fn f(mut a: A, (b, c): &(B, C), _: D) {}", &[]);
        check("#[cleanup] fn r#loop() {}", &[]);
        check("#[cleanup] #[other::task] fn f() {}", &[]);
    }

    #[test]
    fn a_half_typed_body_is_left_to_the_compiler() {
        let (expanded, errors) = crate::testing::expand("#[cleanup] fn f() { let x = ; }");
        assert!(errors.is_empty());
        assert!(expanded.to_string().contains("let x = ;"), "{expanded}");
    }

    #[test]
    fn other_items() {
        check(
            "#[cleanup] struct S;",
            &[("struct", "`#[cleanup]` goes on a free function; write `#[cleanup] fn name(..) { .. }`")],
        );
        check("#[task] pub enum E {}", &[("enum", "`#[task]` goes on a free function")]);
        check("#[reload] impl S {}", &[("impl", "`#[reload]` goes on a free function")]);
        check(
            "#[main] mod m {}",
            &[("mod", "`#[graceful::main]` goes on a free function; write `#[graceful::main] fn main() { .. }`")],
        );
        check("#[cleanup] const F: fn() = f;", &[("const", "goes on a free function")]);
        check("#[cleanup] extern \"C\" {}", &[("extern", "goes on a free function")]);
        check("#[cleanup] unsafe impl Send for S {}", &[("unsafe", "goes on a free function")]);
        check("#[cleanup] static S: u8 = 0;", &[("static", "goes on a free function")]);
        check("#[cleanup] use a::b;", &[("use", "goes on a free function")]);
        check("#[cleanup] macro_rules! m { () => {} }", &[("macro_rules", "goes on a free function")]);
    }

    #[test]
    fn qualifiers() {
        check("#[cleanup] async fn f() {}", &[("async", "write a blocking `fn f`")]);
        check("#[main] async fn main() {}", &[("async", "write a blocking `fn main`")]);
        check("#[cleanup] const fn f() {}", &[("const", "write `fn f`")]);
        check("#[cleanup] unsafe fn f() {}", &[("unsafe", "write `fn f` with an `unsafe` block in it")]);
        check("#[cleanup] extern \"C\" fn f() {}", &[("extern \"C\"", "write `fn f`")]);
        check("#[cleanup] extern fn f() {}", &[("extern", "write `fn f`")]);
        check(
            "#[cleanup] unsafe extern \"C\" fn f(a: &A, ...) {}",
            &[("unsafe", ""), ("extern \"C\"", ""), ("...", "remove them")],
        );
    }

    #[test]
    fn generics() {
        check("#[cleanup] fn f<T>(a: &T) {}", &[("T", "write a concrete type")]);
        check("#[cleanup] fn f<T: Store + 'static>(a: &T) {}", &[("T: Store + 'static", "write a concrete type")]);
        check("#[cleanup] fn f<const N: usize>(a: &[u8; N]) {}", &[("const N: usize", "write a constant")]);
        check("#[cleanup] fn f<'a>(a: &'a A) {}", &[("'a", "write `&T`"), ("&'a A", "write `&A`")]);
        check("#[cleanup] fn f() where A: B {}", &[("where A: B", "remove it")]);
    }

    #[test]
    fn methods() {
        for receiver in ["self", "&self", "&mut self", "self: Box<Self>"] {
            // A method with its registration beside it would not even parse, so nothing may be added.
            let source = format!("#[cleanup] fn f({receiver}) {{}}");
            let (expanded, errors) = crate::testing::expand(&source);
            let messages: Vec<_> = errors.into_iter().map(|error| error.to_string()).collect();
            assert_eq!(messages.len(), 1, "{receiver}");
            assert!(messages[0].contains("write a free `fn f`"), "{messages:?}");
            assert!(!expanded.to_string().contains("enum"), "{expanded}");
        }
    }

    #[test]
    fn attributes() {
        let twice = "a function carries one of graceful's attributes";
        check("#[cleanup] #[task] fn f() {}", &[("#[task]", twice)]);
        check("#[cleanup] #[graceful::cleanup] fn f() {}", &[("#[graceful::cleanup]", twice)]);
        let (expanded, _) = crate::testing::expand("#[cleanup] #[task] fn f() {}");
        assert!(!expanded.to_string().contains("enum"), "{expanded}");
        check("#[cleanup] fn f(#[cfg(unix)] a: &A) {}", &[("#[cfg(unix)]", "each with its `#[cfg(..)]`")]);
        check("#[cleanup] fn f(#[allow(unused)] a: &A) {}", &[]);
    }
}
