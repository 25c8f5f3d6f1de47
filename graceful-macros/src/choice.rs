//! Options with a fixed set of legal words.

use crate::errors::Errors;
use crate::options::Key;
use crate::spanned::Spanned;
use crate::suggest;

/// Finds the meaning of the word that `key` was given.
pub(crate) fn resolve<T: Copy>(
    word: &Spanned<String>,
    key: Key,
    legal: &[(&str, T)],
    errors: &mut Errors,
) -> Option<T> {
    let found = legal.iter().find(|(name, _)| *name == word.value);
    if let Some((_, meaning)) = found {
        return Some(*meaning);
    }
    let names: Vec<_> = legal.iter().map(|(name, _)| *name).collect();
    let near = suggest::nearest(&word.value, names.iter().copied());
    let write = match near {
        Some(near) => key.write(&format!("\"{near}\"")),
        None => key.written(),
    };
    let message = format!(
        "unknown value {:?} for `{}`; write for example {write} (legal are `\"{}\"`)",
        word.value,
        key.name,
        names.join("\"`, `\""),
    );
    errors.at(word, message);
    None
}
