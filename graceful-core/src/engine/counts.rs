//! What became of every connection.

/// Every connection that was accepted is in exactly one of the other counts, at any instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Taken from the kernel's queue by an accept loop of this runtime, or adopted from a foreign one.
    pub accepted: u64,
    /// The handler came to its end by itself, with or without an error, and the connection was closed.
    pub completed: u64,
    /// The handler panicked.
    pub failed: u64,
    /// Told to stop while it waited for its next request, and closed without one.
    pub closed_idle: u64,
    /// Still open at the drain's deadline and therefore cut, be it in a handler's hands or waiting for one.
    pub cut: u64,
    /// Accepted, but never given to a handler, because the drain was over or the runtime at its end.
    pub refused: u64,
    /// Taken out of this runtime's care by [`Connection::hand_over`](crate::Connection::hand_over).
    pub handed_over: u64,
    /// In a handler's hands, or waiting for one.
    pub still_open: u64,
}

impl ConnectionCounts {
    /// Whether the conservation law holds: nothing was accepted and then lost sight of.
    #[must_use]
    pub fn balance(&self) -> bool {
        let Self { accepted, completed, failed, closed_idle, cut, refused, handed_over, still_open } = *self;
        accepted == completed + failed + closed_idle + cut + refused + handed_over + still_open
    }
}

/// What the connections that are open are doing.
///
/// They are looked at one after the other, so one that changes meanwhile may be in neither count or the sum a few off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStates {
    /// A handler works on it, or a request is being received or answered.
    pub busy: u64,
    /// Waits for its next request.
    pub idle: u64,
    /// Was told to leave, or is about to be closed.
    pub leaving: u64,
    /// Waits for a worker.
    pub queued: u64,
}

/// Requests on all connections that speak a protocol of their own, such as HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// The head has arrived.
    pub received: u64,
    /// The answer has been handed to the kernel.
    pub answered: u64,
}
