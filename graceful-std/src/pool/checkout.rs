//! A connection that somebody has.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use ::r2d2::{ManageConnection, PooledConnection};

use super::drainable::Shared;

/// A connection, until it is dropped: then it goes back to the pool.
#[must_use = "it goes back at once when it is dropped"]
pub struct Checkout<M: ManageConnection> {
    // In this order: a seat is empty only when its connection is back, even if giving it back panics.
    pub(super) connection: PooledConnection<M>,
    pub(super) seat: Seat<M>,
}

/// A place among those who may have a connection.
pub(super) struct Seat<M: ManageConnection> {
    pub(super) shared: Arc<Shared<M>>,
    pub(super) place: usize,
}

impl<M: ManageConnection> Drop for Seat<M> {
    fn drop(&mut self) {
        self.shared.gate.leave(self.place);
    }
}

impl<M: ManageConnection> Deref for Checkout<M> {
    type Target = M::Connection;

    fn deref(&self) -> &M::Connection {
        &self.connection
    }
}

impl<M: ManageConnection> DerefMut for Checkout<M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.connection
    }
}

impl<M: ManageConnection> fmt::Debug for Checkout<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkout").field("pool", &self.seat.shared.name).finish_non_exhaustive()
    }
}
