//! `graceful health`: is it ready?

use std::time::Duration;

use clap::Args;
use graceful::__cli::{Detail, HealthCheck, Target, Verdict, default_target, read_time, read_timeout};

/// Asks a running service whether it is ready; or waits until it is gone.
///
/// A service that is built with the feature `health` has the same in itself: `./service --health-check`.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes:
  0  it is ready; with --wait-shutdown: it is gone
  1  it is not ready, not reachable, or did not answer in time; with --wait-shutdown: it still answers
  2  wrong usage

Examples:
  graceful health http://127.0.0.1:9090/health/ready
  graceful health shop:9090 --timeout 500ms --verbose
  graceful health unix:/run/shop.sock:/health/live
  kill $PID && graceful health shop:9090 --wait-shutdown 30")]
pub(crate) struct Health {
    /// http://HOST:PORT/PATH or unix:/SOCKET:/PATH; without a path /health/ready [default: $ADMIN_ADDR, or 127.0.0.1:9090]
    #[arg(value_parser = Target::parse)]
    url: Option<Target>,

    /// How long the answer may take, in seconds or as 500ms
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = read_timeout)]
    timeout: Duration,

    /// Waits up to TIME until nobody listens there any more
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    wait_shutdown: Option<Duration>,

    /// Shows what is asked and answered, with times, on stderr
    #[arg(short, long)]
    verbose: bool,
}

impl Health {
    pub(crate) fn run(self) -> Verdict {
        let target = match self.url.map_or_else(default_target, Ok) {
            Ok(target) => target,
            Err(problem) => {
                eprintln!("error: {problem}\n\nFor more information, try 'graceful health --help'.");
                return Verdict::WrongUsage;
            }
        };
        let detail = if self.verbose { Detail::Steps } else { Detail::Result };
        HealthCheck { target, timeout: self.timeout, wait_shutdown: self.wait_shutdown, detail }.run()
    }
}
