//! How long a signal takes to be noticed. Each program says `ready`, then the time at which it noticed.
//!
//! `flag`: one thread reads the flag in a loop. `token`: one thread waits, asleep. The main thread rests in both, in the way
//! that the program's kind rests, and has done so for a while when `ready` is said.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use graceful_benches::{Result, now, say};
use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

use super::{Gate, unknown};

/// By then all other threads are asleep. On few cores one that is not would wait for the one that reads the flag in a loop.
const SETTLED: Duration = Duration::from_millis(3);

static GATE: Gate = Gate::new();

pub(crate) mod graceful {
    use graceful::App;
    use graceful_benches::now;

    #[graceful::main]
    pub(crate) fn main(app: &App) -> Result<(), graceful::BoxError> {
        app.ready()?;
        let watched = app.clone();
        // Or the process might be gone before the thread has told its time.
        let ticket = app.ticket("reaction")?;
        match std::env::args().nth(1).as_deref() {
            Some("flag") => super::react(ticket, move || super::spin(|| !watched.is_ready())),
            _ => super::react(ticket, move || {
                watched.stop().wait();
                now()
            }),
        };
        Ok(())
    }
}

pub(crate) fn flag(program: &str) -> Result<()> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let raise = move || set.store(true, Ordering::SeqCst);
    match program {
        "ctrlc" => ctrlc::set_handler(raise)?,
        "iterator" => each_signal(raise)?,
        "register" => drop(signal_hook::flag::register(SIGTERM, Arc::clone(&flag))?),
        _ => return unknown(program),
    }
    let thread = react((), move || spin(|| flag.load(Ordering::SeqCst)));
    end(thread)
}

pub(crate) fn token(program: &str) -> Result<()> {
    if program == "sigwait" {
        let mut set = SigSet::empty();
        set.add(Signal::SIGTERM);
        set.thread_block()?;
        let thread = react((), move || {
            // Invariant: the set is not empty.
            set.wait().expect("a signal");
            now()
        });
        return end(thread);
    }
    let thread = react((), || {
        GATE.wait();
        now()
    });
    match program {
        "ctrlc" => ctrlc::set_handler(|| GATE.open())?,
        "iterator" => each_signal(|| GATE.open())?,
        _ => return unknown(program),
    }
    end(thread)
}

/// A thread of its own for the signals, as the documentation of signal-hook has it.
fn each_signal(mut stop: impl FnMut() + Send + 'static) -> Result<()> {
    let mut signals = Signals::new([SIGTERM])?;
    thread::spawn(move || {
        for _ in signals.forever() {
            stop();
        }
    });
    Ok(())
}

/// Starts the thread that notices, and tells when it is about to and when it did. `held` is dropped after that.
fn react<T: Send + 'static>(held: T, notice: impl FnOnce() -> u64 + Send + 'static) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        thread::sleep(SETTLED);
        // Without a harness nobody wants to know.
        let _ = say("ready");
        let at = notice();
        let _ = say(at);
        drop(held);
    })
}

fn spin(until: impl Fn() -> bool) -> u64 {
    while !until() {
        spin_loop();
    }
    now()
}

fn end(thread: thread::JoinHandle<()>) -> Result<()> {
    thread.join().map_err(|_| "the thread that notices panicked".into())
}
