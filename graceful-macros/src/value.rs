//! The value of one option, read as the kind that the option takes.

use std::fmt::Display;

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Lit, LitInt, LitStr, Path, Token};

use crate::errors::Errors;
use crate::options::Key;
use crate::spanned::Spanned;
use crate::spell::spell;

/// What stands after the `=`.
#[derive(Debug)]
pub(crate) struct Value {
    key: Key,
    tokens: TokenStream,
}

impl Value {
    /// The value of `key`; never empty.
    pub(crate) fn new(key: Key, tokens: TokenStream) -> Self {
        Self { key, tokens }
    }

    /// Reads a string.
    pub(crate) fn text(self, errors: &mut Errors) -> Option<Spanned<String>> {
        let meant = match self.read::<Word>() {
            Ok(Word::Text(text)) => return Some(Spanned::new(text.value(), self.tokens)),
            Ok(Word::Bare(word)) => format!("\"{word}\""),
            Err(_) => self.key.example.to_owned(),
        };
        self.refuse("a string", &meant, errors)
    }

    /// Reads the text of a duration. Whether it is one is decided later; here only a string is told from a number.
    pub(crate) fn duration(self, errors: &mut Errors) -> Option<Spanned<String>> {
        let meant = match self.read::<Lit>() {
            Ok(Lit::Str(text)) => return Some(Spanned::new(text.value(), self.tokens)),
            Ok(Lit::Int(number)) if number.base10_digits().starts_with('-') => self.key.example.to_owned(),
            Ok(Lit::Int(number)) if number.suffix().is_empty() => {
                format!("\"{}s\"", number.base10_digits())
            }
            // `5s` without quotes is a number with a suffix.
            Ok(Lit::Int(number)) => format!("\"{number}\""),
            _ => self.key.example.to_owned(),
        };
        self.refuse("a duration in a string", &meant, errors)
    }

    /// Reads a whole number between `least` and `most`.
    pub(crate) fn integer<T>(self, least: T, most: T, errors: &mut Errors) -> Option<Spanned<T>>
    where
        T: TryFrom<i128> + Display + PartialOrd,
    {
        let number = match self.read::<Number>() {
            Ok(number) => number,
            Err(_) => {
                let quoted = self.read::<LitStr>().ok();
                let meant = quoted.and_then(|text| text.value().parse::<i128>().ok());
                let meant = meant.map_or(self.key.example.to_owned(), |number| number.to_string());
                return self.refuse("a number", &meant, errors);
            }
        };
        // Digits that are too many even for an `i128` are out of range like any other.
        let value = number.digits.parse::<i128>().ok();
        let value = value.and_then(|value| T::try_from(value).ok());
        match value.filter(|value| (&least..=&most).contains(&value)) {
            Some(value) => Some(Spanned::new(value, self.tokens)),
            None => {
                let name = self.key.name;
                let message = format!("`{name}` is out of range; write a number from {least} to {most}");
                errors.at(self.tokens, message);
                None
            }
        }
    }

    /// Reads a path.
    pub(crate) fn path(self, errors: &mut Errors) -> Option<Path> {
        match Path::parse_mod_style.parse2(self.tokens.clone()) {
            Ok(path) => Some(path),
            Err(_) => {
                let meant = self.key.example.to_owned();
                self.refuse("a path without quotes", &meant, errors)
            }
        }
    }

    /// Reads a list of paths.
    pub(crate) fn paths(self, errors: &mut Errors) -> Option<Vec<Path>> {
        match self.read::<Paths>() {
            Ok(Paths(paths)) => Some(paths.into_iter().collect()),
            Err(_) => {
                // A lone path was probably meant as a list of one.
                let lone = Path::parse_mod_style.parse2(self.tokens.clone());
                let meant = lone.map_or(self.key.example.to_owned(), |path| format!("[{}]", spell(path)));
                self.refuse("a list of paths", &meant, errors)
            }
        }
    }

    fn read<T: Parse>(&self) -> syn::Result<T> {
        syn::parse2(self.tokens.clone())
    }

    fn refuse<T>(self, kind: &str, meant: &str, errors: &mut Errors) -> Option<T> {
        let message = format!("`{}` takes {kind}; write {}", self.key.name, self.key.write(meant));
        errors.at(self.tokens, message);
        None
    }
}

/// A string, or a word for which the quotes were forgotten.
enum Word {
    Text(LitStr),
    Bare(syn::Ident),
}

impl Parse for Word {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) { input.parse().map(Self::Text) } else { input.parse().map(Self::Bare) }
    }
}

/// A whole number with its sign.
struct Number {
    digits: String,
}

impl Parse for Number {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let minus = input.parse::<Option<Token![-]>>()?;
        let number = input.parse::<LitInt>()?;
        if !number.suffix().is_empty() {
            return Err(syn::Error::new(number.span(), "a number with a suffix"));
        }
        let sign = if minus.is_some() { "-" } else { "" };
        Ok(Self { digits: format!("{sign}{}", number.base10_digits()) })
    }
}

/// `[a::b, c]`
struct Paths(Punctuated<Path, Token![,]>);

impl Parse for Paths {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let content;
        syn::bracketed!(content in input);
        Punctuated::parse_terminated_with(&content, Path::parse_mod_style).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn durations_are_strings() {
        check(
            "#[cleanup(timeout = 5)] fn f() {}",
            &[("5", "`timeout` takes a duration in a string; write `timeout = \"5s\"`")],
        );
        check("#[cleanup(timeout = 90s)] fn f() {}", &[("90s", "write `timeout = \"90s\"`")]);
        check("#[cleanup(timeout = five)] fn f() {}", &[("five", "write `timeout = \"5s\"`")]);
        check("#[cleanup(timeout = -5)] fn f() {}", &[("-5", "write `timeout = \"5s\"`")]);
        check("#[cleanup(timeout = \"5s\" \"6s\")] fn f() {}", &[("\"5s\" \"6s\"", "write `timeout = \"5s\"`")]);
        check(
            "#[cleanup(timeout = Duration::from_secs(5))] fn f() {}",
            &[("Duration::from_secs(5)", "write `timeout = \"5s\"`")],
        );
        check("#[cleanup(timeout = \"5\")] fn f() {}", &[("\"5\"", "has no unit; write `timeout = \"5s\"`")]);
        check("#[main(drain = 20)] fn main() {}", &[("20", "write `drain = \"20s\"`")]);
    }

    #[test]
    fn orders_are_numbers() {
        check("#[cleanup(order = -2147483648)] fn f() {}", &[]);
        check("#[cleanup(order = 1_000)] fn f() {}", &[]);
        check("#[cleanup(order = \"1\")] fn f() {}", &[("\"1\"", "`order` takes a number; write `order = 1`")]);
        check("#[cleanup(order = \"first\")] fn f() {}", &[("\"first\"", "write `order = 10`")]);
        check("#[cleanup(order = 1.5)] fn f() {}", &[("1.5", "write `order = 10`")]);
        check("#[cleanup(order = FIRST)] fn f() {}", &[("FIRST", "write `order = 10`")]);
        check("#[cleanup(order = 1u8)] fn f() {}", &[("1u8", "write `order = 10`")]);
        check(
            "#[cleanup(order = 2147483648)] fn f() {}",
            &[("2147483648", "write a number from -2147483648 to 2147483647")],
        );
        let digits = "9".repeat(60);
        check(&format!("#[cleanup(order = {digits})] fn f() {{}}"), &[(&digits, "out of range")]);
        check("#[main(incomplete_exit_code = 256)] fn main() {}", &[("256", "write a number from 0 to 255")]);
        check("#[main(expect_hooks = -1)] fn main() {}", &[("-1", "write a number from 0 to 4294967295")]);
    }

    #[test]
    fn words_and_paths() {
        check("#[cleanup(name = close)] fn f() {}", &[("close", "`name` takes a string; write `name = \"close\"`")]);
        check("#[cleanup(name = 5)] fn f() {}", &[("5", "write `name = \"close database\"`")]);
        check("#[cleanup(crate = \"a\")] fn f() {}", &[("\"a\"", "write `crate = my_framework::graceful`")]);
        check(
            "#[main(hooks = dep::a)] fn main() {}",
            &[("dep::a", "`hooks` takes a list of paths; write `hooks = [dep::a]`")],
        );
        check("#[main(hooks = [\"a\"])] fn main() {}", &[("[\"a\"]", "write `hooks = [module::close_db]`")]);
        check("#[main(hooks = [])] fn main() {}", &[]);
        check("#[main(hooks = [a, ::b::c, self::d,])] fn main() {}", &[]);
    }

    #[test]
    fn choices() {
        check(
            "#[task(every = \"1s\", panic = \"abort\")] fn f() {}",
            &[(
                "\"abort\"",
                "write for example `panic = \"restart\"` (legal are `\"ignore\"`, `\"restart\"`, `\"shutdown\"`)",
            )],
        );
        check(
            "#[task(every = \"1s\", panic = \"Restart\")] fn f() {}",
            &[("\"Restart\"", "write for example `panic = \"restart\"`")],
        );
        check(
            "#[cleanup(phase = \"before-drain\")] fn f() {}",
            &[("\"before-drain\"", "write for example `phase = \"before_drain\"`")],
        );
        check("#[main(term = ignore)] fn main() {}", &[("ignore", "`term` takes a string; write `term = \"ignore\"`")]);
        check("#[main(hup = \"relod\")] fn main() {}", &[("\"relod\"", "write for example `hup = \"reload\"`")]);
    }
}
