//! The process: how it ends, and what it says last.

use windows_sys::Win32::Storage::FileSystem::WriteFile;
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

/// Ends the process now: no destructor, no `atexit` handler, no lock.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: the pseudo handle of the own process is always valid. ExitProcess would run DLL detach routines, which may hang.
    unsafe { TerminateProcess(GetCurrentProcess(), code.cast_unsigned()) };
    loop {
        std::thread::park();
    }
}

/// Writes to the standard error, past Rust's lock on it. What cannot be written is lost.
pub(crate) fn write_stderr(bytes: &[u8]) {
    let mut written = 0;
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    // SAFETY: the pointer and length describe `bytes`; `written` lives across the call. An invalid handle only fails.
    unsafe {
        WriteFile(GetStdHandle(STD_ERROR_HANDLE), bytes.as_ptr(), length, &raw mut written, std::ptr::null_mut());
    }
}

/// The last words; a console does not block.
pub(crate) fn write_stderr_now(bytes: &[u8]) {
    write_stderr(bytes);
}
