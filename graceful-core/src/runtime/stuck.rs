//! Where a thread is stuck: what the kernel knows of a hook or task that is past its deadline.
//!
//! Read from `/proc/self/task/<tid>`, which Linux gives a process about its own threads without any privilege. Nothing in
//! here stops the thread, and none of these files waits for a disk or a lock of the process's own.

use std::ffi::c_long;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::text::{number, owned, shown, word};

/// Longer names of files are cut in front: the end says more.
const LONGEST_NAME: usize = 100;

/// One line that says where the thread `tid` of this process is, as `sleeping in read(fd 5 → pipe:[1234]), wchan pipe_read`.
/// What cannot be read is left out; `None` when there is no such thread, or the system is not Linux.
pub(crate) fn whereabouts(tid: u64) -> Option<String> {
    let state = parse_stat(&read(tid, "stat")?)?;
    let syscall = read(tid, "syscall").and_then(|bytes| parse_syscall(&bytes));
    let wchan = read(tid, "wchan").and_then(|bytes| parse_wchan(&bytes));
    let target = |fd: i32| {
        let link = shown(&format_args!("/proc/self/task/{tid}/fd/{fd}"));
        Some(printable(&fs::read_link(link).ok()?))
    };
    Some(compose(state, syscall, wchan.as_deref(), &target))
}

/// One of the files about a thread.
#[inline(never)]
fn read(tid: u64, name: &str) -> Option<Vec<u8>> {
    fs::read(shown(&format_args!("/proc/self/task/{tid}/{name}"))).ok()
}

/// Whether a thread waits for something other than a processor; `None` when that cannot be known.
pub(crate) fn is_blocked(tid: u64) -> Option<bool> {
    parse_stat(&read(tid, "stat")?).map(|state| state != 'R')
}

/// What a thread is doing, in the words of its `syscall` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syscall {
    /// In a system call: its number and first argument.
    In(c_long, Option<u64>),
    /// Blocked, but not in a system call: the kernel brings in a page of memory, for instance.
    Outside,
    /// On a processor.
    Running,
}

/// It waits for nothing.
const RUNNING: &str = "running (busy loop?)";

fn compose(
    state: char,
    syscall: Option<Syscall>,
    wchan: Option<&str>,
    target: &dyn Fn(i32) -> Option<String>,
) -> String {
    let blocked = match state {
        'D' => "uninterruptible",
        'R' => return owned(RUNNING),
        'S' => "sleeping",
        'T' => return owned("stopped by a signal"),
        't' => return owned("stopped by a debugger"),
        'X' | 'Z' => return owned("ended"),
        other => return shown(&format_args!("in state {other}")),
    };
    let mut line = owned(blocked);
    // Writing to a string cannot fail.
    let _ = match syscall {
        None => Ok(()),
        // It went on between the reading of one file and the next.
        Some(Syscall::Running) => return owned(RUNNING),
        Some(Syscall::Outside) => write!(line, " outside of a system call (a page fault?)"),
        Some(Syscall::In(number, first)) => match CALLS.iter().find(|(known, ..)| *known == number) {
            None => write!(line, " in system call {number}"),
            Some((_, name, First::Descriptor)) => {
                // An int in a register: only its lower half counts.
                let fd = first.map(|argument| argument as u32 as i32);
                match (fd, fd.and_then(target)) {
                    (Some(fd), Some(target)) => write!(line, " in {name}(fd {fd} → {target})"),
                    (Some(fd), None) => write!(line, " in {name}(fd {fd})"),
                    (None, _) => write!(line, " in {name}()"),
                }
            }
            Some((_, name, First::Other(hint))) => {
                if state == 'S' {
                    line = owned("waiting");
                }
                write!(line, " in {name} ({hint})")
            }
        },
    };
    if let Some(wchan) = wchan {
        let _ = write!(line, ", wchan {wchan}");
    }
    line
}

/// The state from `tid (name) S …`. The name is the thread's own choice and may hold spaces, parentheses and anything else.
fn parse_stat(bytes: &[u8]) -> Option<char> {
    let name_end = bytes.iter().rposition(|byte| *byte == b')')?;
    match bytes[name_end + 1..] {
        [b' ', state, b' ' | b'\n', ..] if state.is_ascii_alphabetic() => Some(state.into()),
        _ => None,
    }
}

/// `running`, `-1 <stack> <pc>` or `<number> <six arguments> <stack> <pc>`, the number decimal and the rest hexadecimal.
fn parse_syscall(bytes: &[u8]) -> Option<Syscall> {
    let text = str::from_utf8(bytes).ok()?;
    let call = match word(text, 0)? {
        "running" => return Some(Syscall::Running),
        "-1" => return Some(Syscall::Outside),
        call => c_long::try_from(number(call, 10)?).ok()?,
    };
    let first = word(text, 1).and_then(|word| number(word.strip_prefix("0x")?, 16));
    Some(Syscall::In(call, first))
}

/// The function of the kernel that waits; `0` stands for none, or for one that we may not know.
fn parse_wchan(bytes: &[u8]) -> Option<String> {
    let name = str::from_utf8(bytes).ok()?.trim();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    (plain && !name.is_empty() && name != "0" && name.len() <= LONGEST_NAME).then(|| name.to_owned())
}

/// On one line and not too long.
fn printable(path: &Path) -> String {
    let quoted = format!("{:?}", path.to_string_lossy());
    let escaped = &quoted[1..quoted.len() - 1];
    match escaped.char_indices().nth_back(LONGEST_NAME - 1) {
        None | Some((0, _)) => escaped.to_owned(),
        Some((cut, _)) => format!("…{}", &escaped[cut..]),
    }
}

/// What the first argument of a system call is.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code, reason = "the table is empty there"))]
enum First {
    /// A file descriptor.
    Descriptor,
    /// Nothing to show; what the call waits for instead.
    Other(&'static str),
}

/// The calls that are known to take long, by the numbers of this architecture.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CALLS: &[(c_long, &str, First)] = &[
    #[cfg(not(any(target_arch = "x86", target_arch = "s390x")))]
    (libc::SYS_accept, "accept", First::Descriptor),
    (libc::SYS_accept4, "accept4", First::Descriptor),
    (libc::SYS_clock_nanosleep, "clock_nanosleep", First::Other("a sleep")),
    (libc::SYS_close, "close", First::Descriptor),
    (libc::SYS_connect, "connect", First::Descriptor),
    (libc::SYS_copy_file_range, "copy_file_range", First::Descriptor),
    #[cfg(any(target_arch = "x86_64", target_arch = "arm"))]
    (libc::SYS_epoll_wait, "epoll_wait", First::Descriptor),
    (libc::SYS_epoll_pwait, "epoll_pwait", First::Descriptor),
    (libc::SYS_epoll_pwait2, "epoll_pwait2", First::Descriptor),
    (libc::SYS_fallocate, "fallocate", First::Descriptor),
    (libc::SYS_fcntl, "fcntl", First::Descriptor),
    (libc::SYS_fdatasync, "fdatasync", First::Descriptor),
    (libc::SYS_flock, "flock", First::Descriptor),
    (libc::SYS_fsync, "fsync", First::Descriptor),
    (libc::SYS_ftruncate, "ftruncate", First::Descriptor),
    (libc::SYS_futex, "futex", First::Other(LOCK)),
    (libc::SYS_futex_waitv, "futex_waitv", First::Other(LOCK)),
    (libc::SYS_getdents64, "getdents64", First::Descriptor),
    (libc::SYS_getrandom, "getrandom", First::Other("random numbers")),
    (libc::SYS_io_uring_enter, "io_uring_enter", First::Descriptor),
    (libc::SYS_ioctl, "ioctl", First::Descriptor),
    (libc::SYS_mq_timedreceive, "mq_timedreceive", First::Descriptor),
    (libc::SYS_mq_timedsend, "mq_timedsend", First::Descriptor),
    (libc::SYS_msync, "msync", First::Other("a mapped file is written")),
    (libc::SYS_nanosleep, "nanosleep", First::Other("a sleep")),
    #[cfg(any(target_arch = "x86_64", target_arch = "arm"))]
    (libc::SYS_open, "open", First::Other("a path")),
    (libc::SYS_openat, "openat", First::Other("a path")),
    #[cfg(any(target_arch = "x86_64", target_arch = "arm"))]
    (libc::SYS_pause, "pause", First::Other("a signal")),
    #[cfg(any(target_arch = "x86_64", target_arch = "arm"))]
    (libc::SYS_poll, "poll", First::Other("descriptors")),
    (libc::SYS_ppoll, "ppoll", First::Other("descriptors")),
    (libc::SYS_pread64, "pread64", First::Descriptor),
    (libc::SYS_pselect6, "pselect6", First::Other("descriptors")),
    (libc::SYS_pwrite64, "pwrite64", First::Descriptor),
    (libc::SYS_read, "read", First::Descriptor),
    (libc::SYS_readv, "readv", First::Descriptor),
    (libc::SYS_recvfrom, "recvfrom", First::Descriptor),
    (libc::SYS_recvmmsg, "recvmmsg", First::Descriptor),
    (libc::SYS_recvmsg, "recvmsg", First::Descriptor),
    #[cfg(any(target_arch = "x86_64", target_arch = "arm"))]
    (libc::SYS_rename, "rename", First::Other("a path")),
    (libc::SYS_renameat2, "renameat2", First::Other("a path")),
    (libc::SYS_restart_syscall, "restart_syscall", First::Other("a wait that was interrupted")),
    (libc::SYS_rt_sigsuspend, "rt_sigsuspend", First::Other("a signal")),
    (libc::SYS_rt_sigtimedwait, "rt_sigtimedwait", First::Other("a signal")),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_select, "select", First::Other("descriptors")),
    (libc::SYS_sendfile, "sendfile", First::Descriptor),
    (libc::SYS_sendmmsg, "sendmmsg", First::Descriptor),
    (libc::SYS_sendmsg, "sendmsg", First::Descriptor),
    (libc::SYS_sendto, "sendto", First::Descriptor),
    (libc::SYS_splice, "splice", First::Descriptor),
    (libc::SYS_statx, "statx", First::Other("a path")),
    (libc::SYS_sync, "sync", First::Other("all file systems are written")),
    (libc::SYS_syncfs, "syncfs", First::Descriptor),
    #[cfg(any(target_arch = "x86_64", target_arch = "arm"))]
    (libc::SYS_unlink, "unlink", First::Other("a path")),
    (libc::SYS_unlinkat, "unlinkat", First::Other("a path")),
    (libc::SYS_wait4, "wait4", First::Other(CHILD)),
    (libc::SYS_waitid, "waitid", First::Other(CHILD)),
    (libc::SYS_write, "write", First::Descriptor),
    (libc::SYS_writev, "writev", First::Descriptor),
    // With a 64-bit time on 32-bit systems: the same numbers everywhere, and no names for them yet.
    #[cfg(target_pointer_width = "32")]
    (407, "clock_nanosleep_time64", First::Other("a sleep")),
    #[cfg(target_pointer_width = "32")]
    (413, "pselect6_time64", First::Other("descriptors")),
    #[cfg(target_pointer_width = "32")]
    (414, "ppoll_time64", First::Other("descriptors")),
    #[cfg(target_pointer_width = "32")]
    (422, "futex_time64", First::Other(LOCK)),
];
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CALLS: &[(c_long, &str, First)] = &[];

#[cfg(any(target_os = "linux", target_os = "android"))]
const LOCK: &str = "a lock or condition variable";
#[cfg(any(target_os = "linux", target_os = "android"))]
const CHILD: &str = "a child process";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn states_whatever_the_name() {
        let check = |text: &str, state: Option<char>| assert_eq!(parse_stat(text.as_bytes()), state, "{text:?}");
        check("12 (gf-hook-db) S 1 12 12 0 -1", Some('S'));
        check("12 (a b) D 1", Some('D'));
        check("12 (x) R (y) S 1 12", Some('S'));
        check("12 ())) Z 1", Some('Z'));
        check("12 (line\nbreak) t 1", Some('t'));
        check("12 () R\n", Some('R'));
        check("12 (gf-hook-db", None);
        check("12 (gf-hook-db)", None);
        check("12 (gf-hook-db) ", None);
        check("12 (gf-hook-db) S", None);
        check("12 (gf-hook-db) 7 1", None);
        check("", None);
    }

    #[test]
    fn system_calls() {
        let check =
            |text: &str, syscall: Option<Syscall>| assert_eq!(parse_syscall(text.as_bytes()), syscall, "{text:?}");
        check("running\n", Some(Syscall::Running));
        check("-1 0x7ffd5 0x7f12\n", Some(Syscall::Outside));
        check("0 0x5 0x7f00 0x400 0x0 0x0 0x0 0x7ffd5 0x7f12\n", Some(Syscall::In(0, Some(5))));
        check("202 0xffffffffffffffff 0x7", Some(Syscall::In(202, Some(u64::MAX))));
        check("35", Some(Syscall::In(35, None)));
        check("35 5", Some(Syscall::In(35, None)));
        check("35 0x10000000000000000", Some(Syscall::In(35, None)));
        check("99999999999999999999999", None);
        check("runn", None);
        check("", None);
        assert_eq!(parse_syscall(b"0 0x\xff"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn lines() {
        let target = |fd| (fd == 5).then(|| "pipe:[1234]".to_owned());
        let check = |state, syscall, wchan, line: &str| assert_eq!(compose(state, syscall, wchan, &target), line);
        let call = |number, first| Some(Syscall::In(number, first));
        check(
            'S',
            call(libc::SYS_read, Some(5)),
            Some("pipe_read"),
            "sleeping in read(fd 5 → pipe:[1234]), wchan pipe_read",
        );
        check('S', call(libc::SYS_read, Some(0xdead_0000_0005)), None, "sleeping in read(fd 5 → pipe:[1234])");
        check('S', call(libc::SYS_recvfrom, Some(u64::MAX)), None, "sleeping in recvfrom(fd -1)");
        check('S', call(libc::SYS_connect, None), None, "sleeping in connect()");
        check('D', call(libc::SYS_fsync, Some(7)), None, "uninterruptible in fsync(fd 7)");
        check('D', call(libc::SYS_unlinkat, Some(7)), None, "uninterruptible in unlinkat (a path)");
        check('S', call(libc::SYS_futex, Some(7)), None, "waiting in futex (a lock or condition variable)");
        check('S', call(987_654, Some(7)), None, "sleeping in system call 987654");
        check('D', Some(Syscall::Outside), None, "uninterruptible outside of a system call (a page fault?)");
        check('S', None, Some("pipe_read"), "sleeping, wchan pipe_read");
        check('S', None, None, "sleeping");
        check('S', Some(Syscall::Running), Some("x"), "running (busy loop?)");
        check('R', call(libc::SYS_read, Some(5)), None, "running (busy loop?)");
        check('T', None, None, "stopped by a signal");
        check('Z', None, None, "ended");
        check('P', None, None, "in state P");
    }

    #[test]
    fn names_stay_on_one_line() {
        assert_eq!(printable(Path::new("/a\n\u{1b}[0m")), "/a\\n\\u{1b}[0m");
        let long = printable(Path::new(&format!("/{}/end", "x".repeat(4000))));
        assert!(long.starts_with("…x") && long.ends_with("x/end") && long.chars().count() == LONGEST_NAME + 1);
        assert_eq!(parse_wchan(b"futex_wait_queue\n").as_deref(), Some("futex_wait_queue"));
        for none in [&b"0"[..], b"", b"a\nb", b"\x1b[31m", b"\xff", &[b'x'; 4000]] {
            assert_eq!(parse_wchan(none), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes: Vec<u8>, text in "[-0-9xXa-f() S\n]{0,60}", fd: u64, state: char) {
            for bytes in [&bytes[..], text.as_bytes()] {
                let _ = parse_stat(bytes);
                let _ = parse_wchan(bytes);
                let syscall = parse_syscall(bytes);
                let _ = compose(state, syscall, None, &|_| None);
                let _ = compose('S', syscall, None, &|_| None);
            }
            for (call, ..) in CALLS {
                let _ = compose('S', Some(Syscall::In(*call, Some(fd))), None, &|_| None);
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod real_threads {
    use std::io::{self, Read as _};
    use std::os::fd::AsRawFd as _;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::{clock, sys};

    /// Asks until the answer is as `expected`; a thread takes its time to get where it hangs.
    fn until(tid: u64, expected: impl Fn(Option<&str>) -> bool) {
        let deadline = clock::now() + Duration::from_secs(20);
        loop {
            let line = whereabouts(tid);
            if expected(line.as_deref()) {
                return;
            }
            assert!(!clock::until(deadline).is_zero(), "in the end: {line:?}");
            thread::yield_now();
        }
    }

    #[test]
    fn a_read_a_lock_and_a_loop_are_told_apart() {
        let (mut reader, writer) = io::pipe().expect("pipe");
        let fd = reader.as_raw_fd();
        let lock = Mutex::new(());
        let looping = AtomicBool::new(true);
        // So that a test that fails does not loop for ever.
        let deadline = clock::now() + Duration::from_secs(100);
        let (tell, tids) = mpsc::channel();
        thread::scope(|scope| {
            let start = |stuck: Box<dyn FnOnce() + Send>| {
                let tell = tell.clone();
                let thread = scope.spawn(move || {
                    tell.send(sys::thread_id()).expect("receiver lives");
                    stuck();
                });
                (thread, tids.recv().expect("it starts"))
            };
            let held = lock.lock().expect("not poisoned");
            let (read, reading) = start(Box::new(move || drop(reader.read(&mut [0]))));
            let (_wait, waiting) = start(Box::new(|| drop(lock.lock())));
            let (_loop, spinning) = start(Box::new(|| {
                while looping.load(Ordering::Relaxed) && !clock::until(deadline).is_zero() {
                    std::hint::spin_loop();
                }
            }));

            let start = format!("sleeping in read(fd {fd} → pipe:[");
            until(reading, |line| line.is_some_and(|line| line.starts_with(&start)));
            until(waiting, |line| line.is_some_and(|line| line.starts_with("waiting in futex (a lock")));
            until(spinning, |line| line == Some("running (busy loop?)"));

            drop((writer, held));
            looping.store(false, Ordering::Relaxed);
            read.join().expect("no panic");
            until(reading, |line| line.is_none());
        });
        assert_eq!(whereabouts(0), None);
        assert_eq!(whereabouts(u64::MAX), None);
    }
}
