//! The sleep of the one who watches, while those who are watched wait for events. Being awake costs them nothing that others
//! would have to wait for.

use crate::sync::atomic::{AtomicBool, Ordering};

pub(super) struct Doze {
    asleep: AtomicBool,
}

impl Doze {
    pub(super) fn new() -> Self {
        Self { asleep: AtomicBool::new(false) }
    }

    /// Parks, unless somebody is awake.
    pub(super) fn sleep(&self, is_anybody_awake: impl FnOnce() -> bool, park: impl FnOnce()) {
        self.asleep.store(true, Ordering::SeqCst);
        // In this order. Who is about to begin something has said that he is awake before he looked whether we sleep: one of
        // the two sees what the other has said.
        if !is_anybody_awake() {
            park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// To be called by everybody who has become awake, after he has said so.
    pub(super) fn wake(&self, unpark: impl FnOnce()) {
        if self.asleep.load(Ordering::SeqCst) && self.asleep.swap(false, Ordering::SeqCst) {
            unpark();
        }
    }
}

#[cfg(all(test, graceful_shuttle))]
mod schedules {
    use ::shuttle::thread;

    use super::*;
    use crate::sync::{Arc, Condvar, Mutex, explore};

    /// As a thread's own, but it never comes back without a reason, as that may.
    #[derive(Default)]
    struct Bed {
        called: Mutex<bool>,
        call: Condvar,
    }

    impl Bed {
        fn park(&self) {
            let called = self.called.lock().expect("no panic");
            *self.call.wait_while(called, |called| !*called).expect("no panic") = false;
        }

        fn unpark(&self) {
            *self.called.lock().expect("no panic") = true;
            self.call.notify_one();
        }
    }

    /// Whoever begins something is watched, however it coincides with the watcher's falling asleep: else this never ends.
    #[test]
    fn shuttle_nobody_works_unwatched() {
        const TIMES: usize = 3;

        explore(|| {
            let doze = Arc::new(Doze::new());
            let bed = Arc::new(Bed::default());
            let awake = Arc::new(AtomicBool::new(false));
            let held_up = Arc::new(AtomicBool::new(false));
            let watcher = {
                let (doze, bed) = (Arc::clone(&doze), Arc::clone(&bed));
                let (awake, held_up) = (Arc::clone(&awake), Arc::clone(&held_up));
                thread::spawn(move || {
                    let mut freed = 0;
                    while freed < TIMES {
                        if held_up.swap(false, Ordering::SeqCst) {
                            freed += 1;
                        } else {
                            doze.sleep(|| awake.load(Ordering::SeqCst), || bed.park());
                        }
                    }
                })
            };
            for _ in 0..TIMES {
                awake.store(true, Ordering::SeqCst);
                doze.wake(|| bed.unpark());
                held_up.store(true, Ordering::SeqCst);
                while held_up.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                awake.store(false, Ordering::SeqCst);
            }
            watcher.join().expect("no panic");
        });
    }
}
