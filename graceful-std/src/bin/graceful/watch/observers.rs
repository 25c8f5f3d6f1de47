//! Who asks, again and again, and tells what was seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use graceful::__cli::{After, Answer, Link, ProbeError, Question, Target, Until, ask};

use super::process::Process;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(5);

/// Who sees something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The connection on which nothing is under way.
    Idle,
    Liveness,
    /// One who connects anew.
    Newcomer,
    /// The process itself.
    Process,
    Readiness,
    /// A request to one of the URLs of `--work`.
    Work,
}

/// Something that was seen.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub(super) who: Who,
    /// When it was asked.
    pub(super) began: Instant,
    /// When it was seen.
    pub(super) at: Instant,
    pub(super) saw: Saw,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Saw {
    /// An answer: not ready, for another reason than a stop. It starts, or one of its checks fails.
    Ailing(u16, String),
    /// Any other answer: its status, and what it says.
    Answered(u16, String),
    /// The end, in order.
    Ended,
    /// A connection that was there broke off, or ended before the answer.
    Lost(String),
    /// Nobody listens, or something else than an answer.
    Refused(String),
    /// Nothing in time.
    Silent(String),
}

impl Saw {
    fn from_answer(result: Result<Answer, ProbeError>) -> Self {
        match result {
            Ok(answer) if matches!(answer.state().as_deref(), Some("not_ready" | "starting")) => {
                Self::Ailing(answer.status, answer.says())
            }
            Ok(answer) => Self::Answered(answer.status, answer.says()),
            Err(error) if error.is_lost() => Self::Lost(error.to_string()),
            Err(error @ ProbeError::TimedOut { .. }) => Self::Silent(error.to_string()),
            Err(error) if error.is_refused() => Self::Refused("refused".to_owned()),
            Err(error) => Self::Refused(error.to_string()),
        }
    }

    /// What is seen of a connection on which nothing is under way.
    fn from_end(result: Result<(), ProbeError>) -> Self {
        match result {
            Ok(()) => Self::Ended,
            Err(error @ ProbeError::Broken { .. }) => Self::Lost(error.to_string()),
            Err(error @ ProbeError::TimedOut { .. }) => Self::Silent(error.to_string()),
            // A server may say why it closes; what counts is that it does.
            Err(_) => Self::Ended,
        }
    }
}

/// All that ask.
pub(super) struct Crew {
    tell: Sender<Observation>,
    finished: Arc<AtomicBool>,
    timeout: Duration,
    /// Work may take as long as all of it.
    patience: Duration,
}

impl Crew {
    pub(super) fn new(tell: Sender<Observation>, timeout: Duration, patience: Duration) -> Self {
        Self { tell, finished: Arc::default(), timeout, patience }
    }

    /// Nobody begins to ask any more.
    pub(super) fn finish(&self) {
        self.finished.store(true, Ordering::Relaxed);
    }

    pub(super) fn readiness(&self, target: &Target) {
        self.again(Who::Readiness, target.clone(), self.timeout);
    }

    pub(super) fn liveness(&self, target: &Target) {
        self.again(Who::Liveness, target.clone(), self.timeout);
    }

    pub(super) fn work(&self, target: &Target) {
        self.again(Who::Work, target.clone(), self.patience);
    }

    /// Whatever the answer to this path is there: that there is one is what counts.
    pub(super) fn newcomers(&self, door: &Target, path: &str) {
        self.again(Who::Newcomer, door.with_path(path), self.patience);
    }

    /// Opens a connection, asks once on it, and leaves it open. `false`: the service closes each connection by itself.
    pub(super) fn idle(&self, door: &Target, path: &str) -> bool {
        let until = Until::within(self.timeout);
        let question = Question { after: After::Keep, ..Question::get(path) };
        let link = Link::open(&door.place, until, &mut |_| ()).and_then(|mut link| {
            let answer = link.ask(&door.place, question, until)?;
            Ok((link, answer.after))
        });
        let Ok((mut link, After::Keep)) = link else { return false };
        let (tell, began) = (self.tell.clone(), Instant::now());
        // It may have to wait for somebody else to stop the service.
        thread::spawn(move || {
            let saw = Saw::from_end(link.wait_end(Until::within(Duration::from_secs(86_400))));
            let _ = tell.send(Observation { who: Who::Idle, began, at: Instant::now(), saw });
        });
        true
    }

    pub(super) fn process(&self, process: &Process) {
        let (tell, process, began) = (self.tell.clone(), process.clone(), Instant::now());
        thread::spawn(move || {
            process.wait();
            let _ = tell.send(Observation { who: Who::Process, began, at: Instant::now(), saw: Saw::Ended });
        });
    }

    /// Asks until nobody listens there, or nobody listens here.
    fn again(&self, who: Who, target: Target, timeout: Duration) {
        let (tell, finished) = (self.tell.clone(), Arc::clone(&self.finished));
        thread::spawn(move || {
            while !finished.load(Ordering::Relaxed) {
                let began = Instant::now();
                let saw = Saw::from_answer(ask(&target, timeout, &mut |_| ()));
                let is_over = matches!(saw, Saw::Refused(_));
                if tell.send(Observation { who, began, at: Instant::now(), saw }).is_err() || is_over {
                    return;
                }
                thread::sleep(PAUSE);
            }
        });
    }
}
