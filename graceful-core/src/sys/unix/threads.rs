//! Threads: their identity, name and signal mask.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr;

/// The kernel's id of the calling thread, as in `/proc/self/task/<tid>`.
#[cfg(target_os = "linux")]
pub(crate) fn thread_id() -> u64 {
    // SAFETY: gettid takes nothing, cannot fail and touches no memory.
    let id = unsafe { libc::gettid() };
    u64::try_from(id).unwrap_or_default()
}

/// The kernel's id of the calling thread; not known on this platform.
#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_id() -> u64 {
    0
}

/// Renames the calling thread, cut to the 15 bytes that the kernel keeps.
pub(crate) fn name_thread(name: &str) {
    let mut buffer = [0_u8; 16];
    let mut end = name.len().min(15);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    buffer[..end].copy_from_slice(&name.as_bytes()[..end]);
    let Ok(name) = CStr::from_bytes_until_nul(&buffer) else { return };
    #[cfg(target_os = "linux")]
    // SAFETY: PR_SET_NAME reads a NUL-terminated string of at most 16 bytes, which `name` is, and keeps no pointer to it.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, name.as_ptr());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

/// Blocks all signals for the calling thread, so that no handler ever interrupts it: a handler that runs on the
/// coordinator could hold up the very thread that answers it.
#[inline(never)]
pub(crate) fn block_signals() {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset initialises the set before it is read; synchronous faults (SIGSEGV and its like) are taken out
    // again, since blocking those is undefined. pthread_sigmask only changes the calling thread.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT] {
            libc::sigdelset(set.as_mut_ptr(), fault);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), ptr::null_mut());
    }
}
