//! Console events in the place of signals: Ctrl-C, Ctrl-Break, close, log-off, shutdown.
//!
//! The system calls the handler on a thread that it starts for the purpose, so it may take locks; it still does no more than
//! a Unix handler does. For close, log-off and shutdown the system ends the process when the handler returns (and after some
//! seconds in any case), so the handler stays until the process has ended by itself.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use windows_sys::Win32::System::Console::{
    CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT, SetConsoleCtrlHandler,
};

use super::super::emergency::{EMERGENCY, Verdict};
use super::process::exit_now;
use crate::lifecycle::reason::Signal;

/// Wakes the coordinator's poll.
static COORDINATOR: Mutex<Option<Arc<mio::Waker>>> = Mutex::new(None);
/// Whether the watchdog is to look again.
static ALARM: Mutex<bool> = Mutex::new(false);
static RUNG: Condvar = Condvar::new();

/// Installed handlers.
#[derive(Debug)]
pub(crate) struct SignalSource {
    /// Windows has none that are ignored from the start.
    pub(crate) ignored: Vec<Signal>,
}

impl SignalSource {
    /// There is no pipe to be emptied.
    pub(crate) fn drain(&mut self) {}
}

/// Installs the console handler. What is to happen with each event was told to [`EMERGENCY`] before.
pub(crate) fn install_signals(waker: &Arc<mio::Waker>) -> io::Result<SignalSource> {
    *lock(&COORDINATOR) = Some(Arc::clone(waker));
    // SAFETY: `handle` has the signature that the system expects and is never unloaded.
    if unsafe { SetConsoleCtrlHandler(Some(handle), 1) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(SignalSource { ignored: Vec::new() })
}

/// Takes the handler away again.
pub(crate) fn uninstall_signals() {
    // SAFETY: removes the handler that `install_signals` added; removing one that is not there only fails.
    unsafe { SetConsoleCtrlHandler(Some(handle), 0) };
    *lock(&COORDINATOR) = None;
}

/// Milliseconds of the monotonic clock, from a start of its own.
pub(crate) fn monotonic_millis() -> u64 {
    static START: Mutex<Option<Instant>> = Mutex::new(None);
    let now = Instant::now();
    let start = *lock(&START).get_or_insert(now);
    // From 1, since 0 stands for "never".
    u64::try_from(now.saturating_duration_since(start).as_millis()).unwrap_or(u64::MAX / 4) + 1
}

/// Wakes the watchdog, so that it looks at its deadlines again.
pub(crate) fn ring_alarm() {
    *lock(&ALARM) = true;
    RUNG.notify_all();
}

/// Waits for the alarm, at most `millis` (`None`: for ever).
pub(crate) fn wait_alarm(millis: Option<u64>) {
    let mut rung = lock(&ALARM);
    if !*rung {
        rung = match millis {
            None => RUNG.wait(rung).unwrap_or_else(PoisonError::into_inner),
            Some(millis) => {
                RUNG.wait_timeout(rung, Duration::from_millis(millis)).unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
    *rung = false;
}

extern "system" fn handle(event: u32) -> i32 {
    let signal = match event {
        CTRL_C_EVENT => Signal::Int,
        CTRL_BREAK_EVENT => Signal::Break,
        CTRL_CLOSE_EVENT | CTRL_LOGOFF_EVENT | CTRL_SHUTDOWN_EVENT => Signal::Term,
        _ => return 0,
    };
    match EMERGENCY.signal(signal, None, monotonic_millis()) {
        Verdict::Wake => {
            if let Some(waker) = lock(&COORDINATOR).as_ref() {
                // A coordinator that has ended has nobody to be woken.
                let _ = waker.wake();
            }
            ring_alarm();
        }
        Verdict::ExitNow(code) => exit_now(code.into()),
        Verdict::Nothing => {}
    }
    if signal == Signal::Term {
        // Returning would end the process here and now; the total or the system's patience ends it otherwise.
        loop {
            std::thread::park();
        }
    }
    1
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
