//! The part with threads.
pub(crate) mod stop;
pub(crate) mod tickets;
