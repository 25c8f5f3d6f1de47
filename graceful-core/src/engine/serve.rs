//! One connection, from its handler's start to its end.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use super::core::Core;
use super::workers::{Job, Slot};

pub(super) fn serve(core: &Arc<Core>, slot: &Slot, job: Job) {
    let Job { connection, handler, held } = job;
    let (id, peer) = (connection.id(), connection.peer().clone());
    // The handler's own state is not looked at again after a panic. What it captured and the error are dropped, and the
    // error shown, inside: those may panic as well.
    let ended = panic::catch_unwind(AssertUnwindSafe(move || {
        let result = handler(connection).map_err(|error| error.to_string());
        drop(handler);
        result
    }));
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let fields = [("connection", id.into()), ("peer", peer.to_string().into()), ("error", error.into())];
            core.observer.debug("handler failed", fields);
        }
        Err(payload) => {
            let text = panic_text(&*payload).to_owned();
            let fields = [("connection", id.into()), ("peer", peer.to_string().into()), ("panic", text.into())];
            core.observer.error("handler panicked", fields);
            drop_quietly(payload);
        }
    }
    slot.rest();
    drop(held);
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&'static str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a value that is not text",
    }
}

/// The destructor of a panic's payload may panic in turn; the payload of that one is left alone.
fn drop_quietly(payload: Box<dyn Any + Send>) {
    if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}
