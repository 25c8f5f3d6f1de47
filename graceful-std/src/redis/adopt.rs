//! Pools of the `redis` crate's own connections.

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Client, ConnectionLike as _};

use crate::pool::{Canceller, Pool};

/// How long the server may take to be told.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Takes over a pool of connections of the `redis` crate, as they are needed for TLS. `client` is the one the pool was built
/// with, or one like it.
///
/// Their sockets are out of reach, so what cancels is the server: a connection of its own tells it `CLIENT KILL ID …`. That
/// fails, and its holder is abandoned and named, while the server hangs or is out of reach, and when the user may not use
/// that command. The id of each connection is asked for when it is first checked out, which is one round trip.
#[must_use]
pub fn adopt(name: impl Into<String>, pool: ::r2d2::Pool<Client>, client: Client) -> Pool<Client> {
    Pool::with_canceller(name, pool, move |connection| {
        let id: i64 = ::redis::cmd("CLIENT").arg("ID").query(connection).ok()?;
        let client = client.clone();
        let cancel: Canceller = Arc::new(move || {
            let mut own = client.get_connection_with_timeout(TIMEOUT)?;
            own.set_read_timeout(Some(TIMEOUT))?;
            own.set_write_timeout(Some(TIMEOUT))?;
            let kill = ::redis::cmd("CLIENT").arg("KILL").arg("ID").arg(id).get_packed_command();
            own.req_packed_command(&kill)?;
            Ok(())
        });
        Some(cancel)
    })
}
