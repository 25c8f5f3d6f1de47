//! `graceful watch`: a shutdown, seen from outside.
//!
//! Threads that ask ([`observers`]) report what they see; [`record`] keeps it, says what is new as it happens, and judges at the
//! end; [`process`] is the process that is stopped.

mod observers;
mod process;
mod record;
mod screen;

use std::io::{self, BufRead as _, Write as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use clap::Args;
use graceful::__cli::{After, Link, Question, Target, Until, Verdict, ask, default_target, read_timeout};

use observers::{Crew, Observation};
use process::{Process, Signal};
use record::{Record, Stopper};
use screen::Screen;

/// For requests to be under way before the service is told to stop.
const HEAD_START: Duration = Duration::from_millis(300);

/// For what is still to be heard once the process is gone.
const AFTERMATH: Duration = Duration::from_millis(500);

/// Shows how a running service shuts down, step by step, and which promises it keeps.
///
/// It keeps asking for readiness and liveness, keeps a request under way to each --work URL and a connection open that is idle,
/// and opens new connections. Then it has the service stopped, prints what changes as it changes, and ends with a verdict.
/// Without --pid and --post it waits for somebody else to stop the service.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes:
  0  every promise that could be seen was kept
  1  at least one was broken
  2  wrong usage, or nothing could be shown: the service is not ready, the process is not there, nobody said yes

Examples:
  graceful watch http://127.0.0.1:9090 --pid $(pidof shop) --work http://127.0.0.1:8080/orders
  graceful watch shop:9090 --work http://shop:8080/work?ms=2000      and stop it elsewhere: kubectl delete pod, …
  graceful watch shop:9090 --post http://shop:9090/admin/shutdown --yes")]
pub(crate) struct Watch {
    /// Its readiness: http://HOST:PORT/PATH; without a path /health/ready [default: $ADMIN_ADDR, or 127.0.0.1:9090]
    #[arg(value_parser = Target::parse)]
    url: Option<Target>,

    /// The process that is sent the signal
    #[arg(long)]
    pid: Option<i32>,

    /// The signal: TERM, INT, QUIT, HUP or USR2
    #[arg(long, default_value = "TERM", value_parser = process::read_signal, requires = "pid")]
    signal: Signal,

    /// Asks for the shutdown by a POST to this URL instead of a signal, with $ADMIN_TOKEN as bearer token if it is set
    #[arg(long, value_name = "URL", value_parser = Target::parse, conflicts_with = "pid")]
    post: Option<Target>,

    /// What is kept under way while it stops: a GET of this URL, best of something that takes a while; may be repeated
    #[arg(long, value_name = "URL", value_parser = Target::parse)]
    work: Vec<Target>,

    /// The path of its liveness [default: the readiness' path with `live` for `ready`]
    #[arg(long, value_name = "PATH")]
    liveness: Option<String>,

    /// How long it may take to be gone
    #[arg(long, value_name = "TIME", default_value = "30", value_parser = read_timeout)]
    within: Duration,

    /// How long a probe may take to be answered
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = read_timeout)]
    timeout: Duration,

    /// Stops the service without asking
    #[arg(short, long)]
    yes: bool,
}

/// What is asked for, and how the service is stopped.
struct Plan {
    readiness: Target,
    liveness: Option<Target>,
    work: Vec<Target>,
    within: Duration,
    timeout: Duration,
    trigger: Trigger,
}

enum Trigger {
    /// A signal to this process.
    Kill(Process, Signal),
    /// A POST, with this token.
    Post(Target, Option<String>),
    /// Somebody else does it.
    Wait,
}

impl Watch {
    pub(crate) fn run(self) -> Verdict {
        let yes = self.yes;
        match self.plan().and_then(|plan| plan.watch(yes)) {
            Ok(verdict) => verdict,
            Err(problem) => {
                // Nobody may listen.
                let _ = writeln!(io::stderr(), "graceful watch: {problem}");
                Verdict::WrongUsage
            }
        }
    }

    fn plan(self) -> Result<Plan, String> {
        let readiness = self.url.map_or_else(default_target, Ok)?;
        let liveness = match self.liveness {
            Some(path) if path.starts_with('/') => Some(readiness.with_path(path)),
            Some(path) => return Err(format!("--liveness {path}: a path begins with /")),
            // `/health/ready` and `/readyz` have a sibling.
            None if readiness.path.contains("ready") => {
                Some(readiness.with_path(readiness.path.replace("ready", "live")))
            }
            None => None,
        };
        let trigger = match (self.pid, self.post) {
            (Some(pid), _) => Trigger::Kill(Process::open(pid)?, self.signal),
            (None, Some(target)) => Trigger::Post(target, token()?),
            (None, None) => Trigger::Wait,
        };
        let (work, within, timeout) = (self.work, self.within, self.timeout);
        Ok(Plan { readiness, liveness, work, within, timeout, trigger })
    }
}

fn token() -> Result<Option<String>, String> {
    match std::env::var("ADMIN_TOKEN") {
        Ok(token) if token.is_empty() => Ok(None),
        Ok(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(token)),
        Ok(_) | Err(std::env::VarError::NotUnicode(_)) => Err(
            "ADMIN_TOKEN has letters in it that a token cannot have: spaces, line breaks or others outside of ASCII"
                .into(),
        ),
        Err(std::env::VarError::NotPresent) => Ok(None),
    }
}

impl Plan {
    fn watch(self, yes: bool) -> Result<Verdict, String> {
        let mut screen = Screen::stdout();
        self.look(&mut screen)?;
        if !yes {
            self.confirm()?;
        }
        let (tell, told) = mpsc::channel();
        let mut crew = Crew::new(tell, self.timeout, self.within + HEAD_START);
        let door = self.work.first().unwrap_or(&self.readiness);
        let idle = crew.idle(door, &self.readiness.path);
        crew.readiness(&self.readiness);
        if let Some(liveness) = &self.liveness {
            crew.liveness(liveness);
        }
        for work in &self.work {
            crew.work(work);
        }
        crew.newcomers(door, &self.readiness.path);
        let stopper = if matches!(self.trigger, Trigger::Wait) { Stopper::Others } else { Stopper::Us };
        let mut record = Record::new(stopper, self.within, self.work.len(), idle);
        self.hear(&told, &mut record, &mut screen, Instant::now() + HEAD_START, |_| false)?;
        if let Some(problem) = record.too_early() {
            return Err(problem);
        }
        let deadline = self.stop(&mut record, &mut screen, &mut crew)?;
        self.hear(&told, &mut record, &mut screen, deadline, Record::is_over)?;
        crew.finish();
        // The last answers may be under way to us.
        self.hear(&told, &mut record, &mut screen, Instant::now() + AFTERMATH, |_| false)?;
        Ok(record.judge(&mut screen))
    }

    /// What it is like before, if there is something to be shown at all.
    fn look(&self, screen: &mut Screen) -> Result<(), String> {
        let look = |target: &Target, what: &str| match ask(target, self.timeout, &mut |_| ()) {
            Ok(answer) if answer.is_success() => Ok(format!("{what} {} at {target}", answer.status)),
            Ok(answer) => Err(format!(
                "nothing to be shown: {what} is {} {} at {target} already; start when it answers 200",
                answer.status,
                answer.says()
            )),
            Err(error) => Err(format!("nothing to be shown: {target}: {error}")),
        };
        screen.before(&look(&self.readiness, "readiness")?);
        if let Some(liveness) = &self.liveness {
            screen
                .before(&look(liveness, "liveness").map_err(|problem| format!("{problem} (or say --liveness PATH)"))?);
        }
        for work in &self.work {
            screen.before(&format!("a request under way to {work}"));
        }
        Ok(())
    }

    fn confirm(&self) -> Result<(), String> {
        let what = match &self.trigger {
            Trigger::Kill(process, signal) => {
                format!("send {} to process {}, {}", signal.name(), process.pid(), process.name())
            }
            Trigger::Post(target, _) => format!("POST {target}"),
            Trigger::Wait => return Ok(()),
        };
        let _ = write!(io::stderr(), "{what}? [y/N] ");
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(|error| format!("your answer cannot be read: {error}"))?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            "" if !answer.ends_with('\n') => Err("nobody is there to say yes; --yes says it".into()),
            _ => Err("nothing was done".into()),
        }
    }

    /// Has it stopped, and says until when it may take.
    fn stop(&self, record: &mut Record, screen: &mut Screen, crew: &mut Crew) -> Result<Instant, String> {
        let now = Instant::now();
        match &self.trigger {
            Trigger::Kill(process, signal) => {
                record.stopping(now);
                process.send(*signal)?;
                screen.at(Duration::ZERO, &format!("{} sent to process {}", signal.name(), process.pid()));
                crew.process(process);
                record.knows_process();
            }
            Trigger::Post(target, token) => {
                record.stopping(now);
                let until = Until::within(self.timeout);
                let question =
                    Question { method: "POST", path: &target.path, token: token.as_deref(), after: After::Close };
                let answer = Link::open(&target.place, until, &mut |_| ())
                    .and_then(|mut link| link.ask(&target.place, question, until))
                    .map_err(|error| format!("POST {target}: {error}"))?;
                if !answer.is_success() {
                    return Err(format!("POST {target} was answered {}: {}", answer.status, answer.says()));
                }
                screen.at(Duration::ZERO, &format!("POST {target} answered {}", answer.status));
            }
            Trigger::Wait => {
                screen.before("waiting for somebody to stop it (Ctrl-C ends the waiting)");
                return Ok(now + Duration::from_secs(86_400));
            }
        }
        Ok(now + self.within)
    }

    /// Listens until it is over or the time is.
    fn hear(
        &self,
        told: &Receiver<Observation>,
        record: &mut Record,
        screen: &mut Screen,
        mut deadline: Instant,
        is_over: impl Fn(&Record) -> bool,
    ) -> Result<(), String> {
        while !is_over(record) {
            match told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(observation) => {
                    let knew = record.is_stopping();
                    for (at, line) in record.note(observation) {
                        screen.at(at, &line);
                    }
                    if !knew && record.is_stopping() {
                        // Somebody else has begun it.
                        deadline = Instant::now() + self.within;
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
        Ok(())
    }
}
