//! Figures of shutdowns as families of metrics, for `/metrics` and for the file.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::Shutdowns;
use super::history::{BOUNDS, History};
use crate::metrics::collector::{counter, gauge};

/// Figures, and the components that are there even when they never failed.
#[derive(Debug)]
pub(crate) struct Families {
    pub(super) history: History,
    pub(super) components: Vec<String>,
}

impl Collector for Shutdowns {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.families().encode(encoder)
    }
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let History { successes, failures, forced, errors, durations, last } = &self.history;
        counter(&mut encoder, "graceful_shutdown_success", "Shutdowns that left nothing undone", *successes)?;
        counter(&mut encoder, "graceful_shutdown_failure", "Shutdowns that left something undone", *failures)?;
        counter(&mut encoder, "graceful_forced_shutdown", "Shutdowns that were ended where they stood", *forced)?;

        let help = "In how many shutdowns a component failed";
        let mut family = encoder.encode_descriptor("graceful_shutdown_errors", help, None, MetricType::Counter)?;
        let known = self.components.iter().map(|name| (name.as_str(), 0));
        let all: BTreeMap<&str, u64> =
            known.chain(errors.iter().map(|(name, count)| (name.as_str(), *count))).collect();
        for (component, count) in all {
            ConstCounter::new(count).encode(family.encode_family(&[("component", component)])?)?;
        }

        let help = "How long shutdowns took whose end was seen";
        let mut histogram =
            encoder.encode_descriptor("graceful_shutdown_duration_seconds", help, None, MetricType::Histogram)?;
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(durations.counts).collect();
        let count = durations.counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
        histogram.encode_histogram::<NoLabelSet>(durations.sum, count, &buckets, None)?;

        let open = last.as_ref().map_or(0, |last| last.open);
        let help = "Connections that were open when the last shutdown was requested";
        gauge(&mut encoder, "graceful_active_connections_at_shutdown", help, open)?;

        let Some(last) = last else { return Ok(()) };
        let help = "When the last shutdown was requested, since the Unix epoch";
        let at =
            encoder.encode_descriptor("graceful_last_shutdown_timestamp_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(last.requested_at_unix_ms as f64 / 1000.0).encode(at)?;
        if let Some(code) = last.exit_code {
            let help = "Exit code of the last shutdown, unless nobody saw its end";
            gauge(&mut encoder, "graceful_last_shutdown_exit_code", help, code.into())?;
        }
        if last.hooks.is_empty() {
            return Ok(());
        }
        let help = "How long a hook of the last shutdown took";
        let mut family = encoder.encode_descriptor("graceful_hook_duration_seconds", help, None, MetricType::Gauge)?;
        for hook in &last.hooks {
            ConstGauge::new(hook.took).encode(family.encode_family(&[("name", hook.name.as_str())])?)?;
        }
        let help = "How a hook of the last shutdown ended";
        let mut family = encoder.encode_descriptor("graceful_hook_outcome", help, None, MetricType::Gauge)?;
        for hook in &last.hooks {
            let labels = [("name", hook.name.as_str()), ("outcome", hook.outcome.as_str())];
            ConstGauge::new(1_u64).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
