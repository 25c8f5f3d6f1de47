//! Signals: installed before user code, recorded by a handler that sets atomics and writes one byte.

use std::io::{self, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::raw::c_int;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook_registry::SigId;

use super::super::emergency::{EMERGENCY, Verdict};
use super::process::exit_now;
use crate::lifecycle::reason::{Sender, Signal};

/// Write ends of the pipes that wake the coordinator and the watchdog; -1 while there are none.
static COORDINATOR: AtomicI32 = AtomicI32::new(-1);
static WATCHDOG: AtomicI32 = AtomicI32::new(-1);
/// Read end of the watchdog's pipe. All four ends live as long as the process.
static WATCHDOG_ALARM: AtomicI32 = AtomicI32::new(-1);
static INSTALLED: Mutex<Vec<SigId>> = Mutex::new(Vec::new());

/// Installed handlers, and what wakes the coordinator.
#[derive(Debug)]
pub(crate) struct SignalSource {
    /// Readable when a handler has run.
    pub(crate) pipe: mio::unix::pipe::Receiver,
    /// Signals that were ignored when the process began (`nohup`, shells without job control) and stay so.
    pub(crate) ignored: Vec<Signal>,
}

impl SignalSource {
    /// Empties the pipe: what it announced is in [`EMERGENCY`].
    pub(crate) fn drain(&mut self) {
        let mut bytes = [0_u8; 64];
        loop {
            match self.pipe.read(&mut bytes) {
                Ok(read) if read > 0 => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}

/// Installs the handlers, unblocks the signals in this thread (and those it starts), and sets up both wake-up pipes.
///
/// What is to happen with each signal was told to [`EMERGENCY`] before. A signal that is ignored already stays ignored. The
/// waker is for platforms without a pipe.
pub(crate) fn install_signals(_: &Arc<mio::Waker>) -> io::Result<SignalSource> {
    let (coordinator, pipe) = mio::unix::pipe::new()?;
    keep(&COORDINATOR, OwnedFd::from(coordinator));
    let (watchdog, alarm) = mio::unix::pipe::new()?;
    keep(&WATCHDOG, OwnedFd::from(watchdog));
    keep(&WATCHDOG_ALARM, OwnedFd::from(alarm));

    let mut ignored = Vec::new();
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    for signal in Signal::ALL {
        let Some(number) = number(signal) else { continue };
        if is_ignored(number)? {
            ignored.push(signal);
            continue;
        }
        // The registry installs its handler before it publishes what the handler is to do: a signal that came in between would
        // be lost. It waits behind the mask until both are there.
        mask(libc::SIG_BLOCK, number)?;
        // SAFETY: the handler is async-signal-safe: it reads the clock, sets atomics and writes to a non-blocking pipe; errno is
        // restored by the registry.
        let id = unsafe {
            signal_hook_registry::register_sigaction(number, move |info: &libc::siginfo_t| handle(signal, info))
        };
        // A parent may have blocked it, too; then it would never be delivered.
        mask(libc::SIG_UNBLOCK, number)?;
        installed.push(id?);
    }
    Ok(SignalSource { pipe, ignored })
}

/// Takes the handlers' effect away again.
pub(crate) fn uninstall_signals() {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    for id in installed.drain(..) {
        signal_hook_registry::unregister(id);
    }
}

/// Milliseconds of `CLOCK_MONOTONIC`, the clock of `Instant`; async-signal-safe.
#[inline(never)]
pub(crate) fn monotonic_millis() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: clock_gettime fills the timespec it is handed; CLOCK_MONOTONIC exists on every supported system.
    let time = unsafe {
        if libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr()) != 0 {
            return 0;
        }
        time.assume_init()
    };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
}

/// Wakes the watchdog, so that it looks at its deadlines again.
pub(crate) fn ring_alarm() {
    write_byte(&WATCHDOG);
}

/// Waits for the alarm, at most `millis` (`None`: for ever). Takes no lock and allocates nothing.
pub(crate) fn wait_alarm(millis: Option<u64>) {
    let mut poll = libc::pollfd { fd: WATCHDOG_ALARM.load(Ordering::SeqCst), events: libc::POLLIN, revents: 0 };
    let timeout = millis.map_or(-1, |millis| c_int::try_from(millis).unwrap_or(c_int::MAX));
    // SAFETY: one pollfd that lives across the call.
    let ready = unsafe { libc::poll(&raw mut poll, 1, timeout) };
    if ready > 0 {
        let mut bytes = [0_u8; 64];
        // SAFETY: the buffer is valid for its length; the pipe is non-blocking.
        unsafe { libc::read(poll.fd, bytes.as_mut_ptr().cast(), bytes.len()) };
    }
}

fn handle(signal: Signal, info: &libc::siginfo_t) {
    match EMERGENCY.signal(signal, sender(info), monotonic_millis()) {
        Verdict::Wake => {
            write_byte(&COORDINATOR);
            write_byte(&WATCHDOG);
        }
        Verdict::ExitNow(code) => exit_now(code.into()),
        Verdict::Nothing => {}
    }
}

/// Who sent it, unless it was the kernel itself (a terminal's Ctrl-C).
fn sender(info: &libc::siginfo_t) -> Option<Sender> {
    if !matches!(info.si_code, libc::SI_USER | libc::SI_QUEUE) && !is_thread_directed(info) {
        return None;
    }
    // SAFETY: for these codes the kernel has filled in the pid and uid of the sender (sigaction(2)).
    let (pid, uid) = unsafe { (info.si_pid(), info.si_uid()) };
    Some(Sender { pid: u32::try_from(pid).unwrap_or(0), uid })
}

#[cfg(target_os = "linux")]
fn is_thread_directed(info: &libc::siginfo_t) -> bool {
    info.si_code == libc::SI_TKILL
}

#[cfg(not(target_os = "linux"))]
fn is_thread_directed(_: &libc::siginfo_t) -> bool {
    false
}

fn write_byte(pipe: &AtomicI32) {
    let fd = pipe.load(Ordering::SeqCst);
    if fd >= 0 {
        let byte = 1_u8;
        // SAFETY: one byte that lives across the call. A full pipe is as good as a written byte: the reader will wake.
        unsafe { libc::write(fd, (&raw const byte).cast(), 1) };
    }
}

/// Gives a descriptor to the process for good: a handler may use it at any time, so it can never be closed.
fn keep(place: &AtomicI32, fd: OwnedFd) {
    place.store(fd.as_raw_fd(), Ordering::SeqCst);
    std::mem::forget(fd);
}

fn number(signal: Signal) -> Option<c_int> {
    match signal {
        Signal::Break => None,
        Signal::Hup => Some(libc::SIGHUP),
        Signal::Int => Some(libc::SIGINT),
        Signal::Quit => Some(libc::SIGQUIT),
        Signal::Term => Some(libc::SIGTERM),
        Signal::Usr2 => Some(libc::SIGUSR2),
    }
}

fn is_ignored(number: c_int) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: with a null new action, sigaction only fills in the current one.
    let action = unsafe {
        if libc::sigaction(number, ptr::null(), action.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        action.assume_init()
    };
    Ok(action.sa_sigaction == libc::SIG_IGN)
}

/// Blocks or unblocks a signal in this thread and those that it starts.
fn mask(how: c_int, number: c_int) -> io::Result<()> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set before it is used; pthread_sigmask changes only the calling thread.
    let error = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), number);
        libc::pthread_sigmask(how, set.as_ptr(), ptr::null_mut())
    };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}
