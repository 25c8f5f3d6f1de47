//! What the framework knows, read at each scrape.

use std::fmt;

use graceful_core::{App, CheckStatus, ConnectionCounts, Phase};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

pub(super) struct Service(pub(super) App);

const PHASES: [Phase; 8] = [
    Phase::Starting,
    Phase::Serving,
    Phase::LameDuck,
    Phase::Draining,
    Phase::StoppingTasks,
    Phase::CleaningUp,
    Phase::Flushing,
    Phase::Exited,
];

impl Collector for Service {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let app = &self.0;
        let help = "The version of graceful, and the service";
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("service", app.service())];
        encoder.encode_descriptor("graceful_build", help, None, MetricType::Info)?.encode_info(&labels)?;
        gauge(&mut encoder, "graceful_ready", "Whether the service may be sent work", u64::from(app.is_ready()))?;

        let mut phases =
            encoder.encode_descriptor("graceful_phase", "Where the service is", None, MetricType::Gauge)?;
        let present = app.phase();
        for phase in PHASES {
            let labels = [("phase", phase.name())];
            ConstGauge::new(u64::from(phase == present)).encode(phases.encode_family(&labels)?)?;
        }

        let ConnectionCounts { accepted, completed, failed, closed_idle, cut, refused, handed_over, still_open } =
            app.connections();
        gauge(&mut encoder, "graceful_connections", "Connections that are open", still_open)?;
        let states = app.connection_states();
        let help = "Connections that are open, by what they are doing";
        let mut by_state = encoder.encode_descriptor("graceful_connections_by_state", help, None, MetricType::Gauge)?;
        for (state, count) in
            [("busy", states.busy), ("idle", states.idle), ("leaving", states.leaving), ("queued", states.queued)]
        {
            ConstGauge::new(count).encode(by_state.encode_family(&[("state", state)])?)?;
        }
        let draining = if present.is_stopping() { still_open } else { 0 };
        let help = "Connections that are open while the service is stopping";
        gauge(&mut encoder, "graceful_shutdown_active_connections", help, draining)?;
        counter(&mut encoder, "graceful_connections_accepted", "Connections that were accepted", accepted)?;
        let help = "Connections that have ended, by how they did";
        let mut closed = encoder.encode_descriptor("graceful_connections_closed", help, None, MetricType::Counter)?;
        for (outcome, count) in [
            ("completed", completed),
            ("failed", failed),
            ("closed_idle", closed_idle),
            ("cut", cut),
            ("refused", refused),
            ("handed_over", handed_over),
        ] {
            ConstCounter::new(count).encode(closed.encode_family(&[("outcome", outcome)])?)?;
        }

        let requests = app.requests();
        counter(&mut encoder, "graceful_requests_received", "Requests whose head has arrived", requests.received)?;
        counter(&mut encoder, "graceful_requests_answered", "Requests whose answer is sent", requests.answered)?;

        for group in app.counters() {
            if let (Some(opened), Some(closed)) = (group.value("opened"), group.value("closed")) {
                // `websockets` as in `graceful_websocket_connections`.
                let name = format!("graceful_{}_connections", group.name.trim_end_matches('s'));
                gauge(
                    &mut encoder,
                    &name,
                    "Connections of this protocol that are open",
                    opened.saturating_sub(closed),
                )?;
            }
            for (name, value) in &group.values {
                let name = format!("graceful_{}_{name}", group.name);
                counter(&mut encoder, &name, "As in the report of a shutdown", *value)?;
            }
        }

        let checks = app.checks();
        if !checks.is_empty() {
            let help = "Whether a check passes";
            let mut passing = encoder.encode_descriptor("graceful_check_passing", help, None, MetricType::Gauge)?;
            for check in &checks {
                let labels = [("name", check.name.as_str()), ("kind", check.kind.name())];
                let value = u64::from(check.status == CheckStatus::Passing);
                ConstGauge::new(value).encode(passing.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

pub(super) fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

pub(super) fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    ConstCounter::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}
