//! Orders for other services: NATS.

use std::env;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use graceful::nats::{self, Error, Nats};
use graceful::{BoxError, Deadline};

use crate::store::Order;

/// Nobody, unless there is `NATS_URL`.
pub(crate) struct Publisher {
    nats: Option<Nats>,
    /// Up to here orders are on their way.
    sent: Mutex<i64>,
}

const SUBJECT: &str = "orders";

/// How long NATS may take to confirm a batch before it is asked again.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it may take to say that it is there.
const PING: Duration = Duration::from_millis(500);

impl Publisher {
    pub(crate) fn connect() -> Result<Self, BoxError> {
        let nats = env::var("NATS_URL").ok().map(|url| nats::connect(&url)).transpose()?;
        Ok(Self { nats, sent: Mutex::default() })
    }

    /// Returns once the server has all of them.
    pub(crate) fn publish(&self, orders: &[Order]) -> Result<(), BoxError> {
        let Some(nats) = &self.nats else { return Ok(()) };
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *sent;
        for order in orders.iter().filter(|order| order.id > before) {
            nats.publish(SUBJECT, order.json().to_string())?;
            *sent = order.id;
        }
        let confirmed = nats.flush(Deadline::after(PATIENCE));
        if !matches!(confirmed, Ok(()) | Err(Error::TimedOut)) {
            // Whatever is not confirmed is sent once more.
            *sent = 0;
        }
        Ok(confirmed?)
    }

    pub(crate) fn ping(&self) -> Result<(), BoxError> {
        Ok(self.nats.as_ref().map_or(Ok(()), |nats| nats.ping(PING).map(drop))?)
    }

    pub(crate) fn close(&self, deadline: Deadline) -> Result<(), BoxError> {
        Ok(self.nats.as_ref().map_or(Ok(()), |nats| nats.drain(deadline))?)
    }
}
