//! Threads.

use windows_sys::Win32::System::Threading::GetCurrentThreadId;

/// The system's id of the calling thread.
pub(crate) fn thread_id() -> u64 {
    // SAFETY: takes nothing and cannot fail.
    u64::from(unsafe { GetCurrentThreadId() })
}

/// Threads keep the name they were started with.
pub(crate) fn name_thread(_: &str) {}

/// Console events never interrupt a thread.
pub(crate) fn block_signals() {}
