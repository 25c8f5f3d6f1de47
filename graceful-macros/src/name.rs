//! The name under which a function appears in logs, the report and the admin pages.

use syn::ext::IdentExt;

use crate::errors::Errors;
use crate::function::Function;
use crate::options::Key;
use crate::spanned::Spanned;

/// The option; the same for every attribute that has it.
pub(crate) const NAME: Key = Key { name: "name", example: "\"close database\"" };

const LONGEST: usize = 64;

/// The given name or, without one, the name of the function.
pub(crate) fn resolve(given: Option<&Spanned<String>>, function: &Function, errors: &mut Errors) -> Option<String> {
    let ident = &function.sig.ident;
    let (name, problem) = match given {
        Some(given) => (given.value.clone(), problem(&given.value)),
        None => {
            let name = ident.unraw().to_string();
            let problem = problem(&name);
            (name, problem)
        }
    };
    let Some(problem) = problem else {
        return Some(name);
    };
    let message = format!("{problem}; write for example {}", NAME.written());
    match given {
        Some(given) => errors.at(given, message),
        None => errors.at(ident, message),
    }
    None
}

fn problem(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("the name is empty".to_owned());
    }
    let length = name.chars().count();
    if length > LONGEST {
        return Some(format!("the name has {length} characters and may have {LONGEST}"));
    }
    // Names become log fields and metric labels; nothing in them may need escaping there.
    let legal = |char: &char| char.is_ascii_alphanumeric() || "_.:/ -".contains(*char);
    let illegal = name.chars().find(|char| !legal(char))?;
    Some(format!("the name holds {illegal:?}; legal are letters, digits, spaces and `_`, `.`, `:`, `/`, `-`"))
}

#[cfg(test)]
mod tests {
    fn check(name: &str, expected: Option<&str>) {
        let problem = super::problem(name);
        match expected {
            None => assert_eq!(problem, None, "{name}"),
            Some(part) => assert!(problem.as_deref().is_some_and(|text| text.contains(part)), "{problem:?}"),
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        check("close_db", None);
        check("orders: close/db 2.1-a", None);
        check(&"x".repeat(64), None);
        check(&"x".repeat(65), Some("has 65 characters and may have 64"));
        check("", Some("empty"));
        check("  ", Some("empty"));
        check("line\nbreak", Some("'\\n'"));
        check("quote\"", Some("'\"'"));
        check("schließen", Some("'ß'"));
    }

    #[test]
    fn the_function_names_itself() {
        use crate::testing::check;
        check("#[cleanup] fn r#loop() {}", &[]);
        check(
            "#[cleanup(name = \"über\")] fn f() {}",
            &[("\"über\"", "write for example `name = \"close database\"`")],
        );
        check("#[cleanup] fn schließen() {}", &[("schließen", "the name holds 'ß'")]);
        check("#[cleanup(name = \"close\")] fn schließen() {}", &[]);
    }
}
