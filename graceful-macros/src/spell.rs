//! Writes tokens the way a person would, for messages that quote the user's code.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The text of `tokens` in the usual spacing: `&Vec<Db>`, not `& Vec < Db >`.
///
/// The compiler and the test runner print the same tokens differently, and a message must not depend on who prints it.
pub(crate) fn spell(tokens: impl ToTokens) -> String {
    let mut text = String::new();
    write(tokens.into_token_stream(), &mut text);
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    // Whether the token before ends in a place where a word may not touch it.
    let mut after_word = false;
    for token in tokens {
        let word = matches!(token, TokenTree::Ident(_) | TokenTree::Literal(_));
        let lifetime = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        if after_word && (word || lifetime) {
            text.push(' ');
        }
        after_word = word;
        match token {
            TokenTree::Group(group) => write_group(&group, text),
            TokenTree::Punct(punct) => write_punct(&punct, text),
            word => text.push_str(&word.to_string()),
        }
    }
    text.truncate(text.trim_end().len());
}

fn write_group(group: &proc_macro2::Group, text: &mut String) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{ ", " }"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    text.push_str(open);
    write(group.stream(), text);
    text.push_str(close);
}

fn write_punct(punct: &proc_macro2::Punct, text: &mut String) {
    let char = punct.as_char();
    let arrow = char == '>' && text.ends_with(['-', '=']);
    if matches!(char, '+' | '=') || (char == '-' && punct.spacing() == Spacing::Joint) {
        text.push(' ');
    }
    text.push(char);
    if matches!(char, ',' | ';' | '+') || arrow || (char == '=' && punct.spacing() == Spacing::Alone) {
        text.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::spell;

    fn check(source: &str) {
        let tokens: proc_macro2::TokenStream = source.parse().expect("the case is made of tokens");
        assert_eq!(spell(tokens), source);
    }

    #[test]
    fn types_read_as_written() {
        check("&Db");
        check("&mut Db");
        check("&'a mut Db");
        check("Option<&pool::Db<u8, 3>>");
        check("&[u8; 4]");
        check("(Db, String)");
        check("&dyn Store + Send + Sync");
        check("fn(u8) -> bool");
        check("Box<dyn Iterator<Item = u8>>");
        check("<Db as Store>::Error");
        check("*const Db");
        check("order = -1");
    }
}
