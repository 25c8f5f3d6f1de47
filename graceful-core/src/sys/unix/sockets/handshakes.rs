//! Handshakes that have begun and are not complete, as `ss state syn-recv` lists them.
//!
//! They are no sockets yet and belong to no descriptor, so the only one to ask is the kernel's socket diagnosis
//! (`sock_diag(7)`). It walks the table of all connections of the machine, those in TIME_WAIT included: a fifth of a
//! millisecond with few of them, 6 to 14 ms with 90 000. So where there are many it is asked only if the listener's
//! references do not tell already that nobody is there.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd};

use super::references::{Table, nobody_waits_at};

/// `SOCK_DIAG_BY_FAMILY` of `linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;

/// The states of `tcp_states.h`, as a bit mask.
const SYN_RECEIVED: u32 = 1 << 3;

/// The lengths of `nlmsghdr` and `inet_diag_req_v2`.
const HEADER: usize = 16;
const REQUEST: usize = 56;

/// The kernel answers again when nothing has come after this time, doubled for each answer.
const FIRST_TIMEOUT: u32 = 1000;

/// A handshake that is not complete after one repeated answer and this many milliseconds will not be: the other side has
/// gone, or never was. It is a long time for a packet to take, and all that a scanner can make a stop wait.
const PATIENCE: u32 = 250;

/// Whether a client is in the middle of a handshake with this listener, or another of the same port, and may complete it.
///
/// # Errors
/// The kernel cannot be asked: no such feature, a sandbox, no descriptor.
pub(crate) fn handshake_under_way(listener: BorrowedFd<'_>, address: SocketAddr) -> io::Result<bool> {
    // First, since what has no such feature may not be the kernel that it looks like.
    let diagnosis = open()?;
    let table = if address.is_ipv4() { Table::V4 } else { Table::V6 };
    if nobody_waits_at(listener, table) {
        return Ok(false);
    }
    ask(diagnosis, address)
}

fn open() -> io::Result<File> {
    // SAFETY: socket takes no pointers.
    let socket = unsafe {
        libc::socket(
            libc::AF_NETLINK,
            libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
            libc::NETLINK_SOCK_DIAG,
        )
    };
    super::check(socket)?;
    // SAFETY: it was just made, and nobody else knows of it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(socket) }))
}

fn ask(mut diagnosis: File, listener: SocketAddr) -> io::Result<bool> {
    diagnosis.write_all(&request(listener))?;
    let mut answers = vec![0; 32 << 10];
    loop {
        // Never blocks: the kernel has answered by the time that it is read.
        let length = diagnosis.read(&mut answers)?;
        match judge(&answers[..length])? {
            Verdict::UnderWay => return Ok(true),
            Verdict::NotHere => {}
            Verdict::End => return Ok(false),
        }
    }
}

/// What a batch of answers says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    End,
    /// Not in this batch; there are more.
    NotHere,
    UnderWay,
}

fn request(listener: SocketAddr) -> [u8; HEADER + REQUEST] {
    let family = if listener.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
    let mut bytes = [0; HEADER + REQUEST];
    bytes[0..4].copy_from_slice(&((HEADER + REQUEST) as u32).to_ne_bytes());
    bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
    bytes[16] = family as u8;
    bytes[17] = libc::IPPROTO_TCP as u8;
    bytes[20..24].copy_from_slice(&SYN_RECEIVED.to_ne_bytes());
    bytes[24..26].copy_from_slice(&listener.port().to_be_bytes());
    // No cookie: any socket.
    bytes[64..72].fill(0xff);
    bytes
}

fn judge(mut batch: &[u8]) -> io::Result<Verdict> {
    let garbled = || io::Error::from(io::ErrorKind::InvalidData);
    while !batch.is_empty() {
        let length = u32_at(batch, 0).ok_or_else(garbled)? as usize;
        let kind = u32_at(batch, 4).ok_or_else(garbled)? as u16;
        let message = batch.get(HEADER..length).ok_or_else(garbled)?;
        match i32::from(kind) {
            libc::NLMSG_DONE => return Ok(Verdict::End),
            libc::NLMSG_ERROR => {
                let code = u32_at(message, 0).ok_or_else(garbled)? as i32;
                return Err(io::Error::from_raw_os_error(code.wrapping_neg()));
            }
            _ if kind == BY_FAMILY => {
                // Of `inet_diag_msg`: how often the answer was repeated, and when it will be.
                let repeated = *message.get(3).ok_or_else(garbled)?;
                let expires = u32_at(message, 52).ok_or_else(garbled)?;
                if is_hopeful(repeated, expires) {
                    return Ok(Verdict::UnderWay);
                }
            }
            _ => {}
        }
        // Messages begin at multiples of four; the last one need not be filled up.
        batch = batch.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(Verdict::NotHere)
}

/// Whether a handshake may still be completed: the answer is on its way, or was repeated just now, as it is when the
/// listener's queue had no room for the client's.
fn is_hopeful(repeated: u8, expires_in_millis: u32) -> bool {
    match repeated {
        0 => true,
        1 => (2 * FIRST_TIMEOUT).saturating_sub(expires_in_millis) < PATIENCE,
        _ => false,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

/// A client that has begun a handshake and is deaf to the answer, until [`allow_new_handshakes`] is called on it. It is
/// non-blocking.
///
/// [`allow_new_handshakes`]: super::allow_new_handshakes
#[cfg(test)]
pub(crate) fn connect_deaf(address: SocketAddr) -> std::net::TcpStream {
    use std::mem;
    use std::os::fd::{AsFd as _, AsRawFd as _};

    let SocketAddr::V4(address) = address else { panic!("{address} is not IPv4") };

    // SAFETY: socket takes no pointers.
    let socket =
        unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) };
    super::check(socket).expect("a descriptor");
    // SAFETY: it was just made, and nobody else knows of it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let mut program = [libc::sock_filter { code: libc::BPF_RET as u16, jt: 0, jf: 0, k: 0 }];
    let program = libc::sock_fprog { len: 1, filter: program.as_mut_ptr() };
    super::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program).expect("a filter");
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
        sin_zero: [0; 8],
    };
    let length = mem::size_of_val(&address) as libc::socklen_t;
    // SAFETY: the pointer and length describe `address`.
    let result = unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length) };
    let error = io::Error::last_os_error();
    assert_eq!((result, error.raw_os_error()), (-1, Some(libc::EINPROGRESS)));
    socket.into()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_handshake_under_way_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("free");
        let other = TcpListener::bind("127.0.0.1:0").expect("free");
        let (address, others) = (listener.local_addr().expect("bound"), other.local_addr().expect("bound"));
        let look = |address| match open().and_then(|diagnosis| ask(diagnosis, address)) {
            // Sandboxes without it exist.
            Err(error) => {
                println!("not tested: {error}");
                None
            }
            Ok(under_way) => Some(under_way),
        };
        let Some(before) = look(address) else { return };
        let _complete = std::net::TcpStream::connect(address).expect("listening");
        let _begun = connect_deaf(address);
        assert_eq!((before, look(address), look(others)), (false, Some(true), Some(false)));
    }

    #[test]
    fn hope_ends() {
        let check =
            |repeated, expires, hopeful| assert_eq!(is_hopeful(repeated, expires), hopeful, "{repeated} {expires}");
        check(0, 1000, true);
        check(0, 0, true);
        check(1, 2000, true);
        check(1, 1751, true);
        check(1, 1750, false);
        check(2, 4000, false);
    }

    #[test]
    fn answers_are_read_with_suspicion() {
        let message = |kind: u16, body: &[u8]| {
            let mut bytes = ((HEADER + body.len()) as u32).to_ne_bytes().to_vec();
            bytes.extend_from_slice(&u32::from(kind).to_ne_bytes());
            bytes.extend_from_slice(&[0; 8]);
            bytes.extend_from_slice(body);
            bytes
        };
        let handshake = |repeated: u8| {
            let mut body = [0; 72];
            body[3] = repeated;
            message(BY_FAMILY, &body)
        };
        let done = message(libc::NLMSG_DONE as u16, &[0; 4]);
        let check = |batch: &[u8], verdict| assert_eq!(judge(batch).expect("well-formed"), verdict);
        check(&[], Verdict::NotHere);
        check(&done, Verdict::End);
        check(&handshake(0), Verdict::UnderWay);
        check(&handshake(5), Verdict::NotHere);
        check(&[handshake(5), handshake(0), done.clone()].concat(), Verdict::UnderWay);
        check(&[handshake(5), done].concat(), Verdict::End);
        let error = message(libc::NLMSG_ERROR as u16, &(-libc::ENOENT).to_ne_bytes());
        assert_eq!(judge(&error).expect_err("an error").raw_os_error(), Some(libc::ENOENT));
        let whole = handshake(0);
        for length in 1..whole.len() {
            judge(&whole[..length]).expect_err("cut short");
        }
        judge(&[0; 32]).expect_err("a length of nothing");
        judge(&[0xff; 32]).expect_err("a length beyond the end");
    }
}
