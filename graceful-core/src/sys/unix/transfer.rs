//! Reads and writes that do not block, whatever the mode of the socket: a blocking handler may get the same socket later.

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// A broken connection is an error here, and no signal.
#[cfg(any(target_os = "linux", target_os = "android"))]
const WRITE: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
/// Rust programs ignore SIGPIPE from their start.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const WRITE: libc::c_int = libc::MSG_DONTWAIT;

/// Reads what is there; `WouldBlock` when nothing is.
pub(crate) fn read_now(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length describe `bytes`, into which the kernel writes at most that many.
    again(|| unsafe { libc::recv(socket.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len(), libc::MSG_DONTWAIT) })
}

/// Writes what there is room for; `WouldBlock` when there is none.
pub(crate) fn write_now(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length describe `bytes`, which the kernel reads.
    again(|| unsafe { libc::send(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), WRITE) })
}

/// Writes what there is room for, of several pieces.
pub(crate) fn write_vectored_now(socket: BorrowedFd<'_>, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    // More pieces than the kernel takes at once would be an error; the rest is for the next call.
    let pieces = &pieces[..pieces.len().min(1024)];
    // SAFETY: a zeroed msghdr is valid: no name, no control data.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = pieces.as_ptr().cast::<libc::iovec>().cast_mut();
    message.msg_iovlen = pieces.len() as _;
    // SAFETY: an IoSlice has the layout of an iovec on Unix; the kernel only reads what they describe, and they are borrowed
    // for longer than the call.
    again(|| unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, WRITE) })
}

fn again(mut call: impl FnMut() -> libc::ssize_t) -> io::Result<usize> {
    loop {
        if let Ok(length) = usize::try_from(call()) {
            return Ok(length);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn never_blocks_on_a_blocking_socket() {
        let (here, there) = UnixStream::pair().expect("descriptors");
        let mut bytes = [0; 8];
        let nothing = read_now(here.as_fd(), &mut bytes).expect_err("nothing is there");
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        let pieces = [IoSlice::new(b"he"), IoSlice::new(b""), IoSlice::new(b"llo")];
        assert_eq!(write_vectored_now(there.as_fd(), &pieces).expect("room"), 5);
        assert_eq!(read_now(here.as_fd(), &mut bytes).expect("there"), 5);
        assert_eq!(&bytes[..5], b"hello");
        let full = loop {
            if let Err(error) = write_now(there.as_fd(), &[7; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        drop(here);
        let broken = write_now(there.as_fd(), b"x").expect_err("nobody reads");
        assert!(matches!(broken.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset), "{broken}");
    }
}
