//! How a pool is closed.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ::r2d2::ManageConnection;
use graceful_core::__private::{catch_panic, process_setting};
use graceful_core::{Deadline, Switch};

use super::drainable::Shared;
use super::gate::Begun;
use super::{Cancel, Canceller, PoolClosed, PoolLeft};

/// What is left of the time when the cancelling begins: a quarter, and no more than this.
const LONGEST_MARGIN: Duration = Duration::from_secs(1);

/// What is kept of the time to close the connections and to tell of it: a tenth, and no more than this.
const LONGEST_CLOSE: Duration = Duration::from_millis(150);

/// What is kept of that to tell of it: half, and no more than this. A hook that is too late cannot say who is to blame.
const LONGEST_REST: Duration = Duration::from_millis(50);

/// Between two attempts to cancel the same one, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// When work is cancelled that does not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Force {
    /// Shortly before the deadline.
    AtDeadline,
    /// When the pool begins to close.
    #[cfg(feature = "redis")]
    AtOnce,
    /// Not at all.
    Never,
}

/// What `DB_FORCE_CLOSE` says: on, it is cancelled at the deadline.
pub(super) fn force_of_databases() -> Force {
    match process_setting("db_force_close").and_then(|(value, _)| value.switch()) {
        Some(Switch::Off) => Force::Never,
        _ => Force::AtDeadline,
    }
}

pub(super) fn close<M: ManageConnection>(shared: &Arc<Shared<M>>, deadline: Deadline) -> Result<PoolClosed, PoolLeft> {
    let left = deadline.remaining();
    let before = |time: Duration| deadline.instant().checked_sub(time).unwrap_or(deadline.instant());
    let told_by = before(LONGEST_REST.min(left / 20));
    let back_by = before(LONGEST_CLOSE.min(left / 10));
    let cancel_at = before(LONGEST_MARGIN.min(left / 4));
    match shared.gate.begin_to_close(told_by, |pool| pool.state().connections as usize) {
        Begun::Closed(closed) => return Ok(closed),
        Begun::Elsewhere => {
            let (_, closed, _, abandoned) = shared.gate.look();
            return Err(shared.left(closed, abandoned, None));
        }
        Begun::Ours => {}
    }
    let patient_until = match (shared.force)() {
        Force::AtDeadline => cancel_at,
        #[cfg(feature = "redis")]
        Force::AtOnce => Instant::now(),
        Force::Never => back_by,
    };
    if !shared.gate.wait_for_all(patient_until) && patient_until < back_by {
        cancel(shared, back_by);
    }
    if let Err(trouble) = close_connections(shared, Deadline::after(told_by.saturating_duration_since(Instant::now())))
    {
        shared.gate.note_trouble(trouble);
    }
    match shared.gate.end() {
        Ok(closed) => {
            let PoolClosed { idle, returned, cancelled } = closed;
            log::info!(target: "graceful", pool = shared.name.as_str(), idle, returned, cancelled; "pool closed");
            Ok(closed)
        }
        Err((closed, abandoned, trouble)) => Err(shared.left(closed, abandoned, trouble)),
    }
}

impl<M: ManageConnection> Shared<M> {
    fn left(&self, closed: PoolClosed, abandoned: Vec<super::Holder>, error: Option<String>) -> PoolLeft {
        let PoolClosed { idle, returned, cancelled } = closed;
        PoolLeft { name: self.name.clone(), idle, returned, cancelled, abandoned, error }
    }
}

/// Cancels what still runs, until everything is back or it is time. More than once, since a holder may begin with something
/// else after that; each on a thread of its own, since it asks a server that may hang.
fn cancel<M: ManageConnection>(shared: &Arc<Shared<M>>, until: Instant) {
    let mut pause = FIRST_PAUSE;
    loop {
        for (place, canceller) in shared.gate.to_cancel() {
            let theirs = Arc::clone(shared);
            let run = move || theirs.gate.note_cancel(place, attempt(&canceller));
            if let Err(error) = thread::Builder::new().name("gf-cancel".into()).spawn(run) {
                shared.gate.note_cancel(place, Cancel::Failed(format!("no thread: {error}")));
            }
        }
        if shared.gate.wait_for_all(until.min(Instant::now() + pause)) || Instant::now() >= until {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn attempt(canceller: &Canceller) -> Cancel {
    // The error's text is the user's to make.
    match catch_panic(|| canceller().map_err(|error| error.to_string())) {
        Ok(Ok(())) => Cancel::Ineffective,
        Ok(Err(error)) => Cancel::Failed(error),
        Err(panic) => Cancel::Failed(format!("it panicked: {panic}")),
    }
}

/// Says farewell and lets go of r2d2's pool, which closes what nobody has. On a thread of its own: that is user code, or a
/// driver that asks a server that may hang.
fn close_connections<M: ManageConnection>(shared: &Arc<Shared<M>>, deadline: Deadline) -> Result<(), String> {
    let Some(pool) = shared.gate.take_pool() else { return Ok(()) };
    let (told, result) = mpsc::channel();
    let farewell = shared.farewell;
    let run = move || {
        let said = catch_panic(|| farewell(&pool, deadline).map_err(|error| error.to_string()));
        let dropped = catch_panic(|| drop(pool));
        let result = said.and_then(|said| dropped.map(|()| said));
        // Nobody listens any more after the deadline.
        let _ = told.send(result.unwrap_or_else(|panic| Err(format!("closing the connections panicked: {panic}"))));
    };
    // Without a thread the closure is dropped here, and the pool with it: its connections are closed without a farewell.
    let thread = thread::Builder::new().name("gf-pool-close".into()).spawn(run);
    if let Err(error) = thread {
        return Err(format!("the connections were closed without a farewell: no thread: {error}"));
    }
    match result.recv_timeout(deadline.remaining()) {
        Ok(result) => result,
        Err(_) => Err("its idle connections were not closed in time".to_owned()),
    }
}
