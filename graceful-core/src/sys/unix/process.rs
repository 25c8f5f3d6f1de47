//! The process: how it ends, and what it says last.

/// Ends the process now: no destructor, no `atexit` handler, no lock.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit is async-signal-safe, takes no lock and does not return.
    unsafe { libc::_exit(code) }
}

/// Writes to the standard error, past Rust's lock on it. What cannot be written is lost.
///
/// # Blocking
/// When stderr is a full pipe that nobody reads. Only threads that may hang call this.
pub(crate) fn write_stderr(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the pointer and length describe `bytes`, which lives across the call.
        let written = unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(0) => return,
            Ok(written) => bytes = &bytes[written..],
            Err(_) if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
