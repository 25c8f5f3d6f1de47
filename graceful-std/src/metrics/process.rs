//! What the system knows of the process, under the names that Prometheus' own libraries use.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::collector::gauge;

/// Read from `/proc`; where there is none, there are no metrics.
#[derive(Debug)]
pub(super) struct Process;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Usage {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    start_time: f64,
    threads: u64,
}

/// `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux that there is (proc_pid_stat(5), `USER_HZ`).
const TICKS: f64 = 100.0;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(Usage { cpu_seconds, resident_bytes, virtual_bytes, start_time, threads }) = usage() {
            let help = "Processor time, of the user and the system";
            let seconds = encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            ConstCounter::new(cpu_seconds).encode(seconds)?;
            gauge(&mut encoder, "process_resident_memory_bytes", "Resident memory", resident_bytes)?;
            gauge(&mut encoder, "process_virtual_memory_bytes", "Address space", virtual_bytes)?;
            let help = "When the process began, since the Unix epoch";
            let began = encoder.encode_descriptor("process_start_time_seconds", help, None, MetricType::Gauge)?;
            ConstGauge::new(start_time).encode(began)?;
            gauge(&mut encoder, "process_threads", "Threads", threads)?;
        }
        if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
            // The one that reads the folder is not counted.
            let open = descriptors.count().saturating_sub(1) as u64;
            gauge(&mut encoder, "process_open_fds", "Open file descriptors", open)?;
        }
        if let Some(most) = fs::read_to_string("/proc/self/limits").ok().and_then(|limits| soft_limit(&limits)) {
            gauge(&mut encoder, "process_max_fds", "How many descriptors may be open", most)?;
        }
        Ok(())
    }
}

fn usage() -> Option<Usage> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let boot = fs::read_to_string("/proc/stat").ok()?;
    parse(&stat, &status, &boot)
}

/// proc_pid_stat(5), proc_pid_status(5), proc_stat(5).
fn parse(stat: &str, status: &str, boot: &str) -> Option<Usage> {
    // The second field is the program's name, which may contain anything, `)` as well.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 2..)?.split(' ').collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok().map(|ticks| ticks / TICKS);
    let boot_time: f64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|size| size * 1024)
    };
    Some(Usage {
        cpu_seconds: ticks(11)? + ticks(12)?,
        resident_bytes: kilobytes("VmRSS:")?,
        virtual_bytes: fields.get(20)?.parse().ok()?,
        start_time: boot_time + ticks(19)?,
        threads: fields.get(17)?.parse().ok()?,
    })
}

/// `None` for `unlimited`.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_contain_anything() {
        let stat = "7 (a ) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 9 0 12345 268435456 2500 184467";
        let usage = parse(stat, "Name:\ta\nVmRSS:\t   10240 kB\n", "cpu 1 2\nbtime 1700000000\n");
        let expected = Usage {
            cpu_seconds: 2.0,
            resident_bytes: 10_485_760,
            virtual_bytes: 268_435_456,
            start_time: 1_700_000_123.45,
            threads: 9,
        };
        assert_eq!(usage, Some(expected));
        assert_eq!(parse("7 (a", "", ""), None);
    }

    #[test]
    fn limits() {
        assert_eq!(
            soft_limit("Limit\nMax open files            1024                 524288               files\n"),
            Some(1024)
        );
        assert_eq!(soft_limit("Max open files            unlimited            unlimited            files\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process() {
        let usage = usage().expect("there is /proc");
        assert!(usage.resident_bytes > 100_000 && usage.threads >= 1, "{usage:?}");
    }
}
