//! What a signal handler may touch: atomics, and nothing else.
//!
//! One set per process, like the signals themselves. The handler records the signal, lowers readiness, climbs the ladder and
//! sets the watchdog; the coordinator reads the records when it gets to run. The watchdog needs only what is in here, so it
//! can end the process however badly everything else is stuck.

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::lifecycle::escalation::{Ladder, Step};
use crate::lifecycle::exit::{DEADLINE_EXCEEDED, forced_code};
use crate::lifecycle::reason::{Sender, Signal, SignalAction};

/// Past the total, the coordinator has this long to end in order; then the watchdog ends the process.
pub(crate) const WATCHDOG_MARGIN: Duration = Duration::from_millis(200);

/// How long the coordinator has to write the report once a third signal came.
const FORCE_GRACE_MILLIS: u64 = 100;

/// The same once the program itself forced the end: nobody waits for that to the millisecond.
const PROGRAM_FORCE_GRACE_MILLIS: u64 = 500;

/// Records that wait to be read. More than this many signals between two looks of the coordinator lose their sender, never
/// their effect.
const RECORDS: usize = 64;

/// A signal as the handler saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) signal: Signal,
    pub(crate) sender: Option<Sender>,
    /// When, on the clock of `monotonic_millis`.
    pub(crate) millis: u64,
}

/// What the handler itself has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Wake the coordinator and the watchdog.
    Wake,
    /// The watchdog had its chance: end the process with this code, here and now.
    ExitNow(u8),
    /// Nothing at all.
    Nothing,
}

pub(crate) struct Emergency {
    /// Whether a runtime handles the signals.
    claimed: AtomicBool,
    actions: [AtomicU8; Signal::ALL.len()],
    /// Lowered by the handler itself: no thread has to run for readiness to fall.
    stop_seen: AtomicBool,
    ladder: AtomicU64,
    debounce_millis: AtomicU32,
    timeout_millis: AtomicU64,
    /// When the watchdog ends the process with 124; 0 while nothing is to be watched.
    deadline: AtomicU64,
    /// When the watchdog ends the process with `force_code`; 0 while no third signal came.
    force_at: AtomicU64,
    force_code: AtomicU8,
    /// The last step that the coordinator took, for the watchdog's last line.
    note: AtomicPtr<&'static str>,
    head: AtomicU64,
    records: [Slot; RECORDS],
}

struct Slot {
    /// Number of the record it holds, from 1; 0 while it is being written.
    turn: AtomicU64,
    who: AtomicU64,
    what: AtomicU64,
}

pub(crate) static EMERGENCY: Emergency = Emergency::new();

impl Emergency {
    const fn new() -> Self {
        Self {
            claimed: AtomicBool::new(false),
            actions: [const { AtomicU8::new(0) }; Signal::ALL.len()],
            stop_seen: AtomicBool::new(false),
            ladder: AtomicU64::new(0),
            debounce_millis: AtomicU32::new(500),
            timeout_millis: AtomicU64::new(30_000),
            deadline: AtomicU64::new(0),
            force_at: AtomicU64::new(0),
            force_code: AtomicU8::new(0),
            note: AtomicPtr::new(std::ptr::null_mut()),
            head: AtomicU64::new(0),
            records: [const { Slot { turn: AtomicU64::new(0), who: AtomicU64::new(0), what: AtomicU64::new(0) } };
                RECORDS],
        }
    }

    /// Takes the signals of the process for one runtime; `false` when another has them.
    pub(crate) fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::SeqCst)
    }

    /// Gives the signals back: the runtime has ended and the process lives on.
    pub(crate) fn release(&self) {
        self.disarm();
        self.claimed.store(false, Ordering::SeqCst);
    }

    /// Before the handlers are installed: forgets a runtime that used them before, and sets the times of this one.
    pub(crate) fn configure(&self, timeout: Duration, debounce: Duration) {
        self.disarm();
        self.stop_seen.store(false, Ordering::SeqCst);
        self.ladder.store(0, Ordering::SeqCst);
        self.timeout_millis.store(millis(timeout), Ordering::SeqCst);
        self.debounce_millis.store(u32::try_from(debounce.as_millis()).unwrap_or(u32::MAX), Ordering::SeqCst);
    }

    pub(crate) fn set_action(&self, signal: Signal, action: SignalAction) {
        let action = match action {
            SignalAction::Ignore => 0,
            SignalAction::Reload => 1,
            SignalAction::Shutdown => 2,
        };
        self.actions[signal as usize].store(action, Ordering::SeqCst);
    }

    pub(crate) fn action(&self, signal: Signal) -> SignalAction {
        match self.actions[signal as usize].load(Ordering::SeqCst) {
            0 => SignalAction::Ignore,
            1 => SignalAction::Reload,
            _ => SignalAction::Shutdown,
        }
    }

    /// Whether a signal that means shutdown has come; true before any thread has reacted.
    pub(crate) fn stop_seen(&self) -> bool {
        self.stop_seen.load(Ordering::SeqCst)
    }

    /// What a handler does. Async-signal-safe: atomics only.
    pub(crate) fn signal(&self, signal: Signal, sender: Option<Sender>, now: u64) -> Verdict {
        let action = self.action(signal);
        if action == SignalAction::Ignore {
            return Verdict::Nothing;
        }
        let mut verdict = Verdict::Wake;
        if action == SignalAction::Shutdown {
            self.stop_seen.store(true, Ordering::SeqCst);
            match self.climb(now) {
                Some(Step::Graceful) => {
                    let total = self.timeout_millis.load(Ordering::SeqCst) + millis(WATCHDOG_MARGIN);
                    self.watch_until(now.saturating_add(total));
                }
                Some(Step::ExitNow) => verdict = self.force(forced_code(signal), now),
                Some(Step::Fast) | None => {}
            }
        }
        self.record(Record { signal, sender, millis: now });
        verdict
    }

    /// The next record that has not been read; `read` is the reader's own count.
    pub(crate) fn next_record(&self, read: &mut u64) -> Option<Record> {
        loop {
            let slot = &self.records[index(*read)];
            let turn = slot.turn.load(Ordering::Acquire);
            if turn <= *read {
                return None;
            }
            let (who, what) = (slot.who.load(Ordering::Acquire), slot.what.load(Ordering::Acquire));
            if turn != *read + 1 || slot.turn.load(Ordering::Acquire) != turn {
                // Overtaken: what was in between is lost, go on with the oldest that is left.
                *read = self.head.load(Ordering::Acquire).saturating_sub(RECORDS as u64).max(*read + 1);
                continue;
            }
            *read += 1;
            let Some(signal) = Signal::ALL.get((what & 0xff) as usize).copied() else { continue };
            let sender = (what & 0x100 != 0).then_some(Sender { pid: (who >> 32) as u32, uid: who as u32 });
            return Some(Record { signal, sender, millis: what >> 9 });
        }
    }

    /// Has the watchdog end the process at `deadline`, unless it is to do so earlier.
    pub(crate) fn watch_until(&self, deadline: u64) {
        let deadline = deadline.max(1);
        let _ = self.deadline.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |current| {
            (current == 0 || deadline < current).then_some(deadline)
        });
    }

    fn disarm(&self) {
        self.deadline.store(0, Ordering::SeqCst);
        self.force_at.store(0, Ordering::SeqCst);
    }

    /// When the watchdog is to act next, and with which code.
    pub(crate) fn watched(&self) -> Option<(u64, u8)> {
        let force = self.force_at.load(Ordering::SeqCst);
        let deadline = self.deadline.load(Ordering::SeqCst);
        let forced = (force, self.force_code.load(Ordering::SeqCst));
        match (force, deadline) {
            (0, 0) => None,
            (0, _) => Some((deadline, DEADLINE_EXCEEDED)),
            (_, 0) => Some(forced),
            _ if force <= deadline => Some(forced),
            _ => Some((deadline, DEADLINE_EXCEEDED)),
        }
    }

    /// Sets the step that the watchdog's last line names. Leaks the text: nothing may be freed that it could be reading, and
    /// a shutdown has few steps.
    pub(crate) fn set_note(&self, text: String) {
        let note: &'static mut &'static str = Box::leak(Box::new(Box::leak(text.into_boxed_str())));
        self.note.store(note, Ordering::SeqCst);
    }

    pub(crate) fn note(&self) -> &'static str {
        // SAFETY: the pointer is null or came from `Box::leak` in `set_note`; what it points to is never freed or changed.
        unsafe { self.note.load(Ordering::SeqCst).as_ref() }.map_or("before the shutdown began", |note| note)
    }

    fn climb(&self, now: u64) -> Option<Step> {
        let debounce = Duration::from_millis(self.debounce_millis.load(Ordering::SeqCst).into());
        let mut bits = self.ladder.load(Ordering::SeqCst);
        loop {
            let (next, step) = Ladder::from_bits(bits).count(now, debounce);
            match self.ladder.compare_exchange(bits, next.to_bits(), Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return step,
                Err(current) => bits = current,
            }
        }
    }

    /// Has the watchdog end the process soon, if nothing else does: the program forced the end. A signal that forces it, too,
    /// finds it forced and ends it at once.
    pub(crate) fn force_by_program(&self, now: u64) {
        self.force_code.store(DEADLINE_EXCEEDED, Ordering::SeqCst);
        let at = now.saturating_add(PROGRAM_FORCE_GRACE_MILLIS);
        // Whoever was first decides when.
        let _ = self.force_at.compare_exchange(0, at, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Whether the end was forced, and has not just come by its time.
    pub(crate) fn is_forced(&self) -> bool {
        self.force_at.load(Ordering::SeqCst) != 0
    }

    fn force(&self, code: u8, now: u64) -> Verdict {
        self.force_code.store(code, Ordering::SeqCst);
        match self.force_at.compare_exchange(0, now + FORCE_GRACE_MILLIS, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Verdict::Wake,
            Err(_) => Verdict::ExitNow(code),
        }
    }

    fn record(&self, record: Record) {
        let number = self.head.fetch_add(1, Ordering::SeqCst);
        let slot = &self.records[index(number)];
        slot.turn.store(0, Ordering::Release);
        let (known, sender) = match record.sender {
            Some(sender) => (0x100, sender),
            None => (0, Sender { pid: 0, uid: 0 }),
        };
        slot.who.store(u64::from(sender.pid) << 32 | u64::from(sender.uid), Ordering::Release);
        slot.what.store(record.millis << 9 | known | record.signal as u64, Ordering::Release);
        slot.turn.store(number + 1, Ordering::Release);
    }
}

fn index(number: u64) -> usize {
    (number % RECORDS as u64) as usize
}

/// Whole milliseconds, far from overflow when added to a clock.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emergency() -> Emergency {
        let emergency = Emergency::new();
        emergency.configure(Duration::from_secs(10), Duration::from_millis(500));
        emergency.set_action(Signal::Term, SignalAction::Shutdown);
        emergency.set_action(Signal::Hup, SignalAction::Reload);
        emergency
    }

    #[test]
    fn the_ladder_ends_without_any_thread() {
        let emergency = emergency();
        assert_eq!(emergency.signal(Signal::Term, None, 1000), Verdict::Wake);
        assert!(emergency.stop_seen());
        assert_eq!(emergency.watched(), Some((11_200, 124)));
        assert_eq!(emergency.signal(Signal::Term, None, 1005), Verdict::Wake);
        assert_eq!(emergency.signal(Signal::Term, None, 1600), Verdict::Wake);
        assert_eq!(emergency.watched(), Some((11_200, 124)));
        assert_eq!(emergency.signal(Signal::Term, None, 2200), Verdict::Wake);
        assert_eq!(emergency.watched(), Some((2300, 143)));
        assert_eq!(emergency.signal(Signal::Term, None, 2800), Verdict::ExitNow(143));
    }

    #[test]
    fn the_program_may_force_it_too() {
        let emergency = emergency();
        emergency.signal(Signal::Term, None, 1000);
        assert!(!emergency.is_forced());
        emergency.force_by_program(2000);
        emergency.force_by_program(2200);
        assert!(emergency.is_forced());
        assert_eq!(emergency.watched(), Some((2500, 124)));
        emergency.signal(Signal::Term, None, 2300);
        assert_eq!(emergency.signal(Signal::Term, None, 2900), Verdict::ExitNow(143));
    }

    #[test]
    fn reload_and_ignore_do_not_climb() {
        let emergency = emergency();
        assert_eq!(emergency.signal(Signal::Usr2, None, 1), Verdict::Nothing);
        assert_eq!(emergency.signal(Signal::Hup, None, 2), Verdict::Wake);
        assert!(!emergency.stop_seen());
        assert_eq!(emergency.watched(), None);
    }

    #[test]
    fn records_are_read_in_order_with_their_sender() {
        let emergency = emergency();
        let sender = Some(Sender { pid: 4_194_304, uid: u32::MAX });
        emergency.signal(Signal::Hup, None, 1);
        emergency.signal(Signal::Term, sender, 2);
        let mut read = 0;
        assert_eq!(emergency.next_record(&mut read), Some(Record { signal: Signal::Hup, sender: None, millis: 1 }));
        assert_eq!(emergency.next_record(&mut read), Some(Record { signal: Signal::Term, sender, millis: 2 }));
        assert_eq!(emergency.next_record(&mut read), None);
    }

    #[test]
    fn a_flood_loses_the_oldest_only() {
        let emergency = emergency();
        for millis in 0..200 {
            emergency.signal(Signal::Hup, None, millis);
        }
        let mut read = 0;
        let mut times = Vec::new();
        while let Some(record) = emergency.next_record(&mut read) {
            times.push(record.millis);
        }
        assert_eq!(times, (136..200).collect::<Vec<_>>());
    }
}
