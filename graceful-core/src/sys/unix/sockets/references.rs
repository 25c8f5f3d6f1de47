//! Who holds on to a listening socket, as `/proc/net/tcp` tells.
//!
//! Each handshake that has begun and each connection that is not accepted yet holds a reference to the listener that it
//! came to. So one whose only reference is its own has neither, and that is told without a walk through all connections of
//! the machine: the file begins with the listeners, and only its beginning is read.
//!
//! To get there the kernel looks for the line behind ours, which is cheap where there are many connections to find, and
//! where there are few the other way is: see [`are_many`].

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt as _;

use crate::text::{number, word};

/// From about here on it takes less time to find one of the connections than to look at all of them.
const MANY: u64 = 1000;

/// Handshakes hold references since 4.4. What claims to be older than this may be something else that looks like Linux.
const FIRST_MAJOR_VERSION: u64 = 5;

/// As much as the kernel writes at a time.
const PIECE: usize = 4096;

/// Whether nobody is at this listener's door: no handshake under way, no connection to be accepted.
/// That it is not sure of it does not mean that somebody is.
pub(super) fn nobody_waits_at(listener: BorrowedFd<'_>, table: Table) -> bool {
    counts_handshakes() && are_many() && references(listener, table) == Some(1)
}

/// IPv4 and IPv6 sockets have a file each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    V4,
    V6,
}

fn references(listener: BorrowedFd<'_>, table: Table) -> Option<u64> {
    let inode = File::from(listener.try_clone_to_owned().ok()?).metadata().ok()?.ino();
    // That of the thread: another may be in another network namespace.
    let path = match table {
        Table::V4 => "/proc/thread-self/net/tcp",
        Table::V6 => "/proc/thread-self/net/tcp6",
    };
    let mut file = File::open(path).ok()?;
    let mut piece = [0; PIECE];
    // What is read and not looked at yet. The first line has the names of the columns.
    let mut rest = Vec::new();
    let mut is_first = true;
    loop {
        let read = file.read(&mut piece).ok()?;
        if read == 0 {
            return None;
        }
        rest.extend_from_slice(&piece[..read]);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            if !std::mem::take(&mut is_first) {
                let (of, references) = listener_in(str::from_utf8(&rest[..end]).ok()?)?;
                if of == inode {
                    return Some(references);
                }
            }
            rest.drain(..=end);
        }
    }
}

/// The inode of a listener, and how many references there are. `None` for what does not listen: no listener comes after it.
fn listener_in(line: &str) -> Option<(u64, u64)> {
    const LISTENS: &str = "0A";

    if word(line, 3)? != LISTENS {
        return None;
    }
    Some((number(word(line, 9)?, 10)?, number(word(line, 10)?, 10)?))
}

/// Whether this network namespace has many connections, those in TIME_WAIT included.
fn are_many() -> bool {
    connections_in(&text_of("/proc/thread-self/net/sockstat")) >= MANY
}

fn connections_in(sockstat: &str) -> u64 {
    let words = sockstat.lines().find_map(|line| line.strip_prefix("TCP:")).unwrap_or_default();
    let (mut sum, mut place) = (0_u64, 0);
    while let (Some(name), Some(count)) = (word(words, place), word(words, place + 1)) {
        if matches!(name, "inuse" | "tw") {
            sum = sum.saturating_add(number(count, 10).unwrap_or(0));
        }
        place += 2;
    }
    sum
}

fn counts_handshakes() -> bool {
    let release = text_of("/proc/sys/kernel/osrelease");
    let major = release.split_once('.').and_then(|(major, _)| number(major, 10));
    major.is_some_and(|major| major >= FIRST_MAJOR_VERSION)
}

/// Empty if it cannot be read. Not `fs::read_to_string`, which is two kilobytes of code more.
#[inline(never)]
fn text_of(path: &str) -> String {
    fs::read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::os::fd::AsFd as _;

    use super::super::connect_deaf;
    use super::*;

    #[test]
    fn whoever_waits_is_counted() {
        let check = |address: &str, table| {
            let Ok(listener) = TcpListener::bind(address) else {
                println!("not tested: no {address}");
                return;
            };
            let port = listener.local_addr().expect("bound").port();
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            let Some(before) = references(listener.as_fd(), table) else {
                println!("not tested: /proc/net is not there");
                return;
            };
            if !counts_handshakes() {
                println!("not tested: an old kernel");
                return;
            }
            let look = || references(listener.as_fd(), table).expect("it was there");
            let begun = connect_deaf(address);
            let with_one_begun = look();
            let complete = TcpStream::connect(address).expect("listening");
            let with_one_complete = look();
            let accepted = listener.accept().expect("it has come");
            assert_eq!((before, with_one_begun, with_one_complete, look()), (1, 2, 3, 2), "{address}");
            drop((begun, complete, accepted));
        };
        check("127.0.0.1:0", Table::V4);
        check("0.0.0.0:0", Table::V4);
        check("[::]:0", Table::V6);
    }

    #[test]
    fn a_socket_of_another_table_is_not_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("free");
        assert_eq!(references(listener.as_fd(), Table::V6), None);
    }

    #[test]
    fn lines_are_read_with_suspicion() {
        let check = |line: &str, found| assert_eq!(listener_in(line), found, "{line}");
        let rest = "00000000:00000000 00:00000000 00000000  1000        0";
        check(
            &format!("   0: 0100007F:939B 00000000:0000 0A {rest} 1162 3 00000000456b1b4b 100 0 0 10 0"),
            Some((1162, 3)),
        );
        check(&format!("  12: 0100007F:939B 0100007F:8669 01 {rest} 1162 3 00000000456b1b4b 100 0 0 10 0"), None);
        check(&format!("   0: 0100007F:939B 00000000:0000 0A {rest} 1162"), None);
        check(&format!("   0: 0100007F:939B 00000000:0000 0A {rest} x 3"), None);
        check(&format!("   0: 0100007F:939B 00000000:0000 0A {rest} 1162 -3"), None);
        check("", None);
    }

    #[test]
    fn connections_are_counted() {
        let text = "sockets: used 11\nTCP: inuse 1 orphan 7 tw 90003 alloc 5 mem 117\nUDP: inuse 3 mem 0\n";
        assert_eq!(connections_in(text), 90_004);
        assert_eq!(connections_in("TCP: inuse x tw"), 0);
        assert_eq!(connections_in(""), 0);
    }
}
