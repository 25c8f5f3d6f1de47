//! The programs that are measured, in one binary: `candidate <measure> <program>`. Each is what its users would write.

#![forbid(unsafe_code)]

mod hold;
mod idle;
mod reaction;
mod serve;

use std::process::ExitCode;
use std::sync::{Condvar, Mutex, PoisonError};

use graceful_benches::{Result, limit_life};

fn main() -> ExitCode {
    limit_life();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        // The attribute makes a `main` of its own, exit code included.
        ["flag" | "token", "graceful"] => return reaction::graceful::main(),
        ["idle", "graceful" | "runtime"] => return idle::graceful::main(),
        ["serve", "graceful"] => return serve::graceful::main(),
        ["flag", program] => reaction::flag(program),
        ["token", program] => reaction::token(program),
        ["idle", program] => idle::run(program),
        ["serve", program] => serve::run(program),
        ["hold", program, count] => count.parse().map_err(Into::into).and_then(|count| hold::run(program, count)),
        _ => Err("usage: candidate flag|token|idle|serve|hold <program> [count]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("candidate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn unknown(program: &str) -> Result<()> {
    Err(format!("no program is called {program}").into())
}

/// A flag that can be waited for: what stands in for a token where there is none.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    const fn new() -> Self {
        Self { open: Mutex::new(false), opened: Condvar::new() }
    }

    fn open(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    fn wait(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(open, |open| !*open).unwrap_or_else(PoisonError::into_inner));
    }
}
