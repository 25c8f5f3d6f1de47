//! What stands between the parentheses of `#[graceful::main(..)]`.

use proc_macro2::TokenStream;
use syn::Path;

use crate::errors::Errors;
use crate::options::{Key, Options};
use crate::paths::CRATE;
use crate::spanned::Spanned;
use crate::value::Value;

/// The budgets, by the names of their fields in `MainSpec`.
const BUDGETS: [Key; 6] = [
    key("timeout", "\"30s\""),
    key("lame_duck", "\"5s\""),
    key("drain", "\"20s\""),
    key("tasks", "\"10s\""),
    key("flush", "\"1s\""),
    key("debounce", "\"500ms\""),
];

/// The signals whose meaning can be chosen.
const SIGNALS: [Key; 5] = [
    key("term", "\"shutdown\""),
    key("int", "\"shutdown\""),
    key("quit", "\"shutdown\""),
    key("hup", "\"reload\""),
    key("usr2", "\"ignore\""),
];

const CONFIG: Key = key("config", "\"service.toml\"");
const EXPECT_HOOKS: Key = key("expect_hooks", "3");
const HOOKS: Key = key("hooks", "[module::close_db]");
const INCOMPLETE_EXIT_CODE: Key = key("incomplete_exit_code", "0");

/// The options as written.
#[derive(Debug)]
pub(super) struct Args {
    pub(super) budgets: Vec<(Key, Spanned<String>)>,
    pub(super) config: Option<Spanned<String>>,
    pub(super) expect_hooks: Option<Spanned<u32>>,
    pub(super) hooks: Vec<Path>,
    pub(super) incomplete_exit_code: Option<Spanned<u8>>,
    pub(super) root: Option<Path>,
    pub(super) signals: Vec<(Key, Spanned<String>)>,
}

impl Args {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::split(tokens, errors);
        let budgets = BUDGETS.map(|key| (key, options.take(key, errors)));
        let config = options.take(CONFIG, errors);
        let hooks = options.take(HOOKS, errors);
        let signals = SIGNALS.map(|key| (key, options.take(key, errors)));
        let incomplete_exit_code = options.take(INCOMPLETE_EXIT_CODE, errors);
        let expect_hooks = options.take(EXPECT_HOOKS, errors);
        let root = options.take(CRATE, errors);
        options.finish(super::ATTRIBUTE, errors);
        Self {
            budgets: read(budgets, |value| value.duration(errors)),
            config: config.and_then(|value| value.text(errors)),
            expect_hooks: expect_hooks.and_then(|value| value.integer(u32::MIN, u32::MAX, errors)),
            hooks: hooks.and_then(|value| value.paths(errors)).unwrap_or_default(),
            incomplete_exit_code: incomplete_exit_code.and_then(|value| value.integer(u8::MIN, u8::MAX, errors)),
            root: root.and_then(|value| value.path(errors)),
            signals: read(signals, |value| value.text(errors)),
        }
    }
}

const fn key(name: &'static str, example: &'static str) -> Key {
    Key { name, example }
}

/// The values that were given, each with its key.
fn read<const N: usize, T>(
    values: [(Key, Option<Value>); N],
    mut kind: impl FnMut(Value) -> Option<T>,
) -> Vec<(Key, T)> {
    values.into_iter().filter_map(|(key, value)| Some((key, kind(value?)?))).collect()
}
