//! The attributes of `graceful`: [`#[graceful::main]`](macro@main), [`#[cleanup]`](macro@cleanup),
//! [`#[task]`](macro@task), [`#[readiness]`](macro@readiness), [`#[liveness]`](macro@liveness) and
//! [`#[reload]`](macro@reload).
//!
//! Do not depend on this crate; depend on `graceful-std`, which re-exports the attributes as `graceful::main` and so
//! on.
//!
//! An attribute turns a function into data, one constant and one function pointer, that the core finds when the program
//! starts. There is no logic in the expansion, no global state, no `unsafe`; all names in it are absolute, so nothing
//! has to be imported and everything may be shadowed. What it does can be written by hand with the builder of the core.
//!
//! Each attribute takes `crate = path::to::graceful` for programs that know the crate only through another one, which
//! re-exports it. The rest of the options, all optional, are described at the attributes.
//!
//! # How it works
//!
//! Each attribute goes through the same three steps, a file for each in its folder: `args` reads what was written and
//! where, `resolve` checks it and makes of it a value that cannot be wrong, `expand` writes that value as code. All
//! work on `proc_macro2`, so that the tests run them without a compiler. Every mistake of one use is reported at once,
//! and the item is put out even then, so that one mistake does not cause others.

#![forbid(unsafe_code)]

mod check;
mod choice;
mod cleanup;
mod duration;
mod entry;
mod errors;
mod function;
mod name;
mod options;
mod origin;
mod output;
mod params;
mod paths;
mod registration;
mod reload;
#[cfg(test)]
mod snapshots;
mod spanned;
mod spell;
mod suggest;
mod task;
#[cfg(test)]
mod testing;
mod ty;
mod value;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;

/// Registers a function that runs once, after all work has ended.
///
/// ```ignore
/// #[cleanup(order = 20, timeout = "5s")]
/// fn close_db(db: &Db, deadline: Deadline) -> Result<(), DbError> {
///     db.close(deadline)
/// }
/// ```
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `order = 10` | hooks run by ascending order, those of equal order in parallel; any `i32` | `0` |
/// | `timeout = "5s"` | after this time the hook is abandoned and reported, and the next ones run; up to `"24h"` | `"5s"` |
/// | `name = "close database"` | how logs and the report call it; up to 64 ASCII letters, digits, spaces, `_` `.` `:` `/` `-` | the function's name |
/// | `phase = "cleanup"` | when it runs, see below | `"cleanup"` |
/// | `crate = path` | where to find `graceful` | `::graceful` |
///
/// | phase | runs |
/// |---|---|
/// | `"before_drain"` | while the service still serves: leave a registry, tell a coordinator |
/// | `"cleanup"` | after connections and tasks have ended |
/// | `"flush"` | at the very end, before the logs are flushed: error trackers, metric pushers |
///
/// # Blocking
///
/// The hook runs on a thread of its own and may block until its deadline. An error, a panic or a hang is recorded with
/// its name, makes the shutdown incomplete (exit code 3), and never keeps the other hooks from running.
#[doc = include_str!("docs/injection.md")]
#[doc = include_str!("docs/shape.md")]
#[proc_macro_attribute]
pub fn cleanup(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(cleanup::attribute, args, item)
}

/// Registers a check that is run in the background and says whether the process is worth keeping.
///
/// ```ignore
/// #[liveness(every = "10s", failures = 6)]
/// fn queue_moves(queue: &Queue) -> Result<(), Stuck> {
///     queue.has_moved()
/// }
/// ```
///
/// While it fails, `app.is_alive()` is false, which tells an orchestrator to restart the process: let it look at what only a
/// restart can mend, never at another service. A shutdown does not make it fail, and from then on nothing is checked.
///
/// # Options
///
/// Those of [`#[readiness]`](macro@readiness) but `critical`: every check of liveness is.
#[doc = include_str!("docs/checks.md")]
#[doc = include_str!("docs/injection.md")]
#[doc = include_str!("docs/shape.md")]
#[proc_macro_attribute]
pub fn liveness(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(check::liveness, args, item)
}

/// Makes `fn main` the service: signals, start, drain, tasks, hooks, report, exit code.
///
/// ```ignore
/// #[graceful::main(timeout = "30s", drain = "20s")]
/// fn main(app: &App) -> Result<(), graceful::BoxError> {
///     let db = app.provide(Db::open("orders.db")?);
///     app.http("0.0.0.0:8080", routes(db))?;
///     Ok(())
/// }
/// ```
///
/// The function may take the application as `&App`, or nothing, and returns nothing or a `Result<(), E>`. It may return
/// at once, and the service runs until it is told to stop; if nothing was started, the shutdown begins when it returns.
/// An error (exit code 1) or a panic (101) shuts down too, with all hooks.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `timeout = "30s"` | the whole shutdown, from the first signal to the end of the process | `"30s"` |
/// | `lame_duck = "5s"` | not ready but still serving, so that balancers look away; `"0s"` to leave it out | `"5s"` in a cluster, else `"0s"` |
/// | `drain = "20s"` | requests in flight may finish; `"0s"` to cut at once | `"20s"` |
/// | `tasks = "10s"` | background tasks may finish; `"0s"` not to wait for them | `"10s"` |
/// | `flush = "1s"` | reserved for logs and the report | `"1s"` |
/// | `debounce = "500ms"` | a signal repeated within this time is a double delivery and not an escalation; `"0s"` for none | `"500ms"` |
/// | `config = "service.toml"` | a settings file, read at start (feature `config`); the variable `GRACEFUL_CONFIG` names another | none |
/// | `hooks = [dep::close]` | functions with an attribute of this crate, in crates that the linker might drop | none |
/// | `expect_hooks = 3` | refuse to start with another number of registered functions | any number |
/// | `incomplete_exit_code = 0` | the exit code when a step failed, timed out or cut connections; 0 to 255 | `3` |
/// | `term`, `int`, `quit`, `hup`, `usr2` | what the signal does: `"shutdown"`, `"reload"` or `"ignore"` | `"shutdown"`; `hup = "reload"` if there is a `#[reload]` |
/// | `crate = path` | where to find `graceful` | `::graceful` |
///
/// The budgets may add up to more than `timeout`: what hooks and the flush need is reserved, and the others share the
/// rest.
///
/// # Errors
///
/// Mistakes are compile errors where they were made, all at once, with the text to write instead: a function with
/// another name than `main`, one that is `async`, generic, `const`, `unsafe` or `extern`; another parameter than one
/// `&App`; another return type than nothing, `()` or one whose name ends in `Result`; an unknown option, one given
/// twice, a value of the wrong kind; a duration without a unit, longer than a day, or zero for `timeout` and `flush`; a
/// hook that is listed twice.
#[proc_macro_attribute]
pub fn main(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(entry::attribute, args, item)
}

/// Registers a check that is run in the background and says whether the service may be sent work.
///
/// ```ignore
/// #[readiness(every = "5s", timeout = "1s", critical)]
/// fn database(db: &Db) -> Result<(), DbError> {
///     db.ping()
/// }
/// ```
///
/// With `critical`, `app.is_ready()` is false until it has passed and while it fails; without, it is only told of.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `critical` | the service is ready only while this check passes | it decides nothing |
/// | `every = "5s"` | how often it runs, from start to start; up to `"24h"` | `"5s"` |
/// | `timeout = "1s"` | after this time it has failed; at most the interval | `"1s"`, or the interval where that is shorter |
/// | `failures = 3` | so many in a row make one that passed fail; 1 to 1000 | `3` |
/// | `successes = 1` | so many in a row make one that failed pass; 1 to 1000 | `1` |
/// | `name = "database"` | how logs and answers call it; up to 64 ASCII letters, digits, spaces, `_` `.` `:` `/` `-` | the function's name |
/// | `crate = path` | where to find `graceful` | `::graceful` |
#[doc = include_str!("docs/checks.md")]
#[doc = include_str!("docs/injection.md")]
#[doc = include_str!("docs/shape.md")]
#[proc_macro_attribute]
pub fn readiness(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(check::readiness, args, item)
}

/// Registers a function that runs each time the service is told to read its configuration again, by SIGHUP unless
/// `#[graceful::main(hup = ..)]` says otherwise.
///
/// ```ignore
/// #[reload(timeout = "2s")]
/// fn read_config(config: &Config) -> Result<(), ConfigError> {
///     config.read_again()
/// }
/// ```
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `timeout = "5s"` | after this time the call is reported as hanging; up to `"24h"` | `"5s"` |
/// | `name = "config"` | how logs call it; up to 64 ASCII letters, digits, spaces, `_` `.` `:` `/` `-` | the function's name |
/// | `crate = path` | where to find `graceful` | `::graceful` |
///
/// Since it may run many times, only `Arc<T>`, `App`, `Deadline` and `Stop` can be taken by value.
///
/// # Blocking
///
/// It runs on a thread of its own while the service goes on serving. An error or a panic is logged with its name.
#[doc = include_str!("docs/injection.md")]
#[doc = include_str!("docs/shape.md")]
#[proc_macro_attribute]
pub fn reload(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(reload::attribute, args, item)
}

/// Registers a background thread, periodic or long-running, that is told to stop, joined, and named when it is late.
///
/// ```ignore
/// #[task(every = "30s")]
/// fn sync_metrics(db: &Db) -> Result<(), DbError> {
///     db.sync()
/// }
///
/// #[task]
/// fn consume(queue: &Queue, stop: &Stop) {
///     while let Some(message) = queue.next(stop) {
///         handle(message);
///     }
/// }
/// ```
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `every = "30s"` | the function is called at this interval, up to `"7days"` | called once, and runs until it is told to stop |
/// | `panic = "restart"` | what follows a panic or an error, see below | `"ignore"` with `every`, else `"shutdown"` |
/// | `name = "sync"` | how logs and the report call it; up to 64 ASCII letters, digits, spaces, `_` `.` `:` `/` `-` | the function's name |
/// | `crate = path` | where to find `graceful` | `::graceful` |
///
/// | panic | after a panic or an error, which is logged in any case |
/// |---|---|
/// | `"ignore"` | a periodic task runs again when it is due; a long-running one is over |
/// | `"restart"` | the function is called again: a periodic task when it is due, a long-running one after a pause that grows |
/// | `"shutdown"` | the service shuts down |
///
/// A task without `every` needs a `&Stop` (or `Stop`): it could not know when to return.
/// Since it may run many times, only `Arc<T>`, `App` and `Stop` can be taken by value.
///
/// # Blocking
///
/// The task has a thread of its own and may block. Once told to stop, after the drain, it has the `tasks` budget to
/// return; then it is abandoned, counted and named in the report.
#[doc = include_str!("docs/injection.md")]
#[doc = include_str!("docs/shape.md")]
#[proc_macro_attribute]
pub fn task(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(task::attribute, args, item)
}

/// How an attribute expands, on the types that also work outside of the compiler.
type Attribute = fn(TokenStream, TokenStream, &mut Errors) -> TokenStream;

/// Runs one attribute and puts the errors behind what it made.
fn expand(
    attribute: Attribute,
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let mut errors = Errors::default();
    let expanded = attribute(args.into(), item.into(), &mut errors);
    quote!(#expanded #errors).into()
}
