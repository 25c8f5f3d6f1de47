//! What was seen so far, and what it comes to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use graceful::__cli::Verdict;

use super::observers::{Observation, Saw, Who};
use super::screen::{Mark, Screen};

/// A service that was told to stop and says so long after that it is ready has not turned its readiness.
const TURNED: Duration = Duration::from_secs(1);

/// Who is gone so soon may not have been asked meanwhile.
const BLINK: Duration = Duration::from_millis(100);

/// A line of the time line: when, and what.
type Line = (Duration, String);

/// Who stops the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopper {
    /// Somebody, at a moment that is seen only by what changes.
    Others,
    /// Whoever keeps the record, and says when.
    Us,
}

#[derive(Debug)]
pub(super) struct Record {
    stopper: Stopper,
    within: Duration,
    /// How many URLs of work there are.
    work: usize,
    /// Whether a connection is kept idle.
    idle: bool,
    stopping: Option<Instant>,
    has_process: bool,
    seen: Vec<Observation>,
    gone: Option<Instant>,
}

impl Record {
    pub(super) fn new(stopper: Stopper, within: Duration, work: usize, idle: bool) -> Self {
        Self { stopper, within, work, idle, stopping: None, has_process: false, seen: Vec::new(), gone: None }
    }

    /// The service is told to stop now.
    pub(super) fn stopping(&mut self, now: Instant) {
        self.stopping.get_or_insert(now);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Its end is told by the process, not by what it answers.
    pub(super) fn knows_process(&mut self) {
        self.has_process = true;
    }

    /// What makes it senseless to go on, before anything was stopped.
    pub(super) fn too_early(&self) -> Option<String> {
        self.seen.iter().find_map(|observation| match (&observation.who, &observation.saw) {
            (Who::Work | Who::Newcomer, Saw::Refused(why) | Saw::Lost(why)) => {
                Some(format!("nothing to be shown: the service does not take requests now: {why}"))
            }
            _ => None,
        })
    }

    /// Keeps what was seen, and says what of it is news.
    pub(super) fn note(&mut self, observation: Observation) -> Vec<Line> {
        let Observation { who, ref saw, at, .. } = observation;
        let is_answer_200 = matches!(saw, Saw::Answered(200..=299, _));
        if self.stopping.is_none() {
            let turned = match saw {
                Saw::Answered(..) => who == Who::Readiness && !is_answer_200,
                Saw::Refused(_) => true,
                _ => false,
            };
            if !turned || self.stopper == Stopper::Us {
                // A connection that ended by itself tells nothing of a shutdown.
                self.idle &= who != Who::Idle;
                self.seen.push(observation);
                return Vec::new();
            }
            self.stopping = Some(at);
        }
        let news = self.news(&observation);
        let is_end =
            who == Who::Process || (!self.has_process && who == Who::Readiness && matches!(saw, Saw::Refused(_)));
        if is_end {
            self.gone.get_or_insert(at);
        }
        let since = self.since(at);
        self.seen.push(observation);
        news.map(|line| (since, line)).into_iter().collect()
    }

    /// What has not been seen like this by the same one before.
    fn news(&self, observation: &Observation) -> Option<String> {
        let Observation { who, saw, began, .. } = observation;
        let last = self.seen.iter().rev().find(|seen| seen.who == *who).map(|seen| &seen.saw);
        let same = match (last, saw) {
            (Some(Saw::Answered(before, _)), Saw::Answered(now, _)) => before == now,
            // What was there before the stop is no news.
            (_, Saw::Ailing(..)) => true,
            (Some(before), now) => std::mem::discriminant(before) == std::mem::discriminant(now),
            (None, _) => false,
        };
        match (who, saw) {
            (Who::Process, _) => Some("the process is gone".to_owned()),
            (Who::Idle, Saw::Ended) => Some("idle connection closed in order (FIN)".to_owned()),
            (Who::Idle, saw) => Some(format!("idle connection: {}", saw.text())),
            (Who::Work, saw) if self.stopping.is_some_and(|stopping| *began < stopping) => {
                Some(format!("request that was under way: {}", saw.text()))
            }
            _ if same => None,
            (Who::Work, saw) => Some(format!("request sent after that: {}", saw.text())),
            (Who::Newcomer, saw) => Some(format!("new connection: {}", saw.text())),
            (Who::Readiness, saw) => Some(format!("readiness: {}", saw.text())),
            (Who::Liveness, saw) => Some(format!("liveness: {}", saw.text())),
        }
    }

    fn since(&self, at: Instant) -> Duration {
        self.stopping.map_or(Duration::ZERO, |stopping| at.saturating_duration_since(stopping))
    }

    /// Whether there is nothing left to be seen.
    pub(super) fn is_over(&self) -> bool {
        self.gone.is_some()
    }

    /// Says what became of each promise.
    pub(super) fn judge(&self, screen: &mut Screen) -> Verdict {
        screen.line("");
        let promises = self.promises();
        for (mark, line) in &promises {
            screen.promise(*mark, line);
        }
        screen.line("");
        let broken = promises.iter().filter(|(mark, _)| *mark == Mark::Broken).count();
        if broken == 0 {
            screen.line("graceful: it kept every promise that could be seen");
            Verdict::Good
        } else {
            screen.line(&format!("not graceful: {broken} of {} promises broken", promises.len()));
            Verdict::Bad
        }
    }

    fn promises(&self) -> Vec<(Mark, String)> {
        vec![self.readiness(), self.liveness(), self.under_way(), self.newcomers(), self.idle(), self.end()]
    }

    fn of(&self, who: Who) -> impl Iterator<Item = &Observation> {
        self.seen.iter().filter(move |observation| observation.who == who)
    }

    fn readiness(&self) -> (Mark, String) {
        let what = "not ready before anything else changes";
        let Some(stopping) = self.stopping else { return (Mark::Broken, format!("{what}: nothing happened")) };
        let asked = self.of(Who::Readiness).any(|seen| seen.began >= stopping && matches!(seen.saw, Saw::Answered(..)));
        if let Some(gone) = self.gone.map(|gone| gone.saturating_duration_since(stopping)).filter(|gone| *gone < BLINK)
            && !asked
        {
            return (Mark::NotShown, format!("{what}; it was gone after {gone:.1?}, before anybody could ask"));
        }
        let not_200 =
            |observation: &&Observation| !matches!(observation.saw, Saw::Answered(200..=299, _) | Saw::Ailing(..));
        let Some(first) = self.of(Who::Readiness).find(not_200) else {
            return (Mark::Broken, format!("{what}: it said to the last that it is ready"));
        };
        let Saw::Answered(status, _) = &first.saw else {
            return (Mark::Broken, format!("{what}: it never said so; {}", first.saw.text()));
        };
        // Two who ask at the same time see changes in any order; one who asks after the other has seen it does not.
        let refused = self
            .seen
            .iter()
            .find(|seen| matches!(seen.who, Who::Newcomer | Who::Work) && matches!(seen.saw, Saw::Refused(_)));
        let ready = self.of(Who::Readiness).filter(|seen| matches!(seen.saw, Saw::Answered(200..=299, _)));
        for ready in ready {
            if ready.began > stopping + TURNED {
                return (Mark::Broken, format!("{what}: it was ready for {:.1?} more", first.at - stopping));
            }
            if refused.is_some_and(|refused| refused.at < ready.began) {
                return (
                    Mark::Broken,
                    format!("{what}: connections were refused while it still said that it is ready"),
                );
            }
            if ready.began > first.at {
                return (Mark::Broken, format!("{what}: it was ready again, and then stopped"));
            }
        }
        (Mark::Kept, format!("{what} ({status} after {:.1?})", self.since(first.at)))
    }

    fn liveness(&self) -> (Mark, String) {
        let what = "alive to the end";
        let mut asked = 0;
        for seen in self.of(Who::Liveness) {
            match &seen.saw {
                Saw::Answered(200..=299, _) => asked += 1,
                // Somebody must be the last to ask.
                Saw::Lost(_) | Saw::Refused(_) | Saw::Ended => {}
                saw => return (Mark::Broken, format!("{what}: {} after {:.1?}", saw.text(), self.since(seen.at))),
            }
        }
        match asked {
            0 => (Mark::NotShown, format!("{what}; say where it is asked with --liveness PATH")),
            _ => (Mark::Kept, format!("{what} (answered 200 each of {asked} times)")),
        }
    }

    fn under_way(&self) -> (Mark, String) {
        let what = "requests that are under way are answered";
        let Some(stopping) = self.stopping else { return (Mark::NotShown, what.to_owned()) };
        let mut answers = BTreeMap::new();
        for seen in self.of(Who::Work).filter(|seen| seen.began < stopping && seen.at >= stopping) {
            match &seen.saw {
                Saw::Ailing(status, _) | Saw::Answered(status, _) => *answers.entry(*status).or_insert(0) += 1,
                saw => {
                    return (
                        Mark::Broken,
                        format!("{what}: one was not, after {:.1?}: {}", self.since(seen.at), saw.text()),
                    );
                }
            }
        }
        let began = self.of(Who::Work).filter(|seen| seen.began < stopping).count();
        match answers.values().sum::<usize>() {
            0 if self.work == 0 => (Mark::NotShown, format!("{what}; give it some with --work URL")),
            // Neither an answer nor an error came.
            0 if began == 0 => (Mark::Broken, format!("{what}: none came")),
            0 => (Mark::NotShown, format!("{what}; none was, at that moment: choose --work URL that takes longer")),
            _ => (Mark::Kept, format!("{what} ({})", list(&answers))),
        }
    }

    fn newcomers(&self) -> (Mark, String) {
        let what = "who connects is answered or refused, never dropped";
        let Some(stopping) = self.stopping else { return (Mark::NotShown, what.to_owned()) };
        let mut answered = 0;
        let mut refused = None;
        let anew = |seen: &&Observation| matches!(seen.who, Who::Newcomer | Who::Work) && seen.began >= stopping;
        for seen in self.seen.iter().filter(anew) {
            match &seen.saw {
                Saw::Ailing(..) | Saw::Answered(..) => answered += 1,
                Saw::Refused(_) => refused = refused.or(Some(self.since(seen.at))),
                saw => {
                    return (
                        Mark::Broken,
                        format!("{what}: one was, after {:.1?}: {}", self.since(seen.at), saw.text()),
                    );
                }
            }
        }
        let refused = refused.map_or_else(String::new, |after| format!(", refused from {after:.1?} on"));
        (Mark::Kept, format!("{what} ({answered} answered{refused})"))
    }

    fn idle(&self) -> (Mark, String) {
        let what = "idle connections are closed in order";
        match self.of(Who::Idle).last() {
            _ if !self.idle => (Mark::NotShown, format!("{what}; the service keeps none open")),
            None => (Mark::Broken, format!("{what}: it is still open")),
            Some(seen) if seen.saw == Saw::Ended => {
                (Mark::Kept, format!("{what} (FIN after {:.1?})", self.since(seen.at)))
            }
            Some(seen) => (Mark::Broken, format!("{what}: {}", seen.saw.text())),
        }
    }

    fn end(&self) -> (Mark, String) {
        let what = format!("gone within {:?}", self.within);
        match self.gone {
            Some(at) if self.since(at) <= self.within => (Mark::Kept, format!("{what} ({:.2?})", self.since(at))),
            Some(at) => (Mark::Broken, format!("{what}: it took {:.2?}", self.since(at))),
            None => (Mark::Broken, format!("{what}: it is still there")),
        }
    }
}

impl Saw {
    fn text(&self) -> String {
        match self {
            Self::Answered(status, says) if says.is_empty() => status.to_string(),
            Self::Ailing(status, says) | Self::Answered(status, says) => format!("{status} {says}"),
            Self::Ended => "closed".to_owned(),
            Self::Lost(why) => format!("lost: {why}"),
            Self::Refused(why) | Self::Silent(why) => why.clone(),
        }
    }
}

fn list(answers: &BTreeMap<u16, usize>) -> String {
    let texts: Vec<String> = answers.iter().map(|(status, count)| format!("{count} with {status}")).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happened, in milliseconds from when the service was told to stop, which is 1000.
    struct Story {
        start: Instant,
        record: Record,
        lines: Vec<String>,
    }

    impl Story {
        fn new() -> Self {
            let start = Instant::now();
            let mut record = Record::new(Stopper::Us, Duration::from_secs(30), 1, true);
            record.knows_process();
            let mut story = Self { start, record, lines: Vec::new() };
            story.see(Who::Readiness, 990, 991, ok());
            story.see(Who::Liveness, 990, 991, ok());
            story.see(Who::Newcomer, 990, 991, ok());
            story.see(Who::Readiness, 992, 993, Saw::Ailing(503, "database".into()));
            story.see(Who::Readiness, 994, 995, ok());
            story.record.stopping(story.at(1000));
            story
        }

        fn at(&self, millis: u64) -> Instant {
            self.start + Duration::from_millis(millis)
        }

        fn see(&mut self, who: Who, began: u64, at: u64, saw: Saw) -> &mut Self {
            let observation = Observation { who, began: self.at(began), at: self.at(at), saw };
            self.lines.extend(self.record.note(observation).into_iter().map(|(_, line)| line));
            self
        }

        /// What else a service does that stops as it should.
        fn end_well(&mut self) -> &mut Self {
            self.see(Who::Newcomer, 1240, 1241, refused())
                .see(Who::Idle, 900, 1250, Saw::Ended)
                .see(Who::Work, 950, 1300, ok())
                .see(Who::Liveness, 1300, 1301, ok())
                .see(Who::Process, 1000, 1310, Saw::Ended)
        }

        #[track_caller]
        fn expect_broken(&self, what: &str) {
            let broken: Vec<_> = self.record.promises().into_iter().filter(|(mark, _)| *mark == Mark::Broken).collect();
            assert!(broken.len() == 1 && broken[0].1.contains(what), "{what} is not {broken:?}");
        }
    }

    fn ok() -> Saw {
        Saw::Answered(200, "ready".into())
    }

    fn stopping() -> Saw {
        Saw::Answered(503, "the service is shutting down".into())
    }

    fn refused() -> Saw {
        Saw::Refused("nobody listens".into())
    }

    fn lost() -> Saw {
        Saw::Lost("the connection broke off".into())
    }

    #[test]
    fn all_is_well() {
        let mut story = Story::new();
        story.see(Who::Readiness, 1001, 1002, stopping()).see(Who::Readiness, 1010, 1011, stopping()).end_well();
        assert!(story.record.promises().iter().all(|(mark, _)| *mark == Mark::Kept), "{:?}", story.record.promises());
        assert_eq!(
            story.lines,
            [
                "readiness: 503 the service is shutting down",
                "new connection: nobody listens",
                "idle connection closed in order (FIN)",
                "request that was under way: 200 ready",
                "the process is gone"
            ]
        );
    }

    #[test]
    fn each_promise_can_be_broken() {
        Story::new().end_well().expect_broken("it said to the last that it is ready");
        Story::new().see(Who::Readiness, 1001, 1002, refused()).end_well().expect_broken("it never said so");
        let turned = || {
            let mut story = Story::new();
            story.see(Who::Readiness, 1001, 1002, stopping());
            story
        };
        turned().see(Who::Readiness, 1020, 1021, ok()).end_well().expect_broken("ready again");
        let mut late = Story::new();
        late.see(Who::Readiness, 2100, 2101, ok()).see(Who::Readiness, 2200, 2201, stopping());
        late.end_well().expect_broken("it was ready for 1.2s more");
        let mut early = Story::new();
        early.see(Who::Newcomer, 1001, 1002, refused()).see(Who::Readiness, 1005, 1006, ok());
        early.see(Who::Readiness, 1010, 1011, stopping()).end_well().expect_broken("refused while it still said");
        turned().see(Who::Liveness, 1100, 1101, stopping()).end_well().expect_broken("alive to the end");
        turned().see(Who::Work, 960, 1100, lost()).end_well().expect_broken("under way are answered: one was not");
        turned().see(Who::Newcomer, 1100, 1101, lost()).end_well().expect_broken("never dropped: one was");
        turned().end_well().see(Who::Idle, 900, 1260, lost()).expect_broken("idle connections");
    }

    #[test]
    fn who_is_gone_in_a_blink_cannot_be_asked() {
        let mut story = Story::new();
        story.see(Who::Work, 950, 1001, ok()).see(Who::Idle, 900, 1002, Saw::Ended);
        story.see(Who::Process, 1000, 1004, Saw::Ended).see(Who::Readiness, 1003, 1005, refused());
        assert_eq!(story.record.promises()[0].0, Mark::NotShown);
    }

    #[test]
    fn who_does_not_end_is_told() {
        let mut story = Story::new();
        story.see(Who::Readiness, 1001, 1002, stopping()).see(Who::Work, 950, 1300, ok()).see(
            Who::Idle,
            900,
            1250,
            Saw::Ended,
        );
        story.expect_broken("it is still there");
        story.see(Who::Process, 1000, 40_000, Saw::Ended).expect_broken("it took 39.00s");
    }

    #[test]
    fn somebody_else_may_stop_it() {
        let start = Instant::now();
        let mut record = Record::new(Stopper::Others, Duration::from_secs(30), 0, false);
        let mut see = |who, millis: u64, saw| {
            let at = start + Duration::from_millis(millis);
            record.note(Observation { who, began: at, at, saw })
        };
        assert!(see(Who::Readiness, 1, ok()).is_empty());
        // A check that fails is no stop.
        assert!(see(Who::Readiness, 3, Saw::Ailing(503, "database".into())).is_empty());
        assert_eq!(see(Who::Readiness, 5, stopping())[0].0, Duration::ZERO);
        assert_eq!(see(Who::Readiness, 9, refused())[0].0, Duration::from_millis(4));
        assert!(record.is_over());
    }
}
