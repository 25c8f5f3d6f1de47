//! The timers of a loop's sessions. Arming one costs a store.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::turn::COARSE;

/// A tick is half of how late a timer may be.
const TICK: Duration = Duration::from_millis(COARSE.as_millis() as u64 / 2);

/// When the timer of each place fires. A place has at most one entry in the heap that counts, which stays where it is when
/// its deadline moves away: when it comes up, it is put back.
#[derive(Debug)]
pub(super) struct Timers {
    start: Instant,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
    places: Vec<Timer>,
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    /// The tick after which it fires, `NEVER` for none.
    due: u32,
    /// The tick of the entry that counts, `NEVER` for none. Never after `due`.
    entry: u32,
    /// It has fired, and has not been armed since.
    fired: bool,
}

const NEVER: u32 = u32::MAX;

impl Timers {
    pub(super) fn new(now: Instant) -> Self {
        Self { start: now, heap: BinaryHeap::new(), places: Vec::new() }
    }

    /// Lets a place's timer fire a little after `until`, or never.
    pub(super) fn arm(&mut self, place: u32, until: Option<Instant>) {
        let due = until.map_or(NEVER, |until| self.tick_after(until));
        let index = place as usize;
        if index >= self.places.len() {
            self.places.resize(index + 1, Timer { due: NEVER, entry: NEVER, fired: false });
        }
        let timer = &mut self.places[index];
        timer.due = due;
        timer.fired = false;
        if due < timer.entry {
            timer.entry = due;
            self.heap.push(Reverse((due, place)));
        }
    }

    /// Tells which timers fire. Each has to be armed again.
    pub(super) fn expire(&mut self, now: Instant, mut fire: impl FnMut(u32)) {
        let Some(tick) = self.tick_before(now) else { return };
        while let Some(&Reverse((entry, place))) = self.heap.peek() {
            if entry > tick {
                return;
            }
            self.heap.pop();
            let timer = &mut self.places[place as usize];
            if timer.entry != entry {
                // It was armed for an earlier time meanwhile, and that entry counts.
                continue;
            }
            timer.entry = NEVER;
            if timer.due <= tick {
                timer.due = NEVER;
                timer.fired = true;
                fire(place);
            } else if timer.due != NEVER {
                timer.entry = timer.due;
                self.heap.push(Reverse((timer.due, place)));
            }
        }
    }

    /// Whether a place's timer has fired and not been armed since: who was told so a while ago may ask again.
    pub(super) fn has_fired(&self, place: u32) -> bool {
        self.places.get(place as usize).is_some_and(|timer| timer.fired)
    }

    /// When to call `expire` again.
    pub(super) fn next(&self) -> Option<Instant> {
        let &Reverse((entry, _)) = self.heap.peek()?;
        self.start.checked_add(TICK * entry)
    }

    /// The first tick that is not before `until`; far away is never.
    fn tick_after(&self, until: Instant) -> u32 {
        let since = until.saturating_duration_since(self.start).as_millis().div_ceil(TICK.as_millis());
        u32::try_from(since).unwrap_or(NEVER)
    }

    /// The last tick that is over.
    fn tick_before(&self, now: Instant) -> Option<u32> {
        u32::try_from(now.saturating_duration_since(self.start).as_millis() / TICK.as_millis()).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock;

    fn fired(timers: &mut Timers, now: Instant) -> Vec<u32> {
        let mut places = Vec::new();
        timers.expire(now, |place| places.push(place));
        places
    }

    #[test]
    fn a_timer_that_is_moved_away_is_not_entered_again() {
        let start = clock::now();
        let mut timers = Timers::new(start);
        for request in 0..1_000 {
            timers.arm(3, start.checked_add(Duration::from_secs(10) + Duration::from_millis(request)));
        }
        assert_eq!(timers.heap.len(), 1);
        assert!(fired(&mut timers, start + Duration::from_secs(10)).is_empty());
        assert_eq!(fired(&mut timers, start + Duration::from_secs(12)), [3]);
        assert_eq!((timers.heap.len(), timers.next()), (0, None));
    }

    proptest! {
        /// Each timer fires once, not before its time and at most `COARSE` after it, however often it was moved.
        #[test]
        fn timers_fire_once_and_in_time(moves in prop::collection::vec((0..8_u32, prop::option::of(0..5_000_u64)), 1..60),
                                        step in 1..400_u64) {
            let start = clock::now();
            let mut timers = Timers::new(start);
            let mut expected = [None; 8];
            let (mut now, mut moves) = (0, moves.into_iter());
            loop {
                // Two moves, then a step of time.
                for (place, after) in moves.by_ref().take(2) {
                    let until = after.map(|after| now + after);
                    timers.arm(place, until.map(|until| start + Duration::from_millis(until)));
                    expected[place as usize] = until;
                }
                now += step;
                for place in fired(&mut timers, start + Duration::from_millis(now)) {
                    let due: u64 = expected[place as usize].take().expect("fired, though not armed");
                    prop_assert!(due <= now, "{place} fired at {now}, due at {due}");
                }
                for due in expected.iter().flatten() {
                    prop_assert!(due + 20 > now, "due at {due}, not fired at {now}");
                }
                if moves.len() == 0 && expected.iter().all(Option::is_none) {
                    break;
                }
            }
            // Disarmed ones may still have an entry.
            fired(&mut timers, start + Duration::from_millis(now + 6_000));
            prop_assert!(timers.heap.is_empty());
        }
    }
}
