//! Blocks signals, then becomes another program, as a careless supervisor does: `launcher TERM,INT program args…`.
#![forbid(unsafe_code)]

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt as _;

use nix::sys::signal::{SigSet, Signal};

fn main() {
    let mut args = std::env::args_os().skip(1);
    let names = args.next().expect("signals").into_string().expect("signal names are ASCII");
    let signals: SigSet =
        names.split(',').map(|name| format!("SIG{name}").parse::<Signal>().expect("a signal")).collect();
    signals.thread_block().expect("signals can be blocked");
    let words: Vec<CString> = args.map(|arg| CString::new(arg.into_vec()).expect("no NUL in an argument")).collect();
    // The standard library's `exec` would unblock them again.
    let error = nix::unistd::execvp(words.first().expect("a program"), &words);
    panic!("{:?} cannot be run: {error:?}", words[0]);
}
