//! How the unit tests of this crate run an attribute: on text, as a user writes it.

use proc_macro2::{TokenStream, TokenTree};

use crate::errors::Errors;
use crate::{Attribute, check as checks, cleanup, entry, reload, task};

/// Expands the source, which begins with one of the attributes, and compares its errors.
///
/// Each is given as what it underlines and a part of its message. Whatever was wrong, the result must be items that the
/// compiler can go on with.
pub(crate) fn check(source: &str, expected: &[(&str, &str)]) {
    let (expanded, errors) = expand(source);
    let errors: Vec<_> = errors.into_iter().collect();
    assert_eq!(errors.len(), expected.len(), "{source}: {errors:#?}");
    for (error, (underlined, part)) in errors.iter().zip(expected) {
        let message = error.to_string();
        let under = error.span().source_text().unwrap_or_default();
        assert!(message.contains(part), "{source}: {message}");
        assert_eq!(under, *underlined, "{source}: {message}");
        check_style(&message);
    }
    if let Err(error) = syn::parse2::<syn::File>(expanded.clone()) {
        panic!("{source}: {error}: {expanded}");
    }
}

/// Expands the source, which begins with one of the attributes.
pub(crate) fn expand(source: &str) -> (TokenStream, Errors) {
    let mut errors = Errors::default();
    let tokens: TokenStream = source.parse().expect("the case is made of tokens");
    let mut tokens = tokens.into_iter();
    let Some(TokenTree::Group(attribute)) = tokens.nth(1) else {
        panic!("the case begins with an attribute: {source}");
    };
    let mut args = TokenStream::new();
    let mut name = String::new();
    for token in attribute.stream() {
        match token {
            TokenTree::Group(group) => args = group.stream(),
            token => name = token.to_string(),
        }
    }
    let expanded = attribute_named(&name)(args, tokens.collect(), &mut errors);
    (expanded, errors)
}

fn attribute_named(name: &str) -> Attribute {
    match name {
        "cleanup" => cleanup::attribute,
        "liveness" => checks::liveness,
        "main" => entry::attribute,
        "readiness" => checks::readiness,
        "reload" => reload::attribute,
        "task" => task::attribute,
        other => panic!("no attribute: {other}"),
    }
}

/// Messages are a sentence's inside, like the compiler's own, and name what to write.
fn check_style(message: &str) {
    let first = message.chars().next().expect("a message has text");
    assert!(!first.is_uppercase(), "{message}");
    assert!(!message.ends_with('.'), "{message}");
    assert!(!message.contains('\n'), "{message}");
    let advises = ["write", "remove", "add", "rename", "move"];
    assert!(advises.iter().any(|verb| message.contains(verb)), "{message}");
}
