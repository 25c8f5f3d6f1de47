//! The timers of a loop's sessions. Arming one costs a store.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::turn::COARSE;

/// A tick is half of how late a timer may be.
const TICK: Duration = Duration::from_millis(COARSE.as_millis() as u64 / 2);

/// So many of them are a second.
const SECOND: u64 = 1000 / TICK.as_millis() as u64;

/// After so many, which is two hundred days, they are counted anew.
const ERA: u32 = 1 << 31;

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
            // Each may leave one behind that does not count.
            if self.heap.len() > 2 * self.places.len() + 64 {
                self.make_heap();
            }
        }
    }

    /// Tells which timers fire. Each has to be armed again.
    pub(super) fn expire(&mut self, now: Instant, mut fire: impl FnMut(u32)) {
        let mut tick = self.tick_before(now);
        if tick >= ERA {
            self.begin_era(tick);
            tick = 0;
        }
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
        let since = until.saturating_duration_since(self.start);
        ticks(since.as_secs(), since.subsec_nanos().div_ceil(TICK.subsec_nanos()))
    }

    /// The last tick that is over.
    fn tick_before(&self, now: Instant) -> u32 {
        let since = now.saturating_duration_since(self.start);
        ticks(since.as_secs(), since.subsec_nanos() / TICK.subsec_nanos())
    }

    /// Counts from `tick` on.
    #[cold]
    fn begin_era(&mut self, tick: u32) {
        self.start += TICK * tick;
        for at in self.places.iter_mut().flat_map(|timer| [&mut timer.due, &mut timer.entry]) {
            if *at != NEVER {
                *at = at.saturating_sub(tick);
            }
        }
        self.make_heap();
    }

    /// Keeps those entries only that count.
    #[cold]
    fn make_heap(&mut self) {
        let entries = (0..).zip(&self.places).filter(|(_, timer)| timer.entry != NEVER);
        self.heap = entries.map(|(place, timer)| Reverse((timer.entry, place))).collect();
    }
}

fn ticks(seconds: u64, more: u32) -> u32 {
    u32::try_from(seconds.saturating_mul(SECOND).saturating_add(more.into())).unwrap_or(NEVER)
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

    #[test]
    fn none_fires_before_its_time_by_less_than_a_millisecond() {
        let start = clock::now();
        let mut timers = Timers::new(start);
        let until = start + Duration::from_micros(10_001);
        timers.arm(0, Some(until));
        assert!(fired(&mut timers, start + Duration::from_micros(10_000)).is_empty());
        assert!(timers.next().is_some_and(|next| next >= until && next < until + COARSE));
        assert_eq!(fired(&mut timers, start + Duration::from_micros(20_000)), [0]);
    }

    #[test]
    fn what_does_not_count_any_more_goes() {
        let start = clock::now();
        let mut timers = Timers::new(start);
        // As of a protocol that waits shortly and long in turn.
        for step in 0..100_000 {
            let now = start + Duration::from_millis(10 * step);
            let place = (step % 3) as u32;
            timers.arm(place, now.checked_add(Duration::from_secs(3600)));
            timers.arm(place, now.checked_add(Duration::from_millis(1)));
            timers.arm(place, now.checked_add(Duration::from_secs(3600)));
            assert!(fired(&mut timers, now).is_empty());
            assert!(timers.heap.len() <= 2 * 3 + 64, "{} after {step}", timers.heap.len());
        }
    }

    #[test]
    fn years_go_by() {
        let start = clock::now();
        let mut timers = Timers::new(start);
        let mut now = start;
        for _ in 0..40 {
            now += Duration::from_secs(100 * 24 * 3600);
            timers.arm(0, now.checked_add(Duration::from_secs(1)));
            // One that would be far away from when it all began is not.
            timers.arm(1, now.checked_add(Duration::from_secs(300 * 24 * 3600)));
            timers.arm(1, now.checked_add(Duration::from_secs(2)));
            assert!(fired(&mut timers, now + Duration::from_millis(999)).is_empty());
            assert_eq!(fired(&mut timers, now + Duration::from_millis(1_020)), [0]);
            assert_eq!(fired(&mut timers, now + Duration::from_millis(2_020)), [1]);
        }
        assert!(timers.places.iter().all(|timer| timer.entry == NEVER));
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
