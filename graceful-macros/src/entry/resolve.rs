//! From what was written to a `main` that cannot be wrong.

use std::time::Duration;

use syn::{FnArg, Path};

use crate::choice;
use crate::duration::{self, Bounds, DAY, Zero};
use crate::entry::args::Args;
use crate::errors::Errors;
use crate::function::Function;
use crate::options::Key;
use crate::output::{self, Returns};
use crate::params::{ByValue, Param};
use crate::paths::Root;
use crate::spanned::Spanned;
use crate::spell::spell;

/// A valid `main`.
#[derive(Debug)]
pub(super) struct Main<'a> {
    /// The parameter for the application, if there is one.
    pub(super) app: Option<Param>,
    /// Field of `MainSpec` and its value.
    pub(super) budgets: Vec<(&'static str, Duration)>,
    /// The path of the settings file, where it was written.
    pub(super) config: Option<Spanned<String>>,
    pub(super) expect_hooks: Option<u32>,
    pub(super) function: &'a Function,
    pub(super) hooks: Vec<Path>,
    pub(super) incomplete_exit_code: Option<u8>,
    pub(super) root: Root,
    pub(super) signals: Vec<(Signal, Action)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    Ignore,
    Reload,
    Shutdown,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    Hup,
    Int,
    Quit,
    Term,
    Usr2,
}

const ACTIONS: [(&str, Action); 3] =
    [("shutdown", Action::Shutdown), ("reload", Action::Reload), ("ignore", Action::Ignore)];

impl<'a> Main<'a> {
    /// `None` when anything was wrong, here or before.
    pub(super) fn resolve(args: Args, function: &'a Function, errors: &mut Errors) -> Option<Self> {
        let name = &function.sig.ident;
        if name != "main" {
            let message = format!("`#[graceful::main]` goes on `fn main`; rename `{name}` to `main`");
            errors.at(name, message);
        }
        let budgets = budgets(&args, errors);
        let signals = signals(&args, errors);
        check_config(args.config.as_ref(), errors);
        check_hooks(&args.hooks, errors);
        let app = app(function, errors);
        output::check(function, Returns::Main, errors);
        if !errors.is_empty() {
            return None;
        }
        Some(Self {
            app,
            budgets,
            config: args.config,
            expect_hooks: args.expect_hooks.map(|count| count.value),
            function,
            hooks: args.hooks,
            incomplete_exit_code: args.incomplete_exit_code.map(|code| code.value),
            root: Root::resolve(args.root),
            signals,
        })
    }
}

fn budgets(args: &Args, errors: &mut Errors) -> Vec<(&'static str, Duration)> {
    let mut budgets = Vec::new();
    for (key, text) in &args.budgets {
        if let Some(budget) = duration::resolve(text, *key, bounds(*key), errors) {
            budgets.push((key.name, budget));
        }
    }
    budgets
}

fn bounds(key: Key) -> Bounds {
    let zero = match key.name {
        "timeout" => Zero::Refused("nothing could be ended in no time; remove the option for the default of 30s"),
        "flush" => Zero::Refused("the report is written in this time; remove the option for the default of 1s"),
        // No lame duck, cut at once, do not wait for tasks, every repeat counts.
        _ => Zero::Allowed,
    };
    Bounds { zero, most: DAY }
}

fn signals(args: &Args, errors: &mut Errors) -> Vec<(Signal, Action)> {
    let mut signals = Vec::new();
    for (key, word) in &args.signals {
        let signal = match key.name {
            "hup" => Signal::Hup,
            "int" => Signal::Int,
            "quit" => Signal::Quit,
            "usr2" => Signal::Usr2,
            _ => Signal::Term,
        };
        if let Some(action) = choice::resolve(word, *key, &ACTIONS, errors) {
            signals.push((signal, action));
        }
    }
    signals
}

/// Whether the file is there is seen where the service starts.
fn check_config(path: Option<&Spanned<String>>, errors: &mut Errors) {
    if let Some(path) = path.filter(|path| path.value.trim().is_empty()) {
        errors.at(path, "the path is empty; write `config = \"service.toml\"`, or remove the option");
    }
}

/// One hook under two paths cannot be seen here; the core finds that out at start.
fn check_hooks(hooks: &[Path], errors: &mut Errors) {
    for (index, hook) in hooks.iter().enumerate() {
        let written = spell(hook);
        if hooks[..index].iter().any(|other| spell(other) == written) {
            errors.at(hook, format!("the hook `{written}` is listed twice; remove one of them"));
        }
    }
}

fn app(function: &Function, errors: &mut Errors) -> Option<Param> {
    if let Some(second) = function.sig.inputs.iter().nth(1) {
        let message =
            "`main` takes at most one parameter; write `fn main(app: &App)` and `app.provide(..)` for other values";
        errors.at(second, message);
        return None;
    }
    let FnArg::Typed(only) = function.sig.inputs.first()? else {
        return None;
    };
    // Why another type could not be injected does not matter here: no other can be.
    let app = Param::resolve(function, ByValue::Any, &mut Errors::default()).pop();
    let app = app.filter(Param::is_shared_path);
    if app.is_none() {
        errors.at(&only.ty, "`main` is given nothing but the application; write `fn main(app: &App)`");
    }
    app
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn mains() {
        check("#[main] fn main() {}", &[]);
        check("#[main] pub fn main(app: &graceful::App) -> Result<(), BoxError> { Ok(()) }", &[]);
        check("#[main] fn start() {}", &[("start", "rename `start` to `main`")]);
        check(
            "#[main] fn main(app: &App, db: &Db) {}",
            &[("db: &Db", "at most one parameter; write `fn main(app: &App)`")],
        );
        check("#[main] fn main(app: App) {}", &[("App", "write `fn main(app: &App)`")]);
        check("#[main] fn main(args: Vec<String>) {}", &[("Vec<String>", "write `fn main(app: &App)`")]);
        check("#[main] fn main(app: &mut App) {}", &[("&mut App", "write `fn main(app: &App)`")]);
        check("#[main] fn main(app: &(App, Db)) {}", &[("&(App, Db)", "write `fn main(app: &App)`")]);
    }

    #[test]
    fn budgets() {
        check("#[main(lame_duck = \"0s\", drain = \"0s\", tasks = \"0s\", debounce = \"0s\")] fn main() {}", &[]);
        // All budgets shrink to what the total leaves, so this is legal.
        check("#[main(timeout = \"1s\", drain = \"20s\")] fn main() {}", &[]);
        check("#[main(timeout = \"0s\")] fn main() {}", &[("\"0s\"", "remove the option for the default of 30s")]);
        check("#[main(flush = \"0s\")] fn main() {}", &[("\"0s\"", "remove the option for the default of 1s")]);
        check("#[main(drain = \"2d\")] fn main() {}", &[("\"2d\"", "is longer than 24h")]);
    }

    #[test]
    fn the_settings_file_has_a_path() {
        check("#[main(config = \"service.toml\")] fn main() {}", &[]);
        check(
            "#[main(config = \"\")] fn main() {}",
            &[("\"\"", "the path is empty; write `config = \"service.toml\"`")],
        );
        check("#[main(config = service)] fn main() {}", &[("service", "config = \"service")]);
    }

    #[test]
    fn hooks_are_listed_once() {
        check(
            "#[main(hooks = [a::b, c, a::b])] fn main() {}",
            &[("a::b", "the hook `a::b` is listed twice; remove one of them")],
        );
    }
}
