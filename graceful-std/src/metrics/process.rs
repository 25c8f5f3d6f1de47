//! What the system knows of the process, under the names that Prometheus' own libraries use.

use std::fmt;
use std::time::UNIX_EPOCH;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::collector::gauge;
use crate::process;

/// What cannot be read here is no metric.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let usage = process::usage();
        if let Some(used) = usage.cpu_time {
            let help = "Processor time, of the user and the system";
            let seconds = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            ConstCounter::new(used.as_secs_f64()).encode(seconds)?;
        }
        if let Some(since) = usage.started_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()) {
            let help = "When the process began, since the Unix epoch";
            let began = encoder.encode_descriptor("process_start_time_seconds", help, None, MetricType::Gauge)?;
            ConstGauge::new(since.as_secs_f64()).encode(began)?;
        }
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Resident memory", usage.resident_memory),
            ("process_virtual_memory_bytes", "Address space", usage.virtual_memory),
            ("process_threads", "Threads", usage.threads),
            ("process_open_fds", "Open file descriptors", usage.open_files),
            ("process_max_fds", "How many descriptors may be open", usage.open_files_limit),
        ] {
            if let Some(value) = value {
                gauge(&mut encoder, name, help, value)?;
            }
        }
        Ok(())
    }
}
