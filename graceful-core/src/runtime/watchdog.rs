//! The hard deadline: ends the process whatever everybody else does.
//!
//! The thread takes no lock and allocates nothing once it runs; it looks at atomics and sleeps on a pipe. It is the one
//! thread of ours that does not block signals, so a handler always finds a thread to run on.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::StartError;
use crate::lifecycle::exit::DEADLINE_EXCEEDED;
use crate::sys;
use crate::sys::emergency::{EMERGENCY, millis};
use crate::threads;

/// Starts `gf-watchdog`, once a process; it is never joined.
///
/// Returns once it is at work: what a new thread does first, it does with the allocator, which may be what fails next.
pub(crate) fn start() -> Result<(), StartError> {
    static STARTED: AtomicBool = AtomicBool::new(false);
    static AT_WORK: Barrier = Barrier::new(2);
    if STARTED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let run = || {
        AT_WORK.wait();
        watch();
    };
    threads::spawn_with("gf-watchdog", Some(64 * 1024), Box::new(run))
        .map_err(|source| StartError::Thread { name: "the watchdog".into(), source })?;
    AT_WORK.wait();
    Ok(())
}

/// Has the process ended at `time` from now at the latest.
pub(crate) fn end_within(time: Duration) {
    EMERGENCY.watch_until(sys::monotonic_millis().saturating_add(millis(time)));
    sys::ring_alarm();
}

/// Has the process ended in a moment: the program itself forced the end.
pub(crate) fn force() {
    EMERGENCY.force_by_program(sys::monotonic_millis());
    sys::ring_alarm();
}

fn watch() {
    loop {
        let Some((due, code)) = EMERGENCY.watched() else {
            sys::wait_alarm(None);
            continue;
        };
        let now = sys::monotonic_millis();
        if now < due {
            sys::wait_alarm(Some(due - now));
            continue;
        }
        last_words(code);
        sys::exit_now(code.into());
    }
}

fn last_words(code: u8) {
    let mut line = [0_u8; 512];
    let mut end = 0;
    push(&mut line, &mut end, "graceful: error: ");
    let why = match (code, EMERGENCY.is_forced()) {
        (DEADLINE_EXCEEDED, true) => "ended by request ",
        (DEADLINE_EXCEEDED, false) => "the total ran out ",
        _ => "ended by a repeated signal ",
    };
    push(&mut line, &mut end, why);
    push(&mut line, &mut end, EMERGENCY.note());
    push(&mut line, &mut end, "; nothing else would end it, so the watchdog did: exit ");
    let digits = [b'0' + code / 100, b'0' + code / 10 % 10, b'0' + code % 10];
    push(&mut line, &mut end, std::str::from_utf8(&digits).unwrap_or("?"));
    line[end] = b'\n';
    sys::write_stderr_now(&line[..=end]);
}

/// Adds to a line what there is room for, and leaves room for its end.
#[inline(never)]
fn push(line: &mut [u8], end: &mut usize, text: &str) {
    for byte in text.bytes() {
        if *end < line.len() - 1 {
            line[*end] = byte;
            *end += 1;
        }
    }
}
