//! What is counted over all connections of a runtime.

/// The group's name in reports.
pub(crate) const GROUP: &str = "websockets";

/// In this order. A connection whose handler never came back is opened and nothing else.
pub(crate) const NAMES: &[&str] =
    &["opened", "closed", "told", "answered", "cut", "lost", "errors", "received", "sent", "dropped"];

/// Connections that were opened.
pub(super) const OPENED: usize = 0;
/// Connections that have ended, however they did.
pub(super) const CLOSED: usize = 1;
/// Those that were sent a Close because of the shutdown.
pub(super) const TOLD: usize = 2;
/// Those of them that have answered it.
pub(super) const ANSWERED: usize = 3;
/// Those whose time was up.
pub(super) const CUT: usize = 4;
/// Those that ended without a Close.
pub(super) const LOST: usize = 5;
/// Those that we closed for a broken rule, a failed handler, or a full outbox.
pub(super) const ERRORS: usize = 6;
/// Messages.
pub(super) const RECEIVED: usize = 7;
pub(super) const SENT: usize = 8;
pub(super) const DROPPED: usize = 9;
