//! The health check as a command: asks a service whether it is ready, and exits.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use graceful_core::__private::parse_duration;

use crate::probing::{ProbeError, Target, ask};

/// How long the whole question may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long `--wait-shutdown` leaves the service alone between two questions.
const PAUSE: Duration = Duration::from_millis(50);

/// Nobody waits longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The argument that asks for the check, when it is the first one.
const ARGUMENT: &str = "--health-check";

/// Where probes listen when nothing else is said.
const ADMIN_ADDR: &str = "127.0.0.1:9090";

const USAGE: &str = "\
Asks a running service whether it is ready, and exits: for HEALTHCHECK in an image without shell and curl.

Usage: --health-check [URL] [--timeout 5] [--wait-shutdown 30] [--verbose]

  URL                 http://HOST:PORT/PATH or unix:/SOCKET:/PATH
                      [default: /health/ready at $ADMIN_ADDR, which is 127.0.0.1:9090 unless set]
  --timeout T         how long the answer may take, in seconds or as 500ms [default: 5]
  --wait-shutdown T   waits up to T until nobody listens there any more
  --verbose           what is asked and answered, with times, on stderr
  --help              this

Exit codes: 0 it is ready (--wait-shutdown: it is gone)
            1 it is not ready, not reachable, or did not answer in time (--wait-shutdown: it still answers)
            2 wrong usage
";

/// How the check of a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it was asked to be.
    Good,
    /// It is not.
    Bad,
    /// The question made no sense.
    WrongUsage,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(match verdict {
            Verdict::Good => 0,
            Verdict::Bad => 1,
            Verdict::WrongUsage => 2,
        })
    }
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// One line: what it came to.
    Result,
    /// Each step, with times, on stderr.
    Steps,
}

/// A check of a running service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked.
    pub target: Target,
    /// The time for one question and its answer.
    pub timeout: Duration,
    /// How long to wait until nobody listens there, if that is what is asked.
    pub wait_shutdown: Option<Duration>,
    /// How much is told.
    pub detail: Detail,
}

/// Runs the health check and tells the exit code, when the first argument is `--health-check` or `GRACEFUL` is `health`.
///
/// `#[graceful::main]` does this by itself. A `main` of your own calls it first, before threads and signal handlers:
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     if let Some(code) = graceful::health::command() {
///         return code;
///     }
///     // … the service
///     ExitCode::SUCCESS
/// }
/// ```
///
/// # Blocking
/// For the timeout that the arguments say, 5 s by default.
#[must_use]
pub fn command() -> Option<ExitCode> {
    let mut args = env::args_os().skip(1);
    let parsed = if args.next().is_some_and(|first| first == ARGUMENT) {
        parse(args)
    } else if env::var_os("GRACEFUL").is_some_and(|value| value == "health") {
        // The arguments are the service's own.
        parse(std::iter::empty())
    } else {
        return None;
    };
    let verdict = match parsed {
        Ok(Some(check)) => check.run(),
        Ok(None) => {
            say(io::stdout(), format_args!("{}", USAGE.trim_end()));
            Verdict::Good
        }
        Err(problem) => {
            say(io::stderr(), format_args!("graceful: error: {problem}; {ARGUMENT} --help explains"));
            Verdict::WrongUsage
        }
    };
    Some(verdict.into())
}

/// The URL that is meant when none is given.
///
/// # Errors
/// `ADMIN_ADDR` is no address that can be asked.
pub fn default_target() -> Result<Target, String> {
    let address = match env::var("ADMIN_ADDR") {
        Ok(address) if !address.is_empty() => address,
        Ok(_) | Err(env::VarError::NotPresent) => ADMIN_ADDR.to_owned(),
        Err(error) => return Err(format!("ADMIN_ADDR cannot be read: {error}")),
    };
    Target::parse(&address).map_err(|problem| format!("ADMIN_ADDR: {problem}"))
}

/// Reads a number of seconds, or a duration as in `500ms`.
///
/// # Errors
/// What is wrong, and what to write.
pub fn read_time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    match seconds.or_else(|| parse_duration(text)) {
        Some(time) if time <= LONGEST => Ok(time),
        Some(_) => Err(format!("{text:?} is more than 24h")),
        None => Err(format!("{text:?} is no time; write a number of seconds, or a duration as in 500ms or 1m 30s")),
    }
}

/// As [`read_time`], and not nothing.
///
/// # Errors
/// Likewise.
pub fn read_timeout(text: &str) -> Result<Duration, String> {
    match read_time(text)? {
        Duration::ZERO => Err("no time at all is too little; write 1 or more".to_owned()),
        time => Ok(time),
    }
}

/// `None`: the usage is asked for.
fn parse(args: impl Iterator<Item = OsString>) -> Result<Option<HealthCheck>, String> {
    let (mut target, mut timeout, mut wait_shutdown, mut detail) = (None, TIMEOUT, None, Detail::Result);
    let mut args = args.map(|arg| arg.into_string().map_err(|arg| format!("{} is not UTF-8", arg.display())));
    while let Some(arg) = args.next().transpose()? {
        let (name, written) = match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (arg.as_str(), None),
        };
        let mut value = || match written.clone() {
            Some(value) => Ok(value),
            None => args.next().transpose()?.ok_or_else(|| format!("{name} needs a value, as in {name} 5")),
        };
        match name {
            "--timeout" => timeout = read_timeout(&value()?).map_err(|problem| format!("{name}: {problem}"))?,
            "--wait-shutdown" => {
                wait_shutdown = Some(read_time(&value()?).map_err(|problem| format!("{name}: {problem}"))?);
            }
            "--verbose" | "-v" => detail = Detail::Steps,
            "--help" | "-h" => return Ok(None),
            _ if name.starts_with('-') => return Err(format!("{name} is not known")),
            _ if target.is_some() => return Err(format!("{arg:?} is a second URL")),
            _ => target = Some(Target::parse(&arg)?),
        }
    }
    let target = target.map_or_else(default_target, Ok)?;
    Ok(Some(HealthCheck { target, timeout, wait_shutdown, detail }))
}

impl HealthCheck {
    /// Asks, and tells what it came to: a good end on stdout, a bad one on stderr.
    ///
    /// # Blocking
    /// For its times.
    #[must_use]
    pub fn run(&self) -> Verdict {
        let result = match self.wait_shutdown {
            None => self.is_ready(),
            Some(patience) => self.is_gone(patience),
        };
        match result {
            Ok(line) => {
                say(io::stdout(), format_args!("{line}"));
                Verdict::Good
            }
            Err(line) => {
                say(io::stderr(), format_args!("{line}"));
                Verdict::Bad
            }
        }
    }

    fn is_ready(&self) -> Result<String, String> {
        let target = &self.target;
        let began = Instant::now();
        let answer = ask(target, self.timeout, &mut self.steps(began))
            .map_err(|error| format!("not ready: {target}: {error}"))?;
        let (status, says, took) = (answer.status, answer.says(), began.elapsed());
        self.steps(began)(format_args!("{status} {says}"));
        if answer.is_success() {
            return Ok(format!("ready: {target} answered {status} within {took:.1?}"));
        }
        let why = match answer.location {
            Some(place) => format!(", which leads to {place}: redirects are not followed, ask there"),
            None if status == 404 => format!(": there is no {} there; ask for the path of its readiness", target.path),
            None if says.is_empty() => String::new(),
            None => format!(": {says}"),
        };
        Err(format!("not ready: {target} answered {status}{why}"))
    }

    fn is_gone(&self, patience: Duration) -> Result<String, String> {
        let target = &self.target;
        let began = Instant::now();
        let mut was_there = false;
        loop {
            // A last question is asked when the time is over.
            let left = patience.saturating_sub(began.elapsed());
            let timeout = self.timeout.min(left.max(Duration::from_millis(100)));
            let answer = ask(target, timeout, &mut self.steps(began));
            let last = match answer {
                Err(error) if error.is_refused() || (was_there && is_unreachable(&error)) => {
                    self.steps(began)(format_args!("{error}"));
                    return Ok(format!(
                        "gone: nobody listens at {} any more, after {:.1?}",
                        target.place,
                        began.elapsed()
                    ));
                }
                Err(error @ ProbeError::Resolve { .. }) => return Err(format!("{target}: {error}")),
                Err(error) => {
                    was_there |= !is_unreachable(&error);
                    error.to_string()
                }
                Ok(answer) => {
                    was_there = true;
                    format!("{} {}", answer.status, answer.says())
                }
            };
            self.steps(began)(format_args!("{last}"));
            if began.elapsed() >= patience {
                return Err(format!(
                    "not gone: {} is still there after {:.1?}: {}",
                    target.place,
                    began.elapsed(),
                    last.trim_end()
                ));
            }
            thread::sleep(PAUSE.min(patience.saturating_sub(began.elapsed())));
        }
    }

    fn steps(&self, began: Instant) -> impl FnMut(fmt::Arguments<'_>) + use<> {
        let detail = self.detail;
        move |step| {
            if detail == Detail::Steps {
                say(io::stderr(), format_args!("{:>9.1?}  {step}", began.elapsed()));
            }
        }
    }
}

/// Whether its machine or its name is gone, which tells something only of who was there before.
fn is_unreachable(error: &ProbeError) -> bool {
    matches!(error, ProbeError::Connect { .. } | ProbeError::Resolve { .. })
}

/// A stream that is closed is no reason to fail.
fn say(mut stream: impl Write, line: fmt::Arguments<'_>) {
    let _ = stream.write_all(format!("{line}\n").as_bytes()).and_then(|()| stream.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Option<HealthCheck>, String> {
        parse(args.iter().map(OsString::from))
    }

    #[test]
    fn arguments_in_any_order() {
        let check = HealthCheck {
            target: Target::parse("http://shop:9090/livez").expect("a URL"),
            timeout: Duration::from_millis(500),
            wait_shutdown: Some(Duration::from_secs(30)),
            detail: Detail::Steps,
        };
        for args in [
            &["http://shop:9090/livez", "--timeout", "500ms", "--wait-shutdown", "30", "--verbose"][..],
            &["-v", "--wait-shutdown=30s", "--timeout=500ms", "shop:9090/livez"],
        ] {
            assert_eq!(parsed(args), Ok(Some(check.clone())));
        }
        assert_eq!(parsed(&["--help"]), Ok(None));
        let plain = parsed(&["shop:1"]).expect("right").expect("a check");
        assert_eq!((plain.timeout, plain.wait_shutdown, plain.detail), (TIMEOUT, None, Detail::Result));
    }

    #[test]
    fn wrong_usage_is_told() {
        for (args, what) in [
            (&["--timeout"][..], "--timeout needs a value"),
            (&["--timeout", "soon"], "--timeout: \"soon\" is no time"),
            (&["--timeout=0"], "write 1 or more"),
            (&["--wait-shutdown=25h"], "more than 24h"),
            (&["--fast"], "--fast is not known"),
            (&["a:1", "b:2"], "\"b:2\" is a second URL"),
            (&["https://shop"], "https is not supported"),
        ] {
            let error = parsed(args).expect_err("refused");
            assert!(error.contains(what), "{args:?}: {error}");
        }
    }
}
