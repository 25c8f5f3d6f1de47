//! Where sessions are run: on event loops, or by a worker each where a loop cannot watch a socket that others own.

use std::sync::Arc;

use super::door::Service;
use super::protocol::Protocol;

/// On event loops.
#[cfg(unix)]
pub(super) fn on_this_platform(protocol: Arc<dyn Protocol>) -> Service {
    Service::Sessions(protocol)
}
