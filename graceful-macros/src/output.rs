//! What a function may return.

use syn::{ReturnType, Type};

use crate::errors::Errors;
use crate::function::Function;
use crate::spell::spell;
use crate::ty::{last_segment, peel};

/// Which function returns: the advice differs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Returns {
    Hook,
    Main,
    Task,
}

/// Reports a return type that says neither success nor failure.
///
/// A type alias cannot be looked through, so a name ending in `Result` is trusted here and checked by the compiler.
pub(crate) fn check(function: &Function, returns: Returns, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &function.sig.output else {
        return;
    };
    if is_outcome(ty) {
        return;
    }
    let written = spell(ty);
    errors.at(
        ty,
        match (peel(ty), returns) {
            (Type::Never(_), Returns::Task) => {
                "a task ends when it is told to; remove `-> !` and return once `stop.is_stopping()`".to_owned()
            }
            (Type::Never(_), _) => {
                "the function must return, or the shutdown would wait for it in vain; remove `-> !`".to_owned()
            }
            (_, Returns::Main) => format!(
                "`{written}` is not supported, the exit code follows from the report; \
                 write `-> Result<(), graceful::BoxError>` or no return type"
            ),
            _ => format!("`{written}` says nothing about success; write `-> Result<(), E>` or no return type"),
        },
    );
}

fn is_outcome(ty: &Type) -> bool {
    match peel(ty) {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        ty => last_segment(ty).is_some_and(|last| last.ident.to_string().ends_with("Result")),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn outcomes() {
        for outcome in ["", "-> ()", "-> Result<(), E>", "-> io::Result<()>", "-> (DbResult)"] {
            check(&format!("#[cleanup] fn f() {outcome} {{}}"), &[]);
            check(&format!("#[main] fn main() {outcome} {{}}"), &[]);
        }
    }

    #[test]
    fn everything_else() {
        check("#[cleanup] fn f() -> u8 { 0 }", &[("u8", "write `-> Result<(), E>`")]);
        check("#[reload] fn f() -> Option<()> { None }", &[("Option<()>", "`Option<()>` says nothing about success")]);
        check("#[cleanup] fn f() -> impl Future { g() }", &[("impl Future", "says nothing about success")]);
        check("#[cleanup] fn f() -> ! { loop {} }", &[("!", "the function must return")]);
        check(
            "#[task] fn f(stop: &Stop) -> ! { loop {} }",
            &[("!", "remove `-> !` and return once `stop.is_stopping()`")],
        );
        check("#[main] fn main() -> ExitCode { g() }", &[("ExitCode", "write `-> Result<(), graceful::BoxError>`")]);
        check("#[main] fn main() -> ! { loop {} }", &[("!", "the function must return")]);
    }
}
