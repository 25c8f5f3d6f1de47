//! A service whose settings file is `service.toml`, with a hook for each variable of a hook's timeout. With `GF_BUILDER` it is
//! built without attributes: then `.drain(9s)` is the builder's word, and every setting is said on stdout, as
//! `key = value (source)`. `GF_LATE` adds a hook of that name at run time.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Duration;

use graceful::{App, Args, BoxError, Hook, Runtime, Setting, SettingKind, Signals, cleanup};
use graceful_tests::fixture::{hook, say, setting};

/// One of the program's own.
static OWN: &[Setting] = &[Setting {
    key: "shop_limit",
    kind: SettingKind::Number { least: 1, most: 100 },
    default: "10",
    aliases: &[],
    about: "how many orders a customer may have",
}];

fn main() -> ExitCode {
    if setting("builder").is_some() { built() } else { attributed::main() }
}

mod attributed {
    use super::*;

    #[graceful::main(config = "service.toml", timeout = "40s", drain = "3s")]
    pub(super) fn main(app: &App) -> Result<(), BoxError> {
        if let Some(name) = setting("late") {
            app.hook(Hook::new(name, |_: &mut Args<'_>| ()))?;
        }
        app.ready()?;
        say("ready");
        Ok(())
    }
}

fn built() -> ExitCode {
    let builder = Runtime::builder("built").signals(Signals::Handle).environment().file("service.toml").settings(OWN);
    let builder = match setting("drain") {
        Some(_) => builder.drain(Duration::from_secs(9)),
        None => builder,
    };
    let runtime = match builder.start() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("refused: {error}"));
            return ExitCode::FAILURE;
        }
    };
    for setting in runtime.app().settings() {
        say(&format!("{} = {} ({})", setting.key, setting.value, setting.source));
    }
    let limit = runtime.app().setting("shop_limit").and_then(|value| value.number());
    say(&format!("limit {limit:?}"));
    ExitCode::from(runtime.shutdown("everything is said").exit_code)
}

#[cleanup(order = 1)]
fn close_db() -> Result<(), BoxError> {
    hook("close_db")
}

#[cleanup(order = 2, timeout = "2s")]
fn redis() {}

#[cleanup(order = 3)]
fn external_services() {}
