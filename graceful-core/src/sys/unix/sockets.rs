//! Sockets: what std does not offer to a listener that must end without losing a connection.

#[cfg(target_os = "linux")]
mod handshakes;
#[cfg(target_os = "linux")]
mod references;

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::TcpListener;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;

#[cfg(target_os = "linux")]
pub(crate) use handshakes::*;

/// A listener that this process was started with.
pub(crate) enum InheritedListener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Sets how many connections the kernel keeps for a listener until they are accepted; it caps the number itself.
pub(crate) fn set_backlog(listener: BorrowedFd<'_>, backlog: i32) -> io::Result<()> {
    // SAFETY: listen takes no pointers, and the descriptor is open for as long as it is borrowed.
    check(unsafe { libc::listen(listener.as_raw_fd(), backlog) })
}

/// Sends small writes at once, on this socket and, as Linux has it, on those that it accepts.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn set_nodelay(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_TCP, libc::TCP_NODELAY, &1)
}

/// Lets new connection attempts on a TCP listener vanish, while handshakes that have begun still complete.
///
/// A classic BPF program drops what carries SYN but not ACK. The client takes it for a lost packet and asks again after a
/// second, when the listener is gone and it is refused. The filter belongs to the socket, not to the descriptor.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn drop_new_handshakes(listener: BorrowedFd<'_>) -> io::Result<()> {
    const LOAD_BYTE: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16;
    const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    /// Where the flags are in the TCP header, at which the filter begins.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;

    let line = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    let mut program = [
        line(LOAD_BYTE, FLAGS, 0, 0),
        line(AND, SYN | ACK, 0, 0),
        line(IF_EQUAL, SYN, 0, 1),
        line(RETURN, 0, 0, 0),
        line(RETURN, u32::MAX, 0, 0),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // The pointer and length describe the array above, which the kernel copies.
    set_option(listener, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Not possible here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn drop_new_handshakes(_: BorrowedFd<'_>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Undoes [`drop_new_handshakes`], for whoever else may hold the socket.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn allow_new_handshakes(listener: BorrowedFd<'_>) {
    // It fails when there is no filter.
    drop(set_option::<libc::c_int>(listener, libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &0));
}

/// Nothing to undo here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn allow_new_handshakes(_: BorrowedFd<'_>) {}

/// Has the kernel refuse new connections to a Unix listener. Those in its queue can still be accepted.
pub(crate) fn refuse_connects(listener: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: shutdown takes no pointers, and the descriptor is open for as long as it is borrowed.
    check(unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RD) })
}

/// Takes over a listener that this process was started with.
///
/// A descriptor that survived the `exec` has no close-on-exec flag, one that this program opened has: the standard library
/// sets it on everything. So the flag tells whether a number may be taken, and setting it keeps it from being taken twice.
pub(crate) fn inherit_listener(number: RawFd) -> io::Result<InheritedListener> {
    let refuse = |why| Err(unsuitable(number, why));
    // SAFETY: F_GETFD takes no pointers and fails for a number that is not open.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    if flags < 0 {
        return refuse("is not open: nothing was inherited under this number");
    }
    if flags & libc::FD_CLOEXEC != 0 {
        return refuse("was not inherited, or is taken already: hand over the listener itself");
    }
    match int_option(number, libc::SO_TYPE) {
        Ok(libc::SOCK_STREAM) => {}
        Ok(_) => return refuse("is not a stream socket"),
        Err(_) => return refuse("is not a socket"),
    }
    if int_option(number, libc::SO_ACCEPTCONN)? == 0 {
        return refuse("is a socket that does not listen");
    }
    let family = family(number)?;
    if !matches!(family, libc::AF_INET | libc::AF_INET6 | libc::AF_UNIX) {
        return refuse("is neither a TCP nor a Unix listener");
    }
    // SAFETY: F_SETFD takes no pointers.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, flags | libc::FD_CLOEXEC) })?;
    // SAFETY: the descriptor is open, and nobody in this process owns it: what is opened here carries the flag that this one
    // did not, and now it does, so that it is taken once only.
    let owned = unsafe { OwnedFd::from_raw_fd(number) };
    Ok(match family {
        libc::AF_UNIX => InheritedListener::Unix(owned.into()),
        _ => InheritedListener::Tcp(owned.into()),
    })
}

#[cold]
#[inline(never)]
fn unsuitable(number: RawFd, why: &str) -> io::Error {
    io::Error::other(format!("descriptor {number} {why}"))
}

/// Not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn handshake_under_way(_: BorrowedFd<'_>, _: std::net::SocketAddr) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether an error of `accept` concerns one connection and says nothing about the next: Linux passes on what happened to
/// the connection while it was queued, a firewall rule is EPERM.
pub(crate) fn is_of_one_connection(code: i32) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if code == libc::ENONET {
        return true;
    }
    matches!(
        code,
        libc::ECONNABORTED
            | libc::ECONNRESET
            | libc::EHOSTDOWN
            | libc::EHOSTUNREACH
            | libc::ENETDOWN
            | libc::ENETUNREACH
            | libc::ENOPROTOOPT
            | libc::EOPNOTSUPP
            | libc::EPERM
            | libc::EPROTO
            | libc::ETIMEDOUT
    )
}

/// Whether an error of `accept` says that the listener has been shut down and its queue is empty.
pub(crate) fn is_shut(code: i32) -> bool {
    code == libc::EINVAL
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_option<T>(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    let length = mem::size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointer and length describe `value`. The callers are all in this file and give each option its type; the
    // one that holds a pointer, a filter program, lives until the call returns, and the kernel keeps a copy.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const *value).cast(), length) })
}

fn int_option(number: RawFd, option: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = mem::size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into `value`.
    check(unsafe { libc::getsockopt(number, libc::SOL_SOCKET, option, (&raw mut value).cast(), &raw mut length) })?;
    Ok(value)
}

fn family(number: RawFd) -> io::Result<libc::c_int> {
    let mut address = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut length = mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into `address`, which is valid when zeroed.
    unsafe {
        check(libc::getsockname(number, address.as_mut_ptr().cast(), &raw mut length))?;
        Ok(address.assume_init().ss_family.into())
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives a listener the look of an inherited one, and its number. The caller must not use it under its old owner.
#[cfg(test)]
pub(crate) fn pass_on(listener: impl Into<OwnedFd>) -> RawFd {
    use std::os::fd::IntoRawFd as _;

    let number = listener.into().into_raw_fd();
    // SAFETY: F_SETFD takes no pointers.
    unsafe { libc::fcntl(number, libc::F_SETFD, 0) };
    number
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn inherited_descriptors_are_checked() {
        let refused = |number, words: &str| match inherit_listener(number) {
            Err(error) => assert!(error.to_string().contains(words), "{error}"),
            Ok(_) => panic!("descriptor {number} was taken"),
        };
        refused(1_000_000, "is not open");
        refused(pass_on(std::fs::File::open("/dev/null").expect("there")), "is not a socket");
        refused(pass_on(std::net::UdpSocket::bind("127.0.0.1:0").expect("free")), "is not a stream socket");
        let listener = TcpListener::bind("127.0.0.1:0").expect("free");
        let stream = std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("listening");
        refused(pass_on(stream), "does not listen");
        refused(listener.as_raw_fd(), "hand over the listener itself");

        let address = listener.local_addr().expect("bound");
        let number = pass_on(listener);
        match inherit_listener(number).expect("a listener") {
            InheritedListener::Tcp(taken) => {
                assert_eq!(taken.local_addr().expect("bound"), address);
                refused(number, "taken already");
            }
            InheritedListener::Unix(_) => panic!("it is TCP"),
        }
    }
}
