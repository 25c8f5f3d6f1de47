//! Values by type. `GF_POOL` is `given`, `shared` or missing, `GF_EXTRA` is `once`, `twice` or missing, `GF_DROP` is what the
//! destructor of `Extra` does.
#![forbid(unsafe_code)]

use std::sync::Arc;

use graceful::{App, BoxError, Deadline, Reason, Stop, cleanup};
use graceful_tests::fixture::{act, hook, say, setting};

struct Pool(&'static str);
struct Extra;

impl Drop for Extra {
    fn drop(&mut self) {
        say("extra dropped");
        if let Err(error) = act("drop") {
            say(&error.to_string());
        }
    }
}

#[graceful::main(timeout = "20s")]
fn main(app: &App) -> Result<(), BoxError> {
    match setting("pool").as_deref() {
        Some("given") => app.give(Pool("a pool")),
        Some("shared") => drop(app.provide(Pool("a pool"))),
        _ => {}
    }
    if let Some(times) = setting("extra") {
        app.provide(Extra);
        if times == "twice" {
            app.provide_arc(Arc::new(Extra));
        }
    }
    app.ready()?;
    say("ready");
    Ok(())
}

#[cleanup(order = 1, timeout = "500ms")]
fn reads(pool: &Pool) -> Result<(), BoxError> {
    say(&format!("reads {}", pool.0));
    hook("reads")
}

#[cleanup(order = 2, timeout = "500ms")]
fn shares(pool: Arc<Pool>) {
    say(&format!("shares {}", pool.0));
}

#[cleanup(order = 3, timeout = "500ms")]
fn takes(pool: Pool) {
    say(&format!("takes {}", pool.0));
}

#[cleanup(order = 4, timeout = "500ms")]
fn maybe(extra: Option<&Extra>) {
    say(&format!("maybe {}", extra.is_some()));
}

#[cleanup(order = 5, timeout = "500ms")]
fn needs(_: &Extra) {
    say("needs it");
}

#[cleanup(order = 6, timeout = "700ms")]
fn knows(deadline: Deadline, reason: Reason, stop: &Stop, app: &App) {
    let left = deadline.remaining().as_millis();
    say(&format!("knows {} {} {} {}", left > 0 && left <= 700, reason.kind(), stop.is_stopping(), app.phase().name()));
}
