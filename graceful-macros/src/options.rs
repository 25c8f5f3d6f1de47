//! The list between the parentheses of an attribute: `key = value, key = value`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

use crate::errors::Errors;
use crate::spell::spell;
use crate::suggest;
use crate::value::Value;

/// One option of an attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// What stands before the `=`.
    pub(crate) name: &'static str,
    /// A value as the user would write it, for messages.
    pub(crate) example: &'static str,
}

impl Key {
    /// The text to write: `timeout = "5s"`.
    pub(crate) fn written(&self) -> String {
        self.write(self.example)
    }

    /// The text to write with another value than the example.
    pub(crate) fn write(&self, value: &str) -> String {
        format!("`{} = {value}`", self.name)
    }
}

/// What the user wrote, to be taken out key by key; what is left at the end is unknown.
#[derive(Debug)]
pub(crate) struct Options {
    given: Vec<Given>,
    /// Values that stand alone, without a key.
    strays: Vec<TokenStream>,
    known: Vec<Key>,
}

impl Options {
    /// Splits the list. Each option is read on its own, so that a mistake in one does not hide those in the others.
    pub(crate) fn split(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self { given: Vec::new(), strays: Vec::new(), known: Vec::new() };
        for piece in at_commas(tokens, errors) {
            let Some(given) = Given::parse(piece.clone()) else {
                options.strays.push(piece);
                continue;
            };
            if options.given.iter().any(|other| other.key == given.key) {
                errors.at(&given.key_tokens, format!("`{}` is given twice; remove one of them", given.key));
                continue;
            }
            options.given.push(given);
        }
        options
    }

    /// Whether the user gave this option, rightly or wrongly.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.given.iter().any(|given| given.key == key.name)
    }

    /// Takes one option out, if the user gave it.
    pub(crate) fn take(&mut self, key: Key, errors: &mut Errors) -> Option<Value> {
        self.known.push(key);
        let position = self.given.iter().position(|given| given.key == key.name)?;
        let given = self.given.remove(position);
        match given.value {
            Some(tokens) if !tokens.is_empty() => Some(Value::new(key, tokens)),
            _ => {
                let message = format!("`{}` needs a value; write {}", key.name, key.written());
                errors.at(given.whole, message);
                None
            }
        }
    }

    /// Takes out an option that is one word without a value; whether the user gave it.
    pub(crate) fn take_word(&mut self, key: Key, errors: &mut Errors) -> bool {
        self.known.push(key);
        let Some(position) = self.given.iter().position(|given| given.key == key.name) else { return false };
        let given = self.given.remove(position);
        if spell(&given.whole) != key.name {
            let message = format!("`{0}` takes no value; write `{0}`, or remove it", key.name);
            errors.at(given.whole, message);
        }
        true
    }

    /// Reports what no one took.
    pub(crate) fn finish(self, attribute: &str, errors: &mut Errors) {
        let names: Vec<_> = self.known.iter().map(|key| key.name).collect();
        let legal = format!("`{}`", names.join("`, `"));
        for given in self.given {
            let key = &given.key;
            let write = match suggest::nearest(key, names.iter().copied()) {
                Some(near) => format!("write `{near}` (legal are {legal})"),
                None => format!("write one of {legal}"),
            };
            let message = format!("unknown option `{key}` of `{attribute}`; {write}");
            errors.at(given.key_tokens, message);
        }
        for stray in self.strays {
            let example = self.known.first().map(Key::written).unwrap_or_default();
            let message = format!("a value without its option; write for example {example} (legal are {legal})");
            errors.at(stray, message);
        }
    }
}

/// One `key = value` as written.
#[derive(Debug)]
struct Given {
    key: String,
    key_tokens: TokenStream,
    /// `None` when there is no `=`.
    value: Option<TokenStream>,
    whole: TokenStream,
}

impl Given {
    /// `None` when the piece does not begin with a word.
    fn parse(whole: TokenStream) -> Option<Self> {
        if !matches!(whole.clone().into_iter().next(), Some(TokenTree::Ident(_))) {
            return None;
        }
        let mut key_tokens = TokenStream::new();
        let mut rest = whole.clone().into_iter();
        let mut value = None;
        for token in rest.by_ref() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '=' => {
                    value = Some(TokenStream::new());
                    break;
                }
                // `timeout("5s")`: the key ends here, and what follows is not the value that was asked for.
                TokenTree::Group(_) => break,
                // More than one word (`lame-duck`) is no key, but is kept whole for the message.
                token => token.to_tokens(&mut key_tokens),
            }
        }
        if let Some(value) = &mut value {
            value.extend(rest);
        }
        Some(Self { key: spell(&key_tokens), key_tokens, value, whole })
    }
}

/// The pieces between top-level commas. One trailing comma is fine, an empty piece elsewhere is not.
fn at_commas(tokens: TokenStream, errors: &mut Errors) -> Vec<TokenStream> {
    let mut pieces = Vec::new();
    let mut piece = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => {
                if piece.is_empty() {
                    errors.at(comma, "expected an option before this comma; remove the comma");
                } else {
                    pieces.push(std::mem::take(&mut piece));
                }
            }
            token => token.to_tokens(&mut piece),
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn well_formed_lists() {
        check("#[cleanup] fn f() {}", &[]);
        check("#[cleanup()] fn f() {}", &[]);
        check("#[cleanup(order = 1,)] fn f() {}", &[]);
        check("#[cleanup(timeout = \"5s\", order = -1, name = \"f\", phase = \"flush\", crate = a::b)] fn f() {}", &[]);
        check("#[cleanup(crate = ::a)] fn f() {}", &[]);
        check("#[task(every = \"1s\", panic = \"ignore\", name = \"f\", crate = crate::x)] fn f() {}", &[]);
        check("#[reload(timeout = \"1s\", name = \"f\", crate = self::x)] fn f() {}", &[]);
    }

    #[test]
    fn unknown_options_list_the_known() {
        check(
            "#[cleanup(priority = 1)] fn f() {}",
            &[(
                "priority",
                "unknown option `priority` of `#[cleanup]`; write one of `timeout`, `order`, `name`, `phase`, `crate`",
            )],
        );
        check(
            "#[cleanup(timout = \"5s\")] fn f() {}",
            &[("timout", "unknown option `timout` of `#[cleanup]`; write `timeout` (legal are `timeout`, `order`")],
        );
        check(
            "#[main(lame-duck = \"5s\")] fn main() {}",
            &[("lame-duck", "unknown option `lame-duck` of `#[graceful::main]`; write `lame_duck`")],
        );
        check(
            "#[task(order = 1, every = \"1s\")] fn f() {}",
            &[("order", "write one of `every`, `name`, `panic`, `crate`")],
        );
        check("#[reload(true)] fn f() {}", &[("true", "unknown option `true` of `#[reload]`")]);
    }

    #[test]
    fn shape_of_one_option() {
        check("#[cleanup(order = 1, order = 2)] fn f() {}", &[("order", "`order` is given twice; remove one")]);
        check("#[cleanup(timeout)] fn f() {}", &[("timeout", "needs a value; write `timeout = \"5s\"`")]);
        check("#[cleanup(timeout = )] fn f() {}", &[("timeout =", "needs a value; write `timeout = \"5s\"`")]);
        check(
            "#[cleanup(timeout(\"5s\"))] fn f() {}",
            &[("timeout(\"5s\")", "needs a value; write `timeout = \"5s\"`")],
        );
        check(
            "#[cleanup(\"5s\")] fn f() {}",
            &[("\"5s\"", "a value without its option; write for example `timeout = \"5s\"`")],
        );
        check("#[cleanup(, order = 1)] fn f() {}", &[(",", "remove the comma")]);
        check("#[cleanup(order = 1,,)] fn f() {}", &[(",", "remove the comma")]);
    }

    #[test]
    fn all_mistakes_at_once() {
        check(
            "#[cleanup(timeout = 5, oder = 1, name = \"\", \"x\")] async fn f(db: &mut Db) -> u8 { 0 }",
            &[
                ("oder", "write `order`"),
                ("\"x\"", "a value without its option"),
                ("5", "write `timeout = \"5s\"`"),
                ("async", "write a blocking `fn f`"),
                ("\"\"", "the name is empty"),
                ("&mut Db", "`&mut Db` cannot be injected"),
                ("u8", "says nothing about success"),
            ],
        );
    }
}
