//! Where a thread leaves what it leads with while it is at something that may not end: who looks from outside may take it
//! away and give it to another.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// For one `T`, which is in here during a run and in its leader's hands else. `L` is what the outside gets to see of the
/// leader.
pub(super) struct Slot<T, L> {
    state: Mutex<State<T, L>>,
    /// Changed under the lock; read without it by those who only want to know whether something goes on.
    run: AtomicU64,
}

struct State<T, L> {
    value: Option<T>,
    leader: L,
}

/// Which run it is: odd numbers are runs, even ones the times between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run(u64);

impl Run {
    /// Whether it is one, and not a time between two.
    pub(super) fn is_on(self) -> bool {
        self.0 % 2 == 1
    }
}

impl<T, L> Slot<T, L> {
    /// Nobody leads yet.
    pub(super) fn new(leader: L) -> Self {
        Self { state: Mutex::new(State { value: None, leader }), run: AtomicU64::new(0) }
    }

    /// Which run goes on now, or between which it is.
    pub(super) fn run(&self) -> Run {
        Run(self.run.load(Ordering::SeqCst))
    }

    /// What `look` sees in the leader.
    pub(super) fn leader<R>(&self, look: impl FnOnce(&L) -> R) -> R {
        look(&self.state().leader)
    }

    /// The caller has the value, and leads from now on. What an earlier leader put aside is none of its business any more.
    pub(super) fn begin_to_lead(&self, leader: L) {
        let mut state = self.state();
        state.leader = leader;
        let Run(run) = self.run();
        self.run.store((run | 1) + 1, Ordering::SeqCst);
    }

    /// Begins a run.
    pub(super) fn put_aside(&self, value: T) -> Run {
        let mut state = self.state();
        debug_assert!(state.value.is_none(), "there is only one value");
        state.value = Some(value);
        let run = self.run.load(Ordering::Relaxed) + 1;
        self.run.store(run, Ordering::Release);
        Run(run)
    }

    /// Ends a run; `None` when the value was taken away during it.
    pub(super) fn take_back(&self, Run(run): Run) -> Option<T> {
        let mut state = self.state();
        // What is there now may be another run's.
        if self.run.load(Ordering::Relaxed) != run {
            return None;
        }
        let value = state.value.take()?;
        self.run.store(run + 1, Ordering::Release);
        Some(value)
    }

    /// Takes the value away from a run, unless that has ended. Its leader is shown to `tell` before it can find out.
    pub(super) fn seize(&self, run: Run, tell: impl FnOnce(&L)) -> Option<T> {
        let mut state = self.state();
        if self.run() != run {
            return None;
        }
        let value = state.value.take()?;
        tell(&state.leader);
        Some(value)
    }

    fn state(&self) -> MutexGuard<'_, State<T, L>> {
        // No user code runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_ends_in_time_has_its_value_back() {
        let slot = Slot::new("first");
        slot.begin_to_lead("second");
        let run = slot.put_aside(7);
        assert!(run.is_on() && slot.run() == run);
        assert_eq!(slot.leader(|leader| *leader), "second");
        assert_eq!(slot.take_back(run), Some(7));
        assert!(!slot.run().is_on());
        assert_eq!(slot.seize(run, |_| panic!("it has ended")), None);
        assert_eq!(slot.take_back(run), None);
    }

    #[test]
    fn a_lost_run_gets_nothing_whatever_comes_after_it() {
        let slot = Slot::new("first");
        let lost = slot.put_aside(7);
        let mut told = None;
        assert_eq!(slot.seize(lost, |leader| told = Some(*leader)), Some(7));
        assert_eq!(told, Some("first"));
        assert_eq!(slot.seize(lost, |_| panic!("it is lost already")), None);
        slot.begin_to_lead("second");
        let run = slot.put_aside(8);
        assert_eq!(slot.take_back(lost), None);
        assert_eq!(slot.seize(lost, |_| panic!("it is lost already")), None);
        assert_eq!(slot.take_back(run), Some(8));
    }
}

#[cfg(all(test, graceful_shuttle))]
mod schedules {
    use ::shuttle::thread;

    use super::*;
    use crate::sync::atomic::AtomicBool;
    use crate::sync::{Arc, explore};

    /// Which of the threads leads.
    type Name = usize;

    /// A value that notices when two have it. It is not copied, so it cannot be lost without a trace either.
    struct Reactor {
        in_hand: Arc<AtomicBool>,
        /// Who put it aside last.
        last: Name,
    }

    impl Reactor {
        fn receive(self) -> Self {
            assert!(!self.in_hand.swap(true, Ordering::SeqCst), "somebody else has it");
            self
        }

        fn let_go(self, last: Name) -> Self {
            assert!(self.in_hand.swap(false, Ordering::SeqCst), "it was in nobody's hands");
            Self { last, ..self }
        }
    }

    /// Three runs, or as many as the leader gets; tells whether it still leads after them.
    fn lead(slot: &Slot<Reactor, Name>, name: Name, given: Reactor) -> Option<Reactor> {
        let mut reactor = given.receive();
        slot.begin_to_lead(name);
        for _ in 0..3 {
            let run = slot.put_aside(reactor.let_go(name));
            thread::yield_now();
            reactor = slot.take_back(run)?.receive();
            assert_eq!(reactor.last, name, "it is another run's");
        }
        Some(reactor)
    }

    /// Whoever leads and whenever the reactor is taken away: one thread has it, no run gets another's, and it is never lost.
    #[test]
    fn shuttle_one_thread_has_the_reactor() {
        explore(|| {
            let in_hand = Arc::new(AtomicBool::new(false));
            let slot = Arc::new(Slot::new(0));
            let start = |name, reactor| {
                let slot = Arc::clone(&slot);
                thread::spawn(move || lead(&slot, name, reactor))
            };
            let mut leaders = vec![start(1, Reactor { in_hand: Arc::clone(&in_hand), last: 0 })];
            // The sentry: it gives the reactor to another thread when it sees a run.
            for name in 2..5 {
                let run = slot.run();
                thread::yield_now();
                let mut held_up = None;
                if run.is_on()
                    && let Some(reactor) = slot.seize(run, |leader| held_up = Some(*leader))
                {
                    assert_eq!(held_up, Some(reactor.last), "the run of one leader, and the reactor of another");
                    assert_eq!(held_up, Some(leaders.len()), "the last one leads");
                    leaders.push(start(name.min(leaders.len() + 1), reactor));
                }
            }
            let last = leaders.len();
            for (name, leader) in (1..).zip(leaders) {
                assert_eq!(leader.join().expect("no panic").is_some(), name == last, "{name} of {last}");
            }
            assert!(in_hand.load(Ordering::SeqCst));
        });
    }
}
