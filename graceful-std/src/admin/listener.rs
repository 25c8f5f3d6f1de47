//! Probes and admin API on one listener.

use graceful_core::{Address, App, LocalAddress, StartError};

use super::Admin;
use super::routes::Api;
use crate::health::{Probes, listener};

/// Probes with the admin API beside them, made by [`Probes::admin`].
///
/// It is served on a listener of its own and cannot be mounted elsewhere: who may use it follows from where it listens.
#[derive(Debug)]
#[must_use = "it answers once it is served"]
pub struct AdminListener {
    probes: Probes,
    admin: Admin,
}

impl AdminListener {
    pub(crate) fn new(probes: Probes, admin: Admin) -> Self {
        Self { probes, admin }
    }

    /// Listens there; closes as [`Probes::serve`] does, after everything else.
    ///
    /// # Errors
    /// As [`Probes::serve`]; [`StartError::Handler`] with an [`AdminError`](super::AdminError) when the API would be open to
    /// the world, or its token or prefix cannot be used.
    pub fn serve(self, app: &App, address: impl Into<Address>) -> Result<LocalAddress, StartError> {
        self.probes.configure()?;
        let api = Api::new(self.admin, app)?;
        let guard = api.guard();
        #[cfg(feature = "metrics")]
        let metrics = self.probes.known_metrics();
        let routes = api.add_to(
            self.probes.routes(app),
            #[cfg(feature = "metrics")]
            metrics,
        );
        listener::serve("probes", app, address.into(), routes, |bound| Ok(guard.open(bound)?))
    }
}
