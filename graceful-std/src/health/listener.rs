//! A listener beside the service, which answers while the service is stopping.
//!
//! It is a runtime of its own, in the same process: it has its own event loop and its own connections. So it is not reached by
//! the service's drain, is no part of its counts, and answers when all of the service's threads are at work.

use std::time::Duration;

use graceful_core::{Address, App, Hook, HookPhase, LocalAddress, Runtime, StartError};

use crate::http::{Router, Server};

/// After whatever else is flushed.
const LAST: i32 = 1_000_000;

/// For the answers that are being sent.
const END: Duration = Duration::from_millis(50);

/// Serves these routes until the end of the service's flush phase. `admit` has the last word once it is known what is bound.
pub(crate) fn serve(
    name: &'static str,
    app: &App,
    address: Address,
    routes: Router,
    admit: impl FnOnce(&LocalAddress) -> Result<(), StartError>,
) -> Result<LocalAddress, StartError> {
    let runtime = Runtime::builder(name).lame_duck(Duration::ZERO).drain(END).workers(8).start()?;
    // Whoever opens connections and says nothing is to keep nobody out.
    let server = Server::new(routes)
        .max_connections(4096)
        .max_head(8 * 1024)
        .max_body(64 * 1024)
        .head_timeout(Duration::from_secs(2))
        .body_timeout(Duration::from_secs(2))
        .write_timeout(Duration::from_secs(2))
        .keep_alive(Duration::from_secs(30));
    let bound = runtime.app().http(address, server)?;
    if let Err(error) = admit(&bound) {
        // Closed by the time that the error is told.
        let _ = runtime.shutdown_within(END, "the service");
        return Err(error);
    }
    runtime.app().ready()?;
    let close = Hook::new(name, move |_: &mut graceful_core::Args<'_>| {
        // What is still asked for at the last moment is not answered; that is nobody's failure.
        let _ = runtime.shutdown_within(END, "the service");
    });
    app.hook(close.phase(HookPhase::Flush).order(LAST).timeout(Duration::from_millis(200)))?;
    Ok(bound)
}
