//! Drills: the example `bench` under a load, told to stop in the middle of it. What every client saw is put into a class and
//! compared with the service's own counts.
//!
//! A drill is run five times, or as often as `GRACEFUL_DRILL_ROUNDS` says.

use std::time::Duration;

use graceful_drill::{Class, Drill, Outcome};
use graceful_tests::{Exit, PATIENCE, Running, Service, Signal};

/// A drill that is run again and again.
pub(crate) struct Drills {
    name: &'static str,
    drain: &'static str,
    bound: Duration,
    rounds: usize,
    held: Held,
}

/// Whether the service is stopped by the kernel while clients come to its door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    No,
    Yes,
}

/// What came of one round.
pub(crate) struct Round {
    pub(crate) seen: Outcome,
    pub(crate) exit: Exit,
}

struct Target<'a> {
    service: &'a Running,
    held: Held,
}

impl graceful_drill::Service for Target<'_> {
    fn prepare(&mut self) {
        if self.held == Held::Yes {
            self.service.signal(Signal::SIGSTOP);
            self.service.wait_stopped();
        }
    }

    fn signal(&mut self) {
        self.service.signal(Signal::SIGTERM);
        if self.held == Held::Yes {
            self.service.signal(Signal::SIGCONT);
        }
    }

    fn has_ended(&mut self) -> bool {
        self.service.has_ended()
    }
}

impl Drills {
    /// Those of a service with the usual drain, which ends as soon as what is under way has ended: within `bound`.
    pub(crate) fn new(name: &'static str, bound: Duration) -> Self {
        Self { name, drain: "20s", bound, rounds: 5, held: Held::No }
    }

    /// Those of a service with this drain.
    pub(crate) fn drain(mut self, drain: &'static str) -> Self {
        self.drain = drain;
        self
    }

    /// How often it is run if nothing else is asked for.
    pub(crate) fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// The service does not run while clients of `Pattern::Queued` come.
    pub(crate) fn held(mut self) -> Self {
        self.held = Held::Yes;
        self
    }

    /// Runs it; nothing may be lost in any round, and the service says so too.
    #[track_caller]
    pub(crate) fn lose_nothing(&self, drill: impl Fn(Drill) -> Drill) {
        self.run(drill, |round| {
            round.lost_nothing()?;
            round.answered_as_counted()
        });
    }

    /// Runs it, and judges each round.
    #[track_caller]
    pub(crate) fn run(&self, drill: impl Fn(Drill) -> Drill, judge: impl Fn(&Round) -> Result<(), String>) {
        let rounds =
            std::env::var("GRACEFUL_DRILL_ROUNDS").map_or(self.rounds, |rounds| rounds.parse().expect("a number"));
        let (mut attempts, mut losses, mut slowest, mut wrong) = (0, 0, Duration::ZERO, Vec::new());
        for nth in 1..=rounds {
            let round = self.round(&drill);
            attempts += round.seen.total.counts.attempts();
            losses += round.seen.losses();
            slowest = slowest.max(round.exit.took.unwrap_or_default());
            if let Err(what) = self.judge(&round).and_then(|()| judge(&round)) {
                wrong.push(format!("round {nth}: {what}\n{}\n{}", round.seen, round.exit));
            }
        }
        println!(
            "drill {}: {rounds} rounds, {attempts} requests, {losses} not answered, slowest exit {slowest:.1?}, {} wrong",
            self.name,
            wrong.len()
        );
        assert!(wrong.is_empty(), "{} of {rounds} rounds went wrong, first {}", wrong.len(), wrong[0]);
    }

    fn round(&self, drill: &impl Fn(Drill) -> Drill) -> Round {
        let service = Service::example("bench").env("ADDR", "127.0.0.1:0").env("SHUTDOWN_DRAIN", self.drain).start();
        let drill = drill(Drill::new(service.address()).warm_up(Duration::from_millis(300)).deadline(PATIENCE));
        let seen = drill.run_with(&mut Target { service: &service, held: self.held }).expect("it can be run");
        Round { seen, exit: service.wait(PATIENCE) }
    }

    /// What holds whatever was lost.
    fn judge(&self, Round { seen, exit }: &Round) -> Result<(), String> {
        let connections = &exit.report()["connections"];
        equal("balanced", &connections["balanced"], &true.into())?;
        equal("connections", &connections["accepted"], &seen.total.connections.made.into())?;
        let took = exit.took.unwrap_or_default();
        if took > self.bound + graceful_tests::SLACK {
            return Err(format!("it took {took:?} to end"));
        }
        Ok(())
    }
}

impl Round {
    /// Every request was answered, or refused before it was sent.
    pub(crate) fn lost_nothing(&self) -> Result<(), String> {
        equal("exit code", &self.exit.code, &Some(0))?;
        equal("losses", &self.seen.losses(), &0)?;
        equal("cut", &self.exit.report()["connections"]["cut"], &0.into())
    }

    /// The service has counted as many requests as were answered.
    pub(crate) fn answered_as_counted(&self) -> Result<(), String> {
        let requests = &self.exit.report()["requests"];
        let answered = self.seen.count(Class::Answered);
        equal("received", &requests["received"], &answered.into())?;
        equal("answered", &requests["answered"], &answered.into())
    }
}

/// Names what differs.
pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?} instead of {wanted:?}")) }
}
