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

/// Writes to the standard error only if that cannot block: the last words of a process that must end now.
pub(crate) fn write_stderr_now(bytes: &[u8]) {
    #[cfg(target_os = "linux")]
    {
        let part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        // SAFETY: one iovec over `bytes`, both alive across the call; pwritev2 only reads through it. RWF_NOWAIT makes a write
        // that would block fail instead; descriptors that do not know it answer EOPNOTSUPP.
        let written = unsafe { libc::pwritev2(libc::STDERR_FILENO, &raw const part, 1, -1, libc::RWF_NOWAIT) };
        if written >= 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::EAGAIN) {
            return;
        }
    }
    let mut poll = libc::pollfd { fd: libc::STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one pollfd that lives across the call, and a time of zero.
    let ready = unsafe { libc::poll(&raw mut poll, 1, 0) };
    if ready == 1 && poll.revents & libc::POLLOUT != 0 {
        // SAFETY: the pointer and length describe `bytes`. A pipe that polls writable takes this much without blocking.
        unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len().min(libc::PIPE_BUF)) };
    }
}
